//! Fixtures for tests: conformance sets (what the real tools did) and the lists of expected failures.

pub mod conformance;
