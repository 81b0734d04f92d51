//! The table of all checks: their names are a contract.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::check::{Place, Row, Severity, Skip};

/// Makes the enum and its table out of one row a check: variant, name, severity, place, whether it
/// can be left out, and what it finds.
macro_rules! checks {
    ($($check:ident $name:literal $severity:ident $place:ident $skip:ident $finds:literal)*) => {
        /// A check whose findings come before the first write.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Check {
            $($check,)*
        }

        impl Check {
            /// All checks, in the order of the table.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$check),*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$check => Row {
                        name: $name,
                        severity: Severity::$severity,
                        place: Place::$place,
                        skip: Skip::$skip,
                        finds: $finds,
                    },)*
                }
            }
        }
    };
}

checks! {
    // What stands in the files and cannot be used.
    Plan "plan" Error Offline Never
        "The plan file cannot be read, or holds something that it must not."
    Manifest "manifest" Error Offline Never
        "A source cannot be built, or a manifest cannot be read or sent."
    Variable "variable" Error Offline Never
        "Something in `${…}` is nearly the name of a variable."
    DuplicateObject "duplicate-object" Error Offline Never
        "Two manifests describe the same object differently."
    DuplicateEntry "duplicate-entry" Error Offline Never
        "A list has two entries of the same key, and neither can be left out."
    OrderCircle "order-circle" Error Offline Never
        "Annotations put an object after itself."

    // What stands in the files and may not be meant.
    UnsupportedKey "unsupported-key" Warning Offline ByName
        "The plan has a key that this version does not support yet."
    UnquotedNumber "unquoted-number" Warning Offline ByName
        "A number in the plan would be written differently than it stands there."
    UnknownVariable "unknown-variable" Warning Offline ByName
        "Something in `${…}` is no variable of the plan, and stays as it is."
    IdleReadinessRule "idle-readiness-rule" Warning Offline ByName
        "A rule for readiness fits no object of the plan."
    IdleIgnoredField "idle-ignored-field" Warning Offline ByName
        "An entry of `ignoreFields` fits no object of the plan, or no field of those that it fits."
    RepeatedObject "repeated-object" Warning Offline ByName
        "Two manifests describe the same object in the same way."
    RepeatedEntry "repeated-entry" Warning Offline ByName
        "A list has two entries of the same key, of which one is sent."
    NeedlessNamespace "needless-namespace" Warning Offline ByName
        "An object that belongs to no namespace names one."
    ServerSetField "server-set-field" Warning Offline ByName
        "A manifest holds fields that only the cluster sets, as `kubectl get -o yaml` prints them."
    UnheardAnnotation "unheard-annotation" Warning Offline ByName
        "An annotation of another tool has no effect."
    MisunderstoodAnnotation "misunderstood-annotation" Warning Offline ByName
        "An annotation about the order of objects has a value that is not understood, or names what is not there."
    UnheardHook "unheard-hook" Warning Offline ByName
        "A hook of a chart is not run."
    UnplacedHook "unplaced-hook" Warning Offline ByName
        "A hook of a chart may be run too early."
    UnpinnedChart "unpinned-chart" Warning Offline ByName
        "A fetched chart is not pinned by a digest."
    ChartLooksUp "chart-looks-up" Warning Offline ByName
        "Templates of a chart look into the cluster, which finds nothing."
    UnstableName "unstable-name" Warning Offline ByName
        "A chart gives an object another name with each rendering."
    LateNeed "late-need" Warning Offline ByName
        "An object needs another one that may come in a later phase."
    ContradictedWave "contradicted-wave" Warning Offline ByName
        "An annotation puts an object before another one, and its phase after it."
    SelectsNothing "selects-nothing" Warning Offline ByName
        "A Service, PodDisruptionBudget, NetworkPolicy, ServiceMonitor or PodMonitor selects nothing of the plan."
    UnmetPortName "unmet-port-name" Warning Offline ByName
        "A Service or a monitor of Prometheus calls a port by a name that nothing of the plan which it selects has."
    DoubtfulReference "doubtful-reference" Warning Offline ByName
        "An object refers to what the plan has with another key, in another namespace, or by nearly the same name."

    // What the manifests alone show to go wrong.
    Placeholder "placeholder" Error Offline ByName
        "A text, also in a Secret, is a placeholder such as `CHANGE_ME`; `preflight.allowPlaceholders` in the plan names those that are meant."
    DeclaredSecret "declared-secret" Error Offline ByName
        "A manifest makes a Secret that the plan makes too."
    SelectorMismatch "selector-mismatch" Error Offline Never
        "The selector of a workload does not match the labels of its template."
    LimitBelowRequest "limit-below-request" Error Offline Never
        "A limit for CPU, memory or another resource is below the request."
    UnknownProbePort "unknown-probe-port" Error Offline ByName
        "A probe asks a port by a name that no port of its container has."
    RivalAutoscalers "rival-autoscalers" Error Offline ByName
        "Two autoscalers of Kubernetes or KEDA decide about the replicas of the same workload."
    RemovedVersion "removed-version" Error Offline ByName
        "The `apiVersion` of a built-in kind is one that clusters serve no more, or that never had the kind."

    // What they show and may be meant.
    LikelyPlaceholder "likely-placeholder" Warning Offline ByName
        "A text looks like a placeholder, and may be meant; so is `example.com` as a host."
    GuessableSecret "guessable-secret" Warning Offline ByName
        "The value of a password among the manifests is one that anybody would try first."
    UnlistedProbePort "unlisted-probe-port" Warning Offline ByName
        "A probe asks another port than the only one that its container lists."
    LikelyRivalAutoscalers "likely-rival-autoscalers" Warning Offline ByName
        "Two autoscalers, one of another kind among them, may decide about the replicas of the same workload."
    ScalesNothing "scales-nothing" Warning Offline ByName
        "The target of an autoscaler is no object of the plan."
    VerticalBesideHorizontal "vertical-beside-horizontal" Warning Offline ByName
        "A VerticalPodAutoscaler changes the requests by which another autoscaler counts replicas."
    UnusedReplicas "unused-replicas" Warning Offline ByName
        "A workload names a number of replicas that its autoscaler would never choose."
    SharedClaim "shared-claim" Warning Offline ByName
        "Several replicas share a volume that only one node can mount."
    FloatingImage "floating-image" Warning Offline ByName
        "An image in a protected environment has no tag, or `latest`."
    OwnerReference "owner-reference" Warning Offline ByName
        "A manifest names an owner by its uid."
    OldVersion "old-version" Warning Offline ByName
        "The `apiVersion` of a built-in kind is one that newer clusters serve no more."

    // What the cluster lacks or refuses.
    ServerWarning "server-warning" Warning Cluster ByName
        "The API server warns about what is sent, as of a deprecated version or of what Pod Security would not let in."
    Requirement "requirement" Error Cluster ByName
        "Something that the plan requires is not there."
    UnknownRequirement "unknown-requirement" Warning Cluster ByName
        "Whether something that the plan requires is there may not be read."
    UnknownKind "unknown-kind" Error Cluster Never
        "The cluster does not serve the kind, or not in this version, and nothing of the run brings it."
    MissingNamespace "missing-namespace" Error Cluster Never
        "A namespace does not exist, and nothing of the run creates it."
    MissingConfiguration "missing-configuration" Error Cluster ByName
        "A Secret or ConfigMap that an object refers to is neither in the plan nor in the cluster."
    MissingKey "missing-key" Error Cluster ByName
        "A Secret or ConfigMap has not the key that an object refers to."
    MissingPullSecret "missing-pull-secret" Error Cluster ByName
        "A Secret that images are pulled with is neither in the plan nor in the cluster."
    MissingService "missing-service" Error Cluster ByName
        "A Service that an object refers to is neither in the plan nor in the cluster, or has not the port."
    MissingClass "missing-class" Error Cluster ByName
        "A class of storage, priority, runtime or gateways is neither in the plan nor in the cluster."
    MissingReference "missing-reference" Error Cluster ByName
        "Something else that an object refers to is neither in the plan nor in the cluster: an account, a claim, a role, an issuer."
    UncertainReference "uncertain-reference" Warning Cluster ByName
        "Something that an object refers to is not there, and may be made by somebody, or be done without."
    NoDefaultClass "no-default-class" Warning Cluster ByName
        "A claim names no StorageClass, and the cluster has no default one."
    NoNode "no-node" Warning Cluster ByName
        "The pods of a workload fit on none of the nodes that there are."
    OverQuota "over-quota" Warning Cluster ByName
        "The release needs more than a quota of its namespace leaves, now or with as many replicas as its autoscalers may make."
    OutOfLimits "out-of-limits" Error Cluster ByName
        "A container is smaller or larger than the limits of its namespace allow, so that its pods are refused."
    MissingOwner "missing-owner" Error Cluster ByName
        "An object belongs to an owner that is not there, so that it would be deleted at once."
    TooEarly "too-early" Error Cluster Never
        "An object is in a phase before that of something it cannot exist without."
    IncompletePart "incomplete-part" Error Cluster Never
        "A run of some objects leaves out what has to come with or before them."
    OtherRelease "other-release" Error Cluster Never
        "An object is managed by another release; `--adopt` shares it."
    UnknownRevision "unknown-revision" Error Cluster Never
        "An object is labelled with the release, of which no revision is known; `--adopt` starts over."
    MissingPermission "missing-permission" Error Cluster Never
        "The user may not do something that the run, or its rollback, needs."
    UncertainPermission "uncertain-permission" Warning Cluster ByName
        "The user may not do something that the rollback may need."
    Conflict "conflict" Error Cluster Never
        "Another manager holds a field; `--force-conflicts` takes it over."
    ImmutableField "immutable-field" Error Cluster Never
        "A field cannot be changed in what is there; `--recreate` lets the object be created anew."
    UnresizableClaim "unresizable-claim" Error Cluster Never
        "A claim cannot become larger, or smaller, as it is wanted."
    PartOfWhole "part-of-whole" Error Cluster Never
        "A field in `ignoreFields` is a part of one that has one manager as a whole."
    Refused "refused" Error Cluster Never
        "The API server, a policy, a quota or a webhook refuses the object in a dry run."
    NoAnswer "no-answer" Error Cluster Never
        "The API server could not be asked about the object, or did not accept who asked."
}

