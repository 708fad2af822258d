//! An embedded API that behaves as the one of Kubernetes: objects with versions, watches, patches, server-side apply,
//! custom resources, access rules, and workloads that run without machines.
//!
//! Start with [`Server::builder`]. A [`Server`] is called in process through [`Server::service`], which is a tower
//! service, or listens on the network with [`Server::listen`]. It knows no GitOps kind.

mod admission;
mod api;
mod audit;
mod auth;
mod bootstrap;
mod clock;
mod convert;
mod custom;
mod decode;
mod defaults;
mod effects;
mod failure;
mod json;
mod limits;
mod listen;
mod network;
mod object;
mod pages;
mod protobuf;
mod random;
mod registry;
mod request;
mod response;
#[cfg(test)]
mod rows;
mod selectors;
mod server;
mod simulation;
mod store;
mod strategic;
mod strategy;
mod tables;
mod tls;
mod validate;
mod verbs;
mod warnings;
mod watch;
mod x509;
mod yaml;

use gyre_go::{names, quantity};

pub use clock::{Clock, ManualClock, SystemClock, Waiting};
pub use listen::{Listening, kubeconfig};
pub use response::Body;
pub use server::{Builder, Server, Service, Storage};
pub use store::JournalError;
pub use tls::Tls;
