//! Decides what must change. Desired objects, live objects and the inventory go in; a [`Plan`] comes out.
//! Nothing here talks to a cluster, waits or looks at a clock: the same inputs give the same plan.
//!
//! Start at [`make`].

mod change;
mod cleanup;
mod client_side;
mod fields;
mod make;
mod order;
mod owned;
mod picture;

pub use change::{Action, Change, How, Phase, Plan, Title};
pub use cleanup::Cleanup;
pub use client_side::{LAST_APPLIED, Prediction, predict, with_last_applied};
pub use fields::{FieldChange, diff};
pub use make::{Desired, Marks, Observed, Policy, Refusal, Stale, make};
pub use order::{Stage, apply_order, argo_rank, flux_rank, stage};
pub use owned::{keep_owned, owned_digest, whole_digest};
