//! `helm verify`, and the same check wherever a chart is taken in; the other side of it is signing.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_go::strconv::quote;
use gyre_helm::Chart;
use gyre_model::Digest;
use gyre_source::helm::{Keyring, Signed};
use serde_json::{Value, json};

use super::arguments::Usage;
use super::chart::{absolute, go_error};
use super::environment::{home, variable};
use super::print;
use crate::time;

/// `--keyring`
#[derive(Clone, Debug, Default, Args)]
pub(super) struct KeyringFlag {
    /// Location of the public keys that charts are verified with
    #[arg(long)]
    keyring: Option<PathBuf>,
}

/// `helm verify PATH`
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[arg(value_name = "PATH", hide = true)]
    paths: Vec<String>,
    #[command(flatten)]
    keyring: KeyringFlag,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Usage { command: "verify", line: "PATH [flags]" }.exactly(1, &self.paths)?;
        print(&verify(Path::new(&self.paths[0]), &self.keyring)?)
    }
}

impl KeyringFlag {
    /// The file of keys; GnuPG's own where none is named.
    pub(super) fn place(&self) -> PathBuf {
        self.keyring.clone().unwrap_or_else(|| {
            variable("GNUPGHOME").map_or_else(|| home().join(".gnupg"), PathBuf::from).join("pubring.gpg")
        })
    }

    fn read(&self) -> anyhow::Result<Keyring> {
        let place = self.place();
        let bytes =
            fs::read(&place).map_err(|why| anyhow!(go_error("open", &place.display().to_string(), &why)))?;
        Ok(Keyring::read(&bytes)?)
    }
}

/// Verifies an archive by the file beside it; gives what Helm says of it.
pub(super) fn verify(archive: &Path, keyring: &KeyringFlag) -> anyhow::Result<String> {
    let shown = archive.display().to_string();
    let entry = fs::metadata(archive).map_err(|why| anyhow!(go_error("stat", &shown, &why)))?;
    if entry.is_dir() {
        bail!("unpacked charts cannot be verified");
    }
    if !archive.extension().is_some_and(|end| end.eq_ignore_ascii_case("tgz")) {
        bail!("chart must be a tgz file");
    }
    let provenance = format!("{shown}.prov");
    let stat = fs::metadata(&provenance).map_err(|why| {
        anyhow!("could not load provenance file {provenance}: {}", go_error("stat", &provenance, &why))
    })?;
    let keyring = keyring.read().map_err(|why| anyhow!("failed to load keyring: {why}"))?;
    if stat.is_dir() {
        bail!("{provenance} cannot be a directory");
    }
    let text = fs::read(&provenance).map_err(|why| anyhow!(go_error("open", &provenance, &why)))?;
    let signed = Signed::find(&String::from_utf8_lossy(&text))
        .ok_or_else(|| anyhow!("failed to decode signature: signature block not found"))?;
    let signer = signed.signer(&keyring, now_s())?;
    let content = fs::read(archive).map_err(|why| anyhow!(go_error("open", &shown, &why)))?;
    let digest = format!("sha256:{}", Digest::of(&content).hex());
    check(&signed.text, &file_name(archive), &digest)?;
    let mut out = String::new();
    for name in signer.names() {
        let _ = writeln!(out, "Signed by: {name}");
    }
    let _ =
        write!(out, "Using Key With Fingerprint: {}\nChart Hash Verified: {digest}\n", signer.fingerprint());
    Ok(out)
}

fn now_s() -> u64 {
    u64::try_from(time::present().unix_s).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Does the signed text name this file with this digest?
fn check(text: &str, name: &str, digest: &str) -> anyhow::Result<()> {
    let mut parts = text.split("\n...\n");
    let (Some(_), Some(sums)) = (parts.next(), parts.next()) else {
        bail!("message block must have at least two parts");
    };
    let sums = gyre_yaml::yaml_to_json(sums.as_bytes())
        .map_err(|why| anyhow!("error converting YAML to JSON: {why}"))?;
    let quoted = |text: &str| quote(text.as_bytes());
    match sums.get("files").and_then(|files| files.get(name)).and_then(Value::as_str) {
        None => bail!("provenance does not contain a SHA for a file named {}", quoted(name)),
        Some(known) if known != digest => {
            bail!("sha256 sum does not match for {name}: {} != {}", quoted(known), quoted(digest))
        }
        Some(_) => Ok(()),
    }
}

/// Signs an archive with the key of a name.
pub(super) fn sign(
    archive: &Path,
    keyring: &KeyringFlag,
    key: &str,
    passphrase_file: Option<&str>,
) -> anyhow::Result<()> {
    let keyring = keyring.read()?;
    let entity = keyring.named(key)?;
    let from_file = passphrase_file.map(passphrase_in).transpose()?;
    let entity = entity.ok_or_else(|| anyhow!("private key not found"))?;
    let passphrase = match (entity.is_locked()?, from_file) {
        (false, _) => None,
        (true, Some(passphrase)) => Some(passphrase),
        (true, None) => Some(asked(entity.names().next().unwrap_or("Unknown"))?),
    };
    let shown = archive.display().to_string();
    let content = fs::read(archive).map_err(|why| anyhow!(go_error("open", &shown, &why)))?;
    let metadata = Chart::from_archive(&content)?.metadata.to_json();
    let sums = json!({ "files": { file_name(archive): format!("sha256:{}", Digest::of(&content).hex()) } });
    let text = format!("{}\n...\n{}", gyre_yaml::write_value(&metadata), gyre_yaml::write_value(&sums));
    let signed = Signed::sign(&text, entity, passphrase.as_deref(), now_s())?;
    let place = format!("{shown}.prov");
    fs::write(&place, signed).map_err(|why| anyhow!(go_error("open", &place, &why)))
}

/// The first line of a file, or of standard input for `-`.
fn passphrase_in(place: &str) -> anyhow::Result<Vec<u8>> {
    let file: Box<dyn std::io::Read> = if place == "-" {
        if std::io::stdin().is_terminal() {
            bail!("specified reading passphrase from stdin, without input on stdin");
        }
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(place).map_err(|why| anyhow!(go_error("open", place, &why)))?)
    };
    let mut line = Vec::new();
    BufReader::new(file.take(PASSPHRASE_BYTES_MAX)).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        bail!("EOF");
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(line)
}

/// Bytes of the line that a passphrase is read from.
const PASSPHRASE_BYTES_MAX: u64 = 4096;

fn asked(name: &str) -> anyhow::Result<Vec<u8>> {
    let name = quote(name.as_bytes());
    bail!("the key {name} is locked: put its passphrase into a file and name that with --passphrase-file")
}

/// A path that is verified where that is asked for.
pub(super) fn verified(path: &str, wanted: bool, keyring: &KeyringFlag) -> anyhow::Result<PathBuf> {
    let place = absolute(path)?;
    if wanted {
        verify(&place, keyring)?;
    }
    Ok(place)
}
