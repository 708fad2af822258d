//! Questions about access: TokenReview, SubjectAccessReview and its relatives, SelfSubjectReview.

use serde_json::{Value, json};

use super::{Action, User};
use crate::api::{Api, Call};
use crate::failure::{Cause, Failure, Result};
use crate::object;
use crate::response::Answer;
use crate::verbs;

impl Api {
    /// Answers a POST of a kind that is a question; `None` for objects.
    pub(crate) fn create_review(&self, call: &Call<'_>) -> Result<Option<Answer>> {
        let kind = &call.place.kind;
        if !matches!(kind.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io") {
            return Ok(None);
        }
        let draft = Self::draft(call)?;
        let mut object = draft.object;
        if kind.plural != "selfsubjectreviews" {
            self.track(call.place, &call.request.manager(), None, &mut object);
        }
        match kind.plural.as_str() {
            "tokenreviews" => self.review_token(&mut object)?,
            "selfsubjectreviews" => {
                object["metadata"] = json!({"creationTimestamp": self.now()});
                object["status"] = json!({"userInfo": call.user.to_json()});
            }
            "selfsubjectaccessreviews" => self.review_access(&mut object, &kind.kind, Some(call.user))?,
            "subjectaccessreviews" => self.review_access(&mut object, &kind.kind, None)?,
            "localsubjectaccessreviews" => {
                let ns =
                    object["spec"]["resourceAttributes"]["namespace"].as_str().unwrap_or_default().to_owned();
                if ns != call.place.ns {
                    let message = "spec.resourceAttributes.namespace must match namespace: ".to_owned();
                    return Err(Failure::bad_request(format!("{message}{}", call.place.ns)));
                }
                verbs::place_in(&mut object, &call.place.ns);
                self.review_access(&mut object, &kind.kind, None)?;
            }
            "selfsubjectrulesreviews" => self.review_rules(&mut object, call.user)?,
            _ => return Ok(None),
        }
        Ok(Some(self.shaped(call, 201, object)?.warned(draft.warnings)))
    }

    fn review_token(&self, object: &mut Value) -> Result<()> {
        let token = object["spec"]["token"].as_str().unwrap_or_default();
        if token.is_empty() {
            return Err(Failure::bad_request("token is required for TokenReview in authentication"));
        }
        let default = vec![super::tokens::ISSUER.to_owned()];
        let wanted: Vec<String> = match object["spec"]["audiences"].as_array().filter(|it| !it.is_empty()) {
            Some(list) => list.iter().filter_map(Value::as_str).map(Into::into).collect(),
            None => default.clone(),
        };
        let found = match self.token_claims(token) {
            Some((user, audiences)) => Some((user, audiences)),
            None => self.user_of_token(token).map(|user| (user, default)),
        };
        object["status"] = match found {
            Some((user, audiences)) => {
                let both: Vec<&String> = wanted.iter().filter(|it| audiences.contains(it)).collect();
                if both.is_empty() {
                    json!({"user": {}, "error": "[invalid bearer token, token audiences do not match]"})
                } else {
                    json!({"authenticated": true, "user": user.to_json(), "audiences": both})
                }
            }
            None => json!({"user": {}, "error": "[invalid bearer token, Token has been invalidated]"}),
        };
        if object["status"]["error"].is_string() {
            object["status"]["error"] = "invalid bearer token".into();
        }
        Ok(())
    }

