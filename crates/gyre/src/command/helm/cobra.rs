//! Flags as cobra and pflag read them, and their refusals.

use std::ffi::OsString;

use anyhow::anyhow;
use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Command};

/// The command with Go's ways: `--wait=false`, a flag given twice counts as given last, values may begin with a dash.
pub(super) fn with_go_flags(command: Command) -> Command {
    let command = command.args_override_self(true).mut_args(|arg| match arg.get_action() {
        ArgAction::SetTrue => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true)
            .hide_possible_values(true)
            .value_parser(clap::builder::StringValueParser::new().try_map(|text| {
                gyre_go::strconv::parse_bool(&text)
                    .map_err(|_| format!("strconv.ParseBool: parsing {text:?}: invalid syntax"))
            })),
        ArgAction::Set | ArgAction::Append if !arg.is_positional() => arg.allow_hyphen_values(true),
        _ => arg,
    });
    command.mut_subcommands(with_go_flags)
}

/// What cobra says where the command line cannot be read.
pub(super) fn refusal(error: &clap::Error, arguments: &[OsString]) -> anyhow::Error {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let flag = text(ContextKind::InvalidArg);
    let name = flag.split([' ', '=', '[']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with("--") => anyhow!("unknown flag: {name}"),
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            let letter = flag.chars().nth(1).unwrap_or('-');
            anyhow!("unknown shorthand flag: '{letter}' in {flag}")
        }
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument => {
            let given = text(ContextKind::InvalidSubcommand);
            let given = if given.is_empty() { flag } else { given };
            anyhow!("unknown command {given:?} for \"helm\"\nRun 'helm --help' for usage.")
        }
        ErrorKind::InvalidValue | ErrorKind::TooFewValues if text(ContextKind::InvalidValue).is_empty() => {
            // pflag names the flag as it was given.
            let last = arguments.last().and_then(|last| last.to_str()).unwrap_or_default();
            match last.strip_prefix('-') {
                Some(letter) if letter.len() == 1 => {
                    anyhow!("flag needs an argument: '{letter}' in {last}")
                }
                _ => anyhow!("flag needs an argument: {name}"),
            }
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            anyhow!("invalid argument {:?} for {name:?} flag: {source}", text(ContextKind::InvalidValue))
        }
        _ => anyhow!("{}", error.to_string().trim_start_matches("error: ").trim()),
    }
}

/// A command that only holds others shows its help where it is given none of them.
pub(super) fn group_help(
    mut command: Command,
    error: &clap::Error,
    arguments: &[OsString],
) -> Option<String> {
    if !matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return None;
    }
    command.build();
    let mut group: Option<Command> = None;
    for argument in arguments {
        let within = group.as_ref().unwrap_or(&command);
        match argument.to_str().and_then(|name| within.find_subcommand(name)).cloned() {
            Some(found) => group = Some(found),
            None => break,
        }
    }
    Some(group?.render_help().to_string())
}
