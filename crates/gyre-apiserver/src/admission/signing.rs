//! Who may ask for, approve and sign certificates (`plugin/pkg/admission/certificates` of Kubernetes).

use gyre_go::base64::STANDARD;
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::CertificateSigningRequestDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::api::{Api, Place};
use crate::auth::{Action, MASTERS, User};
use crate::failure::Result;
use crate::x509;

/// The signer of certificates that clients of this API prove themselves with.
const CLIENTS: &str = "kubernetes.io/kube-apiserver-client";

/// Writes down who asks for a certificate.
pub(crate) fn identify(user: &User, place: &Place, object: &mut Value) {
    if !place.kind.is("certificates.k8s.io", "certificatesigningrequests") || !object["spec"].is_object() {
        return;
    }
    let spec = &mut object["spec"];
    spec["username"] = user.name.as_str().into();
    spec["groups"] = json!(user.groups);
    for key in ["uid", "extra"] {
        spec.as_object_mut().map(|it| it.remove(key));
    }
    if !user.uid.is_empty() {
        spec["uid"] = user.uid.as_str().into();
    }
}

/// Nobody becomes master of everything by a request.
pub(super) fn requested(place: &Place, object: &Value) -> Result<()> {
    let spec = &object["spec"];
    if spec["signerName"] != CLIENTS {
        return Ok(());
    }
    let pem = STANDARD.decode(spec["request"].as_str().unwrap_or_default().as_bytes()).unwrap_or_default();
    let der = CertificateSigningRequestDer::from_pem_slice(&pem);
    // What cannot be read is refused when the object is checked.
    let subject = der.ok().and_then(|der| x509::requested_subject(&der));
    if subject.is_some_and(|subject| subject.organizations.iter().any(|it| it == MASTERS)) {
        let why = format!("use of {CLIENTS} signer with {MASTERS} group is not allowed");
        return Err(super::forbidden(place, object, &why));
    }
    Ok(())
}

/// Approving and signing need a permission for the signer, besides the one for the request.
pub(super) fn changed(api: &Api, user: &User, place: &Place, object: &Value, old: &Value) -> Result<()> {
    let same = |key: &str| object["status"][key] == old["status"][key];
    let verb = match place.subresource.as_str() {
        "approval" => "approve",
        "status" if !(same("certificate") && same("conditions")) => "sign",
        _ => return Ok(()),
    };
    let signer = old["spec"]["signerName"].as_str().unwrap_or_default();
    let domain = signer.split('/').next().unwrap_or_default();
    let allowed = [signer.to_owned(), format!("{domain}/*")].into_iter().any(|name| {
        let action = Action {
            verb: verb.into(),
            group: "certificates.k8s.io".into(),
            resource: "signers".into(),
            name,
            ..Action::default()
        };
        api.allows(user, &action)
    });
    if allowed {
        return Ok(());
    }
    Err(place.forbidden(&format!("user not permitted to {verb} requests with signerName {signer:?}")))
}
