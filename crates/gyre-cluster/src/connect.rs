//! How a cluster is reached. The one file that knows the client library.

use std::path::Path;

use http::{Request, Response};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::io::{AsyncBufRead, AsyncReadExt};

use crate::ApiError;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read.
    #[error("kubeconfig {path}: {why}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// There is neither a kubeconfig nor a cluster around us.
    #[error("no cluster to connect to: give --kubeconfig, set KUBECONFIG, or run inside a cluster ({0})")]
    NoCluster(String),
    /// The client cannot be set up.
    #[error("the connection to the cluster cannot be set up: {0}")]
    Client(String),
}

/// A connection to an API server.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Client,
}

impl Transport {
    /// By a kubeconfig file and a context of it; by `KUBECONFIG`, the usual file or the cluster around us where none
    /// is given.
    pub(crate) async fn connect(path: Option<&Path>, context: Option<&str>) -> Result<Self, ConnectError> {
        let options = KubeConfigOptions { context: context.map(Into::into), ..KubeConfigOptions::default() };
        let config = match path {
            Some(path) => {
                let broken = |why: String| ConnectError::Kubeconfig { path: path.display().to_string(), why };
                let file = Kubeconfig::read_from(path).map_err(|error| broken(error.to_string()))?;
                Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(|error| broken(error.to_string()))?
            }
            None if context.is_some() => Config::from_kubeconfig(&options)
                .await
                .map_err(|error| ConnectError::NoCluster(error.to_string()))?,
            None => Config::infer().await.map_err(|error| ConnectError::NoCluster(error.to_string()))?,
        };
        let client = Client::try_from(config).map_err(|error| ConnectError::Client(error.to_string()))?;
        Ok(Self { client })
    }

    /// By the text of a kubeconfig.
    pub(crate) async fn from_kubeconfig(text: &str) -> Result<Self, ConnectError> {
        let broken = |why: String| ConnectError::Kubeconfig { path: "(given)".into(), why };
        let file = Kubeconfig::from_yaml(text).map_err(|error| broken(error.to_string()))?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
            .await
            .map_err(|error| broken(error.to_string()))?;
        let client = Client::try_from(config).map_err(|error| ConnectError::Client(error.to_string()))?;
        Ok(Self { client })
    }

    /// By a service in this process.
    pub(crate) fn over<S, B>(service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<tower::BoxError>,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<tower::BoxError>,
    {
        Self { client: Client::new(service, "default") }
    }

    /// Sends a request and reads the whole answer; an answer with an error status is an error.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        let mut reader = Box::pin(self.stream(request).await?);
        reader.read_to_end(&mut body).await.map_err(|error| ApiError::Unreachable(error.to_string()))?;
        Ok(body)
    }

    /// Sends a request and hands the answer over as it comes.
    pub(crate) async fn stream(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<impl AsyncBufRead + Send + use<>, ApiError> {
        let response = self.client.send(request.map(Body::from)).await.map_err(unreachable_error)?;
        let (parts, body) = response.into_parts();
        if parts.status.is_client_error() || parts.status.is_server_error() {
            let bytes = body.collect_bytes().await.map_err(unreachable_error)?;
            return Err(ApiError::from_body(parts.status.as_u16(), &bytes));
        }
        let stream = http_body_util::BodyStream::new(body);
        let data = futures::StreamExt::filter_map(stream, |frame| async move {
            frame.map(|frame| frame.into_data().ok()).map_err(std::io::Error::other).transpose()
        });
        Ok(tokio_util::io::StreamReader::new(Box::pin(data)))
    }
}

fn unreachable_error(error: kube::Error) -> ApiError {
    // The outer text names only the layer; the reason is the innermost one.
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    ApiError::Unreachable(text)
}
