//! Tokens of service accounts: made by TokenRequest, signed with a key of the server, and what others need to check them.

use std::fs;
use std::io;
use std::path::Path;

use gyre_go::base64::RAW_URL;
use rcgen::{KeyPair as Made, PublicKeyData as _};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::User;
use crate::api::{Api, Call, Place};
use crate::clock;
use crate::failure::{Cause, Failure, Result};
use crate::object;
use crate::response::Answer;

/// The issuer of tokens, and their audience where none is asked for.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";
/// Where it is said how tokens are checked.
pub(crate) const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";
/// Where the public key is.
pub(crate) const KEYS_PATH: &str = "/openid/v1/jwks";
/// How long a token lasts at least.
const SECONDS_MIN: i64 = 600;

/// The file of the key, in the directory of a storage.
const KEY_FILE: &str = "service-accounts.key";
/// The algorithm as JSON Web Tokens name it.
const ALGORITHM: &str = "ES256";

/// Signs and checks tokens.
#[derive(Debug)]
pub(crate) struct Signer {
    key: EcdsaKeyPair,
    /// The digest of the public key, by which it is found among others.
    id: String,
    random: SystemRandom,
}

impl Signer {
    /// With a new key; with the one of this directory, so that tokens outlive the process, where there is one.
    pub(crate) fn new(directory: Option<&Path>) -> io::Result<Self> {
        let broken = |error: &dyn std::fmt::Display| io::Error::other(format!("{KEY_FILE}: {error}"));
        let place = directory.map(|directory| directory.join(KEY_FILE));
        let made = match &place {
            Some(place) if place.exists() => Made::from_pem(&fs::read_to_string(place)?),
            _ => Made::generate(),
        };
        let made = made.map_err(|error| broken(&error))?;
        if let Some(place) = place.filter(|place| !place.exists()) {
            crate::tls::write(&place, &made.serialize_pem(), 0o600)?;
        }
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.serialized_der(), &random);
        let key = key.map_err(|error| broken(&error))?;
        let id = RAW_URL.encode(digest(&SHA256, &made.subject_public_key_info()).as_ref());
        Ok(Self { key, id, random })
    }

    fn sign(&self, claims: &Value) -> Result<String> {
        let part = |value: &Value| RAW_URL.encode(value.to_string().as_bytes());
        let text = format!("{}.{}", part(&json!({"alg": ALGORITHM, "kid": self.id})), part(claims));
        let signature = self.key.sign(&self.random, text.as_bytes());
        let signature = signature.map_err(|_| Failure::internal("the token cannot be signed"))?;
        Ok(format!("{text}.{}", RAW_URL.encode(signature.as_ref())))
    }

    fn read(&self, token: &str) -> Option<Value> {
        let (text, signature) = token.rsplit_once('.')?;
        let signature = RAW_URL.decode(signature.as_bytes()).ok()?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key());
        public.verify(text.as_bytes(), &signature).ok()?;
        let claims = RAW_URL.decode(text.split_once('.')?.1.as_bytes()).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    /// The public key, as a set of JSON Web Keys (RFC 7517).
    pub(crate) fn keys(&self) -> Value {
        // A point of the curve: a mark, then its two coordinates.
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at((point.len() - 1) / 2);
        json!({"keys": [{
            "use": "sig", "kty": "EC", "kid": self.id, "crv": "P-256", "alg": ALGORITHM,
            "x": RAW_URL.encode(x), "y": RAW_URL.encode(y),
        }]})
    }

    /// How tokens are checked by others (OpenID Connect Discovery); `host` is where this server was asked.
    pub(crate) fn configuration(host: &str) -> Value {
        let issuer = ISSUER.trim_start_matches("https://");
        let host = if host.is_empty() { issuer } else { host };
        json!({
            "issuer": ISSUER, "jwks_uri": format!("https://{host}{KEYS_PATH}"), "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": [ALGORITHM],
        })
    }
}

impl Api {
    /// The service account that a token stands for, while both last.
    pub(crate) fn service_account_of(&self, token: &str) -> Option<User> {
        self.token_claims(token).map(|(user, _)| user)
    }

    /// The user and the audiences of a token.
    pub(crate) fn token_claims(&self, token: &str) -> Option<(User, Vec<String>)> {
        let claims = self.access.signer.read(token)?;
        if claims["exp"].as_i64()? * 1_000_000 < self.clock.now_us() {
            return None;
        }
        let about = &claims["kubernetes.io"];
        let ns = about["namespace"].as_str()?;
        let (name, uid) =
            (about["serviceaccount"]["name"].as_str()?, about["serviceaccount"]["uid"].as_str()?);
        let entry = self.store.find("serviceaccounts", &object::key(ns, name))?;
        if object::meta(&object::decode(&entry.bytes), "uid") != uid {
            return None;
        }
        let audiences = claims["aud"].as_array()?.iter().filter_map(Value::as_str).map(Into::into).collect();
        let id = claims["jti"].as_str().unwrap_or_default();
        let user = User {
            name: format!("system:serviceaccount:{ns}:{name}"),
            uid: uid.to_owned(),
            groups: vec![
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{ns}"),
                "system:authenticated".into(),
            ],
            extra: [("authentication.kubernetes.io/credential-id".to_owned(), vec![format!("JTI={id}")])]
                .into(),
        };
        Some((user, audiences))
    }

