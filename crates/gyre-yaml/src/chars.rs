//! Classes of characters, as libyaml divides them. All take the bytes of a text and a position; behind the end lies 0.

/// The byte at a position, 0 behind the end. NUL itself is refused on input.
#[inline]
pub(crate) fn at(text: &[u8], pos: usize) -> u8 {
    text.get(pos).copied().unwrap_or(0)
}

/// The length of the character that begins with this byte.
#[inline]
pub(crate) fn width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

#[inline]
pub(crate) fn is_blank(text: &[u8], pos: usize) -> bool {
    matches!(at(text, pos), b' ' | b'\t')
}

/// CR, LF, NEL, LS or PS.
#[inline]
pub(crate) fn is_break(text: &[u8], pos: usize) -> bool {
    match at(text, pos) {
        b'\r' | b'\n' => true,
        0xc2 => at(text, pos + 1) == 0x85,
        0xe2 => at(text, pos + 1) == 0x80 && matches!(at(text, pos + 2), 0xa8 | 0xa9),
        _ => false,
    }
}

#[inline]
pub(crate) fn is_breakz(text: &[u8], pos: usize) -> bool {
    at(text, pos) == 0 || is_break(text, pos)
}

#[inline]
pub(crate) fn is_blankz(text: &[u8], pos: usize) -> bool {
    is_blank(text, pos) || is_breakz(text, pos)
}

/// What may stand in an anchor and in the name of a directive.
#[inline]
pub(crate) fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[inline]
pub(crate) fn is_bom(text: &[u8], pos: usize) -> bool {
    at(text, pos) == 0xef && at(text, pos + 1) == 0xbb && at(text, pos + 2) == 0xbf
}

/// Can the writer show the character as it is? Tabs and characters outside the BMP are not among them.
#[inline]
pub(crate) fn is_printable(text: &[u8], pos: usize) -> bool {
    match at(text, pos) {
        0x0a | 0x20..=0x7e => true,
        0xc2 => at(text, pos + 1) >= 0xa0,
        0xc3..=0xec | 0xee => true,
        0xed => at(text, pos + 1) < 0xa0,
        0xef => {
            let rest = (at(text, pos + 1), at(text, pos + 2));
            rest != (0xbb, 0xbf) && rest != (0xbf, 0xbe) && rest != (0xbf, 0xbf)
        }
        _ => false,
    }
}
