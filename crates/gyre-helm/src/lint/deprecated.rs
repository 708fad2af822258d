//! Kinds that Kubernetes has given up or will give up.

use std::fmt::Write as _;

use crate::capabilities::KubeVersion;

/// Per line: API version, kind, since when it is deprecated, since when it is gone, what replaces it.
const KINDS: &str = include_str!("deprecated_kinds.txt");

/// What Kubernetes warns of, where the kind is deprecated in that version.
pub(super) fn warning(api_version: &str, kind: &str, version: &KubeVersion) -> Option<String> {
    let line = KINDS.lines().find(|line| {
        let mut fields = line.split('\t');
        fields.next() == Some(api_version) && fields.next() == Some(kind)
    })?;
    let mut fields = line.split('\t').skip(2);
    let (since, gone, instead) = (fields.next()?, fields.next()?, fields.next().unwrap_or_default());
    let number = |text: &str| text.parse::<u32>().ok();
    let (major, minor) = since.split_once('.')?;
    if (number(major)?, number(minor)?) > (number(&version.major)?, number(&version.minor)?) {
        return None;
    }
    let mut text = format!("{api_version} {kind} is deprecated in v{since}+");
    if !gone.is_empty() {
        let _ = write!(text, ", unavailable in v{gone}+");
    }
    if !instead.is_empty() {
        let _ = write!(text, "; use {instead}");
    }
    Some(text)
}
