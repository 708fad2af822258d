//! The options of lists and watches, checked against each other.

use crate::api::Call;
use crate::failure::{Cause, Failure, Result};

/// Checks the options of a list or watch against each other.
pub(crate) fn check_list_options(call: &Call<'_>, watch: bool) -> Result<()> {
    let query = &call.request.query;
    let (revision, matching) = (query.text("resourceVersion"), query.text("resourceVersionMatch"));
    let forbidden = |field: &str, why: &str| Cause::forbidden(field, why);
    let mut causes = Vec::new();
    let initial = query.get("sendInitialEvents");
    if watch {
        if initial.is_some() && matching != "NotOlderThan" {
            causes.push(forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        } else if !matching.is_empty() && initial.is_none() {
            causes.push(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if !matches!(matching, "" | "NotOlderThan") {
            causes.push(Cause::unsupported("resourceVersionMatch", &matching.into(), &["NotOlderThan"]));
        }
        if !query.text("continue").is_empty() {
            causes.push(forbidden("continue", "continue is forbidden for watch"));
        }
    } else {
        if initial.is_some() {
            causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        if !matching.is_empty() {
            if revision.is_empty() {
                causes.push(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !query.text("continue").is_empty() {
                causes.push(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
            if !matches!(matching, "Exact" | "NotOlderThan") {
                causes.push(Cause::unsupported(
                    "resourceVersionMatch",
                    &matching.into(),
                    &["Exact", "NotOlderThan", ""],
                ));
            }
            if matching == "Exact" && revision == "0" {
                causes.push(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
    }
    for key in ["limit", "timeoutSeconds"] {
        let text = query.text(key);
        if !text.is_empty() && text.parse::<i64>().is_err() {
            let quoted = crate::failure::quoted(text);
            return Err(Failure::bad_request(format!("strconv.ParseInt: parsing {quoted}: invalid syntax")));
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid("meta.k8s.io", "ListOptions", "", causes)) }
}
