//! Requests to one cluster.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gyre_model::{GroupVersionKind, Object, ObjectRef};
use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::connect::Transport;
use crate::kinds::{Kind, Kinds};
use crate::limits::{LIST_PAGE, RETRY_PAUSE, RETRY_PAUSE_MAX, UNREACHABLE_FOR};
use crate::{ApiError, ConnectError, Grant, Identity};

/// One cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    kinds: Kinds,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub enum Write<'a> {
    /// Server-side apply.
    Apply {
        /// The object.
        object: &'a Object,
        /// Take fields away from other managers.
        force: bool,
        /// Ask only.
        dry_run: bool,
    },
    /// A new object.
    Create {
        /// The object.
        object: &'a Object,
    },
    /// The whole of an object that exists; of any revision where it names none.
    Replace {
        /// The object.
        object: &'a Object,
    },
    /// A patch of an object or of one of its subresources.
    Patch {
        /// The object.
        target: &'a ObjectRef,
        /// `status`, `scale`.
        subresource: Option<&'a str>,
        /// How the body is meant.
        format: PatchFormat,
        /// The patch.
        body: &'a Value,
        /// Ask only.
        dry_run: bool,
    },
    /// A deletion.
    Delete {
        /// The object.
        target: &'a ObjectRef,
        /// What happens to what it owns.
        propagation: Propagation,
        /// Only the object with this unique id.
        uid: Option<&'a str>,
    },
}

/// How the body of a patch is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchFormat {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Strategic merge, for built-in kinds.
    Strategic,
}

/// What happens to the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They go later.
    #[default]
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// One page of a list.
pub struct ListPage {
    /// The objects.
    pub items: Vec<Object>,
    /// The revision at which the list is true.
    pub resource_version: String,
    /// Where the next page begins; empty at the end.
    pub next: String,
}

impl Cluster {
    /// By a kubeconfig file; by `KUBECONFIG`, the usual file or the cluster around us where none is given.
    pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self, ConnectError> {
        Ok(Self::new(Transport::connect(kubeconfig, context).await?))
    }

    /// By the text of a kubeconfig.
    pub async fn from_kubeconfig(text: &str) -> Result<Self, ConnectError> {
        Ok(Self::new(Transport::from_kubeconfig(text).await?))
    }

    /// By an API server in this process.
    pub fn over<S, B>(service: S) -> Self
    where
        S: tower::Service<Request<kube::client::Body>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<tower::BoxError>,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<tower::BoxError>,
    {
        Self::new(Transport::over(service))
    }

    fn new(transport: Transport) -> Self {
        Self { inner: Arc::new(Inner { transport, kinds: Kinds::default() }) }
    }

    /// What the server knows of a kind.
    pub async fn kind(&self, gvk: &GroupVersionKind) -> Result<Arc<Kind>, ApiError> {
        self.inner.kinds.find(&self.inner.transport, gvk).await
    }

    /// Asks for the group's kinds anew the next time: a definition has come or gone.
    pub async fn forget_kinds(&self, group: &str) {
        self.inner.kinds.forget(group).await;
    }

    /// Reads any path as JSON: `/version`, `/readyz?verbose`.
    pub async fn read(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        self.send(Method::GET, path, Vec::new(), None, None).await
    }

    /// Reads any path as it comes: the log of a pod.
    pub async fn lines(&self, path: &str) -> Result<impl tokio::io::AsyncBufRead + Send + use<>, ApiError> {
        let request = Request::get(path).body(Vec::new());
        self.inner.transport.stream(request.map_err(|error| ApiError::Unreadable(error.to_string()))?).await
    }

    /// Reads an object; `None` where it does not exist.
    pub async fn get(&self, target: &ObjectRef) -> Result<Option<Object>, ApiError> {
        let kind = self.kind(&target.gvk()).await?;
        match self.send(Method::GET, &path(&kind, target), Vec::new(), None, None).await {
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
            Ok(body) => object(&body).map(Some),
        }
    }

