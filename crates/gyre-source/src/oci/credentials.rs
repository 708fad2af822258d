//! Who may log in where, as Docker's configuration file says it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::OciError;

/// Who somebody is to a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// A name; empty for none.
    pub username: String,
    /// Its password.
    pub password: String,
    /// A token that others are had for; empty for none.
    pub refresh_token: String,
}

/// The file of logins. Programs that keep secrets (`credsStore`) are not asked.
#[derive(Clone, Debug)]
pub struct Logins {
    path: PathBuf,
    fields: Map<String, Value>,
}

/// Docker's own registry goes by an old address.
fn key(registry: &str) -> &str {
    if matches!(registry, "docker.io" | "registry-1.docker.io") {
        "https://index.docker.io/v1/"
    } else {
        registry
    }
}

impl Logins {
    /// Reads the file; none is an empty one.
    pub fn load(path: &Path) -> Result<Self, OciError> {
        let fields = match std::fs::read(path) {
            Ok(text) if text.iter().all(u8::is_ascii_whitespace) => Map::new(),
            Ok(text) => serde_json::from_slice(&text).map_err(|why| {
                OciError::new(format!(
                    "failed to decode config file at {}: invalid config format: {why}",
                    path.display()
                ))
            })?,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Map::new(),
            Err(why) => return Err(OciError::new(format!("{}: {why}", path.display()))),
        };
        Ok(Self { path: path.into(), fields })
    }

    /// Who to be at a registry.
    pub fn find(&self, registry: &str) -> Option<Credential> {
        let entry = self.fields.get("auths")?.get(key(registry))?;
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut found = Credential {
            username: text("username"),
            password: text("password"),
            refresh_token: text("identitytoken"),
        };
        if let Ok(pair) = gyre_go::base64::STANDARD.decode(text("auth").as_bytes())
            && let Ok(pair) = String::from_utf8(pair)
            && let Some((username, password)) = pair.split_once(':')
        {
            found.username = username.into();
            found.password = password.trim_end_matches('\0').into();
        }
        (found != Credential::default()).then_some(found)
    }

    /// Keeps a login.
    pub fn put(&mut self, registry: &str, credential: &Credential) -> Result<(), OciError> {
        let mut entry = json!({});
        if !credential.username.is_empty() || !credential.password.is_empty() {
            let pair = format!("{}:{}", credential.username, credential.password);
            entry["auth"] = gyre_go::base64::STANDARD.encode(pair.as_bytes()).into();
        }
        if !credential.refresh_token.is_empty() {
            entry["identitytoken"] = credential.refresh_token.clone().into();
        }
        let auths = self.fields.entry("auths").or_insert_with(|| json!({}));
        if let Value::Object(auths) = auths {
            auths.insert(key(registry).into(), entry);
        }
        self.save()
    }

    /// Forgets a login.
    pub fn remove(&mut self, registry: &str) -> Result<(), OciError> {
        if let Some(Value::Object(auths)) = self.fields.get_mut("auths") {
            auths.remove(key(registry));
            return self.save();
        }
        Ok(())
    }

    fn save(&self) -> Result<(), OciError> {
        let broken = |why: std::io::Error| OciError::new(format!("{}: {why}", self.path.display()));
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory).map_err(broken)?;
        }
        let text =
            serde_json::to_string_pretty(&self.fields).map_err(|why| OciError::new(why.to_string()))?;
        let fresh = self.path.with_extension(format!("{}.part", std::process::id()));
        write_private(&fresh, text.replace("  ", "\t").as_bytes()).map_err(broken)?;
        std::fs::rename(&fresh, &self.path).map_err(broken)
    }
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_kept_and_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry/config.json");
        let mut logins = Logins::load(&path).unwrap();
        let login = Credential { username: "a".into(), password: "b:c".into(), ..Credential::default() };
        logins.put("h:5000", &login).unwrap();
        let mut again = Logins::load(&path).unwrap();
        assert_eq!(again.find("h:5000"), Some(login));
        assert_eq!(again.find("other"), None);
        again.remove("h:5000").unwrap();
        assert_eq!(Logins::load(&path).unwrap().find("h:5000"), None);
    }
}
