//! Flags that several commands share.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use gyre_helm::values::given::Given;
use gyre_helm::{Values, Version};

use super::chart::go_error;
use super::verify::KeyringFlag;

/// The flags of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global flags")]
pub(super) struct Globals {
    /// Namespace scope for this request
    #[arg(long, short = 'n', global = true)]
    pub(super) namespace: Option<String>,
    /// Name of the kubeconfig context to use
    #[arg(long, global = true)]
    pub(super) kube_context: Option<String>,
    /// Path to the kubeconfig file
    #[arg(long, global = true)]
    pub(super) kubeconfig: Option<String>,
    /// Bearer token used for authentication
    #[arg(long, global = true)]
    pub(super) kube_token: Option<String>,
    /// Username to impersonate for the operation
    #[arg(long, global = true)]
    pub(super) kube_as_user: Option<String>,
    /// Group to impersonate for the operation
    #[arg(long, global = true)]
    pub(super) kube_as_group: Vec<String>,
    /// The address and the port of the Kubernetes API server
    #[arg(long, global = true)]
    pub(super) kube_apiserver: Option<String>,
    /// The certificate authority file for the connection to the API server
    #[arg(long, global = true)]
    pub(super) kube_ca_file: Option<String>,
    /// Server name to use for the validation of the API server's certificate
    #[arg(long, global = true)]
    pub(super) kube_tls_server_name: Option<String>,
    /// Leave the API server's certificate unchecked
    #[arg(long, global = true)]
    pub(super) kube_insecure_skip_tls_verify: bool,
    /// Enable verbose output
    #[arg(long, global = true)]
    pub(super) debug: bool,
    /// Path to the registry config file
    #[arg(long, global = true)]
    pub(super) registry_config: Option<String>,
    /// Path to the file containing repository names and URLs
    #[arg(long, global = true)]
    pub(super) repository_config: Option<String>,
    /// Path to the directory containing cached repository indexes
    #[arg(long, global = true)]
    pub(super) repository_cache: Option<String>,
    /// Client-side default throttling limit
    #[arg(long, global = true)]
    pub(super) burst_limit: Option<i64>,
    /// Queries per second used when communicating with the Kubernetes API
    #[arg(long, global = true)]
    pub(super) qps: Option<f32>,
}

/// Where values come from.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ValueFlags {
    /// Specify values in a YAML file or a URL (can specify multiple)
    #[arg(long, short = 'f', value_name = "FILES")]
    values: Vec<String>,
    /// Set values on the command line: key1=val1,key2=val2
    #[arg(long)]
    set: Vec<String>,
    /// Set STRING values on the command line: key1=val1,key2=val2
    #[arg(long)]
    set_string: Vec<String>,
    /// Set values from files: key1=path1,key2=path2
    #[arg(long)]
    set_file: Vec<String>,
    /// Set JSON values on the command line: key1=jsonval1,key2=jsonval2
    #[arg(long)]
    set_json: Vec<String>,
    /// Set a literal STRING value on the command line
    #[arg(long)]
    set_literal: Vec<String>,
}

/// A path, which may be empty: that is as if it was not given.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// What `--timeout` may be.
pub(super) fn span(text: &str) -> Result<String, String> {
    crate::client::span(text).map(|_| text.into()).map_err(|why| why.to_string())
}

/// `--timeout`
pub(super) fn timeout(text: &str) -> anyhow::Result<std::time::Duration> {
    crate::client::span(text)
        .map_err(|why| anyhow!("invalid argument {text:?} for \"--timeout\" flag: {why}"))
}

/// The parts of a flag that is a list: `a,b`.
pub(super) fn list(given: &[String]) -> Vec<String> {
    let parts = given.iter().flat_map(|text| text.split(','));
    parts.filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

impl ValueFlags {
    /// The values, with the files that are named.
    pub(super) fn merge(&self) -> anyhow::Result<Values> {
        let given = Given {
            files: list(&self.values),
            json: self.set_json.clone(),
            typed: self.set.clone(),
            text: self.set_string.clone(),
            from_file: self.set_file.clone(),
            literal: self.set_literal.clone(),
        };
        given.merge(Version::V3, &mut read).map_err(|why| anyhow!("{why}"))
    }
}

/// A file, standard input (`-`), or what an address leads to.
fn read(name: &str) -> Result<Vec<u8>, String> {
    if name.trim() == "-" {
        let mut content = Vec::new();
        return match std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut content) {
            Ok(_) => Ok(content),
            Err(why) => Err(go_error("read", "/dev/stdin", &why)),
        };
    }
    match name.split_once("://") {
        Some(("http" | "https", _)) => super::fetch::plain(name).map_err(|why| format!("{why:#}")),
        _ => std::fs::read(name).map_err(|why| go_error("open", name, &why)),
    }
}

/// Where a chart comes from.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ChartFlags {
    /// Version or range of versions of the chart; the latest without one
    #[arg(long)]
    pub(super) version: Option<String>,
    /// Use development versions too; ignored with --version
    #[arg(long)]
    pub(super) devel: bool,
    #[command(flatten)]
    pub(super) remote: RemoteFlags,
    /// Chart repository URL where to locate the requested chart
    #[arg(long)]
    pub(super) repo: Option<String>,
    /// Pass credentials to all domains
    #[arg(long)]
    pub(super) pass_credentials: bool,
    /// Verify the package before using it
    #[arg(long)]
    pub(super) verify: bool,
    #[command(flatten)]
    pub(super) keyring: KeyringFlag,
}

/// How a repository is talked to.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RemoteFlags {
    /// Chart repository username
    #[arg(long)]
    pub(super) username: Option<String>,
    /// Chart repository password
    #[arg(long)]
    pub(super) password: Option<String>,
    /// Identify the HTTPS client with this certificate file
    #[arg(long)]
    pub(super) cert_file: Option<String>,
    /// Identify the HTTPS client with this key file
    #[arg(long)]
    pub(super) key_file: Option<String>,
    /// Verify certificates of HTTPS servers with this CA bundle
    #[arg(long)]
    pub(super) ca_file: Option<String>,
    /// Leave certificates of servers unchecked
    #[arg(long)]
    pub(super) insecure_skip_tls_verify: bool,
    /// Use insecure HTTP connections for the chart download
    #[arg(long)]
    pub(super) plain_http: bool,
}

impl ChartFlags {
    /// The version that is wanted; empty for the latest.
    pub(super) fn wanted(&self) -> String {
        match &self.version {
            Some(version) if !version.is_empty() => version.trim().to_owned(),
            _ if self.devel => ">0.0.0-0".into(),
            _ => String::new(),
        }
    }
}
