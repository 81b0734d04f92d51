//! What a plan requires and is not there.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::{
    finding::Check,
    object::{Origin, amount, exceeds},
    plan::{Capabilities, ReleaseId, Required, RequiredNodes, RequiredTool, Requirement, Version},
};

/// What is there, as far as the plan asks for it; `None` is what may not be looked at, or what
/// nobody asks for.
#[derive(Debug, Default)]
pub(crate) struct Provided {
    /// The API server's version, and its own text for it.
    pub(crate) version: Option<(Version, String)>,
    /// Names of the StorageClasses.
    pub(crate) storage_classes: Option<BTreeSet<String>>,
    /// Names of the `IngressClasses`.
    pub(crate) ingress_classes: Option<BTreeSet<String>>,
    /// The nodes.
    pub(crate) nodes: Option<Vec<FoundNode>>,
    /// The programs that were looked for on this machine.
    pub(crate) tools: BTreeMap<String, FoundTool>,
    /// Releases that are not deployed, and what is said of each.
    pub(crate) not_deployed: BTreeMap<ReleaseId, String>,
}

/// A node.
#[derive(Debug, Clone, Default)]
pub(crate) struct FoundNode {
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// The processors that pods may have of it.
    pub(crate) cpu: f64,
    /// The bytes of memory that pods may have of it.
    pub(crate) memory: f64,
}

/// A program on this machine.
#[derive(Debug, Clone)]
pub(crate) enum FoundTool {
    /// It is not on the `PATH`.
    Absent,
    /// It is, in this version; `None` where it was not asked, or did not say it.
    Present(Option<Version>),
}

