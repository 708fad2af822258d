//! Streams, documents and directives.

use super::{Parser, State, event, join};
use crate::error::Mark;
use crate::event::{Event, EventKind};
use crate::scanner::Scan;
use crate::token::{Token, TokenKind};

impl Parser<'_> {
    pub(super) fn stream_start(&mut self) -> Scan<Event> {
        let (start, _) = self.peek_place()?;
        self.take();
        self.state = State::ImplicitDocumentStart;
        Ok(event(EventKind::StreamStart, start))
    }

    pub(super) fn document_start(&mut self, implicit: bool) -> Scan<Event> {
        if !implicit {
            while self.next_is(&[TokenKind::DocumentEnd])? {
                self.take();
            }
        }
        let (start, _) = self.peek_place()?;
        match self.peek()?.kind {
            TokenKind::StreamEnd => {
                self.state = State::End;
                self.take();
                Ok(event(EventKind::StreamEnd, start))
            }
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart => self.explicit_document(start),
            _ if implicit => {
                self.process_directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                let mut event = event(EventKind::DocumentStart, start);
                event.comments.head = self.split_document_head();
                Ok(event)
            }
            _ => self.explicit_document(start),
        }
    }

    fn explicit_document(&mut self, start: Mark) -> Scan<Event> {
        self.process_directives()?;
        let (place, _) = self.peek_place()?;
        if !self.next_is(&[TokenKind::DocumentStart])? {
            return Err(Self::problem("did not find expected <document start>", place));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.take();
        Ok(event(EventKind::DocumentStart, start))
    }

    /// The part of the first comment above its last empty line belongs to the document.
    fn split_document_head(&mut self) -> String {
        let head = &mut self.pending.head;
        let bytes = head.as_bytes();
        for at in (1..bytes.len()).rev() {
            if bytes[at] != b'\n' {
                continue;
            }
            let end = if at == bytes.len() - 1 {
                at
            } else if bytes[at - 1] == b'\n' {
                at - 1
            } else {
                continue;
            };
            let document = head[..end].to_owned();
            *head = head[at + 1..].to_owned();
            return document;
        }
        String::new()
    }

    pub(super) fn document_content(&mut self) -> Scan<Event> {
        let start = self.peek()?.start;
        match self.peek()?.kind {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                self.pop_state();
                Ok(Self::empty_scalar(start))
            }
            _ => self.node(true, false),
        }
    }

    pub(super) fn document_end(&mut self) -> Scan<Event> {
        let (start, _) = self.peek_place()?;
        if self.next_is(&[TokenKind::DocumentEnd])? {
            self.take();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        let mut event = self.with_comments(EventKind::DocumentEnd, start, start);
        if event.comments.foot.is_empty() {
            event.comments.foot = std::mem::take(&mut event.comments.head);
        }
        Ok(event)
    }

    fn process_directives(&mut self) -> Scan<()> {
        let mut version_seen = false;
        loop {
            let (place, _) = self.peek_place()?;
            match self.peek()?.kind {
                TokenKind::VersionDirective { major, minor } => {
                    if version_seen {
                        return Err(Self::problem("found duplicate %YAML directive", place));
                    }
                    if (major, minor) != (1, 1) {
                        return Err(Self::problem("found incompatible YAML document", place));
                    }
                    version_seen = true;
                    self.take();
                }
                TokenKind::TagDirective { .. } => {
                    if let Some(Token { kind: TokenKind::TagDirective { handle, prefix }, .. }) = self.take()
                    {
                        if self.tag_directives.iter().any(|(known, _)| *known == handle) {
                            return Err(Self::problem("found duplicate %TAG directive", place));
                        }
                        self.tag_directives.push((handle, prefix));
                    }
                }
                _ => break,
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|(known, _)| known == handle) {
                self.tag_directives.push((handle.into(), prefix.into()));
            }
        }
        Ok(())
    }

    /// A comment above `-` belongs to the whole collection that begins behind it.
    pub(super) fn split_stem_comment(&mut self, stem_bytes: usize) -> Scan<()> {
        if stem_bytes == 0 {
            return Ok(());
        }
        if !self.next_is(&[TokenKind::BlockSequenceStart, TokenKind::BlockMappingStart])? {
            return Ok(());
        }
        let rest = self.pending.head.get(stem_bytes + 1..).unwrap_or_default().to_owned();
        let mut stem = std::mem::replace(&mut self.pending.head, rest);
        stem.truncate(stem_bytes);
        let mut whole = String::new();
        join(&mut whole, &stem);
        self.stem_comment = Some(whole);
        Ok(())
    }
}
