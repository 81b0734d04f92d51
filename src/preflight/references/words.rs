//! How it is said that something is lacking.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::Finding,
    judge::{Doubt, Lack, Lacking, Surroundings},
    remedy::{Remedies, remedy},
};
use crate::{
    finding::Check,
    object::{FieldPath, HasKind as _, MentionedPart, ObjectId, Problem},
    plan::nearest,
};

/// `lacking` as a finding of a run.
pub(crate) fn finding(
    lacking: &Lacking<'_>,
    remedies: &Remedies,
    surroundings: &dyn Surroundings,
) -> Finding {
    let check = if lacking.unsure.is_some() {
        Check::UncertainReference
    } else {
        check(lacking)
    };
    let message = message(lacking, surroundings);
    let finding = Finding::of(check, message).about(lacking.referrer.object);
    finding.remedy(remedy(lacking, remedies, surroundings))
}

/// `lacking` as what is doubtful without a cluster; `None` where all that is known is that the plan
/// does not bring it.
pub(crate) fn doubtful(
    lacking: &Lacking<'_>,
    remedies: &Remedies,
    surroundings: &dyn Surroundings,
) -> Option<Problem> {
    if lacking.lack == Lack::Outside && hint(lacking, surroundings).is_none() {
        return None;
    }
    let object = lacking.referrer.object;
    let message = message(lacking, surroundings);
    let problem = Problem::of(Check::DoubtfulReference, message)
        .at(&object.origin)
        .about(&object.id);
    Some(problem.hint(remedy(lacking, remedies, surroundings)))
}

/// What of `lacking` the cluster must have, each once, with its keys and ports.
pub(crate) fn listed<'a>(lacking: impl Iterator<Item = &'a Lacking<'a>>) -> Vec<String> {
    type Needed<'a> = (BTreeSet<&'a MentionedPart>, Option<&'a ObjectId>);
    let mut needed: BTreeMap<&ObjectId, Needed<'_>> = BTreeMap::new();
    for it in lacking.filter(|it| it.lack == Lack::Outside) {
        let (parts, maker) = needed.entry(&it.mention.target).or_default();
        parts.extend(&it.parts);
        if let Some(Doubt::MadeBy(by)) = &it.unsure {
            *maker = Some(by);
        }
    }
    let lines = needed.into_iter().map(|(target, (parts, maker))| {
        let parts: Vec<String> = parts.into_iter().map(ToString::to_string).collect();
        let parts = match parts.as_slice() {
            [] => String::new(),
            parts => format!(" ({})", parts.join(", ")),
        };
        let unless = maker.map_or_else(String::new, |by| format!(", unless {by} makes it"));
        format!("{target}{parts}{unless}")
    });
    lines.collect()
}

/// The check that finds what is certainly lacking.
fn check(lacking: &Lacking<'_>) -> Check {
    let target = &lacking.mention.target;
    let is_pull = lacking.mention.at.contains("/imagePullSecrets/");
    match (&lacking.lack, target.kind.as_str()) {
        _ if target.is_service() => Check::MissingService,
        (Lack::Part(_) | Lack::Sometimes, _) => Check::MissingKey,
        _ if is_pull => Check::MissingPullSecret,
        _ if target.is_configuration() => Check::MissingConfiguration,
        (_, kind) if kind.ends_with("Class") => Check::MissingClass,
        _ => Check::MissingReference,
    }
}

fn message(lacking: &Lacking<'_>, surroundings: &dyn Surroundings) -> String {
    let Lacking {
        referrer,
        mention,
        parts,
        lack,
        unsure,
    } = lacking;
    let target = &mention.target;
    let place = FieldPath::of_pointer(&mention.at);
    let needed = match parts.as_slice() {
        [] => target.to_string(),
        parts => format!("{} of {target}", shown(parts)),
    };
    let how = match lack {
        Lack::Absent => "which is neither in the plan nor in the cluster".to_owned(),
        Lack::Outside => "which is not in the plan".to_owned(),
        Lack::Going => "which is not in the plan any more, so that this run removes it".to_owned(),
        Lack::Part(others) if others.is_empty() => "which has none".to_owned(),
        Lack::Part(others) => format!("which has `{}`", others.join("`, `")),
        Lack::Sometimes => {
            "which has it only where a value is given: it is `optional` in the plan".to_owned()
        }
        Lack::LeftOut(by) if by == target => {
            "which is not there, and no part of this run".to_owned()
        }
        Lack::LeftOut(by) => format!("which is not there, and {by} makes it: no part of this run"),
        Lack::Later(phase) => format!(
            "which comes in phase `{phase}`, after its own phase `{}` has ended",
            referrer.phase
        ),
    };
    let hint = hint(lacking, surroundings).map_or_else(String::new, |hint| format!("; {hint}"));
    let unsure = unsure.as_ref();
    let unsure = unsure.map_or_else(String::new, |why| format!("; {why}"));
    format!("it needs {needed} (`{place}`), {how}{hint}{unsure}")
}

/// Keys or ports, one after the other.
fn shown(parts: &[MentionedPart]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    parts.join(", ")
}

/// What is nearly what is needed: in another namespace, or by another name.
fn hint(lacking: &Lacking<'_>, surroundings: &dyn Surroundings) -> Option<String> {
    let target = &lacking.mention.target;
    match &lacking.lack {
        Lack::Absent | Lack::Outside => {
            let (names, namespaces) = surroundings.provisions().near(target);
            if !namespaces.is_empty() {
                let namespaces = namespaces.join("`, `");
                return Some(format!(
                    "the plan has one of this name in namespace `{namespaces}`"
                ));
            }
            let near = nearest(&target.name, names)?;
            Some(format!("did you mean `{near}`?"))
        }
        Lack::Part(others) => {
            let [MentionedPart::Key(key)] = lacking.parts.as_slice() else {
                return None;
            };
            let near = nearest(key, others.iter().map(String::as_str))?;
            Some(format!("did you mean `{near}`?"))
        }
        _ => None,
    }
}
