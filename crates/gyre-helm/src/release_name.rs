//! Names of releases.

use gyre_template::{Functions, Host, Machine, MissingKey, Templates, Value};

use crate::error::{HelmError, err};

/// The longest name of a release.
const NAME_BYTES_MAX: usize = 53;

/// `chartutil.ValidateReleaseName`.
pub fn validate(name: &str) -> Result<(), HelmError> {
    if name.is_empty() {
        return err("no name provided");
    }
    let label = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = part.as_bytes();
        !bytes.is_empty()
            && fits(bytes[0])
            && fits(bytes[bytes.len() - 1])
            && bytes.iter().all(|&byte| fits(byte) || byte == b'-')
    };
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(label) {
        return err(
            "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53",
        );
    }
    Ok(())
}

/// The name that a `--name-template` makes.
pub fn from_template(text: &str, host: &mut (dyn Host + Send)) -> Result<String, HelmError> {
    let mut templates = Templates::new(Functions::Sprig, MissingKey::Invalid);
    templates.add("name-template", text).map_err(|why| HelmError(why.to_string()))?;
    let mut machine = Machine::new(&templates, host);
    let name = machine.execute("name-template", Value::Invalid).map_err(|why| HelmError(why.to_string()))?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}
