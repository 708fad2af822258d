//! Random input: nothing panics, nothing runs without end.

use std::io::Write as _;

use gyre_helm::chart::{File, load_files, read_archive};
use gyre_helm::values::set::{Grammar, set};
use gyre_helm::{Chart, Options, ParsedChart, Values};
use gyre_template::FixedHost;
use proptest::prelude::*;

fn file(name: &str, content: &str) -> File {
    File { name: name.into(), content: content.as_bytes().into() }
}

/// Pieces that templates are made of, so that much of what comes out can be parsed.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{ ".to_owned()),
        Just(" }}".to_owned()),
        Just("{{- end }}".to_owned()),
        Just("{{ if .Values.a }}".to_owned()),
        Just("{{ range $k, $v := .Values }}".to_owned()),
        Just("{{ with .Values.b }}".to_owned()),
        Just("{{ define \"x\" }}".to_owned()),
        Just("{{ include \"x\" . }}".to_owned()),
        Just("{{ tpl .Values.t . }}".to_owned()),
        Just("$x := ".to_owned()),
        Just(".Values.a.b".to_owned()),
        Just(" | ".to_owned()),
        Just("toYaml .Values | nindent 2".to_owned()),
        Just("(index .Values.l 1)".to_owned()),
        Just("printf \"%d %v\" 1 .".to_owned()),
        Just("a: b\n".to_owned()),
        Just("---\n".to_owned()),
        "[a-z\"'`{}().$|: \n-]{0,12}",
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn templates(text in template(), values in "[a-z:{}\\[\\] \n-]{0,40}") {
        let files = vec![
            file("Chart.yaml", "apiVersion: v2\nname: fuzz\nversion: 0.1.0\n"),
            file("values.yaml", &values),
            file("templates/a.yaml", &text),
            file("templates/_x.tpl", "{{ define \"x\" }}x: {{ .Values.a }}{{ end }}"),
        ];
        if let Ok(chart) = load_files(files) {
            let _ = ParsedChart::new(chart).render(&Values::new(), &Options::default(), &mut FixedHost::default());
        }
    }

    #[test]
    fn set_flags(text in "[a-c.=,\\[\\]{}0-9\\\\\" ]{0,40}", again in "[a-c.=,\\[\\]{}0-9]{0,20}") {
        for text in [&text, &again] {
            let mut values = Values::new();
            for _ in 0..2 {
                let _ = set(text, Grammar::Typed, &mut values);
                let _ = set(text, Grammar::Text, &mut values);
                let _ = set(text, Grammar::Json, &mut values);
                let _ = set(text, Grammar::Literal, &mut values);
            }
        }
    }

    #[test]
    fn archives(names in proptest::collection::vec("[a./\\\\]{1,12}", 0..4), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        let mut tar = tar::Builder::new(packer);
        for name in &names {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(2);
            header.set_cksum();
            tar.append(&header, &b"a:"[..]).unwrap();
        }
        let mut plain = tar.into_inner().unwrap().finish().unwrap();
        let place = at.index(plain.len());
        plain[place] ^= 1 << bit;
        let _ = Chart::from_archive(&plain);
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&plain).unwrap();
        if let Ok(files) = read_archive(&packer.finish().unwrap()) {
            let is_inside = |file: &File| !file.name.starts_with('/') && !file.name.split('/').any(|part| part == "..");
            prop_assert!(files.iter().all(is_inside));
        }
    }
}
