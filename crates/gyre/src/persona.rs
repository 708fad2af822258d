//! The names that the program goes by. Under the name of a tool that it stands in for, it takes that tool's command
//! line, and refuses in that tool's words.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};

/// The command that stands in for a tool, by the tool's name.
const NAMES: [(&str, &str); 4] =
    [("kustomize", "kustomize"), ("helm", "helm"), ("flux", "flux"), ("argocd", "argocd")];

/// The command line with the command in front that the program's own name stands for.
pub(crate) fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = given.into_iter().collect();
    let stem = arguments.first().and_then(|name| Path::new(name).file_stem());
    let command = NAMES.iter().find(|(name, _)| stem == Some(OsStr::new(name))).map(|(_, command)| command);
    if let Some(command) = command {
        arguments.insert(1, command.into());
    }
    arguments
}

/// Ends the program where the command line cannot be carried out: in the words of the tool that was meant.
pub(crate) fn refuse(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    let first = arguments.get(1).and_then(|first| first.to_str()).unwrap_or_default();
    let tool = NAMES.iter().find(|(name, _)| *name == first).map(|(_, tool)| tool);
    match tool.and_then(|tool| words(tool, error)) {
        Some(words) => {
            eprintln!("Error: {words}");
            ExitCode::FAILURE
        }
        None => error.exit(),
    }
}

/// As cobra, the library of these tools, words it; `None` for what is no refusal, and what cobra does not know.
fn words(tool: &str, error: &clap::Error) -> Option<String> {
    let context = |kind| error.get(kind).map(ToString::to_string);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let flag = context(ContextKind::InvalidArg)?;
            match flag.strip_prefix("--") {
                Some(_) => Some(format!("unknown flag: {flag}")),
                None if flag.starts_with('-') => {
                    let letter = flag.chars().nth(1)?;
                    Some(format!("unknown shorthand flag: '{letter}' in {flag}"))
                }
                None => Some(format!("unknown command \"{flag}\" for \"{tool}\"")),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let given = context(ContextKind::InvalidSubcommand)?;
            Some(format!("unknown command \"{given}\" for \"{tool}\"\nRun '{tool} --help' for usage."))
        }
        ErrorKind::InvalidValue
            if context(ContextKind::InvalidValue).is_some_and(|given| given.is_empty()) =>
        {
            let flag = context(ContextKind::InvalidArg)?;
            let name = flag.split(' ').next()?;
            Some(format!("flag needs an argument: {name}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started_as(line: &str) -> String {
        let given = line.split(' ').map(OsString::from);
        let made: Vec<String> =
            arguments(given).into_iter().map(|part| part.into_string().unwrap()).collect();
        made.join(" ")
    }

    #[test]
    fn the_name_chooses_the_command() {
        assert_eq!(started_as("/usr/bin/kustomize build ."), "/usr/bin/kustomize kustomize build .");
        assert_eq!(started_as("gyre kustomize build ."), "gyre kustomize build .");
        assert_eq!(started_as("/opt/gyre-1.0 up"), "/opt/gyre-1.0 up");
    }
}