impl Check {
    /// Its name, in kebab-case.
    pub(crate) const fn name(self) -> &'static str {
        self.row().name
    }

    /// How bad what it finds is.
    pub(crate) const fn severity(self) -> Severity {
        self.row().severity
    }

    /// Where it runs.
    pub(super) const fn place(self) -> Place {
        self.row().place
    }

    /// Whether it can be left out.
    pub(crate) const fn skip(self) -> Skip {
        self.row().skip
    }

    /// What it finds, in one sentence.
    pub(super) const fn finds(self) -> &'static str {
        self.row().finds
    }

    /// Whether what it finds stops the run.
    pub(crate) fn is_error(self) -> bool {
        self.severity() == Severity::Error
    }

    /// ` [NAME]`, which ends the line of a finding; nothing for the two sorts of errors that are
    /// about no more than that a file cannot be used.
    pub(crate) fn mark(self) -> String {
        match self {
            Self::Plan | Self::Manifest => String::new(),
            named => format!(" [{}]", named.name()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Check {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.iter();
        all.find(|check| check.name() == name).copied().ok_or(())
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_in_kebab_case_and_given_once() {
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        let names: BTreeSet<&str> = Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        for check in Check::ALL {
            let name = check.name();
            assert!(name.chars().all(is_plain), "{name}");
            assert_eq!(name.parse(), Ok(*check));
        }
    }

    #[test]
    fn each_check_is_said_in_one_sentence() {
        for check in Check::ALL {
            let sentence = check.finds();
            let is_one = sentence.ends_with('.') && !sentence.trim_end_matches('.').contains(". ");
            assert!(
                is_one && sentence.starts_with(char::is_uppercase),
                "{sentence}"
            );
        }
    }

    #[test]
    fn a_warning_can_always_be_left_out() {
        for check in Check::ALL {
            assert!(
                check.is_error() || check.skip() == Skip::ByName,
                "{check} is only a warning"
            );
        }
    }
}
