//! Argo CD's kinds: their specs in, their statuses and events out.

pub(crate) mod application;
