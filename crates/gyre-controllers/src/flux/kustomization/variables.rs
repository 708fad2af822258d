//! `spec.postBuild`: the variables that are put into the objects after the build (`fluxcd/pkg/kustomize`,
//! SubstituteVariables).

use gyre_api::flux::{KustomizationSpec, SubstituteFrom};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use gyre_render::RenderError;
use gyre_render::kustomization::Rendered;
use gyre_render::substitute::{Variables, failed, objects};
use serde_json::Value;

use crate::context::Context;
use crate::flux::secret_data;

/// The objects with the variables that the Kustomization gives and refers to; those that it gives go first.
pub(super) async fn put_in(
    cx: &Context,
    owner: &Object,
    spec: &KustomizationSpec,
    rendered: Rendered,
) -> Result<Rendered, RenderError> {
    let Some(post_build) = &spec.post_build else { return Ok(rendered) };
    let mut variables = Variables::default();
    for reference in &post_build.substitute_from {
        if let Err(why) = read(cx, owner.namespace(), reference, &mut variables).await {
            let name = rendered.objects.first().map(Object::name).unwrap_or_default();
            return Err(failed(name, why));
        }
    }
    for (name, value) in &post_build.substitute {
        variables.set(name, &without_breaks(value));
    }
    if variables.is_empty() && post_build.substitute_strategy.as_deref() != Some("Always") {
        return Ok(rendered);
    }
    objects(rendered, &variables)
}

fn without_breaks(value: &str) -> String {
    value.replace('\n', "")
}

async fn read(
    cx: &Context,
    namespace: &str,
    reference: &SubstituteFrom,
    variables: &mut Variables,
) -> Result<(), String> {
    let SubstituteFrom { kind, name, optional } = reference;
    let target = ObjectRef::new(GroupVersionKind::parse("v1", kind), namespace, name);
    let failed = |why: String| format!("substitute from '{kind}/{name}' error: {why}");
    let found = cx.cluster.get(&target).await.map_err(|error| failed(error.to_string()))?;
    let Some(found) = found else {
        let plural = format!("{}s", kind.to_lowercase());
        return if *optional { Ok(()) } else { Err(failed(format!("{plural} \"{name}\" not found"))) };
    };
    if kind == "Secret" {
        for (key, value) in secret_data(&found) {
            variables.set(&key, &without_breaks(&String::from_utf8_lossy(&value)));
        }
        return Ok(());
    }
    for (key, value) in found.at("/data").and_then(Value::as_object).into_iter().flatten() {
        variables.set(key, &without_breaks(value.as_str().unwrap_or_default()));
    }
    Ok(())
}
