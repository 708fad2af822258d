//! `helm version`

use clap::Args;
use gyre_helm::capabilities::HELM_3;
use gyre_template::{FixedHost, Functions, Machine, MissingKey, Templates, Value};

use super::arguments::Usage;
use super::print;

const USAGE: Usage = Usage { command: "version", line: "[flags]" };

/// `helm version`
#[derive(Debug, Args)]
pub(super) struct Version {
    #[arg(hide = true)]
    rest: Vec<String>,
    /// Print the version number
    #[arg(long)]
    short: bool,
    /// Template for the text: .Version, .GitCommit, .GitTreeState, .GoVersion
    #[arg(long)]
    template: Option<String>,
    /// Ignored
    #[arg(long, short = 'c', hide = true)]
    client: bool,
}

impl Version {
    pub(super) fn run(self) -> anyhow::Result<()> {
        USAGE.none(&self.rest)?;
        if let Some(template) = self.template.filter(|template| !template.is_empty()) {
            let mut templates = Templates::new(Functions::Go, MissingKey::Invalid);
            templates.add("_", &template)?;
            let dot = Value::map([
                ("Version", Value::text(HELM_3)),
                ("GitCommit", Value::text("")),
                ("GitTreeState", Value::text("clean")),
                ("GoVersion", Value::text("")),
            ]);
            let text = Machine::new(&templates, &mut FixedHost::default()).execute("_", dot)?;
            return print(&String::from_utf8_lossy(&text));
        }
        if self.short {
            return print(&format!("{HELM_3}\n"));
        }
        print(&format!(
            "version.BuildInfo{{Version:\"{HELM_3}\", GitCommit:\"\", GitTreeState:\"clean\", GoVersion:\"\"}}\n"
        ))
    }
}
