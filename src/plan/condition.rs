//! Conditions on parts of a plan: what `when` and `unless` say, and whether it holds.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    names::{is_api_version, is_crd_name, listed, suggestion, wrong_api, wrong_crd},
    problem::{Document, KeyPath, Problem},
    substitute::text_of,
};

/// A condition: exactly one of `crd`, `api`, and `variable` with `is`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = super::one_of::exactly_one(&Condition::KINDS),
    "dependentRequired" = {"variable": ["is"], "is": ["variable"]}
))]
pub(crate) struct Condition {
    /// Holds where this `CustomResourceDefinition` is served.
    pub(crate) crd: Option<String>,
    /// Holds where this API group is served in this version, for example `metrics.k8s.io/v1beta1`.
    pub(crate) api: Option<String>,
    /// Holds where this variable has the value that `is` says.
    pub(crate) variable: Option<String>,
    /// The value, compared as text.
    #[schemars(extend("type" = ["string", "number", "boolean"]))]
    pub(crate) is: Option<String>,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Only a cluster knows, and none was asked.
    Unknown,
}

/// What a cluster serves, as far as conditions ask for it; `None` where it is not known.
pub(crate) trait Capabilities {
    /// Whether the CustomResourceDefinition `PLURAL.GROUP` is served.
    fn crd(&self, name: &str) -> Option<bool>;

    /// Whether `GROUP/VERSION` is served.
    fn api(&self, group_version: &str) -> Option<bool>;
}

/// No cluster: nothing is known of what it serves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoCluster;

impl Capabilities for NoCluster {
    fn crd(&self, _name: &str) -> Option<bool> {
        None
    }

    fn api(&self, _group_version: &str) -> Option<bool> {
        None
    }
}

impl Condition {
    /// The keys of which exactly one says what the condition is about.
    pub(super) const KINDS: [&str; 3] = ["crd", "api", "variable"];

    /// Whether it holds with these values of variables, in a cluster that serves `served`.
    pub(crate) fn holds(
        &self,
        variables: &IndexMap<String, Value>,
        served: &dyn Capabilities,
    ) -> Holds {
        let is_so = if let Some(crd) = &self.crd {
            served.crd(crd)
        } else if let Some(api) = &self.api {
            served.api(api)
        } else {
            Some(self.value(variables) == self.is)
        };
        match is_so {
            Some(true) => Holds::Yes,
            Some(false) => Holds::No,
            None => Holds::Unknown,
        }
    }

    /// The value of its variable, as text.
    fn value(&self, variables: &IndexMap<String, Value>) -> Option<String> {
        variables.get(self.variable.as_deref()?).map(text_of)
    }

    /// What it is about, in words that say whether it holds.
    fn told(&self, holds: Holds, variables: &IndexMap<String, Value>) -> String {
        let Some(served) = self.crd.as_ref().or(self.api.as_ref()) else {
            let name = self.variable.as_deref().unwrap_or_default();
            let value = self.value(variables).unwrap_or_default();
            return match (holds, self.is.as_deref().unwrap_or_default()) {
                (Holds::No, wanted) => {
                    format!("the variable `{name}` is `{value}`, and not `{wanted}`")
                }
                _ => format!("the variable `{name}` is `{value}`"),
            };
        };
        match holds {
            Holds::Yes => format!("the cluster serves `{served}`"),
            Holds::No => format!("the cluster does not serve `{served}`"),
            Holds::Unknown => format!("a cluster that serves `{served}` is assumed"),
        }
    }

