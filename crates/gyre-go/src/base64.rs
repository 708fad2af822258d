//! Base64 as Go's `encoding/base64` reads and writes it: with its offsets in errors, and line feeds passed over.

/// Which alphabet, and padding or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    url: bool,
    padded: bool,
}

/// `base64.StdEncoding`.
pub const STANDARD: Encoding = Encoding { url: false, padded: true };
/// `base64.URLEncoding`.
pub const URL: Encoding = Encoding { url: true, padded: true };
/// `base64.RawStdEncoding`.
pub const RAW_STANDARD: Encoding = Encoding { url: false, padded: false };
/// `base64.RawURLEncoding`.
pub const RAW_URL: Encoding = Encoding { url: true, padded: false };

/// Where the text stops to be base64. The text is Go's `CorruptInputError`.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("illegal base64 data at input byte {0}")]
pub struct Corrupt(pub usize);

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Encoding {
    /// The text for the bytes.
    pub fn encode(self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
        for chunk in bytes.chunks(3) {
            let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for place in 0..4_usize {
                if place <= chunk.len() {
                    out.push(self.letter((bits >> (18 - 6 * place)) as usize & 63));
                } else if self.padded {
                    out.push('=');
                }
            }
        }
        out
    }

    fn letter(self, value: usize) -> char {
        match LETTERS[value] {
            b'+' if self.url => '-',
            b'/' if self.url => '_',
            letter => letter as char,
        }
    }

    fn value(self, letter: u8) -> Option<u32> {
        Some(u32::from(match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' if !self.url => 62,
            b'/' if !self.url => 63,
            b'-' if self.url => 62,
            b'_' if self.url => 63,
            _ => return None,
        }))
    }

    /// The bytes that the text stands for, and where it was broken; the bytes before that place are kept as Go does.
    pub fn decode_lossy(self, text: &[u8]) -> (Vec<u8>, Option<Corrupt>) {
        let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
        let mut at = 0;
        loop {
            match self.quantum(text, &mut at, &mut out) {
                Ok(true) => {}
                Ok(false) => return (out, None),
                Err(place) => return (out, Some(Corrupt(place))),
            }
        }
    }

    /// The bytes that the text stands for.
    pub fn decode(self, text: &[u8]) -> Result<Vec<u8>, Corrupt> {
        let (out, broken) = self.decode_lossy(text);
        broken.map_or(Ok(out), Err)
    }

    /// Four letters; `false` at the end.
    fn quantum(self, text: &[u8], at: &mut usize, out: &mut Vec<u8>) -> Result<bool, usize> {
        let skip = |at: &mut usize| {
            while matches!(text.get(*at), Some(b'\n' | b'\r')) {
                *at += 1;
            }
        };
        let mut digits = [0_u32; 4];
        let mut count = 0;
        let mut ended = false;
        while count < 4 {
            let Some(&letter) = text.get(*at) else {
                if count == 0 {
                    return Ok(false);
                }
                if count == 1 || self.padded {
                    return Err(*at - count);
                }
                ended = true;
                break;
            };
            *at += 1;
            if let Some(value) = self.value(letter) {
                digits[count] = value;
                count += 1;
                continue;
            }
            if matches!(letter, b'\n' | b'\r') {
                continue;
            }
            if letter != b'=' || !self.padded || count < 2 {
                return Err(*at - 1);
            }
            if count == 2 {
                skip(at);
                match text.get(*at) {
                    None => return Err(text.len()),
                    Some(b'=') => *at += 1,
                    Some(_) => return Err(*at),
                }
            }
            skip(at);
            ended = true;
            if *at < text.len() {
                write(&digits, count, out);
                return Err(*at);
            }
            break;
        }
        write(&digits, count, out);
        Ok(!ended)
    }
}

fn write(digits: &[u32; 4], count: usize, out: &mut Vec<u8>) {
    let bits = digits[0] << 18 | digits[1] << 12 | digits[2] << 6 | digits[3];
    let bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
    out.extend_from_slice(&bytes[..count.saturating_sub(1)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes: Vec<u8>, text: Vec<u8>) {
            for encoding in [STANDARD, URL, RAW_STANDARD, RAW_URL] {
                prop_assert_eq!(encoding.decode(encoding.encode(&bytes).as_bytes()), Ok(bytes.clone()));
                let _ = encoding.decode(&text);
            }
        }
    }
}
