//! The verdicts against collections of cases that stand beside the project; skipped, with a note,
//! where they are absent.
//!
//! `make conformance` prints what each test here counts; with `READINESS_VERBOSE` set, each
//! disagreement too.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{State, Surroundings, Verdict, judge};
use crate::object::field::text;

/// Cases of which the community's verdict is wrong for somebody who waits for a deployment, and
/// why. Each is ours to defend.
const DELIBERATE: &[(&str, &str)] = &[
    (
        "apps.kruise.io/AdvancedCronJob/testdata/notScheduled.yaml",
        "ready, not failed: a schedule that is not due yet has nothing to show, and a deployment does not wait for it",
    ),
    (
        "apps.openshift.io/DeploymentConfig/testdata/degraded.yaml",
        "in progress, not failed: its first rollout waits for a pod, of which nothing says that it will not come",
    ),
    (
        "apps.openshift.io/DeploymentConfig/testdata/healthy_zero_replicas.yaml",
        "in progress, not ready: it wants three replicas and has none, and says itself that it is not available",
    ),
    (
        "batch/CronJob/testdata/degraded.yaml",
        "ready, not failed: a run of the past failed, perhaps the one that this deployment mends; as of Kubernetes' own kinds",
    ),
    (
        "batch/CronJob/testdata/suspended.yaml",
        "suspended, not ready: its manifest says so; a phase passes either way",
    ),
    (
        "core.spinkube.dev/SpinApp/testdata/progressing.yaml",
        "ready, not in progress: the operator copies the conditions of a Deployment, of which `Progressing` stays true for \
         `NewReplicaSetAvailable` once it is over; nobody would ever see it ready",
    ),
    (
        "gateway.networking.k8s.io/HTTPRoute/testdata/healthy_multiple_generations.yaml",
        "in progress, not ready: of the only parent that it names, its status is of an earlier generation",
    ),
    (
        "kafka.strimzi.io/KafkaBridge/testdata/degraded.yaml",
        "in progress, not failed: it is being deleted, and its status is of a generation long before",
    ),
    (
        "kafka.strimzi.io/KafkaBridge/testdata/healthy.yaml",
        "in progress, not ready: it is being deleted, and nothing can rely on it",
    ),
    (
        "kafka.strimzi.io/KafkaConnect/testdata/healthy.yaml",
        "in progress, not ready: it is being deleted, and nothing can rely on it",
    ),
    (
        "kafka.strimzi.io/KafkaConnector/testdata/degraded.yaml",
        "in progress, not failed: it is being deleted, and its status is of a generation long before",
    ),
    (
        "kafka.strimzi.io/KafkaConnector/testdata/healthy.yaml",
        "in progress, not ready: it is being deleted, and nothing can rely on it",
    ),
    (
        "kubevirt.io/VirtualMachineInstance/testdata/suspended_succeeded.yaml",
        "in progress, not suspended: it is being deleted",
    ),
    (
        "minio.min.io/Tenant/testdata/unknown_status_message.yaml",
        "unknown, not in progress: its operator has no such word; a phase passes neither way",
    ),
    (
        "policy/PodDisruptionBudget/testdata/degraded.yaml",
        "ready, not failed: what cannot be counted allows no disruption, which keeps nothing from running; the message says so",
    ),
    (
        "pxc.percona.com/PerconaXtraDBCluster/testdata/paused.yaml",
        "suspended, not unknown: it is paused because its manifest says so",
    ),
    (
        "rabbitmq.com/Exchange/testdata/degraded.yaml",
        "in progress, not failed: its status is of generation 1 of 3, so it does not tell how the last change went",
    ),
    (
        "rabbitmq.com/Exchange/testdata/healthy.yaml",
        "in progress, not ready: its status is of generation 1 of 3, so it does not tell how the last change went",
    ),
];

/// Of a hundred cases at least so many must agree.
const SHARE: usize = 99;

