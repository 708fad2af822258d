//! `--enable-helm`: charts that lie beside the kustomization, rendered in process.

use gyre_kustomize::{Chart, Charts};

use crate::host::Machine;

/// Renders charts; what all of them see comes from the command line.
pub(super) struct Local {
    pub(super) seen: gyre_render::charts::Charts,
}

impl Charts for Local {
    fn render(&self, chart: &Chart<'_>) -> Result<String, String> {
        self.seen.render(chart, &mut Machine::new())
    }
}
