//! The sample repository, made on the spot.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The address that the sample's files name; it becomes the server's own.
const ADDRESS: &str = "http://127.0.0.1:8418/demo.git";

macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../demo/", $path)))
    };
}

const FILES: [(&str, &str); 23] = [
    file!("README.md"),
    file!("apps/api-app/base/deployment.yaml"),
    file!("apps/api-app/base/kustomization.yaml"),
    file!("apps/api-app/base/service.yaml"),
    file!("apps/api-app/overlays/dev/kustomization.yaml"),
    file!("apps/api-app/overlays/production/kustomization.yaml"),
    file!("apps/api-app/overlays/staging/kustomization.yaml"),
    file!("apps/web-app/base/deployment.yaml"),
    file!("apps/web-app/base/kustomization.yaml"),
    file!("apps/web-app/base/service.yaml"),
    file!("apps/web-app/overlays/dev/kustomization.yaml"),
    file!("apps/web-app/overlays/production/kustomization.yaml"),
    file!("apps/web-app/overlays/staging/kustomization.yaml"),
    file!("clusters/dev/api-app.yaml"),
    file!("clusters/dev/infrastructure.yaml"),
    file!("clusters/dev/web-app.yaml"),
    file!("clusters/production/api-app.yaml"),
    file!("clusters/production/infrastructure.yaml"),
    file!("clusters/production/web-app.yaml"),
    file!("infrastructure/features.yaml"),
    file!("infrastructure/kustomization.yaml"),
    file!("infrastructure/limits.yaml"),
    file!("infrastructure/namespaces.yaml"),
];

/// Is Git there?
pub(super) fn git_version() -> Result<()> {
    let found = Command::new("git").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => bail!(
            "git is missing, and the demo's server and sample need it: install it (apt-get install git)"
        ),
    }
}

/// Makes the bare repository with one commit, where it does not exist yet. What is left of an earlier attempt that was
/// cut off is removed first.
pub(super) fn make(repository: &Path, address: &str) -> Result<()> {
    if repository.join("HEAD").exists() {
        return Ok(());
    }
    let parent = repository.parent().context("the repository needs a directory")?;
    let (seed, bare) = (parent.join(".seed"), parent.join(".new"));
    for dir in [&seed, &bare] {
        if dir.exists() {
            fs::remove_dir_all(dir)?;
        }
        fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    }
    for (path, content) in FILES {
        let place = seed.join(path);
        fs::create_dir_all(place.parent().unwrap_or(&seed))?;
        fs::write(place, content.replace(ADDRESS, address))?;
    }
    git(&bare, &["init", "--quiet", "--bare", "--initial-branch=main"])?;
    git(&bare, &["config", "http.receivepack", "true"])?;
    git(&seed, &["init", "--quiet", "--initial-branch=main"])?;
    git(&seed, &["add", "--all"])?;
    git(&seed, &["commit", "--quiet", "--message=sample repository"])?;
    git(&seed, &["push", "--quiet", &bare.to_string_lossy(), "main"])?;
    fs::rename(&bare, repository)?;
    fs::remove_dir_all(&seed)?;
    Ok(())
}

/// Runs Git without the settings of the user or the machine.
fn git(dir: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Gyre")
        .env("GIT_AUTHOR_EMAIL", "demo@example.com")
        .env("GIT_COMMITTER_NAME", "Gyre")
        .env("GIT_COMMITTER_EMAIL", "demo@example.com")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .context("git cannot be started")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
