//! The phases of a plan in their order, built-in and declared ones, with their settings.

use std::time::Duration;

use indexmap::IndexMap;

use super::{
    failure_budget::FailureBudget,
    match_check::check_keys,
    names::{is_dns_label, suggestion},
    phase_declaration::PhaseDeclaration,
    problem::{Document, KeyPath, Problem},
    resolved::PhaseSettings,
};

/// The phases of every plan, each after the one before it.
pub(crate) const DEFAULT_PHASES: [&str; 7] = [
    "namespace",
    "secrets",
    "storage",
    "databases",
    "apps",
    "monitoring",
    "ingress",
];

/// Time limit of a phase that names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);

/// The plan's phases in an order in which every phase comes after those it names in `after`.
///
/// A declared phase with `after` comes after exactly these; one of the seven without it stays where
/// it is; a further one with only `before` is put between the phases that it names and what they
/// came after. `budget` is what the plan says for phases that say nothing about it.
pub(super) fn resolve(
    document: &Document,
    declared: &IndexMap<String, PhaseDeclaration>,
    budget: FailureBudget,
    problems: &mut Vec<Problem>,
) -> Vec<PhaseSettings> {
    let names = names_in_order(declared);
    let before = problems.len();
    for (name, declaration) in declared {
        check(document, name, declaration, &names, problems);
    }
    if problems.len() > before {
        return Vec::new();
    }
    let after = predecessors(&names, declared);
    match sorted(&names, &after) {
        Ok(order) => order
            .into_iter()
            .map(|name| settings(name, &after, declared.get(name), budget))
            .collect(),
        Err(cycle) => {
            let declaring = cycle
                .iter()
                .find(|name| declared.contains_key(**name))
                .unwrap_or(&cycle[0]);
            let chain: Vec<String> = cycle
                .iter()
                .chain(cycle.first())
                .map(|name| format!("`{name}`"))
                .collect();
            let message = format!(
                "the phases wait for each other in a circle: {}; take out one `after` or `before`",
                chain.join(" after ")
            );
            problems.push(document.error(&KeyPath::top("phases").key(declaring), message));
            Vec::new()
        }
    }
}

fn settings(
    name: &str,
    after: &IndexMap<&str, Vec<&str>>,
    declared: Option<&PhaseDeclaration>,
    budget: FailureBudget,
) -> PhaseSettings {
    let declared = declared.cloned().unwrap_or_default();
    PhaseSettings {
        name: name.to_owned(),
        after: after[name].iter().map(|&name| name.to_owned()).collect(),
        conditions: declared.conditions(),
        matches: declared.matches,
        timeout: declared
            .timeout
            .map_or(DEFAULT_TIMEOUT, |timeout| timeout.0),
        failure_budget: budget.changed_by(declared.failure_budget),
        on_failure: declared.on_failure,
        expects: declared.expects.map_or(Vec::new(), |expects| expects.crds),
    }
}

/// All names: further phases stand behind the last that they name in `after`, or else before the
/// first in `before`.
fn names_in_order(declared: &IndexMap<String, PhaseDeclaration>) -> Vec<&str> {
    let mut names: Vec<&str> = DEFAULT_PHASES.to_vec();
    for (name, declaration) in declared
        .iter()
        .filter(|(name, _)| !DEFAULT_PHASES.contains(&name.as_str()))
    {
        let behind = declaration
            .after
            .iter()
            .flatten()
            .filter_map(|other| names.iter().position(|known| known == other))
            .max();
        let ahead = declaration
            .before
            .iter()
            .filter_map(|other| names.iter().position(|known| known == other))
            .min();
        // Siblings keep the order in which they are declared.
        let siblings = |index: usize| {
            names[index + 1..]
                .iter()
                .take_while(|known| !DEFAULT_PHASES.contains(known))
                .count()
        };
        let index = behind
            .map(|index| index + 1 + siblings(index))
            .or(ahead)
            .unwrap_or(names.len());
        names.insert(index, name);
    }
    names
}

