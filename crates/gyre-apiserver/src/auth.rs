//! Who asks, and whether they may: tokens, impersonation, and the rules of RBAC.

mod rbac;
mod reviews;
mod roles;
pub(crate) mod tokens;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::api::Api;
use crate::failure::{Failure, Result, qualified};
use crate::request::{Request, Target};

pub(crate) use rbac::compact;

/// Somebody who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";

impl User {
    /// The administrator.
    pub(crate) fn admin() -> Self {
        Self {
            name: "admin".into(),
            groups: vec![MASTERS.into(), "system:authenticated".into()],
            ..Self::default()
        }
    }

    pub(crate) fn anonymous() -> Self {
        Self {
            name: "system:anonymous".into(),
            groups: vec!["system:unauthenticated".into()],
            ..Self::default()
        }
    }

    /// The owner of a client certificate: its common name, and its organizations as groups. That somebody we trust
    /// signed it has been checked.
    pub(crate) fn of_certificate(der: &[u8]) -> Option<Self> {
        let subject = crate::x509::subject(der).filter(|it| !it.name.is_empty())?;
        let mut groups = subject.organizations;
        groups.push("system:authenticated".into());
        Some(Self { name: subject.name, groups, ..Self::default() })
    }

    /// The user as reviews show it.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = serde_json::json!({"username": self.name});
        if !self.uid.is_empty() {
            out["uid"] = self.uid.clone().into();
        }
        if !self.groups.is_empty() {
            out["groups"] = self.groups.clone().into();
        }
        if !self.extra.is_empty() {
            out["extra"] = serde_json::json!(self.extra);
        }
        out
    }
}

/// Who may come in: the administrator's token, and keys that sign tokens of service accounts.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) token: Option<String>,
    pub(crate) signer: tokens::Signer,
}

impl Access {
    /// `directory` is where the key of service accounts is kept.
    pub(crate) fn new(token: Option<String>, directory: Option<&Path>) -> io::Result<Self> {
        Ok(Self { token, signer: tokens::Signer::new(directory)? })
    }
}

/// What is asked for, as rules see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Action {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// With the subresource: `pods/log`.
    pub(crate) resource: String,
    pub(crate) ns: String,
    pub(crate) name: String,
    /// A path that is no resource.
    pub(crate) path: Option<String>,
}

impl Api {
    /// Who asks, by the request's token.
    pub(crate) fn authenticate(&self, request: &Request) -> Result<User> {
        let header = request.header("authorization");
        if header.is_empty() {
            return Ok(User::anonymous());
        }
        let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some(token) = token.map(|(_, token)| token.trim()).filter(|it| !it.is_empty()) else {
            return Ok(User::anonymous());
        };
        self.user_of_token(token).ok_or_else(Failure::unauthorized)
    }

    /// The user that a token stands for.
    pub(crate) fn user_of_token(&self, token: &str) -> Option<User> {
        if self.access.token.as_deref() == Some(token) {
            return Some(User::admin());
        }
        self.service_account_of(token)
    }

    /// The user that the request wants to be taken for.
    pub(crate) fn impersonate(&self, request: &Request, user: User) -> Result<User> {
        let name = request.header("impersonate-user").to_owned();
        let groups: Vec<String> = request
            .headers
            .get_all("impersonate-group")
            .iter()
            .filter_map(|it| it.to_str().ok())
            .map(Into::into)
            .collect();
        let uid = request.header("impersonate-uid").to_owned();
        if name.is_empty() {
            if groups.is_empty() && uid.is_empty() {
                return Ok(user);
            }
            return Err(Failure::internal(
                "requested [{ Group  system:masters    [] }] without impersonating a user",
            ));
        }
        let mut out = User { name, uid, groups, extra: BTreeMap::new() };
        let account = out.name.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'));
        let (resource, ns, subject) = match account {
            Some((ns, subject)) => ("serviceaccounts", ns.to_owned(), subject.to_owned()),
            None => ("users", String::new(), out.name.clone()),
        };
        self.may_impersonate(&user, resource, &ns, &subject)?;
        for group in &out.groups {
            self.may_impersonate(&user, "groups", "", group)?;
        }
        if let Some((ns, _)) =
            out.name.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'))
            && out.groups.is_empty()
        {
            out.groups = vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{ns}")];
        }
        let marker =
            if out.name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
        if !out.groups.iter().any(|it| it == marker) {
            out.groups.push(marker.into());
        }
        Ok(out)
    }

    fn may_impersonate(&self, user: &User, resource: &str, ns: &str, name: &str) -> Result<()> {
        let action = Action {
            verb: "impersonate".into(),
            resource: resource.into(),
            ns: ns.into(),
            name: name.into(),
            ..Action::default()
        };
        if self.allows(user, &action) {
            return Ok(());
        }
        let shown =
            Action { verb: "impersonate:user-info".into(), group: "authentication.k8s.io".into(), ..action };
        if self.allows(user, &shown) { Ok(()) } else { Err(denied(user, &shown)) }
    }

    /// Refuses what a user may not do with a resource.
    pub(crate) fn authorize(&self, user: &User, verb: &str, target: &Target) -> Result<()> {
        let resource = if target.subresource.is_empty() {
            target.plural.clone()
        } else {
            format!("{}/{}", target.plural, target.subresource)
        };
        let action = Action {
            verb: verb.into(),
            group: target.group.clone(),
            resource,
            ns: target.ns.clone(),
            name: target.name.clone(),
            path: None,
        };
        self.check(user, &action)
    }

    /// Refuses paths that are no resources.
    pub(crate) fn authorize_path(&self, user: &User, request: &Request) -> Result<()> {
        let action = Action {
            verb: request.method.as_str().to_ascii_lowercase(),
            path: Some(request.path.clone()),
            ..Action::default()
        };
        self.check(user, &action)
    }

    fn check(&self, user: &User, action: &Action) -> Result<()> {
        if self.allows(user, action) {
            return Ok(());
        }
        Err(denied(user, action))
    }
}

/// The refusal of an action, in the words of Kubernetes.
pub(crate) fn denied(user: &User, action: &Action) -> Failure {
    let who = crate::failure::quoted(&user.name);
    if let Some(path) = &action.path {
        let why = format!("User {who} cannot {} path {}", action.verb, crate::failure::quoted(path));
        let mut failure = Failure::forbidden("", "", "", &why);
        failure.details = Some(serde_json::Map::new());
        return failure;
    }
    let scope = if action.ns.is_empty() {
        " at the cluster scope".to_owned()
    } else {
        format!(" in the namespace {}", crate::failure::quoted(&action.ns))
    };
    let why = format!(
        "User {who} cannot {} resource {} in API group {}{scope}",
        action.verb,
        crate::failure::quoted(&action.resource),
        crate::failure::quoted(&action.group),
    );
    let plural = action.resource.split('/').next().unwrap_or_default();
    let mut failure = Failure::forbidden(&action.group, plural, &action.name, &why);
    let subject = qualified(&action.group, plural);
    if action.name.is_empty() {
        failure.message = format!("{subject} is forbidden: {why}");
    }
    failure
}