    /// Reports what is wrong with the condition at `path`; `variables` are all that the plan knows.
    fn check(
        &self,
        document: &Document,
        path: &KeyPath,
        variables: &[&str],
        problems: &mut Vec<Problem>,
    ) {
        let mut refuse =
            |path: &KeyPath, message: String| problems.push(document.error(path, message));
        let given = [
            self.crd.is_some(),
            self.api.is_some(),
            self.variable.is_some(),
        ];
        let given = Self::KINDS.into_iter().zip(given);
        let given: Vec<&str> = given
            .filter_map(|(key, given)| given.then_some(key))
            .collect();
        match given.as_slice() {
            [_] => {}
            [] => refuse(
                path,
                format!("`{path}` must say one of {}", listed(Self::KINDS)),
            ),
            several => refuse(
                path,
                format!(
                    "`{path}` says several things ({}); leave one",
                    listed(several)
                ),
            ),
        }
        match (&self.variable, &self.is) {
            (Some(name), None) => refuse(
                path,
                format!("`{path}` does not say which value `{name}` must have; add `is`"),
            ),
            (None, Some(_)) => refuse(
                &path.key("is"),
                "`is` needs `variable`; name the variable that is compared".to_owned(),
            ),
            _ => {}
        }
        if let Some(crd) = self.crd.as_ref().filter(|crd| !is_crd_name(crd)) {
            refuse(&path.key("crd"), wrong_crd(crd));
        }
        if let Some(api) = self.api.as_ref().filter(|api| !is_api_version(api)) {
            refuse(&path.key("api"), wrong_api(api));
        }
        let unknown = self.variable.as_deref();
        if let Some(name) = unknown.filter(|name| !variables.contains(name)) {
            let hint = suggestion(name, variables.iter().copied());
            refuse(
                &path.key("variable"),
                format!("the plan declares no variable `{name}`{hint}"),
            );
        }
    }
}

/// The conditions on one part of a plan: all that are given must be met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// What must hold.
    pub(crate) when: Option<Condition>,
    /// What must not hold.
    pub(crate) unless: Option<Condition>,
}

/// What conditions say of the part of a plan that they stand on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Why the part is left out; `None` where it is not.
    pub(crate) skipped: Option<String>,
    /// What it stands or falls with and is taken to be so, because no cluster was asked.
    pub(crate) assumed: Option<String>,
}

impl Judgement {
    /// The part is left out.
    pub(crate) fn skipped(why: String) -> Self {
        Self {
            skipped: Some(why),
            assumed: None,
        }
    }
}

impl Conditions {
    /// The conditions that are written as `when` and `unless`.
    pub(crate) fn new(when: Option<&Condition>, unless: Option<&Condition>) -> Self {
        Self {
            when: when.cloned(),
            unless: unless.cloned(),
        }
    }

