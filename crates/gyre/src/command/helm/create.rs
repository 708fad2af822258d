//! `helm create`: a new chart, from our own pattern or from a starter.
//!
//! The pattern has the files and values of Helm's and renders the same objects; its words are our own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_go::strconv::quote;

use super::arguments::Usage;
use super::chart::{go_error, load};
use super::environment::{Settings, data_home};
use super::print;

const USAGE: Usage = Usage { command: "create", line: "NAME [flags]" };

const FILES: [(&str, &str); 12] = [
    ("Chart.yaml", include_str!("scaffold/Chart.yaml")),
    ("values.yaml", include_str!("scaffold/values.yaml")),
    (".helmignore", include_str!("scaffold/helmignore")),
    ("templates/ingress.yaml", include_str!("scaffold/ingress.yaml")),
    ("templates/httproute.yaml", include_str!("scaffold/httproute.yaml")),
    ("templates/deployment.yaml", include_str!("scaffold/deployment.yaml")),
    ("templates/service.yaml", include_str!("scaffold/service.yaml")),
    ("templates/serviceaccount.yaml", include_str!("scaffold/serviceaccount.yaml")),
    ("templates/hpa.yaml", include_str!("scaffold/hpa.yaml")),
    ("templates/NOTES.txt", include_str!("scaffold/NOTES.txt")),
    ("templates/_helpers.tpl", include_str!("scaffold/helpers.tpl")),
    ("templates/tests/test-connection.yaml", include_str!("scaffold/test-connection.yaml")),
];

/// The longest name of a chart; Helm's own limit.
const NAME_BYTES_MAX: usize = 250;

/// `helm create NAME`
#[derive(Debug, Args)]
pub(super) struct Create {
    #[arg(value_name = "NAME", hide = true)]
    names: Vec<String>,
    /// The name or absolute path of a starter
    #[arg(long, short = 'p')]
    starter: Option<String>,
}

impl Create {
    pub(super) fn run(self, _: &Settings) -> anyhow::Result<()> {
        USAGE.exactly(1, &self.names)?;
        let place = Path::new(&self.names[0]);
        print(&format!("Creating {}\n", self.names[0]))?;
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(starter) = self.starter.filter(|starter| !starter.is_empty()) {
            return from_starter(place, &name, &starter);
        }
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            bail!("chart name must be between 1 and {NAME_BYTES_MAX} characters");
        }
        if !name.chars().all(fits) {
            bail!("chart name must match the regular expression {}", quote(b"^[a-zA-Z0-9._-]+$"));
        }
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let shown = super::chart::absolute(&parent.display().to_string())?.display().to_string();
        if let Err(why) = fs::metadata(parent) {
            bail!(go_error("stat", &shown, &why));
        }
        if fs::metadata(place).is_ok_and(|entry| !entry.is_dir()) {
            bail!("file {shown}/{name} already exists and is not a directory");
        }
        for (path, text) in FILES {
            let file = place.join(path);
            if fs::metadata(&file).is_ok() {
                print(&format!(
                    "WARNING: File {} already exists. Overwriting.\n",
                    quote(format!("{shown}/{name}/{path}").as_bytes())
                ))?;
            }
            write(&file, text.replace("<NAME>", &name).as_bytes())?;
        }
        fs::create_dir_all(place.join("charts"))?;
        Ok(())
    }
}

fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let shown = file.display().to_string();
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).map_err(|why| anyhow!(go_error("mkdir", &shown, &why)))?;
    }
    fs::write(file, content).map_err(|why| anyhow!(go_error("open", &shown, &why)))
}

fn from_starter(place: &Path, name: &str, starter: &str) -> anyhow::Result<()> {
    let source = if starter.starts_with('/') {
        PathBuf::from(starter)
    } else {
        data_home().join("starters").join(starter)
    };
    let chart = load(&source).map_err(|why| anyhow!("could not load {}: {why:#}", source.display()))?;
    for file in chart.raw.iter().filter(|file| &*file.name != "Chart.yaml") {
        let content = match std::str::from_utf8(&file.content) {
            Ok(text) => text.replace("<CHARTNAME>", name).into_bytes(),
            Err(_) => file.content.to_vec(),
        };
        write(&place.join(&*file.name), &content)?;
    }
    let metadata = serde_json::json!({
        "apiVersion": "v2", "name": name, "description": "A Helm chart for Kubernetes", "type": "application",
        "version": "0.1.0", "appVersion": "0.1.0",
    });
    write(&place.join("Chart.yaml"), gyre_yaml::write_value(&metadata).as_bytes())
}
