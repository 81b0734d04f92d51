//! What is wrong with what a plan requires, without looking whether it is there.

use super::{
    names::{is_api_version, is_crd_name, is_dns_subdomain, is_quantity, wrong_api, wrong_crd},
    problem::{Document, KeyPath, Problem},
    release_id::ReleaseId,
    requires_declaration::Requires,
    version::is_version_requirement,
};

/// Checks names, versions and quantities in `requires` of the plan for `release`.
pub(super) fn check(
    document: &Document,
    requires: &Requires,
    release: &ReleaseId,
    problems: &mut Vec<Problem>,
) {
    let mut wrong: Vec<(KeyPath, String)> = Vec::new();
    let top = KeyPath::top("requires");
    let version = requires.kubernetes.iter();
    wrong.extend(
        version
            .filter(|text| !is_version_requirement(text))
            .map(|text| {
                (
                    top.key("kubernetes"),
                    wrong_version(text, ">=1.26` or `>=1.26, <1.36"),
                )
            }),
    );
    for (key, kind, names) in [
        (
            "storageClasses",
            "a StorageClass",
            &requires.storage_classes,
        ),
        (
            "ingressClasses",
            "an IngressClass",
            &requires.ingress_classes,
        ),
    ] {
        let names = names.iter().enumerate();
        let unusable = names.filter(|(_, name)| !is_dns_subdomain(name));
        wrong.extend(unusable.map(|(index, name)| {
            let message = format!("`{name}` cannot be the name of {kind}");
            (top.key(key).item(index), message)
        }));
    }
    let crds = requires.crds.iter().enumerate();
    wrong.extend(
        crds.filter(|(_, crd)| !is_crd_name(&crd.name))
            .map(|(index, crd)| {
                let path = top.key("crds").item(index).key("name");
                (path, wrong_crd(&crd.name))
            }),
    );
    let apis = requires.apis.iter().enumerate();
    wrong.extend(
        apis.filter(|(_, api)| !is_api_version(api))
            .map(|(index, api)| (top.key("apis").item(index), wrong_api(api))),
    );
    wrong.extend(tools(requires, &top.key("tools")));
    wrong.extend(nodes(requires, &top));
    wrong.extend(releases(requires, &top.key("releases"), release));
    problems.extend(
        wrong
            .into_iter()
            .map(|(path, message)| document.error(&path, message)),
    );
}

fn wrong_version(text: &str, example: &str) -> String {
    format!("`{text}` is not a version requirement; write for example `{example}`")
}

fn tools(requires: &Requires, top: &KeyPath) -> Vec<(KeyPath, String)> {
    let mut wrong = Vec::new();
    for (index, tool) in requires.tools.iter().enumerate() {
        let path = top.item(index);
        if tool.name.is_empty() || tool.name.contains(['/', ' ']) {
            let message = format!(
                "`{}` is not the name of a program; it is looked for on the `PATH`",
                tool.name
            );
            wrong.push((path.key("name"), message));
        }
        let version = tool.version.iter();
        for version in version.filter(|text| !is_version_requirement(text)) {
            wrong.push((path.key("version"), wrong_version(version, ">=3.14")));
        }
    }
    wrong
}

fn nodes(requires: &Requires, top: &KeyPath) -> Vec<(KeyPath, String)> {
    let mut wrong = Vec::new();
    for (index, nodes) in requires.nodes.iter().enumerate() {
        if nodes.count == Some(0) {
            let path = top.key("nodes").item(index).key("count");
            wrong.push((path, "`count` must be at least 1".to_owned()));
        }
    }
    let Some(resources) = &requires.resources else {
        return wrong;
    };
    let path = top.key("resources");
    let quantities = [
        ("cpu", &resources.cpu, "`4` or `3500m`"),
        ("memory", &resources.memory, "`16Gi`"),
    ];
    for (key, quantity, example) in quantities {
        if let Some(quantity) = quantity.as_ref().filter(|text| !is_quantity(text)) {
            let message = format!("`{quantity}` is not a quantity; write for example {example}");
            wrong.push((path.key(key), message));
        }
    }
    if resources.cpu.is_none() && resources.memory.is_none() {
        let message = "`requires.resources` says nothing; give `cpu`, `memory` or both";
        wrong.push((path, message.to_owned()));
    }
    wrong
}

fn releases(requires: &Requires, top: &KeyPath, own: &ReleaseId) -> Vec<(KeyPath, String)> {
    let mut wrong = Vec::new();
    for (index, text) in requires.releases.iter().enumerate() {
        let message = match ReleaseId::parse(text) {
            None => format!(
                "`{text}` is not a release; write its plan and environment, for example `operators.default`"
            ),
            Some(release) if release == *own => {
                format!("`{text}` is this release itself; take it out")
            }
            Some(_) => continue,
        };
        wrong.push((top.item(index), message));
    }
    wrong
}
