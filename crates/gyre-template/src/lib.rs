//! Go's text/template with sprig's and Helm's functions.
//!
//! [`Templates`] are parsed once and shared; a [`Machine`] executes them for one [`Value`] with one [`Host`]. Errors have
//! Go's texts and positions. What a template asks of the world comes through the host, and nothing else does.

mod builtin;
mod exec;
mod functions;
pub mod helm;
mod host;
mod lex;
pub mod limits;
mod node;
mod parse;
mod sprig;
mod template;
mod text;
mod time_methods;
mod value;

pub use exec::{ExecError, Machine};
pub use host::{Certificate, CertificateRequest, FixedHost, Host, LookUp};
pub use parse::ParseError;
pub use template::{Functions, MissingKey, Templates};
pub use text::Text;
pub use value::{Element, IntKind, List, Map, MapKind, Method, Object, Type, Value};
