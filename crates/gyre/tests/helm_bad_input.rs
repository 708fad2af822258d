//! Charts that are wrong, given to the real program: a clear error, in little time and memory.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long any of it may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(120);

struct Chart(tempfile::TempDir);

impl Chart {
    fn new(templates: &[(&str, &str)]) -> Self {
        let chart = Self(tempfile::tempdir().expect("a directory"));
        chart.write("Chart.yaml", "apiVersion: v2\nname: bad\nversion: 0.1.0\n");
        for (name, text) in templates {
            chart.write(&format!("templates/{name}"), text);
        }
        chart
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let place = self.path().join(name);
        fs::create_dir_all(place.parent().expect("a directory")).expect("a directory");
        fs::write(place, text).expect("a file");
    }

    /// What the program says of it.
    fn refused(&self) -> String {
        refused(self.path(), &["template", "."])
    }
}

fn refused(place: &Path, arguments: &[&str]) -> String {
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
    let output = command.arg("helm").args(arguments).current_dir(place).env("HOME", place).output();
    let output = output.expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
    assert!(start.elapsed() < PATIENCE, "{arguments:?} took {:?}", start.elapsed());
    errors
}

#[test]
fn templates_that_never_end() {
    for (text, wanted) in [
        (r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#, "nested reference name: a"),
        (
            r#"{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}"#,
            "exceeded maximum template depth",
        ),
        (
            r#"{{ define "t" }}{{ tpl "{{ include \"t\" . }}" . }}{{ end }}{{ include "t" . }}"#,
            "nested reference name: t",
        ),
        (r#"{{ repeat 2000000000 "abc" }}"#, "error calling repeat"),
        ("{{ until 2000000000 }}", "error calling until"),
        (
            r#"{{ regexMatch "((a{1,1000}){1,1000}){1,1000}" "a" }}{{ mustRegexMatch "(a{1,1000}){1,1000}" "a" }}"#,
            "regexp",
        ),
        (r#"{{ mustRegexMatch "(" "a" }}"#, "missing closing )"),
    ] {
        let why = Chart::new(&[("t.yaml", text)]).refused();
        assert!(
            why.contains(wanted) && why.contains("bad/templates/t.yaml"),
            "{text}: {}",
            &why[..why.len().min(600)]
        );
    }
}

#[test]
fn output_that_is_no_yaml() {
    let chart =
        Chart::new(&[("good.yaml", "a: 1\n"), ("t.yaml", "kind: A\nmetadata:\n  name: x\n   b: [\n")]);
    let why = chart.refused();
    assert!(why.contains("YAML parse error on bad/templates/t.yaml") && why.contains("line 4"), "{why}");
    assert!(why.contains("Use --debug flag to render out invalid YAML"), "{why}");
}

#[test]
fn schemas_of_a_wrong_shape() {
    for (schema, wanted) in [
        (r#"{"type": 7}"#, "type"),
        (r#"{"properties": []}"#, "properties"),
        ("[", ""),
        (r##"{"$ref": "#"}"##, ""),
        (r#"{"properties": {"a": {"type": "string"}}}"#, "at '/a': got number, want string"),
    ] {
        let chart = Chart::new(&[]);
        chart.write("values.schema.json", schema);
        chart.write("values.yaml", "a: 1\n");
        let why = chart.refused();
        assert!(why.contains(wanted), "{schema}: {why}");
    }
}

#[test]
fn a_chart_of_a_gigabyte() {
    let chart = Chart::new(&[]);
    let sparse = |name: &str, head: &[u8]| {
        let mut file = fs::File::create(chart.path().join(name)).expect("a file");
        file.write_all(head).expect("a head");
        file.set_len(1 << 30).expect("a large file");
    };
    sparse("large.bin", b"");
    assert!(
        chart.refused().contains(r#"chart file "large.bin" is larger than the maximum file size 5242880"#)
    );
    let outside = tempfile::tempdir().expect("a directory");
    let place = outside.path();
    for (name, head, wanted) in [
        ("zeros.tgz", &b""[..], "does not appear to be a gzipped archive"),
        ("packed.tgz", &[0x1f, 0x8b, 8, 0][..], "is larger than the maximum file size 104857600"),
    ] {
        sparse(name, head);
        fs::rename(chart.path().join(name), place.join(name)).expect("a file");
        let why = refused(place, &["template", name]);
        assert!(why.contains(wanted), "{name}: {why}");
    }
}

/// An archive with files of names and contents.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(header);
        tar.extend(*content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&tar).expect("packed");
    packer.finish().expect("packed")
}

#[test]
fn archives_that_lead_outside_or_swell() {
    let directory = tempfile::tempdir().expect("a directory");
    let chart = b"apiVersion: v2\nname: bad\nversion: 0.1.0\n";
    let zeros = vec![0; 6 << 20];
    let many: Vec<(String, Vec<u8>)> = (0..26).map(|at| (format!("bad/f{at}"), vec![0; 4 << 20])).collect();
    let mut bomb: Vec<(&str, &[u8])> = vec![("bad/Chart.yaml", chart)];
    bomb.extend(many.iter().map(|(name, content)| (name.as_str(), &content[..])));
    for (entries, wanted) in [
        (
            vec![("bad/Chart.yaml", &chart[..]), ("bad/../../x", b"x")],
            "illegally references parent directory",
        ),
        (
            vec![("bad/Chart.yaml", &chart[..]), ("bad/zeros", &zeros)],
            "larger than the maximum file size 5242880",
        ),
        (bomb, "larger than the maximum file size 104857600"),
    ] {
        fs::write(directory.path().join("bad.tgz"), archive(&entries)).expect("a file");
        let why = refused(directory.path(), &["template", "bad.tgz"]);
        assert!(why.contains(wanted), "{wanted}: {why}");
        assert!(!directory.path().join("x").exists());
    }
}

#[test]
fn charts_that_need_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, other) in [("one", "two"), ("two", "one")] {
        let place = directory.path().join(name);
        fs::create_dir(&place).expect("a directory");
        let text = format!(
            "apiVersion: v2\nname: {name}\nversion: 0.1.0\ndependencies:\n- {{name: {other}, version: 0.1.0, repository: \"file://../{other}\"}}\n"
        );
        fs::write(place.join("Chart.yaml"), text).expect("a file");
    }
    // What is fetched is not fetched for in its turn, as with Helm.
    for arguments in
        [["dependency", "update", "one"], ["dependency", "update", "two"], ["template", "x", "one"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
        command.arg("helm").args(arguments).current_dir(directory.path()).env("HOME", directory.path());
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
