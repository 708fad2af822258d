//! `kustomize edit`.

mod add;
mod remove;
mod set;

use clap::{Args, Subcommand};
use gyre_kustomize::{Edit as Change, Edited, Options, Rendered, edit};
use serde_json::{Map, Value};

use super::files::{Here, write};

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Adds an item to the kustomization file
    #[command(subcommand)]
    Add(add::Add),
    /// Sets the value of different fields in kustomization file
    #[command(subcommand)]
    Set(set::Set),
    /// Removes items from the kustomization file
    #[command(subcommand)]
    Remove(remove::Remove),
    /// Fix the missing fields in kustomization file
    Fix(Fix),
}

#[derive(Debug, Args)]
struct Fix {
    /// Convert vars to replacements, in the files of the resources too. We recommend doing this in a clean git
    /// repository where the change is easy to undo
    #[arg(long)]
    vars: bool,
    /// More words, which the peer does not look at
    #[arg(hide = true)]
    ignored: Vec<String>,
}

pub(super) fn run(arguments: &Edit) -> Result<(), String> {
    let here = Here::new()?;
    let change = match &arguments.command {
        Command::Add(arguments) => add::change(arguments, &here)?,
        Command::Set(arguments) => Some(set::change(arguments)?),
        Command::Remove(arguments) => Some(remove::change(arguments)?),
        Command::Fix(arguments) => return fix(arguments, &here),
    };
    match change {
        Some(change) => apply(&change, &here).map(drop),
        None => Ok(()),
    }
}

fn apply(change: &Change, here: &Here) -> Result<Edited, String> {
    let edited = edit(&here.tree, &here.directory, change).map_err(|error| error.to_string())?;
    edited.warnings.iter().for_each(|warning| super::log(warning));
    for (path, text) in &edited.files {
        write(path, text)?;
    }
    Ok(edited)
}

/// Fixes the file, and tells where it then builds differently.
fn fix(arguments: &Fix, here: &Here) -> Result<(), String> {
    let before = build(here);
    let warnings = before.as_ref().map_or_else(|error| &error.warnings, |rendered| &rendered.warnings);
    for warning in warnings {
        super::log(warning);
    }
    let before = before.map(|rendered| rendered.to_yaml());
    apply(&Change::Fix { vars: arguments.vars }, here)?;
    let told = "\nFixed fields:\n  patchesJson6902 -> patches\n  patchesStrategicMerge -> patches\n  \
                commonLabels -> labels\n";
    if arguments.vars {
        println!("{told}  vars -> replacements");
    } else {
        println!(
            "{told}\nTo convert vars -> replacements, run the command `kustomize edit fix --vars`\n\nWARNING: \
             Converting vars to replacements will potentially overwrite many resource files \nand the resulting files \
             may not produce the same output when `kustomize build` is run. \nWe recommend doing this in a clean git \
             repository where the change is easy to undo."
        );
    }
    match build(&Here::new()?).map(|rendered| rendered.to_yaml()) {
        Err(error) => println!(
            "Warning: 'Fixed' kustomization now produces the error when running `kustomize build`: {error}"
        ),
        Ok(after) if before.as_ref() != Ok(&after) => println!(
            "Warning: 'Fixed' kustomization now produces different output when running `kustomize \
             build`:\n...{after}..."
        ),
        Ok(_) => {}
    }
    Ok(())
}

fn build(here: &Here) -> Result<Rendered, gyre_kustomize::Error> {
    let options = Options { shown_path: ".", ..Options::default() };
    gyre_kustomize::build(&options, &here.tree, &here.directory)
}

/// A patch as it stands in `patches`.
#[derive(Debug, Args)]
struct Patch {
    /// Path to the patch file. Cannot be used with --patch at the same time
    #[arg(long)]
    path: Option<String>,
    /// Literal string of patch content. Cannot be used with --path at the same time
    #[arg(long = "patch")]
    content: Option<String>,
    /// API group in patch target
    #[arg(long)]
    group: Option<String>,
    /// API version in patch target
    #[arg(long)]
    version: Option<String>,
    /// Resource kind in patch target
    #[arg(long)]
    kind: Option<String>,
    /// Resource name in patch target
    #[arg(long)]
    name: Option<String>,
    /// Resource namespace in patch target
    #[arg(long)]
    namespace: Option<String>,
    /// annotationSelector in patch target
    #[arg(long)]
    annotation_selector: Option<String>,
    /// labelSelector in patch target
    #[arg(long)]
    label_selector: Option<String>,
    /// More words, which the peer does not look at
    #[arg(hide = true)]
    ignored: Vec<String>,
}

impl Patch {
    fn to_entry(&self) -> Result<Value, String> {
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        if given(&self.content) && given(&self.path) {
            return Err("patch and path can't be set at the same time".into());
        }
        let fields = |fields: &[(&str, &Option<String>)]| -> Map<String, Value> {
            let filled = fields.iter().filter(|(_, text)| given(text));
            filled.filter_map(|(name, text)| Some(((*name).into(), text.as_deref()?.into()))).collect()
        };
        let mut entry = fields(&[("path", &self.path), ("patch", &self.content)]);
        let target = fields(&[
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("annotationSelector", &self.annotation_selector),
            ("labelSelector", &self.label_selector),
        ]);
        if !target.is_empty() {
            entry.insert("target".into(), target.into());
        }
        Ok(Value::Object(entry))
    }
}

/// The only argument there may be.
fn only<'a>(arguments: &'a [String], otherwise: &str) -> Result<&'a str, String> {
    match arguments {
        [one] => Ok(one),
        _ => Err(otherwise.into()),
    }
}

fn some<'a>(arguments: &'a [String], otherwise: &str) -> Result<&'a [String], String> {
    if arguments.is_empty() { Err(otherwise.into()) } else { Ok(arguments) }
}

/// Options of `buildMetadata`, with commas between.
fn build_metadata(arguments: &[String]) -> Result<Vec<String>, String> {
    const OPTIONS: [&str; 3] = ["originAnnotations", "transformerAnnotations", "managedByLabel"];
    let given = match arguments {
        [] => return Err("must specify a buildMetadata option".into()),
        [given] => given,
        several => {
            return Err(format!(
                "too many arguments: [{}]; to provide multiple buildMetadata options, please separate options by comma",
                several.join(" ")
            ));
        }
    };
    let options: Vec<String> = given.split(',').map(str::to_owned).collect();
    match options.iter().find(|option| !OPTIONS.contains(&option.as_str())) {
        Some(unknown) => Err(format!("invalid buildMetadata option: {unknown}")),
        None => Ok(options),
    }
}
