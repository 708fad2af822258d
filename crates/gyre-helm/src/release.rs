//! Release records as Helm stores them: a Secret `sh.helm.release.v1.NAME.vN` of the type `helm.sh/release.v1`.
//!
//! The record is JSON, packed with gzip, in base64; the API adds its own base64 to what a Secret holds.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use gyre_go::base64::STANDARD;
use serde_json::{Map, Value, json};

use crate::error::{HelmError, err};
use crate::limits::RECORD_BYTES_MAX;

/// The type of the Secret.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// The states of a release.
pub const STATUSES: &[&str] = &[
    "unknown",
    "deployed",
    "uninstalled",
    "superseded",
    "failed",
    "uninstalling",
    "pending-install",
    "pending-upgrade",
    "pending-rollback",
];

/// The name of the Secret of a revision.
pub fn secret_name(release: &str, revision: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// What stands under `release`, before the Secret's own base64.
pub fn encode(release: &Value) -> Result<String, HelmError> {
    let text = release.to_string();
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
    let packed = packed.map_err(|why| HelmError::new(why.to_string()))?;
    Ok(STANDARD.encode(&packed))
}

/// The record of what stands under `release`. Records from before Helm packed them are read too.
pub fn decode(data: &[u8]) -> Result<Value, HelmError> {
    let bytes = STANDARD.decode(data).map_err(|why| HelmError::new(why.to_string()))?;
    let text = if bytes.len() > 3 && bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut text = Vec::new();
        let mut unpacker = GzDecoder::new(&bytes[..]).take(RECORD_BYTES_MAX as u64 + 1);
        unpacker.read_to_end(&mut text).map_err(|why| HelmError::new(format!("gzip: {why}")))?;
        if text.len() > RECORD_BYTES_MAX {
            return err(format!("the release record has more than {RECORD_BYTES_MAX} bytes"));
        }
        text
    } else {
        bytes
    };
    let fields = gyre_go::json::parse(&text).map_err(|why| HelmError::new(why.to_string()))?;
    match fields {
        gyre_go::json::Json::Object(_) | gyre_go::json::Json::Null => {
            serde_json::from_slice(&text).map_err(|why| HelmError::new(why.to_string()))
        }
        _ => err("json: cannot unmarshal the release record into Go value of type release.Release"),
    }
}

/// The Secret that holds a record. `modified_at` and `created_at` are seconds since 1970, as Helm labels them.
pub fn secret(
    release: &Value,
    created_at: Option<i64>,
    modified_at: Option<i64>,
) -> Result<Value, HelmError> {
    let text = |path: &str| release.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let revision = release.get("version").and_then(Value::as_i64).unwrap_or(0);
    let name = text("/name");
    let mut labels = match release.get("labels") {
        Some(Value::Object(labels)) => labels.clone(),
        _ => Map::new(),
    };
    labels.insert("name".into(), name.into());
    labels.insert("owner".into(), "helm".into());
    labels.insert("status".into(), text("/info/status").into());
    labels.insert("version".into(), revision.to_string().into());
    if let Some(at) = created_at {
        labels.insert("createdAt".into(), at.to_string().into());
    }
    if let Some(at) = modified_at {
        labels.insert("modifiedAt".into(), at.to_string().into());
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": { "name": secret_name(name, revision), "namespace": text("/namespace"), "labels": labels },
        "data": { "release": STANDARD.encode(encode(release)?.as_bytes()) },
    }))
}

/// The record that a Secret holds.
pub fn from_secret(secret: &Value) -> Result<Value, HelmError> {
    let data = secret.pointer("/data/release").and_then(Value::as_str);
    let data = data.ok_or_else(|| HelmError::new("the secret holds no release"))?;
    let inner = STANDARD.decode(data.as_bytes()).map_err(|why| HelmError::new(why.to_string()))?;
    decode(&inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_is_read(name in "[a-z]{1,8}", text: String, version in 1..1000_i64) {
            let record = json!({ "name": name, "namespace": "ns", "version": version, "manifest": text,
                "info": { "status": "deployed" } });
            prop_assert_eq!(from_secret(&secret(&record, Some(1), None).unwrap()).unwrap(), record);
        }

        #[test]
        fn reading_never_panics(data: Vec<u8>) {
            let _ = decode(&data);
            let _ = decode(STANDARD.encode(&data).as_bytes());
        }
    }
}