    /// Whether nothing depends on anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.when.is_none() && self.unless.is_none()
    }

    /// Whether they are met with these values of variables, in a cluster that serves `served`. What
    /// only a cluster knows and none was asked for counts as holding, in `unless` too: then what
    /// has opposite conditions is never there twice.
    pub(crate) fn judge(
        &self,
        variables: &IndexMap<String, Value>,
        served: &dyn Capabilities,
    ) -> Judgement {
        let mut judgement = Judgement::default();
        let written = [(&self.when, Holds::No), (&self.unless, Holds::Yes)];
        for (condition, unwanted) in written {
            let Some(condition) = condition else { continue };
            let holds = condition.holds(variables, served);
            let told = condition.told(holds, variables);
            if holds == unwanted || (holds, unwanted) == (Holds::Unknown, Holds::Yes) {
                judgement.skipped.get_or_insert(told);
            } else if holds == Holds::Unknown {
                judgement.assumed.get_or_insert(told);
            }
        }
        judgement
    }

    /// Reports what is wrong with the conditions of the part at `path`; `variables` are all that
    /// the plan knows.
    pub(super) fn check(
        &self,
        document: &Document,
        path: &KeyPath,
        variables: &[&str],
        problems: &mut Vec<Problem>,
    ) {
        for (key, condition) in [("when", &self.when), ("unless", &self.unless)] {
            if let Some(condition) = condition {
                condition.check(document, &path.key(key), variables, problems);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::plan::node_deserializer;

    #[derive(Deserialize)]
    struct Written {
        when: Option<Condition>,
        unless: Option<Condition>,
    }

    fn variables() -> IndexMap<String, Value> {
        [
            ("on", json!(true)),
            ("version", json!("1.30")),
            ("replicas", json!(3)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn read(text: &str) -> (Conditions, Vec<String>) {
        let document = Document::parse(Path::new("p.yaml"), text.to_owned()).unwrap();
        let (written, mut problems) = node_deserializer::read::<Written>(&document.root, &document);
        let written = written.expect("conditions");
        let conditions = Conditions::new(written.when.as_ref(), written.unless.as_ref());
        let values = variables();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        conditions.check(&document, &KeyPath::default(), &names, &mut problems);
        let told = problems.into_iter();
        let told = told.map(|problem| format!("{}: {}", problem.line.unwrap(), problem.message));
        (conditions, told.collect())
    }

    /// A cluster that serves one definition and one group.
    struct Small;

    impl Capabilities for Small {
        fn crd(&self, name: &str) -> Option<bool> {
            Some(name == "widgets.example.org")
        }

        fn api(&self, group_version: &str) -> Option<bool> {
            Some(group_version == "example.org/v1")
        }
    }

    fn judged(text: &str, served: &dyn Capabilities) -> Judgement {
        let (conditions, problems) = read(text);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        conditions.judge(&variables(), served)
    }

    #[test]
    fn every_kind_of_condition_has_its_opposite() {
        let cases = [
            ("{crd: widgets.example.org}", None),
            (
                "{crd: gadgets.example.org}",
                Some("the cluster does not serve `gadgets.example.org`"),
            ),
            ("{api: example.org/v1}", None),
            (
                "{api: example.org/v2}",
                Some("the cluster does not serve `example.org/v2`"),
            ),
            ("{variable: on, is: true}", None),
            ("{variable: on, is: 'true'}", None),
            ("{variable: replicas, is: 3}", None),
            ("{variable: version, is: 1.30}", None),
            (
                "{variable: version, is: 1.3}",
                Some("the variable `version` is `1.30`, and not `1.3`"),
            ),
        ];
        for (condition, why) in cases {
            let when = judged(&format!("when: {condition}\n"), &Small);
            assert_eq!(when.skipped.as_deref(), why, "{condition}");
            let unless = judged(&format!("unless: {condition}\n"), &Small);
            assert_ne!(unless.skipped.is_some(), why.is_some(), "{condition}");
        }
        assert_eq!(
            judged("unless: {crd: widgets.example.org}\n", &Small)
                .skipped
                .as_deref(),
            Some("the cluster serves `widgets.example.org`")
        );
        assert_eq!(
            judged("unless: {variable: on, is: true}\n", &Small)
                .skipped
                .as_deref(),
            Some("the variable `on` is `true`")
        );
    }

    #[test]
    fn both_must_be_met() {
        let text = "when: {crd: widgets.example.org}\nunless: {variable: on, is: true}\n";
        assert_eq!(
            judged(text, &Small).skipped.as_deref(),
            Some("the variable `on` is `true`")
        );
        let text = "when: {crd: widgets.example.org}\nunless: {variable: on, is: false}\n";
        assert_eq!(judged(text, &Small), Judgement::default());
    }

    #[test]
    fn without_a_cluster_what_it_may_serve_counts_as_served() {
        let assumed = "a cluster that serves `widgets.example.org` is assumed".to_owned();
        assert_eq!(
            judged("when: {crd: widgets.example.org}\n", &NoCluster),
            Judgement {
                skipped: None,
                assumed: Some(assumed.clone())
            }
        );
        assert_eq!(
            judged("unless: {crd: widgets.example.org}\n", &NoCluster),
            Judgement {
                skipped: Some(assumed),
                assumed: None
            }
        );
        let known = judged("unless: {variable: replicas, is: 3}\n", &NoCluster);
        assert_eq!(
            known.skipped.as_deref(),
            Some("the variable `replicas` is `3`")
        );
    }

    #[test]
    fn wrong_conditions_are_told_with_their_place() {
        let cases = [
            (
                "when: {}\n",
                "1: `when` must say one of `crd`, `api`, `variable`",
            ),
            (
                "when: {crd: widgets.example.org, api: example.org/v1}\n",
                "1: `when` says several things (`crd`, `api`); leave one",
            ),
            (
                "when: {variable: on}\n",
                "1: `when` does not say which value `on` must have; add `is`",
            ),
            (
                "when:\n  crd: widgets.example.org\n  is: 3\n",
                "3: `is` needs `variable`; name the variable that is compared",
            ),
            (
                "unless:\n  variable: replica\n  is: 3\n",
                "2: the plan declares no variable `replica`; did you mean `replicas`?",
            ),
            (
                "unless: {api: metrics.k8s.io}\n",
                "1: `metrics.k8s.io` is not an API group with its version; write for example `metrics.k8s.io/v1beta1`",
            ),
            (
                "when: {crd: widgets}\n",
                "1: `widgets` cannot be the name of a CustomResourceDefinition; write for example `certificates.cert-manager.io`",
            ),
        ];
        for (text, problem) in cases {
            assert_eq!(read(text).1, [problem], "{text}");
        }
    }
}
