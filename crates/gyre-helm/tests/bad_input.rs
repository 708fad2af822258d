//! What must not hang, crash or fill the memory: a clear error, in time.

use std::time::{Duration, Instant};

use gyre_helm::chart::{File, load_files};
use gyre_helm::{Chart, Options, ParsedChart, Values};
use gyre_template::FixedHost;

fn file(name: &str, content: &str) -> File {
    File { name: name.into(), content: content.as_bytes().into() }
}

fn render(templates: &[(&str, &str)]) -> Result<String, String> {
    let mut files = vec![file("Chart.yaml", "apiVersion: v2\nname: bad\nversion: 0.1.0\n")];
    files.extend(templates.iter().map(|(name, text)| file(name, text)));
    let chart = load_files(files).map_err(|why| why.to_string())?;
    let began = Instant::now();
    let rendered =
        ParsedChart::new(chart).render(&Values::new(), &Options::default(), &mut FixedHost::default());
    assert!(began.elapsed() < Duration::from_secs(60), "took {:?}", began.elapsed());
    let rendered = rendered.map_err(|why| why.to_string())?;
    Ok(rendered.manifests.into_iter().map(|manifest| manifest.content).collect())
}

fn refused(text: &str) -> String {
    match render(&[("templates/a.yaml", text)]) {
        Ok(_) => panic!("{text} is not refused"),
        Err(why) => why,
    }
}

#[test]
fn templates_that_call_themselves() {
    let include = refused("{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}");
    assert!(include.contains("rendering template has a nested reference name: x"), "{include}");
    let template = refused("{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}");
    assert!(template.contains("exceeded maximum template depth"), "{template}");
    let tpl = refused("{{ $t := \"{{ tpl .T . }}\" }}{{ tpl $t (dict \"T\" $t \"Template\" .Template) }}");
    assert!(tpl.contains("templates/a.yaml"), "{tpl}");
}

#[test]
fn functions_that_make_too_much() {
    for text in [
        "{{ repeat 2000000000 \"ab\" }}",
        "{{ until 2000000000 }}",
        "{{ untilStep 0 2000000000 1 }}",
        "{{ range 2000000000 }}{{ range 2000000000 }}a{{ end }}{{ end }}",
        "{{ $x := \"ab\" }}{{ range until 64 }}{{ $x = print $x $x }}{{ end }}",
        "{{ randAlpha 2000000000 }}",
        "{{ indent 2000000000 \"a\" }}",
        "{{ regexReplaceAll \"(a{1000}){1000}\" \"a\" \"b\" }}",
        "{{ seq 1 2000000000 }}",
        "{{ nindent 2000000000 \"a\" }}",
        "{{ $x := list 1 2 }}{{ range until 64 }}{{ $x = concat $x $x }}{{ end }}",
        "{{ $x := dict }}{{ range until 64 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ toYaml $x }}",
        "{{ $x := dict }}{{ range until 64 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ deepCopy $x }}",
        "{{ $x := dict }}{{ range until 64 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ printf \"%v\" $x }}",
        "{{ $x := dict }}{{ range until 64 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ eq (toJson $x) \"\" }}",
        "{{ repeat 1000000 \"a\" | replace \"a\" (repeat 1000000 \"b\") }}",
        "{{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ $x }}",
        "{{ fromYaml \"a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\" | toYaml | repeat 100 }}",
    ] {
        let why = refused(text);
        assert!(why.contains("a.yaml"), "{text}: {why}");
    }
}

#[test]
fn work_that_is_much_is_done_in_time() {
    for text in [
        // Helm's toYaml gives nothing for what it cannot write.
        "a: {{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ toYaml $x | len }}\n",
        "a: {{ printf \"%9999999d\" 1 | len }}\n",
        "a: {{ printf \"%*d\" 999999999 1 | len }}\n",
        "a: {{ regexMatch \"^(a*)*$\" (repeat 100000 \"a\" | printf \"%sb\") }}\n",
        "a: {{ until 100000 | toStrings | join \",\" | len }}\n",
        "a: {{ range $i := until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}1\n",
    ] {
        let rendered = render(&[("templates/a.yaml", text)]);
        assert!(rendered.is_ok(), "{text}: {rendered:?}");
    }
}

