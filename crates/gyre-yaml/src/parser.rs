//! Tokens to events: the grammar of YAML 1.1 as libyaml walks it.

mod block;
mod document;
mod flow;

use smol_str::SmolStr;

use crate::error::{Dialect, Mark, Problem, Stage};
use crate::event::{Comments, Event, EventKind, Properties};
use crate::scanner::{Scan, Scanner};
use crate::token::{ScalarStyle, Token, TokenKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    /// Where the open collections begin.
    marks: Vec<Mark>,
    tag_directives: Vec<(String, String)>,
    pending: Comments,
    /// A comment above a collection that is itself an entry.
    stem_comment: Option<String>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, dialect: Dialect, keep_comments: bool) -> Self {
        Self {
            scanner: Scanner::new(text, dialect, keep_comments),
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: Vec::new(),
            pending: Comments::default(),
            stem_comment: None,
        }
    }

    /// Has the scanner read the whole text?
    pub(crate) fn at_end(&self) -> bool {
        self.scanner.at_end()
    }

    pub(crate) fn next_event(&mut self) -> Scan<Event> {
        match self.state {
            State::StreamStart => self.stream_start(),
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirstEntry => self.block_sequence_entry(true),
            State::BlockSequenceEntry => self.block_sequence_entry(false),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => self.flow_sequence_entry_mapping_end(),
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(event(EventKind::StreamEnd, Mark::default())),
        }
    }

    // Tokens.

    /// The next token's kind and place, after its comments were collected.
    fn peek(&mut self) -> Scan<&Token> {
        if !self.scanner.keeps_comments() {
            return self.scanner.peek();
        }
        let token = self.scanner.peek()?;
        let (index, ends_block) = (token.start.index, token.kind == TokenKind::BlockEnd);
        self.collect_comments(index, ends_block);
        self.scanner.peek()
    }

    fn collect_comments(&mut self, index: usize, ends_block: bool) {
        while let Some(comment) = self.scanner.comments.front() {
            if index < comment.token.index || (ends_block && !comment.head.is_empty()) {
                return;
            }
            join(&mut self.pending.head, &comment.head);
            join(&mut self.pending.foot, &comment.foot);
            join(&mut self.pending.line, &comment.line);
            self.scanner.comments.pop_front();
        }
    }

    fn peek_place(&mut self) -> Scan<(Mark, Mark)> {
        self.peek().map(|token| (token.start, token.end))
    }

    fn next_is(&mut self, kinds: &[TokenKind]) -> Scan<bool> {
        Ok(kinds.contains(&self.peek()?.kind))
    }

    fn take(&mut self) -> Option<Token> {
        self.scanner.take()
    }

    // Events.

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn take_comments(&mut self) -> Comments {
        self.stem_comment = None;
        std::mem::take(&mut self.pending)
    }

    fn with_comments(&mut self, kind: EventKind, start: Mark, end: Mark) -> Event {
        Event { kind, start, end, comments: self.take_comments() }
    }

    fn empty_scalar(mark: Mark) -> Event {
        let properties = Properties::default();
        event(EventKind::Scalar { value: SmolStr::default(), style: ScalarStyle::Plain, properties }, mark)
    }

    /// A node; `indentless` where a sequence may follow without deeper indentation.
    fn node(&mut self, block: bool, indentless: bool) -> Scan<Event> {
        let (mut start, _) = self.peek_place()?;
        if let TokenKind::Alias(_) = self.peek()?.kind {
            self.pop_state();
            let Some(Token { kind: TokenKind::Alias(name), end, .. }) = self.take() else {
                return Err(Self::problem("did not find expected node content", start));
            };
            return Ok(self.with_comments(EventKind::Alias(name), start, end));
        }
        let (properties, begin) = self.properties(start)?;
        start = begin;
        let given = properties.anchor.is_some() || !properties.tag.is_empty();
        if indentless && self.next_is(&[TokenKind::BlockEntry])? {
            self.state = State::IndentlessSequenceEntry;
            return Ok(event(EventKind::SequenceStart { flow: false, properties }, start));
        }
        match self.peek()?.kind {
            TokenKind::Scalar { .. } => {
                self.pop_state();
                let Some(Token { kind: TokenKind::Scalar { value, style }, end, .. }) = self.take() else {
                    return Err(Self::problem("did not find expected node content", start));
                };
                Ok(self.with_comments(EventKind::Scalar { value, style, properties }, start, end))
            }
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirstEntry;
                Ok(self.with_comments(EventKind::SequenceStart { flow: true, properties }, start, start))
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirstKey;
                Ok(self.with_comments(EventKind::MappingStart { flow: true, properties }, start, start))
            }
            TokenKind::BlockSequenceStart if block => {
                self.state = State::BlockSequenceFirstEntry;
                Ok(self.with_stem(EventKind::SequenceStart { flow: false, properties }, start))
            }
            TokenKind::BlockMappingStart if block => {
                self.state = State::BlockMappingFirstKey;
                Ok(self.with_stem(EventKind::MappingStart { flow: false, properties }, start))
            }
            _ if given => {
                self.pop_state();
                let kind =
                    EventKind::Scalar { value: SmolStr::default(), style: ScalarStyle::Plain, properties };
                Ok(event(kind, start))
            }
            _ => {
                let (place, _) = self.peek_place()?;
                Err(Self::problem_in("did not find expected node content", start, place))
            }
        }
    }

    fn with_stem(&mut self, kind: EventKind, start: Mark) -> Event {
        let mut event = event(kind, start);
        if let Some(stem) = self.stem_comment.take() {
            event.comments.head = stem;
        }
        event
    }

    /// Anchor and tag, in either order; and where the node begins.
    fn properties(&mut self, start: Mark) -> Scan<(Properties, Mark)> {
        let mut properties = Properties::default();
        let mut tag = None;
        for _ in 0..2 {
            let place = self.peek()?.start;
            match &self.peek()?.kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name.clone());
                }
                TokenKind::Tag { handle, suffix } if tag.is_none() => {
                    tag = Some((handle.clone(), suffix.clone(), place));
                }
                _ => break,
            }
            self.take();
        }
        // The tokens are looked at even where they end the node, as libyaml does.
        self.peek()?;
        if let Some((handle, suffix, place)) = tag {
            if handle.is_empty() {
                properties.tag = suffix;
            } else {
                let known = self.tag_directives.iter().find(|(known, _)| *known == handle);
                let full = known.map(|(_, prefix)| format!("{prefix}{suffix}")).unwrap_or_default();
                if full.is_empty() {
                    return Err(Self::problem_in("found undefined tag handle", start, place));
                }
                properties.tag = full;
            }
        }
        Ok((properties, start))
    }

    fn problem(text: &str, place: Mark) -> Problem {
        Problem { text: text.into(), context: Mark::default(), place, from: Stage::Parser }
    }

    fn problem_in(text: &str, context: Mark, place: Mark) -> Problem {
        Problem { text: text.into(), context, place, from: Stage::Parser }
    }
}

fn event(kind: EventKind, start: Mark) -> Event {
    Event { kind, start, end: start, comments: Comments::default() }
}

fn join(into: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !into.is_empty() {
        into.push('\n');
    }
    into.push_str(more);
}