/// Whether something required is there.
enum Answer {
    There,
    /// It is not: how it is, as a fragment, and what to do.
    Missing(String, Option<String>),
    /// What may not be read, so that it is not known.
    Hidden(&'static str),
}

/// What of `requirements`, which stand in the plan that `place` is in, is not there; `served` is
/// what the cluster serves once the run is over.
pub(crate) fn unmet_requirements(
    requirements: &[Requirement],
    place: &Origin,
    provided: &Provided,
    served: &dyn Capabilities,
) -> Vec<Finding> {
    let mut unmet = Vec::new();
    for Requirement { line, what } in requirements {
        let at = Origin {
            file: place.file.clone(),
            line: *line,
        };
        match answer(what, provided, served) {
            Answer::There => {}
            Answer::Missing(how, remedy) => {
                let message = format!("the plan requires {}, and {how}", described(what));
                unmet.push(Finding {
                    at: Some(at),
                    remedy,
                    ..Finding::of(Check::Requirement, message)
                });
            }
            Answer::Hidden(hidden) => {
                let message = format!(
                    "the plan requires {}, and you may not read {hidden}; whether it is there is not known",
                    described(what)
                );
                unmet.push(Finding {
                    at: Some(at),
                    ..Finding::of(Check::UnknownRequirement, message)
                });
            }
        }
    }
    unmet
}

/// What is required, in words.
fn described(what: &Required) -> String {
    match what {
        Required::Kubernetes(version) => format!("Kubernetes `{version}`"),
        Required::StorageClass(name) => format!("StorageClass `{name}`"),
        Required::IngressClass(name) => format!("IngressClass `{name}`"),
        Required::Crd(crd) => format!("CustomResourceDefinition `{}`", crd.name),
        Required::Api(api) => format!("the API `{api}`"),
        Required::Tool(RequiredTool { name, version, .. }) => match version {
            Some(version) => format!("the program `{name}` in version `{version}`"),
            None => format!("the program `{name}`"),
        },
        Required::Cpu(quantity) => format!("nodes with {quantity} CPUs in all"),
        Required::Memory(quantity) => format!("nodes with {quantity} of memory in all"),
        Required::Nodes(nodes) => match (count(nodes), labels(nodes)) {
            (1, labels) => format!("a node{labels}"),
            (count, labels) => format!("{count} nodes{labels}"),
        },
        Required::Release(release) => format!("the release `{release}`"),
    }
}

fn answer(what: &Required, provided: &Provided, served: &dyn Capabilities) -> Answer {
    match what {
        Required::Kubernetes(wanted) => kubernetes(wanted, provided),
        Required::StorageClass(name) => {
            class(name, provided.storage_classes.as_ref(), "StorageClasses")
        }
        Required::IngressClass(name) => {
            class(name, provided.ingress_classes.as_ref(), "IngressClasses")
        }
        Required::Crd(crd) if served.crd(&crd.name) == Some(false) => Answer::Missing(
            "the cluster does not serve it".to_owned(),
            install(crd.install.as_ref()),
        ),
        Required::Api(api) if served.api(api) == Some(false) => {
            Answer::Missing("the cluster does not serve it".to_owned(), None)
        }
        Required::Crd(_) | Required::Api(_) => Answer::There,
        Required::Tool(tool) => program(tool, provided),
        Required::Cpu(quantity) => sum(quantity, provided, |node| node.cpu, &cpus),
        Required::Memory(quantity) => sum(quantity, provided, |node| node.memory, &bytes),
        Required::Nodes(nodes) => labelled(nodes, provided),
        Required::Release(release) => match provided.not_deployed.get(release) {
            None => Answer::There,
            Some(standing) => Answer::Missing(standing.clone(), Some(deploys(release))),
        },
    }
}

fn kubernetes(wanted: &str, provided: &Provided) -> Answer {
    match &provided.version {
        None => Answer::Hidden("the cluster's version"),
        Some((version, _)) if version.is_as(wanted) => Answer::There,
        Some((_, text)) => Answer::Missing(format!("the cluster runs {text}"), None),
    }
}

fn class(name: &str, names: Option<&BTreeSet<String>>, kinds: &'static str) -> Answer {
    match names {
        None => Answer::Hidden(kinds),
        Some(names) if names.contains(name) => Answer::There,
        Some(names) if names.is_empty() => {
            Answer::Missing(format!("the cluster has no {kinds}"), None)
        }
        Some(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            Answer::Missing(format!("the cluster has {}", names.join(", ")), None)
        }
    }
}

fn program(tool: &RequiredTool, provided: &Provided) -> Answer {
    let remedy = || install(tool.install.as_ref());
    match (provided.tools.get(&tool.name), &tool.version) {
        (None | Some(FoundTool::Absent), _) => {
            Answer::Missing("it is not on the `PATH`".to_owned(), remedy())
        }
        (Some(FoundTool::Present(_)), None) => Answer::There,
        (Some(FoundTool::Present(None)), Some(_)) => {
            Answer::Missing("it does not say which it is".to_owned(), remedy())
        }
        (Some(FoundTool::Present(Some(version))), Some(wanted)) if version.is_as(wanted) => {
            Answer::There
        }
        (Some(FoundTool::Present(Some(version))), Some(_)) => {
            Answer::Missing(format!("version {version} is there"), remedy())
        }
    }
}

/// How to get what has to be installed.
fn install(how: Option<&String>) -> Option<String> {
    how.map(|how| format!("install it: `{how}`"))
}

/// The command that deploys `release`.
fn deploys(release: &ReleaseId) -> String {
    let ReleaseId { plan, environment } = release;
    if environment == "default" {
        format!("deploy it: `deployctl up {plan}`")
    } else {
        format!("deploy it: `deployctl up {plan} --env {environment}`")
    }
}

/// Whether the nodes have `quantity` of something in all, `of` each; `shown` is how it is written.
fn sum(
    quantity: &str,
    provided: &Provided,
    of: impl Fn(&FoundNode) -> f64,
    shown: &dyn Fn(f64) -> String,
) -> Answer {
    let Some(nodes) = &provided.nodes else {
        return Answer::Hidden("nodes");
    };
    let there: f64 = nodes.iter().map(of).sum();
    if amount(quantity).is_none_or(|wanted| !exceeds(wanted, there)) {
        return Answer::There;
    }
    let remedy = "add nodes, or take smaller figures for what runs there".to_owned();
    Answer::Missing(format!("the nodes have {}", shown(there)), Some(remedy))
}

fn cpus(amount: f64) -> String {
    format!("{amount}")
}

fn bytes(amount: f64) -> String {
    const GIBIBYTE: f64 = 1024.0 * 1024.0 * 1024.0;
    format!("{:.1}Gi", amount / GIBIBYTE)
}

fn labelled(wanted: &RequiredNodes, provided: &Provided) -> Answer {
    let Some(nodes) = &provided.nodes else {
        return Answer::Hidden("nodes");
    };
    let fits = |node: &&FoundNode| {
        let mut labels = wanted.labels.iter();
        labels.all(|(key, value)| node.labels.get(key) == Some(value))
    };
    let there = nodes.iter().filter(fits).count();
    if there >= usize::try_from(count(wanted)).unwrap_or(usize::MAX) {
        return Answer::There;
    }
    let how = match there {
        0 => "the cluster has none".to_owned(),
        there => format!("the cluster has {there}"),
    };
    let remedy = match labels(wanted).as_str() {
        "" => "add nodes".to_owned(),
        _ => format!(
            "label nodes: `kubectl label node NAME {}`",
            pairs(wanted, " ")
        ),
    };
    Answer::Missing(how, Some(remedy))
}

fn count(nodes: &RequiredNodes) -> u32 {
    nodes.count.unwrap_or(1)
}

fn labels(nodes: &RequiredNodes) -> String {
    if nodes.labels.is_empty() {
        return String::new();
    }
    format!(" with the labels `{}`", pairs(nodes, ","))
}

fn pairs(nodes: &RequiredNodes, separator: &str) -> String {
    let labels = nodes.labels.iter();
    let pairs: Vec<String> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(separator)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{cluster::Served, error::ExitCode, plan::RequiredCrd};

    fn origin() -> Origin {
        Origin {
            file: Path::new("plans/shop.yaml").into(),
            line: 1,
        }
    }

    fn release(plan: &str, environment: &str) -> ReleaseId {
        ReleaseId {
            plan: plan.to_owned(),
            environment: environment.to_owned(),
        }
    }

    fn tool(name: &str, version: Option<&str>) -> Required {
        Required::Tool(RequiredTool {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            install: Some(format!("apt install {name}")),
        })
    }

    fn nodes(labels: &[(&str, &str)], count: Option<u32>) -> Required {
        let labels = labels.iter();
        Required::Nodes(RequiredNodes {
            labels: labels
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            count,
        })
    }

    fn provided() -> Provided {
        let text = "v1.36.3".to_owned();
        let node = |zone: &str| FoundNode {
            labels: [("zone".to_owned(), zone.to_owned())].into(),
            cpu: 4.0,
            memory: 8.0 * 1024.0 * 1024.0 * 1024.0,
        };
        let version = |text: &str| FoundTool::Present(Version::in_text(text));
        Provided {
            version: Version::in_text(&text).map(|version| (version, text)),
            storage_classes: Some(["standard".to_owned()].into()),
            ingress_classes: Some(BTreeSet::new()),
            nodes: Some(vec![node("a"), node("b")]),
            tools: [
                ("helm".to_owned(), version("v3.12.0")),
                ("sops".to_owned(), version("(devel)")),
                ("age".to_owned(), FoundTool::Absent),
            ]
            .into(),
            not_deployed: [(
                release("operators", "prod"),
                "nothing of operators.prod is deployed".to_owned(),
            )]
            .into(),
        }
    }

    /// Findings as `LINE: MESSAGE (REMEDY)`; each requirement stands on a line of its own.
    fn judged(required: Vec<Required>, provided: &Provided) -> (Vec<String>, Vec<String>) {
        let requirements: Vec<Requirement> = (3..)
            .zip(required)
            .map(|(line, what)| Requirement { line, what })
            .collect();
        let unmet = unmet_requirements(&requirements, &origin(), provided, &Served::default());
        let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
            unmet.into_iter().partition(Finding::is_error);
        let findings = errors.into_iter().map(|finding| {
            assert_eq!(finding.exit, ExitCode::Refused);
            let at = finding.at.unwrap();
            let remedy = finding
                .remedy
                .map_or_else(String::new, |it| format!(" ({it})"));
            format!("{}: {}{remedy}", at.line, finding.message)
        });
        let warnings = warnings.iter().map(ToString::to_string);
        (findings.collect(), warnings.collect())
    }

    #[test]
    fn what_is_missing_is_named_with_its_line_and_how_to_get_it() {
        let text = |text: &str| text.to_owned();
        let crd = RequiredCrd {
            name: text("a.example.org"),
            install: Some(text("make a")),
            ..RequiredCrd::default()
        };
        let required = vec![
            Required::Kubernetes(text(">=1.99")),
            Required::StorageClass(text("fast")),
            Required::IngressClass(text("nginx")),
            Required::Crd(crd),
            Required::Api(text("metrics.k8s.io/v1beta1")),
            tool("helm", Some(">=3.14")),
            tool("sops", Some(">=3.9")),
            tool("age", None),
            Required::Cpu(text("8500m")),
            Required::Memory(text("32Gi")),
            nodes(&[("zone", "c")], None),
            nodes(&[("zone", "a")], Some(2)),
            nodes(&[], Some(3)),
            Required::Release(release("operators", "prod")),
        ];
        let (findings, warnings) = judged(required, &provided());
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(
            findings,
            [
                "3: the plan requires Kubernetes `>=1.99`, and the cluster runs v1.36.3",
                "4: the plan requires StorageClass `fast`, and the cluster has `standard`",
                "5: the plan requires IngressClass `nginx`, and the cluster has no IngressClasses",
                "6: the plan requires CustomResourceDefinition `a.example.org`, and the cluster does not serve it (install it: `make a`)",
                "7: the plan requires the API `metrics.k8s.io/v1beta1`, and the cluster does not serve it",
                "8: the plan requires the program `helm` in version `>=3.14`, and version 3.12.0 is there (install it: `apt install helm`)",
                "9: the plan requires the program `sops` in version `>=3.9`, and it does not say which it is (install it: `apt install sops`)",
                "10: the plan requires the program `age`, and it is not on the `PATH` (install it: `apt install age`)",
                "11: the plan requires nodes with 8500m CPUs in all, and the nodes have 8 (add nodes, or take smaller figures for what runs there)",
                "12: the plan requires nodes with 32Gi of memory in all, and the nodes have 16.0Gi (add nodes, or take smaller figures for what runs there)",
                "13: the plan requires a node with the labels `zone=c`, and the cluster has none (label nodes: `kubectl label node NAME zone=c`)",
                "14: the plan requires 2 nodes with the labels `zone=a`, and the cluster has 1 (label nodes: `kubectl label node NAME zone=a`)",
                "15: the plan requires 3 nodes, and the cluster has 2 (add nodes)",
                "16: the plan requires the release `operators.prod`, and nothing of operators.prod is deployed (deploy it: `deployctl up operators --env prod`)",
            ]
        );
    }

    #[test]
    fn what_is_there_is_no_finding() {
        let text = |text: &str| text.to_owned();
        let required = vec![
            Required::Kubernetes(text(">=1.26, <1.40")),
            Required::StorageClass(text("standard")),
            tool("helm", Some(">=3.10")),
            tool("sops", None),
            Required::Cpu(text("8")),
            Required::Memory(text("16Gi")),
            nodes(&[("zone", "b")], Some(1)),
            nodes(&[], Some(2)),
            Required::Release(release("operators", "default")),
        ];
        assert_eq!(judged(required, &provided()), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_may_not_be_read_is_a_warning() {
        let required = vec![
            Required::Cpu("8".to_owned()),
            Required::StorageClass("fast".to_owned()),
        ];
        let (findings, warnings) = judged(required, &Provided::default());
        assert_eq!(findings, Vec::<String>::new());
        assert_eq!(
            warnings,
            [
                "plans/shop.yaml:3: the plan requires nodes with 8 CPUs in all, and you may not read nodes; whether it is there is not known [unknown-requirement]",
                "plans/shop.yaml:4: the plan requires StorageClass `fast`, and you may not read StorageClasses; whether it is there is not known [unknown-requirement]",
            ]
        );
    }
}
