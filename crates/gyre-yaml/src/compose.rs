//! Events to nodes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::error::{Dialect, Error, Mark, Problem, Stage};
use crate::event::{Comments, Event, EventKind, Properties};
use crate::input;
use crate::limits::{DEPTH_MAX, EXPANDED_NODES_MAX, NODES_MAX, STREAM_BYTES_MAX};
use crate::node::{Alias, Document, Extra, Node, NodeValue, Place, Span, Style};
use crate::parser::Parser;
use crate::resolve;
use crate::tag::Tag;
use crate::token::ScalarStyle;

/// A stream of documents, decoded to text.
pub struct Source<'a> {
    text: Cow<'a, str>,
    bad: Option<&'static str>,
}

impl<'a> Source<'a> {
    /// The stream in these bytes: UTF-8, or UTF-16 with a byte order mark.
    pub fn new(bytes: &'a [u8]) -> Self {
        if bytes.len() > STREAM_BYTES_MAX {
            return Self { text: Cow::Borrowed(""), bad: Some("the stream is too large") };
        }
        let input = input::decode(bytes);
        Self { text: input.text, bad: input.bad }
    }

    /// Its documents, one after the other.
    pub fn documents(&self, dialect: Dialect, keep_comments: bool) -> Documents<'_> {
        Documents {
            parser: Parser::new(&self.text, dialect, keep_comments),
            bad: self.bad,
            dialect,
            keep_places: false,
            peeked: None,
            anchors: HashMap::new(),
            depth: 0,
            nodes: 0,
            anchored: 0,
            ended: false,
        }
    }
}

/// Reads the documents of a stream.
pub struct Documents<'a> {
    parser: Parser<'a>,
    bad: Option<&'static str>,
    dialect: Dialect,
    keep_places: bool,
    peeked: Option<Event>,
    /// Anchored nodes; `None` while the node is being read.
    anchors: HashMap<String, Option<Arc<Node>>>,
    depth: usize,
    /// Nodes read so far.
    nodes: usize,
    /// Nodes kept a second time, for aliases.
    anchored: usize,
    ended: bool,
}

