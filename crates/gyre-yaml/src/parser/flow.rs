//! Flow collections.

use super::{Parser, State, event};
use crate::event::{Event, EventKind, Properties};
use crate::scanner::Scan;
use crate::token::TokenKind;

impl Parser<'_> {
    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Scan<Event> {
        self.open(first)?;
        if !self.next_is(&[TokenKind::FlowSequenceEnd])? {
            if !first {
                let (place, _) = self.peek_place()?;
                if !self.next_is(&[TokenKind::FlowEntry])? {
                    let context = self.marks.pop().unwrap_or_default();
                    return Err(Self::problem_in("did not find expected ',' or ']'", context, place));
                }
                self.take();
            }
            let (start, _) = self.peek_place()?;
            if self.next_is(&[TokenKind::Key])? {
                self.state = State::FlowSequenceEntryMappingKey;
                self.take();
                let properties = Properties::default();
                return Ok(event(EventKind::MappingStart { flow: true, properties }, start));
            }
            if !self.next_is(&[TokenKind::FlowSequenceEnd])? {
                self.states.push(State::FlowSequenceEntry);
                return self.node(false, false);
            }
        }
        self.close(EventKind::SequenceEnd)
    }

    fn close(&mut self, kind: EventKind) -> Scan<Event> {
        let (start, end) = self.peek_place()?;
        self.pop_state();
        self.marks.pop();
        let event = self.with_comments(kind, start, end);
        self.take();
        Ok(event)
    }

    pub(super) fn flow_sequence_entry_mapping_key(&mut self) -> Scan<Event> {
        let (_, end) = self.peek_place()?;
        if !self.next_is(&[TokenKind::Value, TokenKind::FlowEntry, TokenKind::FlowSequenceEnd])? {
            self.states.push(State::FlowSequenceEntryMappingValue);
            return self.node(false, false);
        }
        // compat(libyaml): the token is skipped, so that `[? : x]` reads on behind the colon.
        self.take();
        self.state = State::FlowSequenceEntryMappingValue;
        Ok(Self::empty_scalar(end))
    }

    pub(super) fn flow_sequence_entry_mapping_value(&mut self) -> Scan<Event> {
        let (start, _) = self.peek_place()?;
        if self.next_is(&[TokenKind::Value])? {
            self.take();
            if !self.next_is(&[TokenKind::FlowEntry, TokenKind::FlowSequenceEnd])? {
                self.states.push(State::FlowSequenceEntryMappingEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowSequenceEntryMappingEnd;
        Ok(Self::empty_scalar(start))
    }

    pub(super) fn flow_sequence_entry_mapping_end(&mut self) -> Scan<Event> {
        let (start, _) = self.peek_place()?;
        self.state = State::FlowSequenceEntry;
        Ok(event(EventKind::MappingEnd, start))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Scan<Event> {
        self.open(first)?;
        if !self.next_is(&[TokenKind::FlowMappingEnd])? {
            if !first {
                let (place, _) = self.peek_place()?;
                if !self.next_is(&[TokenKind::FlowEntry])? {
                    let context = self.marks.pop().unwrap_or_default();
                    return Err(Self::problem_in("did not find expected ',' or '}'", context, place));
                }
                self.take();
            }
            if self.next_is(&[TokenKind::Key])? {
                self.take();
                let (start, _) = self.peek_place()?;
                if self.next_is(&[TokenKind::Value, TokenKind::FlowEntry, TokenKind::FlowMappingEnd])? {
                    self.state = State::FlowMappingValue;
                    return Ok(Self::empty_scalar(start));
                }
                self.states.push(State::FlowMappingValue);
                return self.node(false, false);
            }
            if !self.next_is(&[TokenKind::FlowMappingEnd])? {
                self.states.push(State::FlowMappingEmptyValue);
                return self.node(false, false);
            }
        }
        self.close(EventKind::MappingEnd)
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Scan<Event> {
        let (start, _) = self.peek_place()?;
        if !empty && self.next_is(&[TokenKind::Value])? {
            self.take();
            if !self.next_is(&[TokenKind::FlowEntry, TokenKind::FlowMappingEnd])? {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false);
            }
        }
        self.state = State::FlowMappingKey;
        let (after, _) = self.peek_place()?;
        Ok(Self::empty_scalar(if empty { start } else { after }))
    }
}
