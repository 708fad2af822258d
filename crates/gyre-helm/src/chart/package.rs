//! Packs a chart into an archive, as `helm package` does.

use std::io::Write as _;
use std::path::PathBuf;

use flate2::{Compression, GzBuilder};
use serde_json::Value;

use super::Chart;
use crate::error::{HelmError, err};

/// The `.tgz` of a chart. `modified_at` is the time of its files, in seconds since 1970.
pub fn package(chart: &Chart, modified_at: u64) -> Result<Vec<u8>, HelmError> {
    let broken = |why: std::io::Error| HelmError::new(why.to_string());
    let packer = GzBuilder::new().comment("Helm").write(Vec::new(), Compression::default());
    let mut archive = Archive { tar: tar::Builder::new(packer), modified_at };
    archive.add_chart(chart, "")?;
    let mut packer = archive.tar.into_inner().map_err(broken)?;
    packer.flush().map_err(broken)?;
    packer.finish().map_err(broken)
}

struct Archive<W: std::io::Write> {
    tar: tar::Builder<W>,
    modified_at: u64,
}

impl<W: std::io::Write> Archive<W> {
    fn add(&mut self, base: &str, name: &str, content: &[u8]) -> Result<(), HelmError> {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_mtime(self.modified_at);
        header.set_entry_type(tar::EntryType::Regular);
        let path = PathBuf::from(format!("{base}/{name}"));
        self.tar.append_data(&mut header, path, content).map_err(|why| HelmError::new(why.to_string()))
    }

    /// order: Helm's: what describes the chart, its templates, everything else, the charts that it needs.
    fn add_chart(&mut self, chart: &Chart, prefix: &str) -> Result<(), HelmError> {
        let name = chart.name();
        if name.contains('/') || matches!(name, "" | "." | "..") {
            let shown = gyre_go::strconv::quote(name.as_bytes());
            return err(format!("{shown} is not a valid chart name"));
        }
        let base = format!("{prefix}{name}");
        let is_v1 = chart.metadata.api_version == "v1";
        let mut metadata = chart.metadata.to_json();
        if is_v1 && let Value::Object(fields) = &mut metadata {
            fields.remove("dependencies");
        }
        self.add(&base, "Chart.yaml", gyre_yaml::write_value(&metadata).as_bytes())?;
        if let Some(lock) = chart.lock.as_ref().filter(|_| !is_v1) {
            self.add(&base, "Chart.lock", gyre_yaml::write_value(lock).as_bytes())?;
        }
        for file in chart.raw.iter().filter(|file| &*file.name == "values.yaml") {
            self.add(&base, "values.yaml", &file.content)?;
        }
        if let Some(schema) = &chart.schema {
            if gyre_go::json::parse(schema).is_err() {
                return err("Invalid JSON in values.schema.json");
            }
            self.add(&base, "values.schema.json", schema)?;
        }
        for file in chart.templates.iter().chain(chart.files.iter()) {
            self.add(&base, &file.name, &file.content)?;
        }
        for subchart in &chart.dependencies {
            self.add_chart(subchart, &format!("{base}/charts/"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::File;

    #[test]
    fn what_is_packed_is_loaded() {
        let long = format!("templates/{}.yaml", "a".repeat(120));
        let file = |name: &str, content: &str| File { name: name.into(), content: content.as_bytes().into() };
        let files = vec![
            file("Chart.yaml", "apiVersion: v2\nname: one\nversion: 0.1.0\n"),
            file("values.yaml", "a: 1\n"),
            file(&long, "x: {{ .Values.a }}\n"),
            file("charts/two/Chart.yaml", "apiVersion: v2\nname: two\nversion: 0.2.0\n"),
        ];
        let chart = crate::chart::load_files(files).unwrap();
        let again = Chart::from_archive(&package(&chart, 1).unwrap()).unwrap();
        assert_eq!(again.metadata, chart.metadata);
        assert_eq!(again.templates, chart.templates);
        assert_eq!(again.dependencies[0].name(), "two");
    }
}
