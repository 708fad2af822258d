//! `--enable-helm`: charts that lie beside the kustomization or in a repository, rendered in process.

use gyre_kustomize::{Chart, Charts};

use super::super::helm::fetched_chart;
use crate::host::Machine;

/// Renders charts; what all of them see comes from the command line.
pub(super) struct Inflated {
    pub(super) seen: gyre_render::charts::Charts,
}

impl Charts for Inflated {
    fn render(&self, chart: &Chart<'_>) -> Result<String, String> {
        self.seen.render(chart, &fetch, &mut Machine::new())
    }
}

fn fetch(chart: &Chart<'_>) -> Result<Vec<u8>, String> {
    crate::provide_cryptography();
    fetched_chart(chart)
        .map_err(|error| format!("chart '{}' cannot be fetched from '{}': {error:#}", chart.name, chart.repo))
}
