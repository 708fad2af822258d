//! Git over SSH against a real sshd and real git; skipped, with a word, where they are not installed.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gyre_model::Secret;
use gyre_source::{Auth, GitError, Limits, Remote, Sources, Want};

struct Server {
    dir: tempfile::TempDir,
    port: u16,
    user: String,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn sshd() -> Option<PathBuf> {
    let found = ["/usr/sbin/sshd", "/usr/bin/sshd"].iter().map(PathBuf::from).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: sshd is not installed (apt-get install openssh-server)");
    }
    found
}

fn run(program: &str, dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Server {
    fn start() -> Option<Self> {
        let program = sshd()?;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        for (key, kind) in [("host", "ed25519"), ("user", "ed25519"), ("rsa", "rsa"), ("stranger", "ed25519")]
        {
            run("ssh-keygen", path, &["-q", "-t", kind, "-N", "", "-f", key]);
        }
        run("ssh-keygen", path, &["-q", "-t", "ed25519", "-N", "a phrase", "-f", "locked"]);
        let known =
            ["user.pub", "rsa.pub", "locked.pub"].map(|key| fs::read_to_string(path.join(key)).unwrap());
        fs::write(path.join("authorized_keys"), known.concat()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let shown = path.display();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {shown}/host\nPidFile {shown}/pid\n\
             AuthorizedKeysFile {shown}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             PermitRootLogin yes\n"
        );
        fs::write(path.join("config"), config).unwrap();
        // As root, sshd wants the directory that its service makes.
        let _ = fs::create_dir_all("/run/sshd");
        let process = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(path.join("config"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let user = run("id", path, &["-un"]);
        let server = Self { dir, port, user, process };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server.repository();
        if !server.lets_in() {
            println!("skipped: the sshd of this machine does not even let in the machine's own ssh");
            return None;
        }
        Some(server)
    }

    /// Can the installed client log in? Some machines lock every account.
    fn lets_in(&self) -> bool {
        let options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
        let output = Command::new("ssh")
            .args(["-F", "/dev/null", "-p", &self.port.to_string(), "-i"])
            .arg(self.dir.path().join("user"))
            .args(options.iter().flat_map(|option| ["-o", option]))
            .args([&format!("{}@127.0.0.1", self.user), "git --version"])
            .output();
        output.is_ok_and(|output| output.status.success())
    }

    fn repository(&self) {
        let dir = self.dir.path().join("apps");
        fs::create_dir(&dir).unwrap();
        run("git", &dir, &["init", "-q", "-b", "main"]);
        fs::write(dir.join("a.yaml"), "kind: A\n").unwrap();
        run("git", &dir, &["add", "-A"]);
        run("git", &dir, &["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "one"]);
        run("git", &dir, &["tag", "v1.2.3"]);
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.dir.path().join(file)).unwrap()
    }

    fn remote(&self, key: &str) -> Remote {
        let url = format!("ssh://{}@127.0.0.1:{}{}/apps", self.user, self.port, self.dir.path().display());
        let known_hosts = format!("[127.0.0.1]:{} {}", self.port, self.text("host.pub")).into_bytes();
        let identity = Secret::new(self.text(key));
        let passphrase = (key == "locked").then(|| Secret::new("a phrase"));
        Remote { auth: Auth::Ssh { identity, passphrase, known_hosts }, ..Remote::open(&url) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_read_with_a_key() {
    let Some(server) = Server::start() else { return };
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources::new(cache.path(), Limits::default());
    for key in ["user", "rsa", "locked"] {
        let remote = server.remote(key);
        let revision = sources.resolve(&remote, &Want::Branch("main".into())).await.unwrap();
        let commit = sources.checkout(&remote, &revision).await.unwrap();
        assert_eq!(&**commit.tree.read("a.yaml").unwrap(), b"kind: A\n", "{key}");
        let tag = sources.resolve(&remote, &Want::Semver(">=1.0.0".into())).await.unwrap();
        assert_eq!(tag.hash, revision.hash);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_and_an_unknown_host_are_refused() {
    let Some(server) = Server::start() else { return };
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources::new(cache.path(), Limits::default());
    let want = Want::Branch("main".into());
    let refused = sources.resolve(&server.remote("stranger"), &want).await;
    assert!(matches!(refused, Err(GitError::Unauthorized(_))), "{refused:?}");

    let mut remote = server.remote("user");
    if let Auth::Ssh { known_hosts, .. } = &mut remote.auth {
        *known_hosts = format!("[127.0.0.1]:{} {}", server.port, server.text("stranger.pub")).into_bytes();
    }
    let refused = sources.resolve(&remote, &want).await;
    assert!(
        matches!(&refused, Err(GitError::Unauthorized(why)) if why.contains("key mismatch")),
        "{refused:?}"
    );
}