    /// Reads all objects of a kind, in one namespace or in all, that match a label selector (empty: all).
    pub async fn list(
        &self,
        gvk: &GroupVersionKind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Object>, ApiError> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.list_page(gvk, namespace, selector, &next).await?;
            items.extend(page.items);
            if page.next.is_empty() {
                return Ok(items);
            }
            next = page.next;
        }
    }

    /// Reads one page of a list.
    pub async fn list_page(
        &self,
        gvk: &GroupVersionKind,
        namespace: Option<&str>,
        selector: &str,
        next: &str,
    ) -> Result<ListPage, ApiError> {
        let kind = self.kind(gvk).await?;
        let mut path = format!("{}?limit={LIST_PAGE}", collection(&kind, namespace.unwrap_or_default()));
        for (key, value) in [("labelSelector", selector), ("continue", next)] {
            if !value.is_empty() {
                let _ = write!(path, "&{key}={}", encode(value));
            }
        }
        let body = self.send(Method::GET, &path, Vec::new(), None, None).await?;
        let mut list: Value = parse(&body)?;
        let text =
            |pointer: &str| list.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (resource_version, next) = (text("/metadata/resourceVersion"), text("/metadata/continue"));
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let items = items.into_iter().filter_map(|item| listed(item, gvk)).collect();
        Ok(ListPage { items, resource_version, next })
    }

    /// Opens a watch at a revision; lines of JSON come out.
    pub(crate) async fn watch_lines(
        &self,
        gvk: &GroupVersionKind,
        namespace: Option<&str>,
        resource_version: &str,
        timeout_s: u64,
    ) -> Result<impl tokio::io::AsyncBufRead + Send + use<>, ApiError> {
        let kind = self.kind(gvk).await?;
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&resourceVersion={resource_version}&timeoutSeconds={timeout_s}",
            collection(&kind, namespace.unwrap_or_default())
        );
        self.lines(&path).await
    }

    /// The one door for writes. Gives back the object as the server has it afterwards; for a deletion, the object
    /// where it still exists.
    pub async fn write(&self, grant: &Grant, write: Write<'_>) -> Result<Option<Object>, ApiError> {
        let target = write.target();
        grant.allows(&target).map_err(|denied| ApiError::Denied(denied.0))?;
        let kind = self.kind(&target.gvk()).await?;
        let manager = encode(&grant.manager);
        let (method, path, content, body) = match &write {
            Write::Apply { object, force, dry_run } => (
                Method::PATCH,
                format!(
                    "{}?fieldManager={manager}&force={force}{}",
                    path(&kind, &target),
                    if *dry_run { "&dryRun=All" } else { "" }
                ),
                "application/apply-patch+yaml",
                serde_json::to_vec(object.fields()),
            ),
            Write::Create { object } => (
                Method::POST,
                format!("{}?fieldManager={manager}", collection(&kind, &target.namespace)),
                "application/json",
                serde_json::to_vec(object.fields()),
            ),
            Write::Replace { object } => (
                Method::PUT,
                format!("{}?fieldManager={manager}", path(&kind, &target)),
                "application/json",
                serde_json::to_vec(object.fields()),
            ),
            Write::Patch { subresource, format, body, dry_run, .. } => (
                Method::PATCH,
                format!(
                    "{}{}{}?fieldManager={manager}{}",
                    path(&kind, &target),
                    if subresource.is_some() { "/" } else { "" },
                    subresource.unwrap_or_default(),
                    if *dry_run { "&dryRun=All" } else { "" }
                ),
                format.content_type(),
                serde_json::to_vec(body),
            ),
            Write::Delete { propagation, uid, .. } => {
                let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation.word()});
                if let Some(uid) = uid {
                    options["preconditions"] = json!({"uid": uid});
                }
                (Method::DELETE, path(&kind, &target), "application/json", serde_json::to_vec(&options))
            }
        };
        let body = body.map_err(|error| ApiError::Unreadable(error.to_string()))?;
        let answer = self.send(method, &path, body, Some(content), Some(&grant.identity)).await?;
        // A finished deletion is answered with a Status.
        Ok(object(&answer).ok().filter(|object| object.kind() != "Status"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        content: Option<&str>,
        identity: Option<&Identity>,
    ) -> Result<Vec<u8>, ApiError> {
        let begin = Instant::now();
        let mut pause = RETRY_PAUSE;
        loop {
            let mut request = Request::builder().method(method.clone()).uri(path);
            if let Some(content) = content {
                request = request.header("content-type", content);
            }
            if let Some(Identity::ServiceAccount { namespace, name }) = identity {
                let user = format!("system:serviceaccount:{namespace}:{name}");
                request = request.header("impersonate-user", user);
            }
            let request =
                request.body(body.clone()).map_err(|error| ApiError::Unreadable(error.to_string()))?;
            match self.inner.transport.send(request).await {
                // A creation whose answer was lost may have happened; everything else can be said twice.
                Err(ApiError::Unreachable(_))
                    if method != Method::POST && begin.elapsed() < UNREACHABLE_FOR =>
                {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_PAUSE_MAX);
                }
                other => return other,
            }
        }
    }
}

impl Write<'_> {
    fn target(&self) -> ObjectRef {
        match self {
            Self::Apply { object, .. } | Self::Create { object } | Self::Replace { object } => {
                object.object_ref()
            }
            Self::Patch { target, .. } | Self::Delete { target, .. } => (*target).clone(),
        }
    }
}

impl PatchFormat {
    /// A merge: strategic for built-in kinds, plain for others.
    pub(crate) fn of(strategic: bool) -> Self {
        if strategic { Self::Strategic } else { Self::Merge }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

impl Propagation {
    fn word(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Unreadable(error.to_string()))
}

fn object(body: &[u8]) -> Result<Object, ApiError> {
    Object::new(parse(body)?).map_err(|error| ApiError::Unreadable(error.to_string()))
}

/// Items of a list leave out what the list says for all of them.
pub(crate) fn listed(mut item: Value, gvk: &GroupVersionKind) -> Option<Object> {
    let map = item.as_object_mut()?;
    map.entry("apiVersion").or_insert_with(|| gvk.api_version().into());
    map.entry("kind").or_insert_with(|| gvk.kind.clone().into());
    Object::new(item).ok()
}

/// The path of a kind's objects; an empty namespace means all.
fn collection(kind: &Kind, namespace: &str) -> String {
    let GroupVersionKind { group, version, .. } = &kind.gvk;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    if kind.namespaced && !namespace.is_empty() {
        format!("{root}/namespaces/{}/{}", encode(namespace), kind.plural)
    } else {
        format!("{root}/{}", kind.plural)
    }
}

fn path(kind: &Kind, target: &ObjectRef) -> String {
    format!("{}/{}", collection(kind, &target.namespace), encode(&target.name))
}

/// Percent-encoding of everything that is not unreserved (RFC 3986).
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
