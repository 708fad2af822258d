//! A build that is no longer wanted. There is no clock here: the caller says when the time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Result, limit};

/// Tells a build to end. Clones are the same switch; a new one is off.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on the build ends at its next step, in an error.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// An error where the build is to end.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return limit("the build was stopped: it took longer than it may");
        }
        Ok(())
    }
}
