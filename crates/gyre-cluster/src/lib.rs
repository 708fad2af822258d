//! The only door to a cluster: reads, the live cache, and the executor of a Plan.
//!
//! Nothing outside this crate names the client library. Every write passes through [`Cluster::write`], which asks for
//! a [`Grant`]: the identity that it writes as and the policy that allows it.

mod api;
mod connect;
mod error;
mod executor;
mod grant;
mod kinds;
mod limits;
mod live;
mod observe;
mod releases;
mod watch;

pub use api::{Cluster, ListPage, PatchFormat, Propagation, Write};
pub use connect::ConnectError;
pub use error::ApiError;
pub use executor::{Applied, Done, Failure, apply_error};
pub use grant::{Denied, Grant, Identity};
pub use kinds::Kind;
pub use live::{Live, Notice, OwnerId, Seen};
pub use releases::Releases;
pub use watch::Event;
