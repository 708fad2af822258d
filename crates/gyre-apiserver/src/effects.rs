//! What a write does beyond its object: addresses and ports of Services, the kinds that definitions define.

use std::sync::{Arc, PoisonError};

use serde_json::{Value, json};

use crate::api::{Api, Place};
use crate::custom;
use crate::failure::{Cause, Failure, Result};
use crate::network::{PORTS, offset};
use crate::object;
use crate::registry::Kind;
use crate::store::Expect;

/// Addresses and ports that a write has taken, to be given back where it fails.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    addresses: Vec<String>,
    ports: Vec<u16>,
}

impl Api {
    /// Gives a Service the addresses and ports that it needs.
    pub(crate) fn allocate(&self, place: &Place, object: &mut Value, old: Option<&Value>) -> Result<Taken> {
        let mut taken = Taken::default();
        if !place.kind.is("", "services") || !place.subresource.is_empty() {
            return Ok(taken);
        }
        let outcome = self
            .allocate_address(object, old, &mut taken)
            .and_then(|()| self.allocate_ports(object, old, &mut taken));
        match outcome {
            Ok(()) => Ok(taken),
            Err(cause) => {
                self.release(&taken);
                Err(Failure::invalid("", "Service", object::meta(object, "name"), vec![cause]))
            }
        }
    }

    /// compat(kube-apiserver): an address is written down under the name of its Service before the Service is looked at,
    /// so that a name which no path can hold is refused as an address that cannot be had.
    pub(crate) fn unnamed_address(&self, place: &Place, object: &Value) -> Option<Cause> {
        let spec = &object["spec"];
        let given = spec["clusterIP"].as_str().unwrap_or_default();
        if !place.kind.is("", "services") || spec["type"] == "ExternalName" || !given.is_empty() {
            return None;
        }
        let name = object::meta(object, "name");
        let why = if name.is_empty() {
            "Required value".to_owned()
        } else {
            let problem = crate::names::path_segment(name).into_iter().next()?;
            format!("Invalid value: {}: {problem}", crate::failure::quoted(name))
        };
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network.address().unwrap_or_default();
        network.free_address(&address);
        let detail = format!(
            "failed to allocate IP: IPAddress.networking.k8s.io {address:?} is invalid: spec.parentRef.name: {why}"
        );
        Some(Cause::invalid("spec.clusterIPs", &json!([""]), &detail))
    }

    fn allocate_address(
        &self,
        object: &mut Value,
        old: Option<&Value>,
        taken: &mut Taken,
    ) -> std::result::Result<(), Cause> {
        let spec = &mut object["spec"];
        if spec["type"] == "ExternalName" {
            return Ok(());
        }
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let held = old.map_or("", |it| it["spec"]["clusterIP"].as_str().unwrap_or_default());
        let given = spec["clusterIP"].as_str().unwrap_or_default().to_owned();
        let address = match given.as_str() {
            "None" => "None".to_owned(),
            "" if held.is_empty() => {
                network.address().ok_or_else(|| Cause::internal("spec.clusterIP", "range is full"))?
            }
            "" => held.to_owned(),
            given if given == held => held.to_owned(),
            given => {
                let value: Value = json!([given]);
                let failed = |why: &str| {
                    Cause::invalid(
                        "spec.clusterIPs",
                        &value,
                        &format!("failed to allocate IP {given}: {why}"),
                    )
                };
                if offset(given).is_none() {
                    return Err(failed("the provided network does not match the current range"));
                }
                if !network.take_address(given) {
                    return Err(failed("provided IP is already allocated"));
                }
                given.to_owned()
            }
        };
        if address != held && address != "None" {
            taken.addresses.push(address.clone());
        }
        spec["clusterIP"] = address.clone().into();
        spec["clusterIPs"] = json!([address]);
        let selects = spec["selector"].as_object().is_some_and(|it| !it.is_empty());
        if address == "None" && !selects && spec["ipFamilyPolicy"].is_null() && spec["ipFamilies"].is_null() {
            // A headless Service without a selector may have endpoints of any family.
            spec["ipFamilyPolicy"] = "RequireDualStack".into();
            spec["ipFamilies"] = json!(["IPv4", "IPv6"]);
        }
        if spec["ipFamilies"].is_null() {
            spec["ipFamilies"] = json!(["IPv4"]);
        }
        if spec["ipFamilyPolicy"].is_null() {
            spec["ipFamilyPolicy"] = "SingleStack".into();
        }
        Ok(())
    }

