//! `--recreate KIND/NAME`: which objects may be deleted and created anew.

use crate::engine::{desired::DesiredState, prepare::secrets};
use crate::{
    error::CommandError,
    object::ObjectId,
    plan::{self, Plan},
};

/// Refuses names that no object of the plan has.
pub(crate) fn check(
    names: &[String],
    desired: &DesiredState,
    plan: &Plan,
) -> Result<(), CommandError> {
    let known: Vec<ObjectId> = desired
        .objects
        .keys()
        .cloned()
        .chain(secrets::declared(plan))
        .collect();
    for name in names {
        let meant: Vec<&ObjectId> = known.iter().filter(|id| means(name, id)).collect();
        match meant.as_slice() {
            [_] => {}
            [] => {
                let texts: Vec<String> = known.iter().map(ToString::to_string).collect();
                let error =
                    CommandError::usage(format!("`--recreate {name}` names no object of the plan"));
                return Err(match plan::nearest(name, texts.iter().map(String::as_str)) {
                    Some(near) => error.hint(format!("did you mean `--recreate {near}`?")),
                    None => error.hint("write it as KIND/NAME or KIND/NAMESPACE/NAME; `deployctl render --phases` lists all objects"),
                });
            }
            several => {
                let texts: Vec<String> = several.iter().map(|id| format!("`{id}`")).collect();
                return Err(CommandError::usage(format!(
                    "`--recreate {name}` names {} objects: {}",
                    texts.len(),
                    texts.join(", ")
                ))
                .hint("name its namespace too: KIND/NAMESPACE/NAME"));
            }
        }
    }
    Ok(())
}

/// Marks the objects that `names` name.
pub(crate) fn mark(names: &[String], desired: &mut DesiredState) {
    for (id, object) in &mut desired.objects {
        object.marks.recreate |= names.iter().any(|name| means(name, id));
    }
}

/// Whether `name`, as `KIND/NAME` or `KIND/NAMESPACE/NAME`, means `id`. People write kinds in lower
/// case too, and with the group.
fn means(name: &str, id: &ObjectId) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, None, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => return false,
    };
    let (kind, group) = kind
        .split_once('.')
        .map_or((kind, None), |(kind, group)| (kind, Some(group)));
    kind.eq_ignore_ascii_case(&id.kind)
        && group.is_none_or(|group| group == id.group)
        && namespace.is_none_or(|namespace| Some(namespace) == id.namespace.as_deref())
        && name == id.name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_with_and_without_namespace_and_group() {
        let id = ObjectId {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        };
        for name in [
            "Deployment/web",
            "deployment/web",
            "Deployment/shop/web",
            "deployment.apps/shop/web",
        ] {
            assert!(means(name, &id), "{name}");
        }
        for name in [
            "web",
            "Deployment/other/web",
            "deployment.batch/web",
            "Deployment/web/",
            "StatefulSet/web",
        ] {
            assert!(!means(name, &id), "{name}");
        }
    }
}
