//! What the types of the plan file cannot say: names, globs, one of several keys.

use super::{
    action_declaration::Action,
    check_declaration::Check,
    file::PlanFile,
    match_check::check_globs,
    names::{is_crd_name, is_dns_label, is_secret_key, listed, suggestion, wrong_crd},
    phases::DEFAULT_PHASES,
    problem::{Document, KeyPath, Problem},
    source_declaration::SourceKind,
};

/// Checks what types cannot say: names, globs, and that exactly one of several keys is given.
pub(super) fn check(document: &Document, file: &PlanFile, problems: &mut Vec<Problem>) {
    let mut refuse = |path: &KeyPath, message: String| problems.push(document.error(path, message));
    if file.sources.is_empty() {
        refuse(
            &KeyPath::top("sources"),
            "`sources` is empty; name at least one file or folder".to_owned(),
        );
    }
    if let Some(namespace) = file
        .state_namespace
        .as_deref()
        .filter(|namespace| !is_dns_label(namespace))
    {
        refuse(
            &KeyPath::top("stateNamespace"),
            format!(
                "`{namespace}` cannot be the name of a namespace; use lower-case letters, digits and `-`"
            ),
        );
    }
    check_sources(document, file, problems);
    check_budgets(document, file, problems);
    check_phases(document, file, problems);
    check_expectations(document, file, problems);
    check_open(document, file, problems);
}

/// Names in sources, and that it is known which chart is meant.
fn check_sources(document: &Document, file: &PlanFile, problems: &mut Vec<Problem>) {
    let mut refuse = |path: &KeyPath, message: String| problems.push(document.error(path, message));
    let known = DEFAULT_PHASES
        .into_iter()
        .chain(file.phases.keys().map(String::as_str));
    let known: Vec<&str> = known.collect();
    for (index, source) in file.sources.iter().enumerate() {
        let path = KeyPath::top("sources").item(index);
        if let Some(phase) = &source.phase
            && !known.contains(&phase.as_str())
        {
            let near = suggestion(phase, known.iter().copied());
            let message = format!("the plan has no phase `{phase}`{near}");
            refuse(&path.key("phase"), message);
        }
        let namespaces = [(path.clone(), &source.namespace)];
        let chart = match &source.kind {
            SourceKind::Helm(chart) => Some((path.key("helm"), chart)),
            SourceKind::Manifests(_) | SourceKind::Kustomize(_) => None,
        };
        let of_chart = chart
            .iter()
            .map(|(path, chart)| (path.clone(), &chart.namespace));
        for (path, namespace) in namespaces.into_iter().chain(of_chart) {
            if let Some(namespace) = namespace.as_ref().filter(|name| !is_dns_label(name)) {
                let message = format!(
                    "`{namespace}` cannot be the name of a namespace; use lower-case letters, digits and `-`"
                );
                refuse(&path.key("namespace"), message);
            }
        }
        if source.namespace.is_some() && chart.iter().any(|(_, it)| it.namespace.is_some()) {
            let message = "the chart's `namespace` says it already; leave one of them";
            refuse(&path.key("namespace"), message.to_owned());
        }
        for (key, message) in chart.iter().flat_map(|(_, chart)| chart.mistakes()) {
            refuse(&path.key("helm").key(key), message);
        }
    }
}

/// A budget that says nothing is a mistake: what was meant for it stands somewhere else, or is
/// missing.
fn check_budgets(document: &Document, file: &PlanFile, problems: &mut Vec<Problem>) {
    let of_phases = file
        .phases
        .iter()
        .map(|(name, phase)| (KeyPath::top("phases").key(name), phase.failure_budget));
    for (path, budget) in of_phases.chain([(KeyPath::default(), file.failure_budget)]) {
        if budget.is_some_and(|budget| budget.restarts.is_none() && budget.grace.is_none()) {
            let path = path.key("failureBudget");
            problems.push(document.error(
                &path,
                format!("`{path}` says nothing; give `restarts`, `grace` or both"),
            ));
        }
    }
}

fn check_phases(document: &Document, file: &PlanFile, problems: &mut Vec<Problem>) {
    let mut one_of = |path: &KeyPath, given: &[&str], known: &[&str]| match given {
        [_] => {}
        [] => problems
            .push(document.error(path, format!("`{path}` must say one of {}", listed(known)))),
        several => {
            problems.push(document.error(
                path,
                format!(
                    "`{path}` says several things ({}); make one entry of each",
                    listed(several)
                ),
            ));
        }
    };
    for (name, phase) in &file.phases {
        let path = KeyPath::top("phases").key(name);
        for (key, actions) in [
            ("beforeApply", &phase.before_apply),
            ("afterReady", &phase.after_ready),
        ] {
            for (index, action) in actions.iter().enumerate() {
                one_of(&path.key(key).item(index), &action.kinds(), &Action::KINDS);
            }
        }
        for (index, check) in phase.checks.iter().enumerate() {
            one_of(
                &path.key("checks").item(index),
                &check.kinds(),
                &Check::KINDS,
            );
        }
    }
    for (name, phase) in &file.phases {
        let path = KeyPath::top("phases").key(name);
        for (index, rule) in phase.matches.iter().enumerate() {
            check_globs(document, &path.key("match").item(index), rule, problems);
        }
    }
}

fn check_expectations(document: &Document, file: &PlanFile, problems: &mut Vec<Problem>) {
    for (name, phase) in &file.phases {
        let expected = phase.expects.iter().flat_map(|expects| &expects.crds);
        for (index, crd) in expected.enumerate() {
            if !is_crd_name(&crd.name) {
                let path = KeyPath::top("phases").key(name).key("expects");
                let path = path.key("crds").item(index);
                problems.push(document.error(&path, wrong_crd(&crd.name)));
            }
        }
    }
}

fn check_open(document: &Document, file: &PlanFile, problems: &mut Vec<Problem>) {
    const SCHEMES: [&str; 3] = ["http", "https", "tcp"];
    for (name, target) in &file.open {
        let path = KeyPath::top("open").key(name);
        if !is_secret_key(name) {
            problems.push(document.error(
                &path,
                format!("`{name}` cannot be opened by name; use letters, digits, `-`, `_` and `.`"),
            ));
        }
        if target.port == 0 {
            problems.push(document.error(&path.key("port"), "`port` must be from 1 to 65535"));
        }
        if let Some(scheme) = target
            .scheme
            .as_deref()
            .filter(|scheme| !SCHEMES.contains(scheme))
        {
            let message = format!("unknown scheme `{scheme}`{}", suggestion(scheme, SCHEMES));
            problems.push(document.error(&path.key("scheme"), message));
        }
    }
}