impl Documents<'_> {
    /// Keeps the place of every node, for edits.
    #[must_use]
    pub fn with_places(self) -> Self {
        Self { keep_places: true, ..self }
    }

    /// How many nodes were read so far.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The next document, `None` behind the last. After an error there is no going on.
    pub fn next_document(&mut self) -> Result<Option<Document>, Error> {
        if self.ended {
            return Ok(None);
        }
        if matches!(self.peek()?.kind, EventKind::StreamStart) {
            self.next()?;
        }
        let start = self.next()?;
        let EventKind::DocumentStart = start.kind else {
            self.ended = true;
            return Ok(None);
        };
        if self.dialect == Dialect::V2 {
            self.anchors.clear();
        }
        let root = self.node()?;
        let end = self.next()?;
        let comments = Comments { head: start.comments.head, line: String::new(), foot: end.comments.foot };
        Ok(Some(Document { root, comments, line: start.start.line + 1 }))
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, Error> {
        let problem = match self.bad {
            Some(text) if self.parser.at_end() => bad_input(text),
            _ => problem,
        };
        Err(problem.into_error(self.dialect))
    }

    fn next(&mut self) -> Result<Event, Error> {
        if let Some(event) = self.peeked.take() {
            return Ok(event);
        }
        match self.parser.next_event() {
            Ok(event) => match self.bad {
                Some(text) if self.parser.at_end() => self.fail(bad_input(text)),
                _ => Ok(event),
            },
            Err(problem) => self.fail(problem),
        }
    }

    fn peek(&mut self) -> Result<&Event, Error> {
        let event = self.next()?;
        Ok(self.peeked.insert(event))
    }

    fn node(&mut self) -> Result<Node, Error> {
        let event = self.next()?;
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Error::Decode(format!("the stream has more than {NODES_MAX} nodes")));
        }
        let before = self.nodes;
        let (place, comments) = ((event.start, event.end), event.comments);
        let start = event.start;
        match event.kind {
            EventKind::Alias(name) => {
                let Some(target) = self.anchors.get(&name) else {
                    return Err(Error::Decode(format!("unknown anchor '{name}' referenced")));
                };
                let target = target.clone();
                let value = NodeValue::Alias(Box::new(Alias { name, target }));
                Ok(self.read_node(value, Tag::None, Style::PLAIN, place, String::new(), comments))
            }
            EventKind::Scalar { value, style, properties } => {
                let node = self.scalar(value, style, properties, place, comments);
                self.close_anchor(node, before)
            }
            EventKind::SequenceStart { flow, properties } => {
                let node = self.sequence(flow, properties, start, comments)?;
                self.close_anchor(node, before)
            }
            EventKind::MappingStart { flow, properties } => {
                let node = self.mapping(flow, properties, start, comments)?;
                self.close_anchor(node, before)
            }
            _ => Err(Error::Decode("attempted to go past the end of stream; corrupted value?".into())),
        }
    }

    fn sequence(
        &mut self,
        flow: bool,
        properties: Properties,
        start: Mark,
        comments: Comments,
    ) -> Result<Node, Error> {
        self.enter(start)?;
        let (tag, style) = collection_tag(&properties, Tag::Seq, flow);
        let anchor = self.open_anchor(properties.anchor);
        let mut items = Vec::new();
        while !matches!(self.peek()?.kind, EventKind::SequenceEnd) {
            items.push(self.node()?);
        }
        items.shrink_to_fit();
        let last = self.next()?;
        let comments = Comments { head: comments.head, line: last.comments.line, foot: last.comments.foot };
        self.depth -= 1;
        let value = NodeValue::Sequence(items);
        Ok(self.read_node(value, tag, style, (start, last.end), anchor, comments))
    }

    fn mapping(
        &mut self,
        flow: bool,
        properties: Properties,
        start: Mark,
        comments: Comments,
    ) -> Result<Node, Error> {
        self.enter(start)?;
        let (tag, style) = collection_tag(&properties, Tag::Map, flow);
        let anchor = self.open_anchor(properties.anchor);
        let pairs = self.pairs(flow)?;
        let last = self.next()?;
        let mut foot = last.comments.foot;
        let mut value = pairs;
        if let Some((key, _)) = value.last_mut().filter(|_| !flow && !foot.is_empty()) {
            key.comments_mut().foot = std::mem::take(&mut foot);
        }
        let comments = Comments { head: comments.head, line: last.comments.line, foot };
        self.depth -= 1;
        let value = NodeValue::Mapping(value);
        Ok(self.read_node(value, tag, style, (start, last.end), anchor, comments))
    }

    fn enter(&mut self, place: Mark) -> Result<(), Error> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let text = format!("exceeded max depth of {DEPTH_MAX}");
        self.fail(Problem { text, context: place, place, from: Stage::Scanner })
    }

    /// The pairs of a mapping, each foot comment at the key that it stands below of.
    fn pairs(&mut self, flow: bool) -> Result<Vec<(Node, Node)>, Error> {
        let mut pairs: Vec<(Node, Node)> = Vec::new();
        while !matches!(self.peek()?.kind, EventKind::MappingEnd) {
            let mut key = self.node()?;
            let dedented = !flow && !key.comments().foot.is_empty();
            if let Some((before, _)) = pairs.last_mut().filter(|_| dedented) {
                before.comments_mut().foot = std::mem::take(&mut key.comments_mut().foot);
            }
            let mut value = self.node()?;
            if key.comments().foot.is_empty() && !value.comments().foot.is_empty() {
                key.comments_mut().foot = std::mem::take(&mut value.comments_mut().foot);
            }
            pairs.push((key, value));
        }
        pairs.shrink_to_fit();
        Ok(pairs)
    }

    fn scalar(
        &mut self,
        value: SmolStr,
        style: ScalarStyle,
        properties: Properties,
        place: (Mark, Mark),
        comments: Comments,
    ) -> Node {
        let mut node_style = match style {
            ScalarStyle::Plain => Style::PLAIN,
            ScalarStyle::SingleQuoted => Style::SINGLE_QUOTED,
            ScalarStyle::DoubleQuoted => Style::DOUBLE_QUOTED,
            ScalarStyle::Literal => Style::LITERAL,
            ScalarStyle::Folded => Style::FOLDED,
        };
        let bare = properties.tag.is_empty() || (properties.tag == "!" && self.dialect == Dialect::V3);
        let tag = if !bare {
            node_style = node_style.with(Style::TAGGED);
            Tag::parse(&properties.tag)
        } else if style != ScalarStyle::Plain {
            Tag::Str
        } else if self.dialect == Dialect::V2 {
            Tag::None
        } else if value == "<<" {
            Tag::Merge
        } else {
            resolve::implicit_tag(Dialect::V3, &value)
        };
        let anchor = self.open_anchor(properties.anchor);
        self.read_node(NodeValue::Scalar(value), tag, node_style, place, anchor, comments)
    }

    fn read_node(
        &self,
        value: NodeValue,
        tag: Tag,
        style: Style,
        (start, end): (Mark, Mark),
        anchor: String,
        comments: Comments,
    ) -> Node {
        let extra = (self.keep_places || !anchor.is_empty() || !comments.is_empty()).then(|| {
            let span = Span { start: start.offset as u32, end: end.offset as u32 };
            Box::new(Extra { anchor, comments, place: Place { column: start.column + 1, span } })
        });
        Node { value, tag, style, line: start.line + 1, extra }
    }

    fn open_anchor(&mut self, anchor: Option<String>) -> String {
        if let Some(name) = &anchor {
            self.anchors.insert(name.clone(), None);
        }
        anchor.unwrap_or_default()
    }

    /// Keeps an anchored node for its aliases; `before` nodes had been read when it began.
    fn close_anchor(&mut self, node: Node, before: usize) -> Result<Node, Error> {
        if !node.anchor().is_empty() {
            // bounded: anchors inside of anchors keep what they share once each.
            self.anchored += 1 + self.nodes - before;
            if self.anchored > EXPANDED_NODES_MAX {
                return Err(Error::Decode("document contains excessive aliasing".into()));
            }
            self.anchors.insert(node.anchor().to_owned(), Some(Arc::new(node.clone())));
        }
        Ok(node)
    }
}

fn bad_input(text: &str) -> Problem {
    Problem { text: text.into(), context: Mark::default(), place: Mark::default(), from: Stage::Reader }
}

fn collection_tag(properties: &Properties, own: Tag, flow: bool) -> (Tag, Style) {
    let style = if flow { Style::FLOW } else { Style::PLAIN };
    if properties.tag.is_empty() || properties.tag == "!" {
        (own, style)
    } else {
        (Tag::parse(&properties.tag), style.with(Style::TAGGED))
    }
}

/// The first document of a stream, as Go's `Unmarshal` reads it; `None` where there is none.
pub fn parse_first(bytes: &[u8], dialect: Dialect) -> Result<Option<Document>, Error> {
    Source::new(bytes).documents(dialect, false).next_document()
}

/// All documents of a stream, with comments.
pub fn parse_all(bytes: &[u8], dialect: Dialect) -> Result<Vec<Document>, Error> {
    let source = Source::new(bytes);
    let mut documents = source.documents(dialect, dialect == Dialect::V3);
    let mut all = Vec::new();
    while let Some(document) = documents.next_document()? {
        all.push(document);
    }
    Ok(all)
}
