//! Shapes of the custom resources of Flux and Argo CD, in all served versions, and their constants.
//!
//! Shapes only: a spec is read, a status is written. All served versions of a kind share one shape, the union of
//! their fields. Fields that the shapes do not know are left as they are: a status is written field by field.

pub mod argo;
mod definitions;
pub mod flux;

pub use definitions::DEFINITIONS;
