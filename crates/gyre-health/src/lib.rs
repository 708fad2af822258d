//! Whether an object is healthy.
//!
//! Both dialects ask about the same objects but use different words and rules, which their users and their statuses
//! rely on: [`kstatus`] answers as Flux does, [`argo`] as Argo CD does.

pub mod argo;
mod expressions;
mod fields;
pub mod kstatus;

pub use expressions::{Condition, Expressions};
