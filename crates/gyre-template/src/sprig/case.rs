//! Upper and lower case, and words: huandu/xstrings and Masterminds/goutils.

use gyre_go::utf8;

pub(super) fn uncapitalized(text: &[u8]) -> String {
    let mut next = true;
    utf8::runes(text)
        .map(|rune| {
            let rune = rune.as_char();
            if utf8::is_space(rune) {
                next = true;
                return rune;
            }
            if std::mem::take(&mut next) { utf8::lower_rune(rune) } else { rune }
        })
        .collect()
}

pub(super) fn swapped(text: &[u8]) -> String {
    let mut after_space = true;
    utf8::runes(text)
        .map(|rune| {
            let rune = rune.as_char();
            if rune.is_uppercase() || utf8::title_rune(rune) == rune && utf8::lower_rune(rune) != rune {
                after_space = false;
                return utf8::lower_rune(rune);
            }
            if rune.is_lowercase() {
                return if std::mem::take(&mut after_space) {
                    utf8::title_rune(rune)
                } else {
                    utf8::upper_rune(rune)
                };
            }
            after_space = utf8::is_space(rune);
            rune
        })
        .collect()
}

pub(super) fn initials(text: &[u8]) -> String {
    let mut next = true;
    let mut out = String::new();
    let mut at = 0;
    for rune in utf8::runes(text) {
        if utf8::is_space(rune.as_char()) {
            next = true;
        } else if std::mem::take(&mut next) {
            // compat(sprig 3.3): the first byte of a letter stands for it.
            out.push(text[at] as char);
        }
        at += rune.width();
    }
    out
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || utf8::is_space(rune)
}

/// `xstrings.ToPascalCase`: leading connectors stay, others are dropped and the next letter is upper case.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut current = None;
    for rune in rest.by_ref() {
        if !is_connector(rune) {
            current = Some(rune);
            break;
        }
        out.push(rune);
    }
    // A text of nothing but connectors ends with the last of them twice, as the library has it.
    let Some(first) = current else {
        out.extend(text.chars().next_back());
        return out;
    };
    let mut current = utf8::upper_rune(first);
    let mut first_is_upper = first.is_uppercase();
    for rune in rest {
        let previous = current;
        current = rune;
        if is_connector(rune) && is_connector(previous) {
            out.push(previous);
            continue;
        }
        if is_connector(previous) {
            first_is_upper = rune.is_uppercase();
            current = utf8::upper_rune(rune);
        } else {
            if first_is_upper {
                if rune.is_uppercase() {
                    current = utf8::lower_rune(rune);
                } else {
                    first_is_upper = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_letter(rune: char) -> bool {
    // Scripts without case are words of another sort.
    rune.is_alphabetic()
        && !('\u{3400}'..='\u{9fff}').contains(&rune)
        && !('\u{f900}'..='\u{faff}').contains(&rune)
}

fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_punctuation()
            && !matches!(rune, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    gyre_go::strconv::is_print(rune) && !rune.is_alphanumeric() && PUNCTUATION.contains(&rune)
}

/// Punctuation beyond ASCII that texts have; symbols are none.
const PUNCTUATION: &[char] = &[
    '¡', '§', '«', '¶', '·', '»', '¿', '‐', '‑', '‒', '–', '—', '―', '‘', '’', '‚', '“', '”', '„', '†', '‡',
    '•', '…', '‰', '′', '″', '‹', '›', '‼', '⁇', '、', '。', '「', '」', '『', '』', '【', '】', '！', '（',
    '）', '，', '．', '：', '；', '？',
];

fn run(rest: &str, fits: impl Fn(char) -> bool) -> usize {
    rest.find(|rune| !fits(rune)).unwrap_or(rest.len())
}

fn next_word(text: &str) -> (Word, &str, &str) {
    let Some(first) = text.chars().next() else { return (Word::None, "", "") };
    let width = first.len_utf8();
    let after = &text[width..];
    let small = |rune: char| is_letter(rune) && !rune.is_uppercase();
    let (word, length) = if is_connector(first) {
        (Word::Connector, width + run(after, is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, width + run(after, is_punctuation))
    } else if first.is_uppercase() {
        let upper = run(after, char::is_uppercase);
        if upper > 0 {
            // `HTTPStatus` is `HTTP` and `Status`.
            let back = after[..upper].chars().next_back().map_or(0, char::len_utf8);
            let letter_follows = after[upper..].starts_with(is_letter);
            (Word::Upper, width + upper - if letter_follows { back } else { 0 })
        } else {
            (Word::Upper, width + run(after, small))
        }
    } else if is_letter(first) {
        (Word::Letters, width + run(after, small))
    } else if first.is_numeric() {
        (Word::Number, width + run(after, char::is_numeric))
    } else {
        let other = |rune: char| {
            !is_connector(rune) && !is_letter(rune) && !rune.is_numeric() && !is_punctuation(rune)
        };
        (Word::Other, width + run(after, other))
    };
    (word, &text[..length], &text[length..])
}

fn write_word(word: Word, text: &str, connector: char, out: &mut String) {
    if !matches!(word, Word::Upper | Word::Connector) {
        out.push_str(text);
        return;
    }
    out.extend(text.chars().map(|rune| {
        if is_connector(rune) {
            connector
        } else if rune.is_uppercase() {
            utf8::lower_rune(rune)
        } else {
            rune
        }
    }));
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`: words in lower case with a connector between them.
pub(super) fn lower_words(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            write_word(kind, word, connector, &mut out);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Letters | Word::Number) {
                    write_word(kind, word, connector, &mut out);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Punctuation | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => write_word(previous, last, connector, &mut out),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                // A number belongs to the word before it, unless small letters follow.
                if kind != Word::Letters {
                    write_word(Word::Number, number, connector, &mut out);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                write_word(Word::Number, number, connector, &mut out);
                while matches!(kind, Word::Letters | Word::Number) {
                    write_word(kind, word, connector, &mut out);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
        }
    }
    write_word(kind, word, connector, &mut out);
    out
}
