//! Kustomize: a kustomization root to objects, byte for byte as Kustomize renders it.
//!
//! [`build`] renders from a file tree. It reads nothing else: what lies elsewhere is fetched by a [`Remote`], charts
//! are rendered by [`Charts`], both of the caller's. A build keeps its state to itself, so any number may run at once;
//! a [`Cache`] that they share parses each file once. What a build may
//! take is bounded by [`limits`] and, in time, by the caller's [`Stop`]. [`create`] and [`edit`] are what `kustomize create` and
//! `kustomize edit` do, as functions from text to text.

mod build;
mod config;
mod decode;
mod edit;
mod error;
mod fieldspec;
mod generate;
mod hash;
mod helm;
mod id;
pub mod limits;
mod load;
mod merge;
mod node;
mod origin;
mod parse;
mod plugins;
mod remote;
mod resmap;
mod resource;
mod schema;
mod scope;
mod selector;
mod stop;
mod target;
mod transform;
mod types;

pub use build::{Options, Rendered, Reorder, VERSION, build, build_texts, check_root};
pub use edit::{Create, Edit, Edited, GeneratorChange, Metadata, Pairs, create, edit};
pub use error::{Error, ErrorKind, Result};
pub use hash::hash;
pub use helm::{Chart, Charts};
pub use load::LoadRestrictions;
pub use parse::Cache;
pub use remote::{Remote, RemoteError, Repository, is_repository};
pub use stop::Stop;
pub use transform::images::split_image;