    /// The object that a token is bound to, as its claims name it (`pkg/registry/core/serviceaccount/storage/token.go`).
    fn bound_object(&self, place: &Place, reference: &Value) -> Result<Option<(&'static str, Value)>> {
        if reference.is_null() {
            return Ok(None);
        }
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let (plural, claim, ns) = match (text("apiVersion"), text("kind")) {
            ("v1", "Pod") => ("pods", "pod", place.ns.as_str()),
            ("v1", "Secret") => ("secrets", "secret", place.ns.as_str()),
            ("v1", "Node") => ("nodes", "node", ""),
            (version, kind) => {
                let (group, version) = crate::registry::split(version);
                return Err(Failure::bad_request(format!(
                    "cannot bind token for serviceaccount {:?} to type {group}/{version}, Kind={kind}",
                    place.name
                )));
            }
        };
        let missing = || Failure::not_found("", plural, text("name"));
        let entry = self.store.find(plural, &object::key(ns, text("name"))).ok_or_else(missing)?;
        let held = object::decode(&entry.bytes);
        if plural == "pods" && held["spec"]["serviceAccountName"].as_str() != Some(&*place.name) {
            return Err(Failure::bad_request(format!(
                "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
                place.name
            )));
        }
        let (given, uid) = (text("uid"), object::meta(&held, "uid"));
        if !given.is_empty() && given != uid {
            let why = format!(
                "the UID in the bound object reference ({given}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(Failure::conflict("", plural, text("name"), &why));
        }
        Ok(Some((claim, json!({"name": text("name"), "uid": uid}))))
    }

    /// Makes a token for a service account.
    pub(crate) fn token(&self, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        let account = self.stored(place).ok_or_else(|| place.not_found())?;
        let ty = gyre_merge::facts::kind("authentication.k8s.io", "v1", "TokenRequest")
            .unwrap_or(gyre_merge::schema::Type::Any);
        let parsed = crate::verbs::parse_body(call.request, &place.kind)?;
        let mut found = crate::decode::Found::default();
        let body = crate::decode::decode(&ty, parsed.value, &mut found).map_err(Failure::bad_request)?;
        let seconds = body["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
        let mut causes = Vec::new();
        if seconds < SECONDS_MIN {
            causes.push(Cause::invalid(
                "spec.expirationSeconds",
                &seconds.into(),
                "may not specify a duration less than 10 minutes",
            ));
        } else if seconds > 1 << 32 {
            causes.push(Cause::invalid(
                "spec.expirationSeconds",
                &seconds.into(),
                "may not specify a duration larger than 2^32 seconds",
            ));
        }
        if !causes.is_empty() {
            return Err(Failure::invalid("authentication.k8s.io", "TokenRequest", "", causes));
        }
        let bound = self.bound_object(place, &body["spec"]["boundObjectRef"])?;
        let audiences = body["spec"]["audiences"].as_array().filter(|it| !it.is_empty());
        let audiences = audiences.cloned().unwrap_or_else(|| vec![ISSUER.into()]);
        let now = self.clock.now_us() / 1_000_000;
        let mut claims = json!({
            "aud": audiences, "exp": now + seconds, "iat": now, "nbf": now, "iss": ISSUER, "jti": self.random.uid(),
            "sub": format!("system:serviceaccount:{}:{}", place.ns, place.name),
            "kubernetes.io": {
                "namespace": place.ns,
                "serviceaccount": {"name": place.name, "uid": object::meta(&account, "uid")},
            },
        });
        if let Some((kind, object)) = bound {
            claims["kubernetes.io"][kind] = object;
        }
        let expires = clock::rfc3339((now + seconds) * 1_000_000);
        let mut spec = json!({"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": null});
        if let Some(reference) = body["spec"].get("boundObjectRef") {
            spec["boundObjectRef"] = reference.clone();
        }
        let metadata = json!({"name": place.name, "namespace": place.ns, "creationTimestamp": self.now()});
        Ok(Answer::object(
            201,
            json!({
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": metadata, "spec": spec,
                "status": {"token": self.access.signer.sign(&claims)?, "expirationTimestamp": expires},
            }),
        ))
    }
}
