//! What a plan requires, each with the line that says so.

use super::{
    problem::{Document, KeyPath},
    release_id::ReleaseId,
    requires_declaration::{RequiredCrd, RequiredNodes, RequiredTool, Requires},
};

/// Something that must be there before anything is written.
#[derive(Debug, Clone)]
pub(crate) struct Requirement {
    /// The line of the plan file that says so.
    pub(crate) line: u32,
    /// What it is.
    pub(crate) what: Required,
}

/// What must be there.
#[derive(Debug, Clone)]
pub(crate) enum Required {
    /// A version of the API server, as a requirement.
    Kubernetes(String),
    /// A StorageClass.
    StorageClass(String),
    /// An `IngressClass`.
    IngressClass(String),
    /// A CustomResourceDefinition.
    Crd(RequiredCrd),
    /// An API group in a version.
    Api(String),
    /// A program on this machine.
    Tool(RequiredTool),
    /// So much processor time of all nodes together.
    Cpu(String),
    /// So much memory of all nodes together.
    Memory(String),
    /// Nodes.
    Nodes(RequiredNodes),
    /// A release that is deployed.
    Release(ReleaseId),
}

/// What is required, by a text alone.
type OfText = fn(String) -> Required;

/// What `requires` says, in the order of the file. What is wrong with it was reported before.
pub(super) fn resolve(document: &Document, requires: Requires) -> Vec<Requirement> {
    let top = KeyPath::top("requires");
    let mut all: Vec<Requirement> = Vec::new();
    let mut add = |path: &KeyPath, what: Required| {
        let line = document.position(path).line;
        all.push(Requirement { line, what });
    };
    if let Some(version) = requires.kubernetes {
        add(&top.key("kubernetes"), Required::Kubernetes(version));
    }
    let texts: [(&str, Vec<String>, OfText); 3] = [
        (
            "storageClasses",
            requires.storage_classes,
            Required::StorageClass,
        ),
        (
            "ingressClasses",
            requires.ingress_classes,
            Required::IngressClass,
        ),
        ("apis", requires.apis, Required::Api),
    ];
    for (key, names, required) in texts {
        for (index, name) in names.into_iter().enumerate() {
            add(&top.key(key).item(index), required(name));
        }
    }
    for (index, crd) in requires.crds.into_iter().enumerate() {
        add(&top.key("crds").item(index), Required::Crd(crd));
    }
    for (index, tool) in requires.tools.into_iter().enumerate() {
        add(&top.key("tools").item(index), Required::Tool(tool));
    }
    for (index, nodes) in requires.nodes.into_iter().enumerate() {
        add(&top.key("nodes").item(index), Required::Nodes(nodes));
    }
    for (index, release) in requires.releases.iter().enumerate() {
        if let Some(release) = ReleaseId::parse(release) {
            add(&top.key("releases").item(index), Required::Release(release));
        }
    }
    if let Some(resources) = requires.resources {
        let path = top.key("resources");
        if let Some(cpu) = resources.cpu {
            add(&path.key("cpu"), Required::Cpu(cpu));
        }
        if let Some(memory) = resources.memory {
            add(&path.key("memory"), Required::Memory(memory));
        }
    }
    all.sort_by_key(|requirement| requirement.line);
    all
}
