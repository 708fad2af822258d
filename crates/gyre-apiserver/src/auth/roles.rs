//! The roles that every cluster has, and whom they are bound to (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy`).
//!
//! Roles of components that do not run here are left out.

use serde_json::{Value, json};

use crate::api::{Api, Place};

const READ: &str = "get list watch";
const WRITE: &str = "create delete deletecollection patch update";
const ALL: &str = "create delete deletecollection get list patch update watch";

/// API groups, resources and verbs, each as words.
type Rule = (&'static str, &'static str, &'static str);

/// A role: its name, the role that takes it in, its rules, and the paths that it may read.
struct Role {
    name: &'static str,
    part_of: &'static str,
    rules: &'static [Rule],
    paths: &'static str,
}

const fn role(name: &'static str, part_of: &'static str, rules: &'static [Rule]) -> Role {
    Role { name, part_of, rules, paths: "" }
}

/// The group without a name.
const CORE: &str = "core";
/// Roles whose rules are those of their parts.
const AGGREGATES: [&str; 3] = ["admin", "edit", "view"];

const ROLES: &[Role] = &[
    Role { name: "cluster-admin", part_of: "", rules: &[("*", "*", "*")], paths: "*" },
    role("admin", "", &[]),
    role("edit", "admin", &[]),
    role("view", "edit", &[]),
    role(
        "system:aggregate-to-admin",
        "admin",
        &[
            ("authorization.k8s.io", "localsubjectaccessreviews", "create"),
            ("rbac.authorization.k8s.io", "rolebindings roles", ALL),
        ],
    ),
    role("system:aggregate-to-edit", "edit", EDIT),
    role("system:aggregate-to-view", "view", VIEW),
    role(
        "system:auth-delegator",
        "",
        &[
            ("authentication.k8s.io", "tokenreviews", "create"),
            ("authorization.k8s.io", "subjectaccessreviews", "create"),
        ],
    ),
    role(
        "system:basic-user",
        "",
        &[
            ("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
            ("authentication.k8s.io", "selfsubjectreviews", "create"),
        ],
    ),
    Role {
        name: "system:discovery",
        part_of: "",
        rules: &[],
        paths: "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
    },
    Role {
        name: "system:monitoring",
        part_of: "",
        rules: &[(CORE, "nodes/metrics", "get")],
        paths: "/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz",
    },
    Role {
        name: "system:public-info-viewer",
        part_of: "",
        rules: &[],
        paths: "/healthz /livez /readyz /version /version/",
    },
    Role {
        name: "system:service-account-issuer-discovery",
        part_of: "",
        rules: &[],
        paths: "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
    },
];

const EDIT: &[Rule] = &[
    (CORE, "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", READ),
    (CORE, "serviceaccounts", "impersonate"),
    (CORE, "pods pods/attach pods/exec pods/portforward pods/proxy", WRITE),
    (CORE, "pods/eviction", "create"),
    (
        CORE,
        "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
        WRITE,
    ),
    (CORE, "serviceaccounts/token", "create"),
    ("core events.k8s.io", "events", WRITE),
    (
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
        WRITE,
    ),
    ("autoscaling", "horizontalpodautoscalers", WRITE),
    ("batch", "cronjobs jobs", WRITE),
    (
        "extensions",
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale",
        WRITE,
    ),
    ("policy", "poddisruptionbudgets", WRITE),
    ("networking.k8s.io", "ingresses networkpolicies", WRITE),
    ("coordination.k8s.io", "leases", ALL),
    ("resource.k8s.io", "resourceclaims resourceclaimtemplates", WRITE),
];

const VIEW: &[Rule] = &[
    (
        CORE,
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
        READ,
    ),
    (
        CORE,
        "bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
        READ,
    ),
    (CORE, "namespaces", READ),
    ("core events.k8s.io", "events", READ),
    ("discovery.k8s.io", "endpointslices", READ),
    (
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
        READ,
    ),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", READ),
    ("batch", "cronjobs cronjobs/status jobs jobs/status", READ),
    (
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
        READ,
    ),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status", READ),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies", READ),
    ("resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates", READ),
];

/// Roles and the groups that they are bound to.
const BINDINGS: &[(&str, &[&str])] = &[
    ("cluster-admin", &[super::MASTERS]),
    ("system:basic-user", &["system:authenticated"]),
    ("system:discovery", &["system:authenticated"]),
    ("system:monitoring", &["system:monitoring"]),
    ("system:public-info-viewer", &["system:authenticated", "system:unauthenticated"]),
    ("system:service-account-issuer-discovery", &["system:serviceaccounts"]),
];

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().map(|word| if word == CORE { "" } else { word }).collect()
}

impl Role {
    fn object(&self) -> Value {
        let mut rules: Vec<Value> = self
            .rules
            .iter()
            .map(|(groups, resources, verbs)| {
                json!({"apiGroups": words(groups), "resources": words(resources), "verbs": words(verbs)})
            })
            .collect();
        if !self.paths.is_empty() {
            let verbs = if self.paths == "*" { "*" } else { "get" };
            rules.push(json!({"nonResourceURLs": words(self.paths), "verbs": [verbs]}));
        }
        let mut metadata = metadata(self.name);
        if !self.part_of.is_empty() {
            metadata["labels"][aggregation(self.part_of)] = "true".into();
        }
        let mut object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules,
        });
        if AGGREGATES.contains(&self.name) {
            object["rules"] = Value::Null;
            object["aggregationRule"] =
                json!({"clusterRoleSelectors": [{"matchLabels": {(aggregation(self.name)): "true"}}]});
        }
        object
    }
}

/// The label of what a role takes in.
fn aggregation(role: &str) -> String {
    format!("rbac.authorization.k8s.io/aggregate-to-{role}")
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    })
}

fn binding(role: &str, groups: &[&str]) -> Value {
    let subjects: Vec<Value> = groups
        .iter()
        .map(|group| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}))
        .collect();
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": metadata(role),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

impl Api {
    /// Makes the roles and bindings that are missing.
    pub(crate) fn make_roles(&self) {
        let registry = self.registry();
        let roles = ROLES.iter().map(|role| ("clusterroles", role.name, role.object()));
        let bindings =
            BINDINGS.iter().map(|(role, groups)| ("clusterrolebindings", *role, binding(role, groups)));
        for (plural, name, object) in roles.chain(bindings) {
            let Some(kind) = registry.resource("rbac.authorization.k8s.io", plural) else { continue };
            if self.store.find(&kind.shelf, name).is_none() {
                // It is missing, and nobody else writes yet.
                let _ = self.insert(&Place::of(kind, "", name), object, false, &mut Vec::new());
            }
        }
    }
}
