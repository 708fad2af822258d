//! Packets, and the numbers in them.

use super::{PgpError, structure};
use crate::limits::PGP_PACKETS_MAX;

pub(super) const SIGNATURE: u8 = 2;
pub(super) const SECRET_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const SECRET_SUBKEY: u8 = 7;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
/// Packets that say nothing: markers, what GnuPG trusts, padding.
const SILENT: [u8; 3] = [10, 12, 21];

/// A packet: what it is, and its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// All packets of a text that say something.
pub(super) fn packets(text: &[u8]) -> Result<Vec<Packet<'_>>, PgpError> {
    let mut reader = Reader(text);
    let mut found = Vec::new();
    while !reader.0.is_empty() {
        let packet = reader.packet()?;
        if found.len() >= PGP_PACKETS_MAX {
            return structure(format!("more than {PGP_PACKETS_MAX} packets"));
        }
        if !SILENT.contains(&packet.tag) {
            found.push(packet);
        }
    }
    Ok(found)
}

/// Takes a text apart from its front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], PgpError> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else { return structure("unexpected EOF") };
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, PgpError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self, bytes: usize) -> Result<usize, PgpError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A whole number of any size, without leading zeros.
    pub(super) fn mpi(&mut self) -> Result<&'a [u8], PgpError> {
        let bits = self.number(2)?;
        self.take(bits.div_ceil(8))
    }

    fn packet(&mut self) -> Result<Packet<'a>, PgpError> {
        let first = self.byte()?;
        if first & 0x80 == 0 {
            return structure("tag byte does not have MSB set");
        }
        let (tag, length) = if first & 0x40 == 0 {
            let length = match first & 3 {
                3 => self.0.len(),
                kind => self.number(1 << kind)?,
            };
            (first >> 2 & 15, length)
        } else {
            (first & 63, self.new_length()?)
        };
        Ok(Packet { tag, body: self.take(length)? })
    }

    fn new_length(&mut self) -> Result<usize, PgpError> {
        let first = usize::from(self.byte()?);
        match first {
            0..192 => Ok(first),
            192..224 => Ok((first - 192) * 256 + usize::from(self.byte()?) + 192),
            255 => self.number(4),
            // Keys and signatures are not written piece by piece.
            _ => Err(PgpError::Unsupported("partial lengths of packets".into())),
        }
    }

    /// The parts of a signature that say what it is about.
    pub(super) fn subpacket(&mut self) -> Result<(u8, &'a [u8]), PgpError> {
        let length = match usize::from(self.byte()?) {
            first @ 0..192 => first,
            255 => self.number(4)?,
            first => (first - 192) * 256 + usize::from(self.byte()?) + 192,
        };
        if length == 0 {
            return structure("zero length signature subpacket");
        }
        let body = self.take(length)?;
        Ok((body[0], &body[1..]))
    }
}

/// A packet as it is written.
pub(super) fn write(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0 | tag, 0xff];
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// A whole number as it is written.
pub(super) fn write_mpi(number: &[u8], out: &mut Vec<u8>) {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    let bits = number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize);
    out.extend_from_slice(&(bits as u16).to_be_bytes());
    out.extend_from_slice(number);
}
