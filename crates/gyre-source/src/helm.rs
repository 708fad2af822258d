//! Repositories of Helm charts: fetched over HTTP, their indexes read as a stream.

mod http;
mod index;
mod provenance;
mod repositories;

pub use http::{Access, HelmSourceError, Remote};
pub(crate) use http::{client, reason};
pub use index::{
    ChartVersion, Entry, Found, Kept, Named, Step, Told, Versions, chart_names, each_chart, visit_index,
    write_entry,
};
pub use provenance::{Entity, Keyring, PgpError, Signed};
pub use repositories::{Repositories, Repository};