    fn allocate_ports(
        &self,
        object: &mut Value,
        old: Option<&Value>,
        taken: &mut Taken,
    ) -> std::result::Result<(), Cause> {
        let spec = &mut object["spec"];
        let kind = spec["type"].as_str().unwrap_or_default().to_owned();
        let wants =
            kind == "NodePort" || (kind == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false);
        let held = node_ports(old);
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let mut used: Vec<(u64, String)> = Vec::new();
        for (index, port) in
            spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
        {
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
            let given = port["nodePort"].as_u64().filter(|it| *it > 0);
            match given {
                Some(given) => {
                    let number = u16::try_from(given).unwrap_or(0);
                    let field = format!("spec.ports[{index}].nodePort");
                    if held.contains(&number)
                        || used.iter().any(|(it, other)| *it == given && *other != protocol)
                    {
                        used.push((given, protocol));
                        continue;
                    }
                    if !PORTS.contains(&number) {
                        let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                        return Err(Cause::invalid(field, &given.into(), detail));
                    }
                    if !network.take_port(number) {
                        return Err(Cause::invalid(
                            field,
                            &given.into(),
                            "provided port is already allocated",
                        ));
                    }
                    taken.ports.push(number);
                    used.push((given, protocol));
                }
                None if wants => {
                    let number = network
                        .port()
                        .ok_or_else(|| Cause::internal("spec.ports", "no node ports are left"))?;
                    taken.ports.push(number);
                    port["nodePort"] = number.into();
                    used.push((number.into(), protocol));
                }
                None => {}
            }
        }
        if kind == "LoadBalancer"
            && spec["externalTrafficPolicy"] == "Local"
            && spec["healthCheckNodePort"].as_u64().unwrap_or(0) == 0
        {
            let number = network
                .port()
                .ok_or_else(|| Cause::internal("spec.healthCheckNodePort", "no node ports are left"))?;
            taken.ports.push(number);
            spec["healthCheckNodePort"] = number.into();
        }
        Ok(())
    }

    /// Gives back what a failed write took.
    pub(crate) fn release(&self, taken: &Taken) {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        taken.addresses.iter().for_each(|it| network.free_address(it));
        taken.ports.iter().for_each(|it| network.free_port(*it));
    }

    /// Gives back what a Service had and has no more.
    pub(crate) fn give_back(&self, place: &Place, old: &Value, new: &Value) {
        if !place.kind.is("", "services") {
            return;
        }
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let address = old["spec"]["clusterIP"].as_str().unwrap_or_default();
        if new["spec"]["clusterIP"] != old["spec"]["clusterIP"] {
            network.free_address(address);
        }
        let kept = node_ports(Some(new));
        for port in node_ports(Some(old)).into_iter().filter(|it| !kept.contains(it)) {
            network.free_port(port);
        }
    }

