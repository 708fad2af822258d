//! As whom something is written, and what is allowed.

use std::fmt;
use std::sync::Arc;

use gyre_model::ObjectRef;

/// Permission to write: an identity, the field manager that owns what is written, and a policy.
#[derive(Clone)]
pub struct Grant {
    /// As whom.
    pub identity: Identity,
    /// The field manager of the writes.
    pub manager: String,
    policy: Policy,
}

type Policy = Arc<dyn Fn(&ObjectRef) -> Result<(), Denied> + Send + Sync>;

/// As whom a request is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// As the program itself.
    Own,
    /// As a service account, by impersonation.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// Why a policy does not allow a write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub String);

impl Grant {
    /// Everything that the program itself may do.
    pub fn own(manager: &str) -> Self {
        Self { identity: Identity::Own, manager: manager.into(), policy: Arc::new(|_| Ok(())) }
    }

    /// What `identity` may do and `policy` allows.
    pub fn new(
        identity: Identity,
        manager: &str,
        policy: impl Fn(&ObjectRef) -> Result<(), Denied> + Send + Sync + 'static,
    ) -> Self {
        Self { identity, manager: manager.into(), policy: Arc::new(policy) }
    }

    /// The same under the name of another field manager.
    #[must_use]
    pub fn managed_by(&self, manager: &str) -> Self {
        Self { manager: manager.into(), ..self.clone() }
    }

    /// Does the policy allow writing this object?
    pub fn allows(&self, target: &ObjectRef) -> Result<(), Denied> {
        (self.policy)(target)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("identity", &self.identity)
            .field("manager", &self.manager)
            .finish_non_exhaustive()
    }
}
