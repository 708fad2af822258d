//! The files of a commit together with those of its submodules.

use std::pin::Pin;
use std::time::{Duration, Instant};

use gyre_model::FileTree;

use super::{Auth, Commit, GitError, Remote, Sources, Tls, Want};
use crate::limits::{SUBMODULE_DEPTH_MAX, SUBMODULES_MAX};

/// Bounds of one recursion.
struct Recursion {
    deadline: Instant,
    read: usize,
}

impl Sources {
    /// The files of a commit with those of its submodules, and of theirs. All of it takes no longer than one operation
    /// with the repository may. Credentials go only to the host that they are for.
    pub async fn whole(&self, remote: &Remote, commit: &Commit) -> Result<FileTree, GitError> {
        let mut recursion = Recursion { deadline: Instant::now() + remote.timeout, read: 0 };
        self.inside(remote, commit, 0, &mut recursion).await
    }

    fn inside<'a>(
        &'a self,
        remote: &'a Remote,
        commit: &'a Commit,
        depth: usize,
        recursion: &'a mut Recursion,
    ) -> Pin<Box<dyn Future<Output = Result<FileTree, GitError>> + Send + 'a>> {
        Box::pin(async move {
            let mut tree = commit.tree.clone();
            if depth >= SUBMODULE_DEPTH_MAX && !commit.submodules.is_empty() {
                return Err(too_many("the depth of submodules", SUBMODULE_DEPTH_MAX));
            }
            for submodule in &commit.submodules {
                recursion.read += 1;
                if recursion.read > SUBMODULES_MAX {
                    return Err(too_many("the number of submodules", SUBMODULES_MAX));
                }
                let left = recursion.deadline.saturating_duration_since(Instant::now());
                let other = submodule_of(remote, &submodule.url, left);
                let want = Want::Commit { hash: submodule.hash.clone(), branch: None };
                let read = async {
                    let revision = self.resolve(&other, &want).await?;
                    let commit = self.checkout(&other, &revision).await?;
                    self.inside(&other, &commit, depth + 1, recursion).await
                };
                let inside = read
                    .await
                    .map_err(|error| GitError::Url { url: other.url.clone(), why: error.to_string() })?;
                tree = tree.with_dir(&submodule.path, inside.root())?;
            }
            Ok(tree)
        })
    }
}

/// The repository of a submodule of another one.
fn submodule_of(around: &Remote, url: &str, timeout: Duration) -> Remote {
    let url = beside(&around.url, url);
    let (auth, tls) = if host(&url) == host(&around.url) {
        (around.auth.clone(), around.tls.clone())
    } else {
        (Auth::None, Tls::default())
    };
    Remote { url, auth, tls, timeout, ..around.clone() }
}

/// `https://host:port` of an address; `user@host:path` is short for one of SSH.
fn host(url: &str) -> String {
    match (url.split_once("://"), url.split_once(':')) {
        (Some((scheme, rest)), _) => format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()),
        (None, Some((host, _))) => format!("ssh://{host}"),
        (None, None) => url.to_owned(),
    }
}

fn too_many(what: &str, limit: usize) -> GitError {
    GitError::TooLarge { what: what.into(), limit: limit.to_string() }
}

/// The address of a submodule: `./` and `../` lead away from the repository around it.
fn beside(around: &str, url: &str) -> String {
    if !url.starts_with("./") && !url.starts_with("../") {
        return url.to_owned();
    }
    let (mut base, mut rest) = (around.trim_end_matches('/'), url);
    loop {
        if let Some(below) = rest.strip_prefix("./") {
            rest = below;
        } else if let Some(beside) = rest.strip_prefix("../") {
            rest = beside;
            base = base.rfind(['/', ':']).map_or("", |at| &base[..at]);
        } else {
            return format!("{base}/{rest}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submodules_lie_beside_repositories() {
        for (around, url, wanted) in [
            ("https://host/a/b", "../c", "https://host/a/c"),
            ("https://host/a/b.git/", "../../c/d.git", "https://host/c/d.git"),
            ("https://host/a/b", "./c", "https://host/a/b/c"),
            ("https://host/a/b", "https://other/c", "https://other/c"),
        ] {
            assert_eq!(beside(around, url), wanted);
        }
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let password = gyre_model::Secret::new("s3cret");
        let around = Remote {
            auth: Auth::Basic { user: "user".into(), password },
            ..Remote::open("https://host/a/b.git")
        };
        let other = |url: &str| submodule_of(&around, url, around.timeout).auth;
        assert!(matches!(other("../c.git"), Auth::Basic { .. }));
        assert!(matches!(other("https://host/c.git"), Auth::Basic { .. }));
        assert!(matches!(other("https://host.example.com/c.git"), Auth::None));
        assert!(matches!(other("http://host/c.git"), Auth::None));
        assert_eq!(host("git@host:org/a.git"), host("ssh://git@host/org/b.git"));
    }
}
