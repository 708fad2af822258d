//! The table of functions: names, signatures, and what runs them.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::exec::Machine;
use crate::template::Functions;
use crate::value::{Type, Value};
use crate::{builtin, helm, sprig};

/// A function that templates call by name.
#[derive(Clone, Copy)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Type],
    pub(crate) variadic: bool,
    pub(crate) run: fn(&mut Machine<'_>, &[Value]) -> Result<Value, String>,
    /// Does it walk all of its arguments, however deep they are?
    pub(crate) walks: bool,
}

/// A function with a fixed number of arguments.
pub(crate) const fn fixed(
    name: &'static str,
    params: &'static [Type],
    run: fn(&mut Machine<'_>, &[Value]) -> Result<Value, String>,
) -> Function {
    Function { name, params, variadic: false, run, walks: false }
}

/// A function whose last parameter stands for any number of arguments.
pub(crate) const fn variadic(
    name: &'static str,
    params: &'static [Type],
    run: fn(&mut Machine<'_>, &[Value]) -> Result<Value, String>,
) -> Function {
    Function { name, params, variadic: true, run, walks: false }
}

/// Functions that walk all of their arguments.
const WALKING: &[&str] = &[
    "all",
    "any",
    "b32enc",
    "b64enc",
    "cat",
    "coalesce",
    "compact",
    "concat",
    "deepCopy",
    "deepEqual",
    "derivePassword",
    "eq",
    "fail",
    "has",
    "html",
    "indent",
    "join",
    "js",
    "merge",
    "mergeOverwrite",
    "mustCompact",
    "mustDeepCopy",
    "mustHas",
    "mustMerge",
    "mustMergeOverwrite",
    "mustToJson",
    "mustToPrettyJson",
    "mustToRawJson",
    "mustUniq",
    "mustWithout",
    "ne",
    "nindent",
    "plural",
    "print",
    "printf",
    "println",
    "quote",
    "replace",
    "sortAlpha",
    "squote",
    "toDecimal",
    "toJson",
    "toPrettyJson",
    "toRawJson",
    "toString",
    "toStrings",
    "toToml",
    "toYaml",
    "toYamlPretty",
    "trimAll",
    "uniq",
    "urlJoin",
    "urlquery",
    "without",
    "wrap",
    "wrapWith",
];

type Table = HashMap<&'static str, Function>;

/// The functions of the lists, later ones in the place of earlier ones of their names.
fn table<'a>(lists: impl IntoIterator<Item = &'a [Function]>) -> Table {
    let entry = |function: &Function| {
        let walks = WALKING.contains(&function.name);
        (function.name, Function { walks, ..*function })
    };
    lists.into_iter().flatten().map(entry).collect()
}

// Each is made when it is first asked for: a program rarely asks for more than one.
static GO: LazyLock<Table> = LazyLock::new(|| table([builtin::FUNCTIONS]));
static SPRIG: LazyLock<Table> =
    LazyLock::new(|| table([builtin::FUNCTIONS].into_iter().chain(sprig::tables())));
static HELM: LazyLock<Table> =
    LazyLock::new(|| table([builtin::FUNCTIONS].into_iter().chain(sprig::tables()).chain([helm::FUNCTIONS])));

/// The function of a name.
pub(crate) fn find(set: Functions, name: &str) -> Option<&'static Function> {
    let table = match set {
        Functions::Go => &GO,
        Functions::Sprig => &SPRIG,
        Functions::Helm => &HELM,
    };
    table.get(name)
}
