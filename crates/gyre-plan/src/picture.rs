//! A Plan as text: the one form that tests, command line, logs and pages show.

use std::fmt;

use gyre_model::ObjectRef;

use crate::{Action, Change, Plan};

/// How many field changes of one object are shown.
const FIELDS_MAX: usize = 4;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.change_count();
        let plural = if changes == 1 { "change" } else { "changes" };
        writeln!(f, "plan  {}  {}  {changes} {plural}", name(&self.title.owner), self.title.revision)?;
        for phase in &self.phases {
            lines(f, &phase.name, &phase.changes)?;
        }
        lines(f, "prune", &self.prune)
    }
}

fn lines(f: &mut fmt::Formatter<'_>, phase: &str, changes: &[Change]) -> fmt::Result {
    for change in changes.iter().filter(|change| change.action != Action::Keep) {
        let (verb, note) = match &change.action {
            Action::Create => ("create", String::new()),
            Action::Configure => ("configure", fields(change)),
            Action::Recreate => ("recreate", fields(change)),
            Action::Delete(why) => ("delete", why.clone()),
            Action::Skip(why) => ("skip", why.clone()),
            Action::Refuse(refusal) => ("refused", refusal.to_string()),
            Action::Keep => continue,
        };
        let line = format!("  {phase:<8} {verb:<10} {:<40} {note}", name(&change.target));
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

fn fields(change: &Change) -> String {
    let mut shown: Vec<String> = change.fields.iter().take(FIELDS_MAX).map(ToString::to_string).collect();
    if change.fields.len() > FIELDS_MAX {
        shown.push(format!("and {} more", change.fields.len() - FIELDS_MAX));
    }
    shown.join(", ")
}

/// `apps/Deployment/shop/web`; the core group is not shown.
fn name(object: &ObjectRef) -> String {
    if object.group.is_empty() { object.to_string() } else { format!("{}/{object}", object.group) }
}
