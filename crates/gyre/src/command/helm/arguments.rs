//! How many arguments a command takes, and what is said where it is given others.

use anyhow::bail;

/// The name of a command and how it is used.
pub(super) struct Usage {
    /// `dependency list`
    pub(super) command: &'static str,
    /// `CHART [flags]`
    pub(super) line: &'static str,
}

impl Usage {
    fn refuse(&self, wants: &str) -> anyhow::Result<()> {
        bail!("\"helm {0}\" {wants}\n\nUsage:  helm {0} {1}", self.command, self.line)
    }

    fn counted(count: usize) -> String {
        format!("{count} argument{}", if count == 1 { "" } else { "s" })
    }

    /// No arguments.
    pub(super) fn none(&self, given: &[String]) -> anyhow::Result<()> {
        if given.is_empty() { Ok(()) } else { self.refuse("accepts no arguments") }
    }

    /// So many.
    pub(super) fn exactly(&self, count: usize, given: &[String]) -> anyhow::Result<()> {
        if given.len() == count { Ok(()) } else { self.refuse(&format!("requires {}", Self::counted(count))) }
    }

    /// So many or more.
    pub(super) fn at_least(&self, count: usize, given: &[String]) -> anyhow::Result<()> {
        if given.len() >= count {
            return Ok(());
        }
        self.refuse(&format!("requires at least {}", Self::counted(count)))
    }

    /// So many or fewer.
    pub(super) fn at_most(&self, count: usize, given: &[String]) -> anyhow::Result<()> {
        if given.len() <= count {
            return Ok(());
        }
        self.refuse(&format!("accepts at most {}", Self::counted(count)))
    }
}