    fn review_access(&self, object: &mut Value, kind: &str, own: Option<&User>) -> Result<()> {
        let spec = object["spec"].clone();
        let resource = spec.get("resourceAttributes").filter(|it| it.is_object());
        let path = spec.get("nonResourceAttributes").filter(|it| it.is_object());
        let mut causes = Vec::new();
        if resource.is_some() == path.is_some() {
            let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            if resource.is_some() {
                causes.push(Cause::invalid(
                    "spec.nonResourceAttributes",
                    &path.cloned().unwrap_or_default(),
                    "cannot be specified in combination with resourceAttributes",
                ));
            } else {
                causes.push(Cause::invalid("spec.resourceAttributes", &Value::Null, detail));
            }
        }
        let given = User {
            name: spec["user"].as_str().unwrap_or_default().to_owned(),
            uid: spec["uid"].as_str().unwrap_or_default().to_owned(),
            groups: spec["groups"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect(),
            ..User::default()
        };
        if own.is_none() && given.name.is_empty() && given.groups.is_empty() {
            causes.push(Cause::invalid(
                "spec.user",
                &"".into(),
                "at least one of user or group must be specified",
            ));
        }
        if !causes.is_empty() {
            let _ = kind;
            return Err(Failure::invalid("authorization.k8s.io", "", "", causes));
        }
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let action = match (resource, path) {
            (Some(it), _) => {
                let (resource, sub) = (text(it, "resource"), text(it, "subresource"));
                Action {
                    verb: text(it, "verb"),
                    group: text(it, "group"),
                    resource: if sub.is_empty() { resource } else { format!("{resource}/{sub}") },
                    ns: text(it, "namespace"),
                    name: text(it, "name"),
                    path: None,
                }
            }
            (_, Some(it)) => {
                Action { verb: text(it, "verb"), path: Some(text(it, "path")), ..Action::default() }
            }
            _ => Action::default(),
        };
        let user = own.unwrap_or(&given);
        let allowed = self.allows(user, &action);
        let mut status = json!({"allowed": allowed});
        if allowed
            && !user.groups.iter().any(|it| it == super::MASTERS)
            && let Some(reason) = self.reason(user, &action)
        {
            status["reason"] = reason.into();
        }
        object["status"] = status;
        Ok(())
    }

    /// Which binding allows an action.
    fn reason(&self, user: &User, action: &Action) -> Option<String> {
        let subject = |it: &Value| match it["kind"].as_str() {
            Some("ServiceAccount") => format!(
                "ServiceAccount \"{}/{}\"",
                it["name"].as_str().unwrap_or_default(),
                it["namespace"].as_str().unwrap_or_default()
            ),
            Some(kind) => format!("{kind} {}", it["name"]),
            None => String::new(),
        };
        for (plural, kind) in [("clusterrolebindings", "ClusterRoleBinding"), ("rolebindings", "RoleBinding")]
        {
            let prefix = if plural == "rolebindings" { format!("{}/", action.ns) } else { String::new() };
            if plural == "rolebindings" && action.ns.is_empty() {
                continue;
            }
            for entry in self.store.list(&format!("{plural}.rbac.authorization.k8s.io"), &prefix).1 {
                let binding = object::decode(&entry.bytes);
                let ns = object::meta(&binding, "namespace");
                let mine = binding["subjects"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|it| super::rbac::is_subject(it, user, ns));
                let Some(mine) = mine else { continue };
                let rules = self.rules_of_role(&binding["roleRef"], ns).unwrap_or_default();
                if rules.iter().any(|rule| super::rbac::rule_allows(rule, action)) {
                    let name = object::meta(&binding, "name");
                    let name = if ns.is_empty() { name.to_owned() } else { format!("{name}/{ns}") };
                    return Some(format!(
                        "RBAC: allowed by {kind} {name:?} of {} {} to {}",
                        binding["roleRef"]["kind"].as_str().unwrap_or_default(),
                        binding["roleRef"]["name"],
                        subject(mine),
                    ));
                }
            }
        }
        None
    }

    fn review_rules(&self, object: &mut Value, user: &User) -> Result<()> {
        let ns = object["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
        if ns.is_empty() {
            return Err(Failure::bad_request("no namespace on request"));
        }
        let rules = self.rules_of(user, &ns);
        let (paths, resources): (Vec<_>, Vec<_>) =
            rules.into_iter().partition(|it| it["nonResourceURLs"].is_array());
        object["status"] =
            json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
        Ok(())
    }
}
