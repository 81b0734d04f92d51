//! Placeholders that nobody has replaced.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde_json::Value;

use super::{
    placeholder_words::{Placeholder, placeholder},
    wanted::Wanted,
};
use crate::{
    finding::Check,
    object::{FieldPath, HasKind as _, Object, pod_template_path},
    preflight::Finding,
};

/// Texts of objects of any kind, those in Secrets among them, that hold a placeholder. One that the
/// plan allows, or that a program among the manifests replaces, is none.
pub(super) fn placeholders(wanted: &Wanted<'_>) -> Vec<Finding> {
    let search = Search {
        allowed: allowed(&wanted.plan.checks.allowed_placeholders),
        programs: wanted.objects().flat_map(programs).collect(),
        replaces_variables: wanted.plan.variables.in_manifests,
    };
    // Definitions are full of descriptions.
    let objects = wanted.objects().filter(|object| !object.id.is_definition());
    objects.flat_map(|object| search.of(object)).collect()
}

/// The globs that the plan has checked.
fn allowed(globs: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs.iter().filter_map(|glob| Glob::new(glob).ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

/// The texts of `object` that replace something in others.
fn programs(object: &Object) -> Vec<String> {
    const PROGRAMS: [&str; 8] = [
        "sed ", "envsubst", "awk ", "perl ", "replace(", "yq ", "jq ", "gsub(",
    ];
    let mut found = Vec::new();
    walk(&object.body, &mut String::new(), &mut |_, text| {
        if PROGRAMS.iter().any(|program| text.contains(program)) {
            found.push(text.to_owned());
        }
    });
    found
}

/// Calls `visit` with each text below `value` and the JSON pointer to it.
fn walk(value: &Value, pointer: &mut String, visit: &mut dyn FnMut(&str, &str)) {
    let length = pointer.len();
    match value {
        Value::String(text) => visit(pointer, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let _ = write!(pointer, "/{index}");
                walk(item, pointer, visit);
                pointer.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(field, pointer, visit);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Search {
    allowed: GlobSet,
    /// Texts that replace something in others.
    programs: Vec<String>,
    /// Whether the plan replaces `${…}`, and has said already what it does not know.
    replaces_variables: bool,
}

impl Search {
    fn of(&self, object: &Object) -> Vec<Finding> {
        let mut findings = Vec::new();
        let is_secret = object.id.is_secret();
        walk(&object.body, &mut String::new(), &mut |pointer, text| {
            let decoded = (is_secret && pointer.starts_with("/data/"))
                .then(|| decoded(text))
                .flatten();
            let text = decoded.as_deref().unwrap_or(text);
            let Some(found) = self.in_text(object, pointer, text) else {
                return;
            };
            let shown = if is_secret { found.label } else { found.word };
            findings.push(finding(object, pointer, shown, found.is_certain));
        });
        findings
    }

    fn in_text<'a>(
        &self,
        object: &Object,
        pointer: &str,
        text: &'a str,
    ) -> Option<Placeholder<'a>> {
        let found = self
            .unexpanded(object, pointer, text)
            .or_else(|| example_host(pointer, text))
            .or_else(|| {
                placeholder(text).filter(|it| !(is_name(pointer) && it.label == "PROJECT_ID"))
            })?;
        let is_replaced = self.programs.iter().any(|it| it.contains(found.word));
        let is_allowed = self.allowed.is_match(found.word) || self.allowed.is_match(text.trim());
        let is_certain = found.is_certain && !is_name(pointer);
        (!is_replaced && !is_allowed).then_some(Placeholder {
            is_certain,
            ..found
        })
    }

    /// A `${…}` where no program can be meant to read it.
    fn unexpanded<'a>(
        &self,
        object: &Object,
        pointer: &str,
        text: &'a str,
    ) -> Option<Placeholder<'a>> {
        let start = text.find("${")?;
        let length = text[start..].find('}')?;
        let is_image = pointer.ends_with("/image");
        let is_for_a_cloud = object.id.is_storage_class() && pointer.starts_with("/parameters/")
            || pointer.ends_with("~1role-arn");
        if !is_image && (!is_for_a_cloud || self.replaces_variables) {
            return None;
        }
        Some(Placeholder {
            word: &text[start..=start + length],
            label: "${…}",
            is_certain: is_image && is_of_container(object, pointer),
        })
    }
}

/// Whether `pointer` is to a field of a container of the pods of `object`: what stands there is taken
/// as it is, where an operator may read `${…}` elsewhere.
fn is_of_container(object: &Object, pointer: &str) -> bool {
    let Some(template) = pod_template_path(&object.body) else {
        return false;
    };
    ["initContainers", "containers", "ephemeralContainers"]
        .iter()
        .any(|list| pointer.starts_with(&format!("{template}/spec/{list}/")))
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// Hosts that are reserved for examples, where the text at `pointer` is a host.
/// <https://www.rfc-editor.org/rfc/rfc2606#section-3>
fn example_host<'a>(pointer: &str, text: &'a str) -> Option<Placeholder<'a>> {
    const EXAMPLES: [&str; 3] = ["example.com", "example.org", "example.net"];
    const HOSTS: [&str; 6] = [
        "host",
        "hosts",
        "hostname",
        "hostnames",
        "dnsNames",
        "commonName",
    ];
    let mut keys = pointer
        .rsplit('/')
        .skip_while(|it| it.parse::<usize>().is_ok());
    if !HOSTS.contains(&keys.next()?) {
        return None;
    }
    let is_example = EXAMPLES.iter().any(|example| {
        let rest = text.strip_suffix(example);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    is_example.then_some(Placeholder {
        word: text,
        label: "example.com",
        is_certain: false,
    })
}

/// Whether the text at `pointer` is what somebody has called something: there it is less likely that
/// another name was meant, and `PROJECT_ID` is a name like any other.
fn is_name(pointer: &str) -> bool {
    const FIELDS: [&str; 8] = [
        "name",
        "key",
        "property",
        "namespace",
        "secretName",
        "claimName",
        "serviceName",
        "serviceAccountName",
    ];
    const LABELS: [&str; 3] = ["/labels/", "/matchLabels/", "/spec/selector/"];
    let last = pointer.rsplit('/').next().unwrap_or_default();
    let is_label = LABELS.iter().any(|labels| pointer.contains(labels));
    !pointer.starts_with("/data/") && (FIELDS.contains(&last) || is_label)
}

fn finding(object: &Object, pointer: &str, shown: &str, is_certain: bool) -> Finding {
    let place = FieldPath::of_pointer(pointer);
    let check = if is_certain {
        Check::Placeholder
    } else {
        Check::LikelyPlaceholder
    };
    let message = if is_certain {
        format!("`{place}` still holds the placeholder `{shown}`")
    } else {
        format!("`{place}` seems to hold a placeholder: `{shown}`")
    };
    Finding::of(check, message).about(object).remedy(
        "write what is meant; where this is, name it in the plan's `preflight.allowPlaceholders`",
    )
}
