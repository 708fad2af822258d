//! How objects may be called, by kind, in the words of Kubernetes.

/// What is wrong with the name of an object.
pub(super) fn problems(kind: &str, name: &str) -> Vec<String> {
    match kind.to_ascii_lowercase().as_str() {
        "service" => dns_label_1035(name),
        "namespace" => dns_label(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => dns_subdomain(name),
    }
}

fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && fits(bytes[0])
        && fits(bytes[bytes.len() - 1])
        && bytes.iter().all(|&byte| fits(byte) || byte == b'-')
}

fn length(name: &str, most: usize) -> Option<String> {
    (name.len() > most).then(|| format!("must be no more than {most} characters"))
}

fn dns_subdomain(name: &str) -> Vec<String> {
    let mut found: Vec<String> = length(name, 253).into_iter().collect();
    if !name.split('.').all(is_label) {
        found.push("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')".into());
    }
    found
}

fn dns_label(name: &str) -> Vec<String> {
    let mut found: Vec<String> = length(name, 63).into_iter().collect();
    if !is_label(name) {
        found.push("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')".into());
    }
    found
}

fn dns_label_1035(name: &str) -> Vec<String> {
    let mut found: Vec<String> = length(name, 63).into_iter().collect();
    if !is_label(name) || !name.as_bytes()[0].is_ascii_lowercase() {
        found.push("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')".into());
    }
    found
}

fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let forbidden = ['/', '%'].into_iter().filter(|letter| name.contains(*letter));
    forbidden.map(|letter| format!("may not contain '{letter}'")).collect()
}