#[test]
fn output_that_is_no_yaml_names_its_template_and_line() {
    let why = refused("a: 1\nb: [\nc: 2\n");
    assert!(why.starts_with("YAML parse error on bad/templates/a.yaml: "), "{why}");
    assert!(why.contains("line "), "{why}");
}

#[test]
fn schemas_of_a_wrong_shape() {
    for schema in ["[]", "{\"type\": 1}", "{\"$ref\": \"#/a\"}", "{", "{\"$ref\": \"https://example.com/x\"}"]
    {
        let files = vec![
            file("Chart.yaml", "apiVersion: v2\nname: bad\nversion: 0.1.0\n"),
            file("values.schema.json", schema),
            file("templates/a.yaml", "a: 1\n"),
        ];
        let chart = load_files(files).unwrap();
        let rendered =
            ParsedChart::new(chart).render(&Values::new(), &Options::default(), &mut FixedHost::default());
        assert!(rendered.is_err(), "{schema}");
    }
}

/// A tar of entries, packed; sizes may lie.
fn archive(entries: &[(&str, &[u8], u64)]) -> Vec<u8> {
    let packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut tar = tar::Builder::new(packer);
    for (name, content, size) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_size(*size);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        tar.append(&header, *content).expect("memory takes it");
    }
    tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory takes it")
}

#[test]
fn archives_that_lead_outside_or_swell() {
    let chart: &[u8] = b"apiVersion: v2\nname: bad\nversion: 0.1.0\n";
    let size = chart.len() as u64;
    for (name, wanted) in [
        ("bad/../../etc/passwd", "illegally"),
        ("bad//etc/passwd", "absolute"),
        ("bad", "outside the base directory"),
    ] {
        let packed = archive(&[("bad/Chart.yaml", chart, size), (name, b"x", 1)]);
        let why = Chart::from_archive(&packed).unwrap_err().to_string();
        assert!(why.contains(wanted), "{name}: {why}");
    }
    let zeros = vec![0; 6 << 20];
    let bomb = archive(&[("bad/Chart.yaml", chart, size), ("bad/big", &zeros, zeros.len() as u64)]);
    assert!(bomb.len() < 64 << 10);
    assert!(
        Chart::from_archive(&bomb).unwrap_err().to_string().contains("larger than the maximum file size")
    );
    // What is no file counts as well.
    let pad = vec![0; 4 << 20];
    let packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut tar = tar::Builder::new(packer);
    for _ in 0..100 {
        let mut header = tar::Header::new_ustar();
        header.set_size(pad.len() as u64);
        header.set_entry_type(tar::EntryType::XGlobalHeader);
        header.set_cksum();
        tar.append(&header, &pad[..]).expect("memory takes it");
    }
    let swollen = tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory takes it");
    let why = Chart::from_archive(&swollen).unwrap_err().to_string();
    assert!(why.contains("larger than the maximum file size"), "{why}");
    let lies = archive(&[("bad/Chart.yaml", chart, 1 << 40)]);
    assert!(Chart::from_archive(&lies).is_err());
    // Many files, each within the limit of one.
    let four = vec![0; 4 << 20];
    let names: Vec<String> = (0..30).map(|at| format!("bad/{at}")).collect();
    let mut entries: Vec<(&str, &[u8], u64)> = vec![("bad/Chart.yaml", chart, size)];
    entries.extend(names.iter().map(|name| (name.as_str(), &four[..], four.len() as u64)));
    let why = Chart::from_archive(&archive(&entries)).unwrap_err().to_string();
    assert!(why.contains("larger than the maximum file size"), "{why}");
}

#[test]
fn subcharts_without_end() {
    let chart: &[u8] = b"apiVersion: v2\nname: a\nversion: 0.1.0\n";
    let top = ("a/Chart.yaml", chart, chart.len() as u64);
    let mut packed = archive(&[top]);
    for _ in 0..40 {
        packed = archive(&[top, ("a/charts/a.tgz", &packed.clone(), packed.len() as u64)]);
    }
    let why = Chart::from_archive(&packed).unwrap_err().to_string();
    assert!(why.contains("nest deeper"), "{why}");
}
