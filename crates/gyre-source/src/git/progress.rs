//! Counts what a fetch transfers, and stops it at a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::progress::{Count, Id, MessageLevel, NestedProgress, Progress, Step, StepShared, Unit};

/// The progress that counts the bytes of a pack as they come in (`gix-pack`, `bundle::write::ProgressId`).
const READ_PACK_BYTES: Id = *b"BWRB";

/// Stops a fetch when it has transferred too much.
pub(super) struct Meter {
    bytes_max: usize,
    stop: Arc<AtomicBool>,
    exceeded: Arc<AtomicBool>,
    count: StepShared,
    id: Id,
}

impl Meter {
    /// A meter that sets `stop` after `bytes_max` bytes.
    pub(super) fn new(bytes_max: u64, stop: Arc<AtomicBool>) -> Self {
        Self {
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
            stop,
            exceeded: Arc::default(),
            count: Arc::new(AtomicUsize::new(0)),
            id: [0; 4],
        }
    }

    /// Becomes true when the limit has been passed.
    pub(super) fn exceeded(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.exceeded)
    }
}

impl Count for Meter {
    fn set(&self, step: Step) {
        self.count.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.count.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        let now = self.count.fetch_add(step, Ordering::Relaxed) + step;
        if self.id == READ_PACK_BYTES && now > self.bytes_max {
            self.exceeded.store(true, Ordering::Relaxed);
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.count)
    }
}

impl Progress for Meter {
    fn init(&mut self, _max: Option<Step>, _unit: Option<Unit>) {}

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        self.id
    }

    fn message(&self, _level: MessageLevel, _message: String) {}
}

impl NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, name: impl Into<String>) -> Self {
        self.add_child_with_id(name, [0; 4])
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        Self {
            bytes_max: self.bytes_max,
            stop: Arc::clone(&self.stop),
            exceeded: Arc::clone(&self.exceeded),
            count: Arc::new(AtomicUsize::new(0)),
            id,
        }
    }
}
