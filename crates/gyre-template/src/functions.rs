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

static TABLES: LazyLock<[Table; 3]> = LazyLock::new(|| {
    let entry = |function: &Function| {
        let walks = WALKING.contains(&function.name);
        (function.name, Function { walks, ..*function })
    };
    let go: Table = builtin::FUNCTIONS.iter().map(entry).collect();
    let mut with_sprig = go.clone();
    with_sprig.extend(sprig::tables().into_iter().flatten().map(entry));
    let mut with_helm = with_sprig.clone();
    with_helm.extend(helm::FUNCTIONS.iter().map(entry));
    [go, with_sprig, with_helm]
});

/// The function of a name.
pub(crate) fn find(set: Functions, name: &str) -> Option<&'static Function> {
    let table = match set {
        Functions::Go => &TABLES[0],
        Functions::Sprig => &TABLES[1],
        Functions::Helm => &TABLES[2],
    };
    table.get(name)
}
