//! The API itself: the state of a server, and the way from a request to an answer.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use http::Method;
use serde_json::Value;

use crate::admission::policies::Programs;
use crate::audit::{Audit, Trace};
use crate::auth::{Access, User};
use crate::clock::{self, Clock};
use crate::failure::{Failure, Result};
use crate::network::Network;
use crate::object;
use crate::registry::{Kind, Registry, Version};
use crate::request::{Accept, Media, Request, Target};
use crate::response::{self, Answer, Body};
use crate::store::Store;

/// A server's state, shared by everything that answers for it.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) store: Store,
    registry: RwLock<Arc<Registry>>,
    /// Held while the registry is made anew: the one that is made last has read last.
    pub(crate) renewing: Mutex<()>,
    pub(crate) clock: Arc<dyn AnyClock>,
    pub(crate) access: Access,
    pub(crate) network: Mutex<Network>,
    /// Held while an object is admitted to a namespace with quotas.
    pub(crate) quotas: Mutex<()>,
    pub(crate) programs: Programs,
    pub(crate) random: crate::random::Random,
    audit: Option<Audit>,
}

/// A clock that can be shown in debug output.
pub(crate) trait AnyClock: Clock + std::fmt::Debug {}
impl<T: Clock + std::fmt::Debug> AnyClock for T {}

/// A resource that a request names, with its kind.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) kind: Arc<Kind>,
    pub(crate) version: String,
    pub(crate) ns: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Place {
    pub(crate) fn served(&self) -> &Version {
        // order: a place is only made for a version that its kind serves.
        self.kind.version(&self.version).unwrap_or(&self.kind.versions[0])
    }

    pub(crate) fn key(&self) -> String {
        object::key(&self.ns, &self.name)
    }

    pub(crate) fn prefix(&self) -> String {
        if self.ns.is_empty() { String::new() } else { format!("{}/", self.ns) }
    }

    pub(crate) fn api_version(&self) -> String {
        self.kind.api_version(&self.version)
    }

    pub(crate) fn not_found(&self) -> Failure {
        Failure::not_found(&self.kind.group, &self.kind.plural, &self.name)
    }

    pub(crate) fn modified(&self) -> Failure {
        Failure::modified(&self.kind.group, &self.kind.plural, &self.name)
    }

    pub(crate) fn forbidden(&self, why: &str) -> Failure {
        Failure::forbidden(&self.kind.group, &self.kind.plural, &self.name, why)
    }

    /// The place of another object of the same kind.
    pub(crate) fn of(kind: &Arc<Kind>, ns: &str, name: &str) -> Self {
        Self {
            kind: kind.clone(),
            version: kind.storage.clone(),
            ns: ns.to_owned(),
            name: name.to_owned(),
            subresource: String::new(),
        }
    }
}

/// A request on its way: who asks, for what, and what the answer will warn of.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) user: &'a User,
    pub(crate) place: &'a Place,
    pub(crate) accept: &'a Accept,
}