fn check(
    document: &Document,
    name: &str,
    declaration: &PhaseDeclaration,
    names: &[&str],
    problems: &mut Vec<Problem>,
) {
    let path = KeyPath::top("phases").key(name);
    let known = || names.iter().copied().filter(|known| *known != name);
    if !is_dns_label(name) {
        problems.push(document.error(
            &path,
            format!(
                "`{name}` cannot be the name of a phase; use lower-case letters, digits and `-`"
            ),
        ));
    }
    if !DEFAULT_PHASES.contains(&name)
        && declaration.after.is_none()
        && declaration.before.is_empty()
    {
        let hint = super::names::nearest(name, DEFAULT_PHASES)
            .map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        problems
            .push(document.error(&path, format!("the phase `{name}` is none of the seven{hint}; say what it comes `after` or `before`")));
    }
    for (key, others) in [
        ("after", declaration.after.as_deref().unwrap_or_default()),
        ("before", &declaration.before),
    ] {
        for (index, other) in others.iter().enumerate() {
            let path = path.key(key).item(index);
            if other == name {
                problems.push(document.error(
                    &path,
                    format!("the phase `{name}` cannot come {key} itself; take it out"),
                ));
            } else if !names.contains(&other.as_str()) {
                let hint = suggestion(other, known().collect::<Vec<_>>());
                problems.push(document.error(
                    &path,
                    format!("`{key}` names an unknown phase `{other}`{hint}"),
                ));
            }
        }
    }
    for (index, rule) in declaration.matches.iter().enumerate() {
        check_keys(document, &path.key("match").item(index), rule, problems);
    }
}

/// What each phase comes after.
fn predecessors<'a>(
    names: &[&'a str],
    declared: &'a IndexMap<String, PhaseDeclaration>,
) -> IndexMap<&'a str, Vec<&'a str>> {
    let default = |name: &str| {
        DEFAULT_PHASES
            .iter()
            .position(|known| *known == name)
            .and_then(|index| index.checked_sub(1))
            .map(|index| DEFAULT_PHASES[index])
    };
    let own = |name: &str| {
        declared
            .get(name)
            .and_then(|declaration| declaration.after.as_ref())
    };
    let base = |name: &str| -> Vec<&'a str> {
        own(name).map_or_else(
            || default(name).into_iter().collect(),
            |after| after.iter().map(String::as_str).collect(),
        )
    };
    let mut after: IndexMap<&str, Vec<&str>> =
        names.iter().map(|&name| (name, base(name))).collect();
    for (name, declaration) in declared {
        let inserted = !DEFAULT_PHASES.contains(&name.as_str()) && declaration.after.is_none();
        for target in &declaration.before {
            if inserted {
                let inherited: Vec<&str> = base(target)
                    .into_iter()
                    .filter(|other| {
                        other != name && !declaration.before.iter().any(|target| target == other)
                    })
                    .collect();
                extend(&mut after[name.as_str()], inherited);
            }
            extend(&mut after[target.as_str()], [name.as_str()]);
        }
    }
    after
}

fn extend<'a>(list: &mut Vec<&'a str>, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        if !list.contains(&name) {
            list.push(name);
        }
    }
}

/// The names so that each comes after its predecessors, else as they stand; or a circle.
fn sorted<'a>(
    names: &[&'a str],
    after: &IndexMap<&'a str, Vec<&'a str>>,
) -> Result<Vec<&'a str>, Vec<&'a str>> {
    let mut order = Vec::with_capacity(names.len());
    let mut open = Vec::new();
    for name in names {
        visit(name, after, &mut open, &mut order)?;
    }
    Ok(order)
}

