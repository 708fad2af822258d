//! Fixtures for tests: conformance sets (what the real tools did), the lists of expected failures, and the table of
//! benches.

pub mod bench;
pub mod conformance;
