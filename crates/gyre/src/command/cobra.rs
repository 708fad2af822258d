//! Command lines as cobra and pflag, the libraries of Go's tools, read them, and their refusals.

use std::ffi::OsString;

use anyhow::anyhow;
use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Command, Parser};

/// Reads what follows a tool's name; `None` where help was asked for and shown.
pub(super) fn parse<T: Parser>(arguments: &[OsString]) -> anyhow::Result<Option<T>> {
    let command = with_go_flags(T::command());
    if let Some((_, topic)) = arguments.split_first().filter(|(word, _)| *word == "help") {
        help_on(command, topic);
        return Ok(None);
    }
    let words = std::iter::once(OsString::from(command.get_name())).chain(arguments.iter().cloned());
    match command.clone().try_get_matches_from(words) {
        Ok(matches) => Ok(Some(T::from_arg_matches(&matches)?)),
        Err(why) if !why.use_stderr() => {
            why.print()?;
            Ok(None)
        }
        Err(why) => match group_help(command.clone(), &why, arguments) {
            Some(help) => {
                print!("{help}");
                Ok(None)
            }
            None => Err(refusal(&command, &why, arguments)),
        },
    }
}

/// Reads what follows a tool's name as one of a few commands; `None` where it is none of them, or is to be refused.
pub(super) fn quick<T: Parser>(arguments: &[OsString]) -> Option<T> {
    let command = with_go_flags(T::command());
    let words = std::iter::once(OsString::from(command.get_name())).chain(arguments.iter().cloned());
    T::from_arg_matches(&command.try_get_matches_from(words).ok()?).ok()
}

/// The whole help of a tool.
pub(super) fn help<T: Parser>() -> String {
    with_go_flags(T::command()).render_help().to_string()
}

/// How the command that the arguments name is used.
pub(super) fn usage<T: Parser>(arguments: &[OsString]) -> String {
    let mut command = with_go_flags(T::command());
    command.build();
    let mut named = group(&command, arguments).unwrap_or(command);
    named.render_usage().to_string()
}

/// The command with Go's ways: `--wait=false`, a flag given twice counts as given last, values may begin with a dash.
fn with_go_flags(command: Command) -> Command {
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
fn refusal(command: &Command, error: &clap::Error, arguments: &[OsString]) -> anyhow::Error {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let flag = text(ContextKind::InvalidArg);
    let name = flag.split([' ', '=', '[']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with("--") => anyhow!("unknown flag: {name}"),
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            let letter = flag.chars().nth(1).unwrap_or('-');
            let mut short = arguments.iter().filter_map(|argument| argument.to_str());
            let whole =
                short.find(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter));
            anyhow!("unknown shorthand flag: '{letter}' in {}", whole.unwrap_or(&flag))
        }
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument => {
            let given = text(ContextKind::InvalidSubcommand);
            let given = if given.is_empty() { flag } else { given };
            let tool = command.get_name();
            anyhow!("unknown command {given:?} for \"{tool}\"\nRun '{tool} --help' for usage.")
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
            let given = gyre_go::strconv::quote(text(ContextKind::InvalidValue).as_bytes());
            let source = match &*source {
                "invalid digit found in string" => {
                    format!("strconv.ParseInt: parsing {given}: invalid syntax")
                }
                why if why.starts_with("number too ") => {
                    format!("strconv.ParseInt: parsing {given}: value out of range")
                }
                _ => source,
            };
            let short = group(command, arguments).and_then(|group| {
                group.get_arguments().find(|arg| arg.get_long() == name.strip_prefix("--"))?.get_short()
            });
            let shown = short.map_or_else(|| name.to_owned(), |short| format!("-{short}, {name}"));
            anyhow!("invalid argument {:?} for {shown:?} flag: {source}", text(ContextKind::InvalidValue))
        }
        _ => anyhow!("{}", error.to_string().trim_start_matches("error: ").trim()),
    }
}

/// `help`, and the names of a command behind it.
fn help_on(mut command: Command, topic: &[OsString]) {
    command.build();
    let named = |last: &OsString| group(&command, topic).filter(|group| *last == *group.get_name());
    match topic.last() {
        None => print!("{}", command.render_help()),
        Some(last) => match named(last) {
            Some(mut found) => print!("{}", found.render_help()),
            None => {
                let topic: Vec<_> =
                    topic.iter().map(|word| format!("`{}`", word.to_string_lossy())).collect();
                eprintln!("Unknown help topic [{}]\n{}", topic.join(" "), command.render_usage());
            }
        },
    }
}

/// The command that the arguments name, as far as they do.
fn group(command: &Command, arguments: &[OsString]) -> Option<Command> {
    let mut group: Option<&Command> = None;
    for argument in arguments {
        match argument.to_str().and_then(|name| group.unwrap_or(command).find_subcommand(name)) {
            Some(found) => group = Some(found),
            None => break,
        }
    }
    group.cloned()
}

/// A command that only holds others shows its help where it is given none of them.
fn group_help(mut command: Command, error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    if !matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return None;
    }
    command.build();
    Some(group(&command, arguments)?.render_help().to_string())
}
