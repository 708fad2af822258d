//! Go's `fmt`: `Sprintf` with every verb and flag, `Sprint`, `Sprintln`.
//!
//! A caller shows its values as [`Arg`]; the names of the Go types are part of it, since `%T`, `%#v` and the errors
//! inside the text print them.

mod number;
mod printer;

use std::borrow::Cow;

use printer::Printer;

/// A value as Go's `fmt` sees it.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    /// An untyped nil.
    Nil,
    /// A `bool`.
    Bool(bool),
    /// A signed integer and the name of its type.
    Int(i64, &'static str),
    /// An unsigned integer and the name of its type.
    Uint(u64, &'static str),
    /// A `float64`.
    Float64(f64),
    /// A `float32`.
    Float32(f32),
    /// A string, with the name of its type.
    Str(Cow<'a, [u8]>, &'a str),
    /// A `[]uint8`.
    Bytes(Cow<'a, [u8]>),
    /// A slice.
    List {
        /// The name of the slice's type.
        type_name: Cow<'a, str>,
        /// What it holds.
        items: Vec<Arg<'a>>,
        /// Are the items interfaces? Then a nil among them is printed as such.
        of_interfaces: bool,
        /// A nil slice?
        is_nil: bool,
    },
    /// A map, its keys in Go's order.
    Map {
        /// The name of the map's type.
        type_name: Cow<'a, str>,
        /// Keys and values.
        entries: Vec<(Arg<'a>, Arg<'a>)>,
        /// A nil map?
        is_nil: bool,
    },
    /// A struct.
    Struct {
        /// The name of the type.
        type_name: Cow<'a, str>,
        /// Names and values.
        fields: Vec<(&'a str, Arg<'a>)>,
    },
    /// A pointer to a value.
    Pointer(Box<Arg<'a>>),
    /// A value that says itself how it is shown: an error or a `Stringer`.
    Shown {
        /// What it says.
        text: Cow<'a, [u8]>,
        /// The name of its type.
        type_name: Cow<'a, str>,
        /// What is printed for verbs that are not for texts.
        inner: Box<Arg<'a>>,
    },
    /// A function or another value without a text; printed as an address.
    Opaque(Cow<'a, str>),
}

impl<'a> Arg<'a> {
    /// A plain string.
    pub fn text(text: &'a str) -> Self {
        Self::Str(Cow::Borrowed(text.as_bytes()), "string")
    }

    /// The name of the type, as `%T` prints it.
    pub fn type_name(&self) -> Cow<'_, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_, name) | Self::Uint(_, name) => (*name).into(),
            Self::Float64(_) => "float64".into(),
            Self::Float32(_) => "float32".into(),
            Self::Str(_, name) => (*name).into(),
            Self::Bytes(_) => "[]uint8".into(),
            Self::List { type_name, .. }
            | Self::Map { type_name, .. }
            | Self::Struct { type_name, .. }
            | Self::Shown { type_name, .. }
            | Self::Opaque(type_name) => Cow::Borrowed(type_name),
            Self::Pointer(to) => format!("*{}", to.type_name()).into(),
        }
    }
}

/// `fmt.Sprintf`.
pub fn sprintf(format: &[u8], args: &[Arg<'_>]) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.format(format, args);
    printer.finish()
}

/// `fmt.Sprint`: a space between two values neither of which is a string.
pub fn sprint(args: &[Arg<'_>]) -> Vec<u8> {
    let mut printer = Printer::default();
    let mut after_text = false;
    for (index, arg) in args.iter().enumerate() {
        let is_text = matches!(arg, Arg::Str(..));
        if index > 0 && !is_text && !after_text {
            printer.write(b" ");
        }
        printer.print(arg, 'v');
        after_text = is_text;
    }
    printer.finish()
}

/// `fmt.Sprintln`.
pub fn sprintln(args: &[Arg<'_>]) -> Vec<u8> {
    let mut printer = Printer::default();
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.write(b" ");
        }
        printer.print(arg, 'v');
    }
    printer.write(b"\n");
    printer.finish()
}
