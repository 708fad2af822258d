//! Release records as Helm stores them: a Secret `sh.helm.release.v1.NAME.vN` of the type `helm.sh/release.v1`.
//!
//! The record is JSON, packed with gzip, in base64; the API adds its own base64 to what a Secret holds.

mod record;

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use gyre_go::base64::STANDARD;
use serde_json::Value;

use crate::error::{HelmError, err};
use crate::limits::RECORD_BYTES_MAX;

pub use record::{NewRelease, Release, Status, read_time, write_time};

/// The type of the Secret.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// The labels that are Helm's own.
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// When a record is stored, in seconds since 1970, as Helm labels it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// For the first time.
    Created(i64),
    /// Again.
    Modified(i64),
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_is_read(name in "[a-z]{1,8}", text: String, version in 1..1000_i64) {
            let record = json!({ "name": name, "namespace": "ns", "version": version, "manifest": text,
                "info": { "status": "deployed" } });
            let packed = STANDARD.encode(encode(&record).unwrap().as_bytes());
            let stored = Release::from_secret(&json!({ "data": { "release": packed } })).unwrap();
            prop_assert_eq!(stored.fields(), &record);
            let secret = stored.secret(Stamp::Created(1)).unwrap();
            let again = Release::from_secret(&secret).unwrap();
            prop_assert_eq!(again.fields(), &record);
            prop_assert_eq!(&secret["metadata"]["labels"]["createdAt"], "1");
        }

        #[test]
        fn reading_never_panics(data: Vec<u8>) {
            let _ = decode(&data);
            let _ = decode(STANDARD.encode(&data).as_bytes());
        }
    }
}
