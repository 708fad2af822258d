//! A chart as a release keeps it.

use gyre_go::base64::STANDARD;
use serde_json::{Value, json};

use super::{Chart, File};

impl Chart {
    /// The chart in a release record: without its subcharts, which Helm does not keep.
    pub fn to_record(&self) -> Value {
        let files = |files: &[File]| -> Value {
            let file = |file: &File| json!({ "name": &*file.name, "data": STANDARD.encode(&file.content) });
            files.iter().map(file).collect()
        };
        json!({
            "metadata": self.metadata.to_json(),
            "lock": self.lock,
            "templates": files(&self.templates),
            "values": self.values,
            "schema": self.schema.as_ref().map(|schema| STANDARD.encode(schema)),
            "files": files(&self.files),
        })
    }
}
