//! The live tree of the demo: sources, what delivers, objects with their health, what changed last.

use std::fmt::Write as _;
use std::io::Write as _;

use gyre_controllers::{Branch, Snapshot};

/// How many objects of one owner are shown.
const OBJECTS_MAX: usize = 12;

/// What is shown below the tree.
pub(super) struct Shown {
    pub(super) kubeconfig: String,
    pub(super) git: String,
}

/// Where the tree is shown: drawn anew on a terminal, printed once a change elsewhere.
pub(super) struct Screen {
    terminal: bool,
    last: String,
    told: bool,
}

impl Screen {
    pub(super) fn new(terminal: bool) -> Self {
        Self { terminal, last: String::new(), told: false }
    }

    /// Shows the state, unless it is what is shown already.
    pub(super) fn show(&mut self, snapshot: &Snapshot, shown: &Shown) {
        let tree = picture(snapshot, self.terminal);
        if tree == self.last {
            return;
        }
        let mut out = std::io::stdout().lock();
        // A terminal that has gone away ends the program by its signal; there is nobody to tell.
        if self.terminal {
            let _ = write!(out, "\x1b[H\x1b[2J{tree}\n{}", how_to_go_on(shown));
        } else {
            let _ = write!(out, "{tree}");
            if !self.told && settled(snapshot) {
                self.told = true;
                let _ = write!(out, "\n{}", how_to_go_on(shown));
            }
        }
        let _ = out.flush();
        self.last = tree;
    }
}

fn settled(snapshot: &Snapshot) -> bool {
    !snapshot.owners.is_empty() && snapshot.owners.iter().all(|owner| owner.ready == "True")
}

fn how_to_go_on(shown: &Shown) -> String {
    let Shown { kubeconfig, git } = shown;
    format!(
        "How to go on, in another terminal:
  export KUBECONFIG={kubeconfig}
  kubectl get deploy -A
  git clone {git} && cd demo
  sed -i 's/1.27-alpine/1.28/' apps/web-app/overlays/dev/kustomization.yaml
  git commit -am 'a newer web server' && git push        and watch it arrive
  kubectl scale deploy web-app -n web-app-dev --replicas=5  and watch it being healed
Ctrl-C stops; the next start goes on from the same data.
"
    )
}

/// The tree as text.
fn picture(snapshot: &Snapshot, colour: bool) -> String {
    let mut text = String::new();
    for branch in &snapshot.sources {
        line(&mut text, branch, colour);
    }
    for branch in &snapshot.owners {
        line(&mut text, branch, colour);
        let shown = branch.objects.iter().take(OBJECTS_MAX);
        for (object, health) in shown {
            let mark = paint(if health == "Current" { "✔" } else { "◌" }, health == "Current", colour);
            let _ = writeln!(
                text,
                "  {mark} {object}{}",
                if health == "Current" { "" } else { "  " }.to_owned()
                    + if health == "Current" { "" } else { health }
            );
        }
        if branch.objects.len() > OBJECTS_MAX {
            let _ = writeln!(text, "    and {} more", branch.objects.len() - OBJECTS_MAX);
        }
        if !branch.changed.is_empty() {
            let _ = writeln!(text, "  last: {}", branch.changed);
        }
    }
    text
}

fn line(text: &mut String, branch: &Branch, colour: bool) {
    let ready = branch.ready == "True";
    let mark = match branch.ready.as_str() {
        "True" => "✔",
        "False" => "✗",
        _ => "◎",
    };
    let revision = short(&branch.revision);
    let message = if ready {
        String::new()
    } else {
        format!("  {}", branch.message.lines().next().unwrap_or_default())
    };
    let line = format!("{} {}  {revision}{message}", paint(mark, ready, colour), branch.name);
    let _ = writeln!(text, "{}", line.trim_end());
}

/// `main@sha1:4f2a9c1`.
fn short(revision: &str) -> String {
    match revision.split_once("sha1:") {
        Some((name, hash)) => format!("{name}sha1:{}", hash.get(..7).unwrap_or(hash)),
        None => revision.to_owned(),
    }
}

fn paint(mark: &str, good: bool, colour: bool) -> String {
    if !colour {
        return mark.to_owned();
    }
    format!("\x1b[{}m{mark}\x1b[0m", if good { 32 } else { 33 })
}
