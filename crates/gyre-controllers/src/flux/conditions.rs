//! The conditions of Flux's objects (`fluxcd/pkg/runtime/conditions`).

use gyre_api::flux::Condition;
use jiff::Timestamp;

use crate::clock::rfc3339;
use crate::limits::CONDITION_MESSAGE_MAX;

/// Conditions of an object under change: times move only when something else does, and the order is Flux's.
pub(crate) struct Conditions {
    list: Vec<Condition>,
    generation: i64,
    now: String,
}

impl Conditions {
    /// Goes on from the conditions that the object has.
    pub(crate) fn new(list: Vec<Condition>, generation: i64, now: Timestamp) -> Self {
        Self { list, generation, now: rfc3339(now) }
    }

    /// Sets a condition.
    pub(crate) fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let mut end = message.len().min(CONDITION_MESSAGE_MAX);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let mut condition = Condition {
            kind: kind.into(),
            status: status.into(),
            observed_generation: self.generation,
            last_transition_time: self.now.clone(),
            reason: reason.into(),
            message: message[..end].into(),
        };
        let same = |old: &Condition| {
            old.status == condition.status
                && old.reason == condition.reason
                && old.message == condition.message
        };
        if let Some(old) = self.get(kind).filter(|old| same(old)) {
            condition.last_transition_time.clone_from(&old.last_transition_time);
        }
        self.remove(kind);
        self.list.push(condition);
        self.list.sort_by(|left, right| {
            let weight = |condition: &Condition| match condition.kind.as_str() {
                "Stalled" => 0,
                "Reconciling" => 1,
                "Ready" => 2,
                _ => 3,
            };
            weight(left)
                .cmp(&weight(right))
                .then_with(|| right.observed_generation.cmp(&left.observed_generation))
                .then_with(|| left.kind.cmp(&right.kind))
        });
    }

    /// Removes a condition.
    pub(crate) fn remove(&mut self, kind: &str) {
        self.list.retain(|condition| condition.kind != kind);
    }

    /// One condition.
    pub(crate) fn get(&self, kind: &str) -> Option<&Condition> {
        self.list.iter().find(|condition| condition.kind == kind)
    }

    /// Is the condition there, and true?
    pub(crate) fn is_true(&self, kind: &str) -> bool {
        self.get(kind).is_some_and(|condition| condition.status == "True")
    }

    /// The list, in order.
    pub(crate) fn into_list(self) -> Vec<Condition> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_only_with_a_change() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut conditions = Conditions::new(Vec::new(), 1, at(0));
        conditions.set("Ready", "True", "Succeeded", "ok");
        let mut later = Conditions::new(conditions.into_list(), 2, at(60));
        later.set("Ready", "True", "Succeeded", "ok");
        later.set("Reconciling", "True", "Progressing", "x");
        let list = later.into_list();
        assert_eq!(list[0].kind, "Reconciling");
        assert_eq!(list[1].last_transition_time, "1970-01-01T00:00:00Z");
        assert_eq!(list[1].observed_generation, 2);
    }
}
