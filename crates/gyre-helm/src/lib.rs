//! A Helm chart and values to objects, hooks and notes; release records.
//!
//! [`Chart`] is loaded from a tree of files or an archive; a [`ParsedChart`] renders it, any number of times. Nothing here
//! reads a file or asks a cluster: what templates ask of the world comes through [`gyre_template::Host`].

pub mod action;
pub mod capabilities;
pub mod chart;
pub mod dependencies;
mod error;
pub mod limits;
pub mod lint;
pub mod manifest;
mod objects;
pub mod ready;
pub mod release;
pub mod release_name;
pub mod render;
pub mod schema;
pub mod values;

pub use chart::Chart;
pub use error::HelmError;
pub use render::{Options, ParsedChart, Rendered, Shown, Version, template_text};
pub use values::Values;
