//! Nodes: a document as it was written, with places, tags, styles and comments.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::event::Comments;
use crate::tag::Tag;

/// One document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The content.
    pub root: Node,
    /// Comments above and below the content.
    pub comments: Comments,
    /// The line on which the document begins, from 1: that of `---`, or of the first content where there is none.
    pub line: u32,
}

/// How a node is written. Several can hold at once: a tagged literal, for instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style(u8);

impl Style {
    /// Plain, block.
    pub const PLAIN: Self = Self(0);
    /// With its tag.
    pub const TAGGED: Self = Self(1);
    /// `"..."`.
    pub const DOUBLE_QUOTED: Self = Self(2);
    /// `'...'`.
    pub const SINGLE_QUOTED: Self = Self(4);
    /// `|`.
    pub const LITERAL: Self = Self(8);
    /// `>`.
    pub const FOLDED: Self = Self(16);
    /// `[...]`, `{...}`.
    pub const FLOW: Self = Self(32);
    /// Any style that only a string can have.
    pub const STRING: Self = Self(2 | 4 | 8 | 16);

    /// Has one of the styles of the other.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This without the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A range of bytes in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// Where in its line, and in its text, a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Column, from 1; 0 for nodes whose places were not asked for.
    pub column: u32,
    /// The bytes of a scalar, an alias or a flow collection in the text it was read from, properties left out.
    pub span: Span,
}

/// What is rare about a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    /// The name other nodes can point to it by.
    pub anchor: String,
    /// The comments around it.
    pub comments: Comments,
    /// Kept only where it is asked for.
    pub place: Place,
}

/// A node that stands for an anchored one.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The anchor's name.
    pub name: String,
    /// The node; `None` where the alias stands inside of that node.
    pub target: Option<Arc<Node>>,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// A scalar's text.
    Scalar(SmolStr),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the file.
    Mapping(Vec<(Node, Node)>),
    /// `*name`.
    Alias(Box<Alias>),
}

/// A node of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The content.
    pub value: NodeValue,
    /// What it is: resolved on reading (v3), or only where the text says so (v2).
    pub tag: Tag,
    /// How it is written.
    pub style: Style,
    /// Line, from 1; 0 for nodes that were not read.
    pub line: u32,
    /// Anchor, comments and place.
    pub extra: Option<Box<Extra>>,
}

impl Node {
    /// A node that was not read from a text.
    pub fn new(value: NodeValue, tag: Tag) -> Self {
        Self { value, tag, style: Style::PLAIN, line: 0, extra: None }
    }

    /// A scalar with a tag.
    pub fn scalar(text: impl Into<SmolStr>, tag: Tag) -> Self {
        Self::new(NodeValue::Scalar(text.into()), tag)
    }

    /// A string.
    pub fn string(text: impl Into<SmolStr>) -> Self {
        Self::scalar(text, Tag::Str)
    }

    /// A mapping.
    pub fn mapping(pairs: Vec<(Node, Node)>) -> Self {
        Self::new(NodeValue::Mapping(pairs), Tag::Map)
    }

    /// A list.
    pub fn sequence(items: Vec<Node>) -> Self {
        Self::new(NodeValue::Sequence(items), Tag::Seq)
    }

    /// The text of a scalar.
    pub fn as_scalar(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a mapping.
    pub fn as_mapping(&self) -> Option<&[(Node, Node)]> {
        match &self.value {
            NodeValue::Mapping(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value of a mapping's key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.iter().find(|(name, _)| name.as_scalar() == Some(key)).map(|(_, value)| value)
    }

    /// The value of a mapping's key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let NodeValue::Mapping(pairs) = &mut self.value else { return None };
        pairs.iter_mut().find(|(name, _)| name.as_scalar() == Some(key)).map(|(_, value)| value)
    }

    /// Is this `null`?
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null && matches!(self.value, NodeValue::Scalar(_))
    }

    /// The comments, empty where there are none.
    pub fn comments(&self) -> &Comments {
        static NONE: Comments = Comments { head: String::new(), line: String::new(), foot: String::new() };
        self.extra.as_ref().map_or(&NONE, |extra| &extra.comments)
    }

    /// The comments, to be changed.
    pub fn comments_mut(&mut self) -> &mut Comments {
        &mut self.extra.get_or_insert_default().comments
    }

    /// Where the node stands; zeros where that was not asked for.
    pub fn place(&self) -> Place {
        self.extra.as_ref().map_or_else(Place::default, |extra| extra.place)
    }

    /// The anchor; empty where there is none.
    pub fn anchor(&self) -> &str {
        self.extra.as_ref().map_or("", |extra| extra.anchor.as_str())
    }
}
