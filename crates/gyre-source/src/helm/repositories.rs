//! `repositories.yaml`: the repositories that a user has added, as Helm keeps them.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::http::{Access, HelmSourceError};

/// A repository that was added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How it is read.
    pub access: Access,
}

/// The repositories in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repositories {
    /// The repositories.
    pub all: Vec<Repository>,
    /// Fields of the file that we do not know.
    rest: Map<String, Value>,
}

impl Repository {
    fn from_value(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = |key: &str| Some(text(key)).filter(|path| !path.is_empty()).map(Into::into);
        let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
        Self {
            name: text("name"),
            url: text("url"),
            access: Access {
                username: text("username"),
                password: text("password"),
                cert_file: path("certFile"),
                key_file: path("keyFile"),
                ca_file: path("caFile"),
                insecure: flag("insecure_skip_tls_verify"),
                pass_credentials: flag("pass_credentials_all"),
            },
        }
    }

    fn to_value(&self) -> Value {
        let path = |path: &Option<std::path::PathBuf>| {
            path.as_ref().map_or(String::new(), |p| p.display().to_string())
        };
        json!({
            "name": self.name,
            "url": self.url,
            "username": self.access.username,
            "password": self.access.password,
            "certFile": path(&self.access.cert_file),
            "keyFile": path(&self.access.key_file),
            "caFile": path(&self.access.ca_file),
            "insecure_skip_tls_verify": self.access.insecure,
            "pass_credentials_all": self.access.pass_credentials,
        })
    }
}

impl Repositories {
    /// Reads the file; `None` where there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, HelmSourceError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(why) => {
                let path = path.display();
                return Err(HelmSourceError(format!("couldn't load repositories file ({path}): {why}")));
            }
        };
        let value = gyre_yaml::yaml_to_json(&text)
            .map_err(|why| HelmSourceError(format!("error converting YAML to JSON: {why}")))?;
        let Value::Object(mut rest) = value else { return Ok(Some(Self::default())) };
        let all = match rest.remove("repositories") {
            Some(Value::Array(all)) => all.iter().map(Repository::from_value).collect(),
            _ => Vec::new(),
        };
        Ok(Some(Self { all, rest }))
    }

    /// Writes the file as Helm does; only its owner may read it.
    pub fn save(&self, path: &Path) -> Result<(), HelmSourceError> {
        let mut fields = self.rest.clone();
        fields.entry("apiVersion").or_insert_with(|| "".into());
        fields.entry("generated").or_insert_with(|| "0001-01-01T00:00:00Z".into());
        fields.insert("repositories".into(), self.all.iter().map(Repository::to_value).collect());
        let text = gyre_yaml::write_value(&Value::Object(fields));
        let write = || -> std::io::Result<()> {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            let fresh = path.with_extension(format!("{}.part", std::process::id()));
            fs::write(&fresh, text)?;
            #[cfg(unix)]
            fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            fs::rename(&fresh, path)
        };
        write().map_err(HelmSourceError::new)
    }

    /// The repository of a name.
    pub fn find(&self, name: &str) -> Option<&Repository> {
        self.all.iter().find(|one| one.name == name)
    }
}
