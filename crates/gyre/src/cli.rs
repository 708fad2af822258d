//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::client::Client;
use crate::command::argocd::Argocd;
use crate::command::events::Events;
use crate::command::flux::Flux;
use crate::command::get::Get;
use crate::command::install::Install;
use crate::command::logs::Logs;
use crate::target::Target;

/// GitOps for Kubernetes: reconciles the custom resources of Flux CD and Argo CD, with a Kubernetes API inside.
#[derive(Debug, Parser)]
#[command(name = "gyre", version, disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Show more of what happens; twice, everything.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the embedded Kubernetes API and the controllers against it
    #[command(after_help = "Examples:
  gyre up                          keeps everything in ./.gyre
  gyre up --ephemeral --port 6443  keeps nothing
  export KUBECONFIG=.gyre/kubeconfig; kubectl get kustomizations -A")]
    Up(Up),
    /// Run the controllers on a cluster
    #[command(after_help = "Examples:
  gyre run                            inside a cluster, or on the cluster of KUBECONFIG
  gyre run --kubeconfig prod.yaml     on another one")]
    Run(Run),
    /// Install the controllers in a cluster: namespace, definitions, permissions, Deployment
    #[command(after_help = "Examples:
  gyre install                               into the cluster of KUBECONFIG
  gyre install --export > gyre.yaml          to look at, or to commit")]
    Install(Install),
    /// Start the embedded Kubernetes API alone
    #[command(
        long_about = "Start the embedded Kubernetes API alone.

Prints a kubeconfig on standard output once the API answers, and serves until it is stopped. It listens with TLS only.
Nothing runs in it: Deployments stay without pods and namespaces without an end, unless --simulation is given.
What --data keeps, a SIGKILL does not take: a write is answered once it is on the disk.",
        after_help = "Examples:
  gyre apiserver --listen 127.0.0.1:6443 --token secret > kubeconfig
  gyre apiserver --listen 127.0.0.1:0 --data ./cluster --simulation > kubeconfig
  kubectl --kubeconfig kubeconfig get namespaces"
    )]
    Apiserver(Apiserver),
    /// Try it: a cluster, a Git server and a sample repository in one process
    #[command(after_help = "Examples:
  gyre demo                        keeps everything in ./.gyre/demo
  gyre demo --port 0 --git-port 0  takes free ports")]
    Demo(Demo),
    /// Kustomize: build, create and edit kustomizations
    #[command(
        disable_help_flag = true,
        after_help = "Examples:
  gyre kustomize build overlays/production
  gyre kustomize edit set image nginx:1.29
A link to this program with the name kustomize takes the same commands."
    )]
    Kustomize {
        /// What `kustomize` would be given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Build a kustomization: short for kustomize build
    #[command(disable_help_flag = true)]
    Build {
        /// What `kustomize build` would be given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Helm 3's command line: charts, releases, repositories
    #[command(
        disable_help_flag = true,
        after_help = "Examples:
  gyre helm template web ./chart --set replicaCount=2
  gyre helm repo add example https://charts.example.com"
    )]
    Helm {
        /// What `helm` would be given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// List what is reconciled, of both dialects
    #[command(after_help = "Examples:
  gyre get                     everything
  gyre get ks -n flux-system   Kustomizations of one namespace")]
    Get(Get),
    /// Show everything that an object has delivered, with its health
    #[command(after_help = "Example:
  gyre tree ks/web")]
    Tree(Target),
    /// Show the plan: what a reconcile would do now
    #[command(after_help = "Examples:
  gyre plan ks/web             of a Kustomization
  gyre plan app/shop           of an Application")]
    Plan(Target),
    /// Show line by line what a reconcile would change now; exits with 1 where it would change something
    #[command(after_help = "Example:
  gyre diff ks/web -n flux-system")]
    Diff(Target),
    /// Reconcile an object now, and wait for what comes of it
    #[command(after_help = "Examples:
  gyre reconcile ks/web --with-source
  gyre reconcile app/shop")]
    Reconcile {
        #[command(flatten)]
        target: Target,
        /// Fetch the source first
        #[arg(long)]
        with_source: bool,
    },
    /// Leave an object alone until it is resumed
    #[command(after_help = "Example:
  gyre suspend ks/web")]
    Suspend(Target),
    /// Reconcile a suspended object again
    #[command(after_help = "Example:
  gyre resume ks/web")]
    Resume(Target),
    /// Show what has been told of the objects that are reconciled
    #[command(after_help = "Examples:
  gyre events                       of all
  gyre events ks/web --types Warning
  gyre events -w                    as they come")]
    Events(Events),
    /// The commands of flux, with its texts
    Flux(Flux),
    /// The commands of argocd for applications, with its texts
    Argocd(Argocd),
    /// What the controllers have done
    Logs(LogsOf),
    /// Print the version
    Version,
    /// Print a completion script for a shell
    #[command(after_help = "Example:
  gyre completion bash > /etc/bash_completion.d/gyre")]
    Completion {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Directory for all data
    #[arg(long, default_value = ".gyre")]
    pub(crate) data: PathBuf,
    /// Keep everything in memory; nothing is left afterwards
    #[arg(long, conflicts_with = "data")]
    pub(crate) ephemeral: bool,
    /// Port of the API on loopback; 0 takes a free one
    #[arg(long, default_value_t = 6443)]
    pub(crate) port: u16,
    /// Leave out the simulated workloads: Deployments have no pods then
    #[arg(long)]
    pub(crate) no_simulation: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Directory for all data
    #[arg(long, default_value = ".gyre/demo")]
    pub(crate) data: PathBuf,
    /// Port of the API on loopback; 0 takes a free one
    #[arg(long, default_value_t = 6443)]
    pub(crate) port: u16,
    /// Port of the Git server on loopback; 0 takes a free one
    #[arg(long, default_value_t = 8418)]
    pub(crate) git_port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Kubeconfig file; KUBECONFIG, the usual file or the cluster around us without one
    #[arg(long)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Directory for caches
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Address to serve artifacts on
    #[arg(long, default_value = "0.0.0.0:9090")]
    pub(crate) storage_addr: std::net::SocketAddr,
    /// Address under which others reach the artifacts
    #[arg(long)]
    pub(crate) storage_adv_addr: Option<String>,
    /// Let sources be read from this machine's files: file:///srv/git/apps
    #[arg(long)]
    pub(crate) allow_file_urls: bool,
    /// Refuse kustomizations that take bases from elsewhere
    #[arg(long)]
    pub(crate) no_remote_bases: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Apiserver {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6443")]
    pub(crate) listen: std::net::SocketAddr,
    /// Directory for the data; in memory without one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Bearer token of the user admin in the group system:masters; made up without one, and kept in --data
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Directory of ca.crt and ca.key, made where they are missing, so that a kubeconfig outlives a restart; in --data
    /// without one. Where it has tls.crt and tls.key but no ca.key, these are used as they are
    #[arg(long, value_name = "DIR")]
    pub(crate) tls_dir: Option<PathBuf>,
    /// Let workloads run: Deployments have pods, namespaces end, owners take along what they own
    #[arg(long)]
    pub(crate) simulation: bool,
    /// File to write a line of JSON to for every request (audit.k8s.io/v1); - is the standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log_path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LogsOf {
    #[command(flatten)]
    pub(crate) client: Client,
    /// Only of objects in this namespace
    #[arg(short, long, default_value = "")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) logs: Logs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn no_two_flags_are_in_each_others_way() {
        super::Cli::command().debug_assert();
    }
}
