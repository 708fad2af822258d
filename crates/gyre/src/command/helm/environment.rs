//! Helm's environment: its variables, its directories, its files.

use std::env::{self, VarError};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::flags::Globals;
use super::print;

/// How many revisions of a release are kept.
pub(super) fn history_max() -> usize {
    variable("HELM_MAX_HISTORY").and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// The settings of a run: flags first, then the environment.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The flags.
    pub(super) globals: Globals,
    /// `--debug`, `HELM_DEBUG`
    pub(super) debug: bool,
    /// The table of repositories.
    pub(super) repository_config: PathBuf,
    /// Where indexes are kept.
    pub(super) repository_cache: PathBuf,
    /// Who may log in where.
    pub(super) registry_config: PathBuf,
}

pub(super) fn variable(name: &str) -> Option<String> {
    match env::var(name) {
        Ok(value) => Some(value).filter(|value| !value.is_empty()),
        Err(VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
        Err(VarError::NotPresent) => None,
    }
}

/// The home of the user.
pub(super) fn home() -> PathBuf {
    env::home_dir().unwrap_or_default()
}

/// A directory of Helm: by its own variable, by the desktop's, below the home.
fn helm_home(own: &str, desktop: &str, below_home: &str) -> PathBuf {
    if let Some(own) = variable(own) {
        return own.into();
    }
    variable(desktop).map_or_else(|| home().join(below_home), PathBuf::from).join("helm")
}

/// Where caches are kept.
pub(super) fn cache_home() -> PathBuf {
    helm_home("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache")
}

fn config_home() -> PathBuf {
    helm_home("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config")
}

/// Where starters and plugins are kept.
pub(super) fn data_home() -> PathBuf {
    helm_home("HELM_DATA_HOME", "XDG_DATA_HOME", ".local/share")
}

fn path(flag: Option<&String>, name: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    flag.cloned().or_else(|| variable(name)).map_or_else(default, PathBuf::from)
}

fn is_set(name: &str) -> bool {
    variable(name).is_some_and(|text| gyre_go::strconv::parse_bool(&text).unwrap_or(false))
}

impl Settings {
    /// Reads the environment.
    pub(super) fn new(mut globals: Globals) -> Self {
        let fill = |flag: &mut Option<String>, name: &str| {
            if flag.is_none() {
                *flag = variable(name);
            }
        };
        fill(&mut globals.namespace, "HELM_NAMESPACE");
        fill(&mut globals.kube_context, "HELM_KUBECONTEXT");
        fill(&mut globals.kube_token, "HELM_KUBETOKEN");
        fill(&mut globals.kube_as_user, "HELM_KUBEASUSER");
        fill(&mut globals.kube_apiserver, "HELM_KUBEAPISERVER");
        fill(&mut globals.kube_ca_file, "HELM_KUBECAFILE");
        fill(&mut globals.kube_tls_server_name, "HELM_KUBETLS_SERVER_NAME");
        if globals.kube_as_group.is_empty() {
            globals.kube_as_group = variable("HELM_KUBEASGROUPS")
                .map_or_else(Vec::new, |text| text.split(',').map(Into::into).collect());
        }
        globals.kube_insecure_skip_tls_verify |= is_set("HELM_KUBEINSECURE_SKIP_TLS_VERIFY");
        Self {
            debug: globals.debug || is_set("HELM_DEBUG"),
            repository_config: path(globals.repository_config.as_ref(), "HELM_REPOSITORY_CONFIG", || {
                config_home().join("repositories.yaml")
            }),
            repository_cache: path(globals.repository_cache.as_ref(), "HELM_REPOSITORY_CACHE", || {
                cache_home().join("repository")
            }),
            registry_config: path(globals.registry_config.as_ref(), "HELM_REGISTRY_CONFIG", || {
                config_home().join("registry/config.json")
            }),
            globals,
        }
    }

    /// The namespace: of the flag, else of the kubeconfig's context.
    pub(super) fn namespace(&self) -> String {
        let given = self.globals.namespace.clone().filter(|given| !given.is_empty());
        given.or_else(|| self.context_namespace()).unwrap_or_else(|| "default".into())
    }

    fn context_namespace(&self) -> Option<String> {
        let file = match &self.globals.kubeconfig {
            Some(file) => PathBuf::from(file),
            None => match variable("KUBECONFIG") {
                Some(list) => list.split(':').find(|part| !part.is_empty())?.into(),
                None => home().join(".kube/config"),
            },
        };
        let config = gyre_yaml::yaml_to_json(&std::fs::read(file).ok()?).ok()?;
        let current = config.get("current-context")?.as_str()?;
        let wanted = self.globals.kube_context.as_deref().unwrap_or(current);
        let contexts = config.get("contexts")?.as_array()?;
        let context = contexts.iter().find(|one| one.get("name").is_some_and(|name| name == wanted))?;
        let namespace = context.pointer("/context/namespace")?.as_str()?;
        Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let shown = |path: &Path| path.display().to_string();
        let globals = &self.globals;
        let mut all = vec![
            ("HELM_BIN", env::args().next().unwrap_or_default()),
            (
                "HELM_BURST_LIMIT",
                globals
                    .burst_limit
                    .or_else(|| variable("HELM_BURST_LIMIT")?.parse().ok())
                    .unwrap_or(100)
                    .to_string(),
            ),
            ("HELM_CACHE_HOME", shown(&cache_home())),
            ("HELM_CONFIG_HOME", shown(&config_home())),
            ("HELM_DATA_HOME", shown(&data_home())),
            ("HELM_DEBUG", self.debug.to_string()),
            ("HELM_KUBEAPISERVER", text(&globals.kube_apiserver)),
            ("HELM_KUBEASGROUPS", globals.kube_as_group.join(",")),
            ("HELM_KUBEASUSER", text(&globals.kube_as_user)),
            ("HELM_KUBECAFILE", text(&globals.kube_ca_file)),
            ("HELM_KUBECONTEXT", text(&globals.kube_context)),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", globals.kube_insecure_skip_tls_verify.to_string()),
            ("HELM_KUBETLS_SERVER_NAME", text(&globals.kube_tls_server_name)),
            ("HELM_KUBETOKEN", text(&globals.kube_token)),
            ("HELM_MAX_HISTORY", history_max().to_string()),
            ("HELM_NAMESPACE", self.namespace()),
            ("HELM_PLUGINS", shown(&path(None, "HELM_PLUGINS", || data_home().join("plugins")))),
            (
                "HELM_QPS",
                format!("{:.2}", globals.qps.or_else(|| variable("HELM_QPS")?.parse().ok()).unwrap_or(0.0)),
            ),
            ("HELM_REGISTRY_CONFIG", shown(&self.registry_config)),
            ("HELM_REPOSITORY_CACHE", shown(&self.repository_cache)),
            ("HELM_REPOSITORY_CONFIG", shown(&self.repository_config)),
        ];
        if let Some(file) = &globals.kubeconfig {
            all.push(("KUBECONFIG", file.clone()));
        }
        all
    }
}

/// `helm env`
#[derive(Debug, Args)]
pub(super) struct Env {
    #[arg(value_name = "NAME", hide = true)]
    names: Vec<String>,
}

impl Env {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        const USAGE: super::arguments::Usage = super::arguments::Usage { command: "env", line: "[flags]" };
        USAGE.at_most(1, &self.names)?;
        let all = settings.variables();
        let mut out = String::new();
        match self.names.first() {
            Some(wanted) => {
                let value = all.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
                let _ = writeln!(out, "{}", value.unwrap_or_default());
            }
            None => {
                for (name, value) in &all {
                    let _ = writeln!(out, "{name}=\"{value}\"");
                }
            }
        }
        print(&out)
    }
}
