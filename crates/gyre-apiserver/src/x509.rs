//! Reads who a client certificate was given to, or is asked for: the name and the organizations of its subject.

/// The user's name and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) organizations: Vec<String>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;
/// 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.4.10.
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Takes one element off the front: its tag and its content.
fn element<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let digits = usize::from(first & 0x7f);
        if digits == 0 || digits > 4 || rest.len() < digits {
            return None;
        }
        let (number, after) = rest.split_at(digits);
        rest = after;
        number.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    };
    if rest.len() < length {
        return None;
    }
    let (content, after) = rest.split_at(length);
    *input = after;
    Some((tag, content))
}

fn expect<'a>(input: &mut &'a [u8], wanted: u8) -> Option<&'a [u8]> {
    element(input).filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
}

/// The subject of a certificate in DER.
pub(crate) fn subject(der: &[u8]) -> Option<Subject> {
    let mut certificate = expect(&mut &*der, SEQUENCE)?;
    let mut body = expect(&mut certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        element(&mut body)?;
    }
    expect(&mut body, INTEGER)?;
    for _ in ["signature", "issuer", "validity"] {
        expect(&mut body, SEQUENCE)?;
    }
    names(expect(&mut body, SEQUENCE)?)
}

/// The subject that a certificate is asked for, of a request in DER (RFC 2986).
pub(crate) fn requested_subject(der: &[u8]) -> Option<Subject> {
    let mut request = expect(&mut &*der, SEQUENCE)?;
    let mut body = expect(&mut request, SEQUENCE)?;
    expect(&mut body, INTEGER)?;
    names(expect(&mut body, SEQUENCE)?)
}

fn names(mut names: &[u8]) -> Option<Subject> {
    let mut out = Subject::default();
    while !names.is_empty() {
        let mut set = expect(&mut names, SET)?;
        while !set.is_empty() {
            let mut pair = expect(&mut set, SEQUENCE)?;
            let id = expect(&mut pair, OBJECT_ID)?;
            let (_, text) = element(&mut pair)?;
            let text = String::from_utf8_lossy(text).into_owned();
            match id {
                COMMON_NAME => out.name = text,
                ORGANIZATION => out.organizations.push(text),
                _ => {}
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn name_and_organizations_are_read() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "alice");
        params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let found = subject(certificate.der()).unwrap();
        assert_eq!(found.name, "alice");
        assert_eq!(found.organizations, ["system:masters"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = subject(&bytes);
        }
    }
}
