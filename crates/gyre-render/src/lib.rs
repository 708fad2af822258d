//! Which renderer a directory wants, and what Flux and Argo CD add around it.
//!
//! In: a [`gyre_model::FileTree`], a path, what a custom resource adds. Out: objects. Custom resources are unknown
//! here: their additions come in the renderers' own words.

pub mod charts;
pub mod directory;
mod error;
pub mod kustomization;
mod scan;
pub mod substitute;

pub use error::RenderError;