fn cases(set: &str) -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/conformance")
        .join(set)
        .join("cases.jsonl");
    let Ok(lines) = fs::read_to_string(&path) else {
        note(&format!("{set}: the set is absent ({})", path.display()));
        return None;
    };
    Some(
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

fn note(line: &str) {
    eprintln!("{line}");
}

fn verdict(object: &Value, now: Option<&str>) -> Verdict {
    let now = now.map_or_else(Timestamp::now, |now| now.parse().unwrap());
    judge(object, &Surroundings::none(now))
}

/// What was counted of one set.
#[derive(Default)]
struct Count {
    agreed: usize,
    deliberate: BTreeSet<String>,
    wrong: Vec<String>,
    wrongly_ready: Vec<String>,
    /// Whether all cases of a kind are right.
    kinds: BTreeMap<String, bool>,
}

impl Count {
    fn add(&mut self, id: &str, kind: &str, actual: &Verdict, expected: &str, agrees: bool) {
        let is_deliberate = DELIBERATE.iter().any(|(name, _)| *name == id);
        *self.kinds.entry(kind.to_owned()).or_insert(true) &= agrees || is_deliberate;
        if agrees {
            self.agreed += 1;
        } else if is_deliberate {
            self.deliberate.insert(id.to_owned());
        } else {
            let line = format!("{id}: expected {expected}, is {actual:?}");
            if std::env::var_os("READINESS_VERBOSE").is_some() {
                note(&line);
            }
            if actual.state == State::Ready {
                self.wrongly_ready.push(line.clone());
            }
            self.wrong.push(line);
        }
    }

    fn print(&self, set: &str) {
        note(&format!(
            "{set}: {} cases, {} agreed, {} deliberately different, {} called ready wrongly, {} of {} kinds fully right",
            self.total(),
            self.agreed,
            self.deliberate.len(),
            self.wrongly_ready.len(),
            self.kinds.values().filter(|right| **right).count(),
            self.kinds.len(),
        ));
    }

    fn total(&self) -> usize {
        self.agreed + self.deliberate.len() + self.wrong.len()
    }
}

#[test]
fn agrees_with_every_case_of_kstatus() {
    let Some(cases) = cases("kstatus") else {
        return;
    };
    let mut count = Count::default();
    for case in &cases {
        let expected = text(case, "/orchestrator_expected")
            .or_else(|| text(case, "/expected"))
            .unwrap();
        let actual = verdict(&case["object"], text(case, "/now"));
        let agrees = actual.state.to_string() == expected;
        count.add(
            text(case, "/id").unwrap(),
            text(case, "/kind").unwrap_or_default(),
            &actual,
            expected,
            agrees,
        );
    }
    count.print("kstatus");
    assert_eq!(count.wrong, Vec::<String>::new());
    assert_eq!(cases.len(), 53);
}

#[test]
fn agrees_with_every_recorded_sequence() {
    let Some(cases) = cases("sequences") else {
        return;
    };
    let mut count = Count::default();
    for case in &cases {
        let steps: Vec<Verdict> = case["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| verdict(object, None))
            .collect();
        let expected: Vec<&str> = case["expected_steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step.as_str().unwrap())
            .collect();
        let actual: Vec<&str> = steps
            .iter()
            .map(|step| if step.passes() { "ready" } else { "not-ready" })
            .collect();
        let (last, wanted) = (
            steps.last().unwrap(),
            case["expected_final"].as_str().unwrap(),
        );
        let tells_why = case["cause_contains"]
            .as_array()
            .into_iter()
            .flatten()
            .all(|part| last.message.contains(part.as_str().unwrap()));
        let agrees = actual == expected && last.state.to_string() == wanted && tells_why;
        let kind = text(case, "/events/0/kind").unwrap_or_default();
        count.add(
            text(case, "/id").unwrap(),
            kind,
            last,
            &format!("{expected:?}, at last {wanted}"),
            agrees,
        );
    }
    count.print("sequences");
    assert_eq!(count.wrong, Vec::<String>::new());
}

#[test]
fn agrees_with_the_health_checks_of_the_community() {
    let Some(cases) = cases("argo-health") else {
        return;
    };
    let mut count = Count::default();
    for case in &cases {
        let (id, expected) = (text(case, "/id").unwrap(), text(case, "/expected").unwrap());
        let actual = verdict(&case["object"], None);
        let kind = id.split("/testdata/").next().unwrap_or_default();
        count.add(id, kind, &actual, expected, agrees(&actual, expected));
    }
    count.print("argo-health");
    assert_eq!(
        count.wrongly_ready,
        Vec::<String>::new(),
        "not ready, and called ready"
    );
    let total = count.total() - count.deliberate.len();
    assert!(
        count.agreed * 100 >= total * SHARE,
        "{} of {total} agree:\n{}",
        count.agreed,
        count.wrong.join("\n")
    );
    assert!(
        count.deliberate.len() * 100 <= count.total() * 2,
        "differences are exceptions: {:?}",
        count.deliberate
    );
}

/// Argo CD has no word for what is being deleted and calls it progressing.
fn agrees(actual: &Verdict, expected: &str) -> bool {
    actual.state.to_string() == expected
        || (actual.state == State::Terminating && expected == "in-progress")
}

#[test]
fn every_deliberate_difference_is_one_and_has_a_reason() {
    let Some(cases) = cases("argo-health") else {
        return;
    };
    for (id, why) in DELIBERATE {
        assert!(why.len() > 20, "{id} needs a reason");
        // Other cases of the same kinds may stand in the place of these.
        let Some(case) = cases.iter().find(|case| text(case, "/id") == Some(id)) else {
            continue;
        };
        let expected = text(case, "/expected").unwrap();
        let actual = verdict(&case["object"], None);
        assert!(
            !agrees(&actual, expected),
            "{id} agrees: strike it from the list"
        );
    }
}