impl Api {
    pub(crate) fn new(store: Store, clock: Arc<dyn AnyClock>, access: Access, audit: Option<Audit>) -> Self {
        let random = crate::random::Random::new();
        Self {
            store,
            registry: RwLock::new(Registry::builtin()),
            renewing: Mutex::default(),
            clock,
            access,
            network: Mutex::default(),
            quotas: Mutex::default(),
            programs: Programs::default(),
            random,
            audit,
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    /// The present, in whole seconds.
    pub(crate) fn now(&self) -> String {
        clock::rfc3339(self.clock.now_us())
    }

    /// Answers a request.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: Request,
        in_process: Option<&User>,
    ) -> http::Response<Body> {
        let target = Target::parse(&request.path);
        let accept = Accept::of(&request, target.as_ref());
        let begun_us = self.audit.as_ref().map_or(0, |_| self.clock.now_us());
        let mut trace = Trace::default();
        let (media, pretty) = accept.as_ref().map_or((Media::Json, false), |it| (it.media, it.pretty));
        let mut answer =
            self.route(&request, target, in_process, accept, &mut trace).unwrap_or_else(Answer::from);
        if answer.revision > 0
            && let Err(error) = self.store.durable(answer.revision).await
        {
            answer = Failure::internal(error.to_string()).into();
        }
        if let Some(audit) = &self.audit {
            let id = self.random.uid();
            audit.log(&id, &request, &trace, answer.code, (begun_us, self.clock.now_us()));
            answer.headers.push(("audit-id", id));
        }
        response::write(&request, media, pretty, answer)
    }

    fn route(
        self: &Arc<Self>,
        request: &Request,
        target: Option<Target>,
        in_process: Option<&User>,
        accept: Result<Accept>,
        trace: &mut Trace,
    ) -> Result<Answer> {
        let audited = self.audit.is_some();
        let user = match in_process {
            Some(user) if !request.headers.contains_key("authorization") => user.clone(),
            _ => self.authenticate(request)?,
        };
        if audited {
            trace.verb = request.method.as_str().to_ascii_lowercase();
            trace.user = user.clone();
        }
        let user = self.impersonate(request, user)?;
        if audited && user.name != trace.user.name {
            trace.impersonated = Some(user.clone());
        }
        let Some(target) = target else {
            self.authorize_path(&user, request)?;
            trace.allowed = true;
            return self.page(request, &user);
        };
        let verb = Self::verb(request, &target);
        if audited {
            trace.verb.clone_from(&verb);
            trace.target = Some(target.clone());
        }
        self.authorize(&user, &verb, &target)?;
        trace.allowed = true;
        let registry = self.registry();
        if !registry.serves(&target.group, &target.version) {
            return Err(Failure::page_not_found());
        }
        let place = place(&registry, &target)?;
        let is_list = target.name.is_empty() && request.method == Method::GET;
        let accept = accept.map_err(|mut failure| {
            let builtin =
                registry.resource(&target.group, &target.plural).is_some_and(|it| it.custom.is_none());
            if failure.headers.iter().any(|(name, _)| *name == "x-gyre-single") {
                return Failure::list_not_single(&place.kind);
            }
            let unknown = failure.headers.iter().any(|(name, _)| *name == "x-gyre-unknown-media");
            if builtin && unknown {
                Failure::not_representable(is_list)
            } else {
                failure.headers.clear();
                failure
            }
        })?;
        if place.kind.custom.is_some() {
            crate::request::check_custom(request)?;
        }
        let call = Call { request, user: &user, place: &place, accept: &accept };
        let mut answer = self.dispatch(&call, &target, &verb).unwrap_or_else(Answer::from);
        if let Some(warning) = &place.served().warning {
            answer.warnings.insert(0, warning.clone());
        }
        Ok(answer)
    }

    /// The verb of a request, as authorization knows it.
    fn verb(request: &Request, target: &Target) -> String {
        let watching = request.query.flag("watch");
        let verb = match (&request.method, target.name.is_empty()) {
            (&Method::GET | &Method::HEAD, _) if watching && target.subresource.is_empty() => "watch",
            (&Method::GET | &Method::HEAD, true) => "list",
            (&Method::GET | &Method::HEAD, false) => "get",
            (&Method::POST, _) => "create",
            (&Method::PUT, _) => "update",
            (&Method::PATCH, _) => "patch",
            (&Method::DELETE, true) => "deletecollection",
            (&Method::DELETE, false) => "delete",
            _ => "",
        };
        verb.to_owned()
    }

    fn dispatch(self: &Arc<Self>, call: &Call<'_>, target: &Target, verb: &str) -> Result<Answer> {
        let place = call.place;
        if !place.subresource.is_empty() {
            return self.subresource(call, target);
        }
        let served = place.served();
        if place.kind.namespaced && place.ns.is_empty() && !matches!(verb, "list" | "watch") {
            // Only the list over all namespaces has a path; custom resources have a handler that answers with text.
            return Err(match (place.kind.custom.is_some(), place.name.is_empty()) {
                (true, _) => Failure::page_not_found(),
                (false, true) => Failure::method_not_allowed(),
                (false, false) => Failure::resource_not_found(),
            });
        }
        let allowed = match verb {
            "list" | "get" | "watch" => {
                served.verbs.iter().any(|it| it == verb || verb == "watch" && it == "list")
            }
            "create" => target.name.is_empty() && served.verbs.iter().any(|it| it == "create"),
            "update" | "patch" | "delete" => {
                !target.name.is_empty() && served.verbs.iter().any(|it| it == verb)
            }
            "deletecollection" => served.verbs.iter().any(|it| it == verb),
            _ => false,
        };
        if !allowed {
            return Err(Failure::method_not_allowed());
        }
        match verb {
            "list" => self.list(call),
            "get" => self.get(call),
            "watch" => self.watch(call),
            "create" => self.create(call),
            "update" => self.update(call),
            "patch" => self.patch(call),
            "delete" => self.delete(call),
            _ => self.delete_collection(call),
        }
    }

    /// The object at a place in its stored version.
    pub(crate) fn stored(&self, place: &Place) -> Option<Value> {
        let entry = self.store.find(&place.kind.shelf, &place.key())?;
        Some(object::decode(&entry.bytes))
    }
}

fn place(registry: &Registry, target: &Target) -> Result<Place> {
    let found = registry.resource(&target.group, &target.plural);
    let Some((kind, version)) = found.and_then(|kind| Some((kind, kind.version(&target.version)?))) else {
        // A group of custom resources answers with text, as the handler behind it does.
        let custom = registry.kinds.iter().any(|it| it.group == target.group && it.custom.is_some());
        return Err(if custom { Failure::page_not_found() } else { Failure::resource_not_found() });
    };
    if target.name.contains('/') {
        return Err(Failure::resource_not_found());
    }
    if target.scoped && !kind.namespaced {
        return Err(if kind.custom.is_some() {
            Failure::page_not_found()
        } else {
            Failure::resource_not_found()
        });
    }
    if !target.subresource.is_empty() && version.subresource(&target.subresource).is_none() {
        // compat(apiextensions-apiserver): a status that is switched off reads as an object that is not there.
        return Err(match (kind.custom.is_some(), target.subresource.as_str()) {
            (true, "status" | "scale") => Failure::not_found(&kind.group, &kind.plural, &target.name),
            (true, _) => Failure::page_not_found(),
            _ => Failure::resource_not_found(),
        });
    }
    let ns = if kind.namespaced { target.ns.clone() } else { String::new() };
    Ok(Place {
        kind: kind.clone(),
        version: target.version.clone(),
        ns,
        name: target.name.clone(),
        subresource: target.subresource.clone(),
    })
}