    /// What a written object changes elsewhere.
    pub(crate) fn after_write(&self, kind: &Kind, object: &Value) {
        let _ = object;
        if kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
            self.refresh_registry();
            self.establish(kind, object);
        }
    }

    /// Accepts the names of a definition and says so in its status.
    fn establish(&self, kind: &Kind, object: &Value) {
        let registry = self.registry();
        let Some(kind) = registry.resource(&kind.group, &kind.plural) else { return };
        let mut place = Place::of(kind, "", object::meta(object, "name"));
        place.subresource = "status".into();
        let Some(old) = self.stored(&place) else { return };
        let taken = self.taken_names(&old);
        let mut new = old.clone();
        custom::conditions(&mut new, &self.now(), &taken);
        if new == old {
            return;
        }
        self.track(&place, "kube-apiserver", Some(&old), &mut new);
        let revision = object::revision(&old);
        // Whoever came between establishes the definition.
        let _ = self.store.put(&kind.shelf, &place.key(), Expect::At(revision), &object::encode(&new));
        self.refresh_registry();
    }

    /// Names of a definition that another one of its group has.
    fn taken_names(&self, definition: &Value) -> Vec<(&'static str, String)> {
        let own = object::meta(definition, "name");
        let group = &definition["spec"]["group"];
        let mut taken = Vec::new();
        for entry in self.store.list("customresourcedefinitions.apiextensions.k8s.io", "").1 {
            let other = object::decode(&entry.bytes);
            if object::meta(&other, "name") == own || other["spec"]["group"] != *group {
                continue;
            }
            let held = &other["status"]["acceptedNames"];
            let wanted = &definition["spec"]["names"];
            let mut held_words: Vec<&Value> = vec![&held["plural"], &held["singular"]];
            held_words.extend(held["shortNames"].as_array().into_iter().flatten());
            let mut check = |reason: &'static str, value: &Value, among: &[&Value]| {
                if value.as_str().is_some_and(|it| !it.is_empty()) && among.contains(&value) {
                    taken.push((reason, value.as_str().unwrap_or_default().to_owned()));
                }
            };
            check("PluralConflict", &wanted["plural"], &held_words);
            check("SingularConflict", &wanted["singular"], &held_words);
            for short in wanted["shortNames"].as_array().into_iter().flatten() {
                check("ShortNamesConflict", short, &held_words);
            }
            let kinds = [&held["kind"], &held["listKind"]];
            check("KindConflict", &wanted["kind"], &kinds);
            check("ListKindConflict", &wanted["listKind"], &kinds);
        }
        taken
    }

    /// What a deleted object changes elsewhere.
    pub(crate) fn after_delete(&self, kind: &Kind, object: &Value) {
        match kind.id() {
            ("apiextensions.k8s.io", _) => self.refresh_registry(),
            ("", "services") => {
                let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
                network.free_address(object["spec"]["clusterIP"].as_str().unwrap_or_default());
                for port in node_ports(Some(object)) {
                    network.free_port(port);
                }
            }
            ("", "") => self.finish_definition(kind),
            _ => {}
        }
    }

    /// Serves exactly the kinds that are defined now.
    pub(crate) fn refresh_registry(&self) {
        let _alone = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.registry();
        let kinds: Vec<Arc<Kind>> = self
            .store
            .list("customresourcedefinitions.apiextensions.k8s.io", "")
            .1
            .iter()
            .map(|entry| object::decode(&entry.bytes))
            .filter(custom::is_established)
            .map(|definition| Arc::new(custom::kind_of(&definition)))
            .collect();
        self.set_registry(held.with_custom(kinds.iter()));
    }

    /// A definition that waits for its last object goes with it.
    fn finish_definition(&self, kind: &Kind) {
        let Some(custom) = kind.custom.as_ref().filter(|_| self.store.count(&kind.shelf) == 0) else {
            return;
        };
        let registry = self.registry();
        let Some(definitions) = registry.resource("apiextensions.k8s.io", "customresourcedefinitions") else {
            return;
        };
        let place = Place::of(definitions, "", &custom.definition);
        if let Some(definition) = self.stored(&place)
            && object::is_deleting(&definition)
            && object::finalizers(&definition).is_empty()
            && object::meta(&definition, "uid") == custom.uid
        {
            let revision = object::revision(&definition);
            if self
                .store
                .remove(&place.kind.shelf, &place.key(), revision, &object::encode(&definition))
                .is_ok()
            {
                self.refresh_registry();
            }
        }
    }
}

fn node_ports(service: Option<&Value>) -> Vec<u16> {
    let Some(service) = service else { return Vec::new() };
    let ports =
        service["spec"]["ports"].as_array().into_iter().flatten().filter_map(|it| it["nodePort"].as_u64());
    let health = service["spec"]["healthCheckNodePort"].as_u64();
    ports.chain(health).filter_map(|it| u16::try_from(it).ok()).filter(|it| *it > 0).collect()
}
