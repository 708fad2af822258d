//! A server: how it is built, started, called in process, put on the network, and stopped.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::watch;

use crate::api::{AnyClock, Api};
use crate::audit::Audit;
use crate::auth::{Access, User};
use crate::clock::{Clock, SystemClock};
use crate::failure::Failure;
use crate::limits::{BODY_BYTES_MAX, BODY_SECONDS};
use crate::request::{Media, Query, Request};
use crate::response::{self, Answer, Body};
use crate::store::{Disk, Journal, JournalError, Store};

/// Where a server keeps its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// Nowhere but in memory.
    #[default]
    Memory,
    /// In a redb file of this directory; a write is answered once it is on the disk.
    Directory(PathBuf),
}

/// Builds a [`Server`].
#[must_use]
pub struct Builder {
    storage: Storage,
    clock: Arc<dyn AnyClock>,
    token: Option<String>,
    simulation: bool,
    audit: Option<PathBuf>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("storage", &self.storage)
            .field("simulation", &self.simulation)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Where objects are kept; in memory by default.
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Where the present comes from; from the machine by default.
    pub fn clock(mut self, clock: impl Clock + fmt::Debug) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The bearer token of the administrator. Without one nobody can authenticate over the network by a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Whether workloads run: Deployments become pods, pods become ready, namespaces end, owners take along what they
    /// own. Off by default.
    pub fn simulation(mut self, on: bool) -> Self {
        self.simulation = on;
        self
    }

    /// A file to which a line is written for every request; `-` is the standard error. None by default.
    pub fn audit(mut self, path: Option<PathBuf>) -> Self {
        self.audit = path;
        self
    }

    /// Opens the storage and starts. Needs a tokio runtime where simulation is on.
    ///
    /// # Errors
    /// When the storage cannot be opened or read.
    pub fn start(self) -> Result<Server, JournalError> {
        let directory = match &self.storage {
            Storage::Memory => None,
            Storage::Directory(directory) => Some(directory.as_path()),
        };
        let journal: Option<Arc<dyn Journal>> = match directory {
            None => None,
            Some(directory) => Some(Arc::new(Disk::open(directory)?)),
        };
        let store = Store::open(journal)?;
        let audit = self.audit.map(|path| {
            Audit::open(&path)
                .map_err(|why| JournalError { place: path.display().to_string(), why: why.to_string() })
        });
        let access = Access::new(self.token, directory)
            .map_err(|why| JournalError { place: "keys".into(), why: why.to_string() })?;
        let api = Arc::new(Api::new(store, self.clock, access, audit.transpose()?));
        api.bootstrap();
        let stop = watch::Sender::new(false);
        if self.simulation {
            crate::simulation::start(&api, stop.subscribe());
        }
        Ok(Server { api, stop: Arc::new(stop) })
    }
}

/// A running server. Clones are the same server; it stops when [`Server::shut_down`] is called or the last clone, service
/// and listener is gone.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) api: Arc<Api>,
    pub(crate) stop: Arc<watch::Sender<bool>>,
}

impl Server {
    /// Begins building one.
    pub fn builder() -> Builder {
        Builder {
            storage: Storage::Memory,
            clock: Arc::new(SystemClock),
            token: None,
            simulation: false,
            audit: None,
        }
    }

    /// A service to call in process, as the administrator: no TCP, no TLS, no token. Wrap it in `kube::Client::new`.
    pub fn service(&self) -> Service {
        Service {
            api: self.api.clone(),
            user: Some(Arc::new(User::admin())),
            peer: None,
            _stop: self.stop.clone(),
        }
    }

    /// A service for requests from outside: who asks is what their token says.
    pub fn open_service(&self) -> Service {
        Service { api: self.api.clone(), user: None, peer: None, _stop: self.stop.clone() }
    }

    /// The latest revision.
    pub fn revision(&self) -> u64 {
        self.api.store.revision()
    }

    /// Ends watches and listeners, and closes the storage; everything answered is in it.
    pub fn shut_down(&self) {
        self.stop.send_replace(true);
        self.api.store.close();
    }
}

/// Answers requests in process.
#[derive(Clone, Debug)]
pub struct Service {
    api: Arc<Api>,
    user: Option<Arc<User>>,
    peer: Option<IpAddr>,
    _stop: Arc<watch::Sender<bool>>,
}

impl Service {
    /// The same for requests that come from an address, by a user who has proved who it is.
    pub(crate) fn of(mut self, peer: Option<IpAddr>, user: Option<User>) -> Self {
        self.peer = peer;
        self.user = user.map(Arc::new).or(self.user);
        self
    }

    async fn handle<B>(self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let mut request = Request {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            authority: parts.uri.authority().cloned(),
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body: bytes::Bytes::new(),
            peer: self.peer,
        };
        let collecting = Limited::new(body, BODY_BYTES_MAX).collect();
        match tokio::time::timeout(Duration::from_secs(BODY_SECONDS), collecting).await {
            Ok(Ok(body)) => request.body = body.to_bytes(),
            Ok(Err(error)) => {
                let failure = if error.downcast_ref::<LengthLimitError>().is_some() {
                    Failure::too_large()
                } else {
                    Failure::bad_request(format!("cannot read the body: {error}"))
                };
                return response::write(&request, Media::Json, false, Answer::from(failure));
            }
            Err(_) => {
                let failure = Failure::new(408, "Timeout", "the body did not arrive in time");
                return response::write(&request, Media::Json, false, Answer::from(failure));
            }
        }
        self.api.answer(request, self.user.as_deref()).await
    }
}

impl<B> tower_service::Service<http::Request<B>> for Service
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}