fn visit<'a>(
    name: &'a str,
    after: &IndexMap<&'a str, Vec<&'a str>>,
    open: &mut Vec<&'a str>,
    order: &mut Vec<&'a str>,
) -> Result<(), Vec<&'a str>> {
    if order.contains(&name) {
        return Ok(());
    }
    if let Some(start) = open.iter().position(|other| *other == name) {
        return Err(open[start..].to_vec());
    }
    open.push(name);
    for predecessor in &after[name] {
        visit(predecessor, after, open, order)?;
    }
    open.pop();
    order.push(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const BUDGET: FailureBudget = FailureBudget {
        restarts: Some(7),
        grace: None,
    };

    fn phases(text: &str) -> Result<Vec<PhaseSettings>, Vec<String>> {
        let document = Document::parse(Path::new("p.yaml"), format!("phases:\n{text}")).unwrap();
        let declared: IndexMap<String, IndexMap<String, PhaseDeclaration>> =
            serde_yaml::from_str(&document.text).unwrap();
        let mut problems = Vec::new();
        let phases = resolve(&document, &declared["phases"], BUDGET, &mut problems);
        if problems.is_empty() {
            Ok(phases)
        } else {
            Err(problems
                .into_iter()
                .map(|problem| problem.message)
                .collect())
        }
    }

    fn shown(text: &str) -> String {
        let phases = phases(text).unwrap();
        phases
            .iter()
            .map(|phase| format!("{}({})", phase.name, phase.after.join(",")))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn the_seven_stay_and_an_entry_changes_one() {
        let phases =
            phases("  databases: {timeout: 15m, onFailure: stop, failureBudget: {grace: 1m}}\n")
                .unwrap();
        assert_eq!(
            phases
                .iter()
                .map(|phase| phase.name.as_str())
                .collect::<Vec<_>>(),
            DEFAULT_PHASES
        );
        assert_eq!(phases[3].timeout, Duration::from_mins(15));
        assert_eq!(phases[3].after, ["storage"]);
        assert_eq!(phases[4].timeout, DEFAULT_TIMEOUT);
        assert_eq!(
            phases[3].failure_budget,
            FailureBudget {
                grace: Some(Duration::from_mins(1)),
                ..BUDGET
            }
        );
        assert_eq!(phases[4].failure_budget, BUDGET);
    }

    #[test]
    fn a_further_phase_runs_beside_others_or_is_put_between() {
        assert_eq!(
            shown("  scaling: {after: [apps]}\n  migrations: {before: [apps]}\n"),
            "namespace() secrets(namespace) storage(secrets) databases(storage) migrations(databases) apps(databases,migrations) \
             scaling(apps) monitoring(apps) ingress(monitoring)"
        );
        assert_eq!(
            shown("  monitoring: {after: [secrets]}\n  cicd: {after: [apps], before: [ingress]}\n"),
            "namespace() secrets(namespace) storage(secrets) databases(storage) apps(databases) cicd(apps) monitoring(secrets) \
             ingress(monitoring,cicd)"
        );
    }

    #[test]
    fn wrong_phases_are_told_all_at_once() {
        assert_eq!(
            phases("  database: {timeout: 5m}\n  extra: {after: [app, extra]}\n  Bad: {after: [apps]}\n  apps: {match: [{}]}\n")
                .unwrap_err(),
            [
                "the phase `database` is none of the seven (did you mean `databases`?); say what it comes `after` or `before`",
                "`after` names an unknown phase `app`; did you mean `apps`?",
                "the phase `extra` cannot come after itself; take it out",
                "`Bad` cannot be the name of a phase; use lower-case letters, digits and `-`",
                "a rule without keys would match everything; give `kind` or another key",
            ]
        );
    }

    #[test]
    fn a_circle_is_named() {
        assert_eq!(
            phases("  storage: {after: [apps]}\n").unwrap_err(),
            [
                "the phases wait for each other in a circle: `storage` after `apps` after `databases` after `storage`; take out one `after` or `before`"
            ]
        );
    }
}
