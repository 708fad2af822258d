//! Block collections.

use super::{Parser, State, event};
use crate::event::{Event, EventKind};
use crate::scanner::Scan;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Remembers where a collection begins and takes its first token.
    pub(super) fn open(&mut self, first: bool) -> Scan<()> {
        if first {
            let (start, _) = self.peek_place()?;
            self.marks.push(start);
            self.take();
        }
        Ok(())
    }

    pub(super) fn block_sequence_entry(&mut self, first: bool) -> Scan<Event> {
        self.open(first)?;
        let (start, end) = self.peek_place()?;
        if self.next_is(&[TokenKind::BlockEntry])? {
            let stem = self.pending.head.len();
            self.take();
            self.split_stem_comment(stem)?;
            if self.next_is(&[TokenKind::BlockEntry, TokenKind::BlockEnd])? {
                self.state = State::BlockSequenceEntry;
                return Ok(Self::empty_scalar(end));
            }
            self.states.push(State::BlockSequenceEntry);
            return self.node(true, false);
        }
        let context = self.marks.pop().unwrap_or_default();
        if self.next_is(&[TokenKind::BlockEnd])? {
            self.pop_state();
            self.take();
            return Ok(event(EventKind::SequenceEnd, start));
        }
        Err(Self::problem_in("did not find expected '-' indicator", context, start))
    }

    pub(super) fn indentless_sequence_entry(&mut self) -> Scan<Event> {
        let (start, end) = self.peek_place()?;
        if !self.next_is(&[TokenKind::BlockEntry])? {
            self.pop_state();
            return Ok(event(EventKind::SequenceEnd, start));
        }
        let stem = self.pending.head.len();
        self.take();
        self.split_stem_comment(stem)?;
        let ends = [TokenKind::BlockEntry, TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd];
        if self.next_is(&ends)? {
            self.state = State::IndentlessSequenceEntry;
            return Ok(Self::empty_scalar(end));
        }
        self.states.push(State::IndentlessSequenceEntry);
        self.node(true, false)
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Scan<Event> {
        self.open(first)?;
        let (start, end) = self.peek_place()?;
        if self.next_is(&[TokenKind::Key])? {
            self.take();
            if self.next_is(&[TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd])? {
                self.state = State::BlockMappingValue;
                return Ok(Self::empty_scalar(end));
            }
            self.states.push(State::BlockMappingValue);
            return self.node(true, true);
        }
        let context = self.marks.pop().unwrap_or_default();
        if self.next_is(&[TokenKind::BlockEnd])? {
            self.pop_state();
            let event = self.with_comments(EventKind::MappingEnd, start, start);
            self.take();
            return Ok(event);
        }
        Err(Self::problem_in("did not find expected key", context, start))
    }

    pub(super) fn block_mapping_value(&mut self) -> Scan<Event> {
        let (start, end) = self.peek_place()?;
        self.state = State::BlockMappingKey;
        if !self.next_is(&[TokenKind::Value])? {
            return Ok(Self::empty_scalar(start));
        }
        self.take();
        if self.next_is(&[TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd])? {
            return Ok(Self::empty_scalar(end));
        }
        self.states.push(State::BlockMappingKey);
        self.node(true, true)
    }
}
