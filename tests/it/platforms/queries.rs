//! Queries of rules, dashboards and autoscalers: they parse, and the metrics that they name are
//! those that something exports, as the data file lists them.

use std::{collections::BTreeSet, sync::LazyLock};

use promql_parser::{
    parser::{self, Expr, VectorSelector},
    util::{ExprVisitor, walk_expr},
};
use regex::Regex;
use serde_json::{Value, json};

use super::{
    platform::Platform,
    rendered::{Rendered, entries, fits, items},
    rules::{Problem, Rule, judge},
};

pub(super) const RULES: &[Rule] = &[queries];

#[test]
fn every_query_parses_and_asks_for_what_is_exported() {
    judge(RULES);
}

/// What Prometheus itself records.
/// <https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series>
const OWN: [&str; 3] = ["up", "ALERTS*", "scrape_*"];

/// A query of an object, and what it belongs to.
struct Query<'a> {
    object: &'a Value,
    place: String,
    text: String,
}

fn queries(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut known: BTreeSet<String> = recorded(rendered);
    known.extend(OWN.map(str::to_owned));
    let listed = platform.data.expectations.metrics.values().flatten();
    known.extend(listed.flat_map(|name| {
        // A histogram or summary is listed by its name alone.
        ["", "_bucket", "_sum", "_count"].map(|end| format!("{name}{end}"))
    }));
    let mut problems = Vec::new();
    for query in found(rendered) {
        match metrics(&query.text) {
            Ok(names) => {
                let is_known = |name: &String| known.iter().any(|glob| fits(glob, name));
                let unknown: Vec<String> = names.into_iter().filter(|it| !is_known(it)).collect();
                if !unknown.is_empty() {
                    let text = format!("{}: nothing exports {}", query.place, unknown.join(", "));
                    problems.push(Problem::of("query", query.object, text));
                }
            }
            Err(error) => {
                let text = format!("{}: `{}`: {error}", query.place, query.text);
                problems.push(Problem::of("query", query.object, text));
            }
        }
    }
    problems
}

/// Every query of an environment.
fn found(rendered: &Rendered) -> Vec<Query<'_>> {
    let mut found = Vec::new();
    for object in &rendered.items {
        let mut add = |place: String, text: &str| {
            found.push(Query {
                object,
                place,
                text: text.to_owned(),
            });
        };
        match object["kind"].as_str().unwrap_or_default() {
            "PrometheusRule" => of_rules(&object["spec"], &mut add),
            "ConfigMap" => {
                for (key, text) in entries(&object["data"]) {
                    of_file(key, text.as_str().unwrap_or_default(), &mut add);
                }
            }
            "ScaledObject" => {
                let triggers = items(&object["spec"]["triggers"]);
                for trigger in triggers.filter(|trigger| trigger["type"] == "prometheus") {
                    let query = trigger["metadata"]["query"].as_str().unwrap_or_default();
                    add("a trigger".to_owned(), query);
                }
            }
            _ => {}
        }
    }
    found
}

/// The names that recording rules give.
fn recorded(rendered: &Rendered) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |rules: &Value| {
        let rules = items(&rules["groups"]).flat_map(|group| items(&group["rules"]));
        names.extend(rules.filter_map(|rule| rule["record"].as_str().map(str::to_owned)));
    };
    rendered
        .kind("PrometheusRule")
        .for_each(|object| add(&object["spec"]));
    for text in rendered
        .kind("ConfigMap")
        .flat_map(|object| entries(&object["data"]))
    {
        if let Some(document) = document(text.0, text.1.as_str().unwrap_or_default()) {
            add(&document);
        }
    }
    names
}

/// The YAML or JSON of a file, by what it is called.
fn document(name: &str, text: &str) -> Option<Value> {
    let is_document = [".yaml", ".yml", ".json", ".rules"]
        .iter()
        .any(|end| name.ends_with(end));
    is_document
        .then(|| serde_yaml::from_str(text).ok())
        .flatten()
}

/// The queries of a file: of rules, of a dashboard, or of Prometheus' adapter.
fn of_file(name: &str, text: &str, add: &mut impl FnMut(String, &str)) {
    // Queries of Loki are written in another language.
    let Some(document) = document(name, text).filter(|_| !name.contains("loki")) else {
        return;
    };
    of_rules(&document, add);
    if document["panels"].is_array() || document["rows"].is_array() {
        of_panels(&document, add);
        for variable in items(&document["templating"]["list"]) {
            let query = &variable["query"];
            let query = query
                .as_str()
                .or(query["query"].as_str())
                .unwrap_or_default();
            let inner = query
                .strip_prefix("label_values(")
                .or(query.strip_prefix("query_result("));
            // `label_values(METRIC, LABEL)` asks for METRIC; `label_values(LABEL)` for nothing.
            let inner = inner.and_then(|inner| inner.trim_end().strip_suffix(')'));
            let metric = match inner.map(|inner| inner.rsplit_once(',')) {
                Some(Some((metric, _))) => Some(metric),
                Some(None) if query.starts_with("query_result(") => inner,
                _ => None,
            };
            if let Some(metric) = metric {
                add(format!("{name}: a variable"), metric);
            }
        }
    }
    for series in items(&document["rules"]).filter_map(|rule| rule["seriesQuery"].as_str()) {
        add(format!("{name}: seriesQuery"), series);
    }
}

fn of_rules(rules: &Value, add: &mut impl FnMut(String, &str)) {
    for rule in items(&rules["groups"]).flat_map(|group| items(&group["rules"])) {
        let name = rule["alert"]
            .as_str()
            .or(rule["record"].as_str())
            .unwrap_or("a rule");
        add(name.to_owned(), rule["expr"].as_str().unwrap_or_default());
    }
}

/// The queries of panels, and of panels inside of rows.
fn of_panels(dashboard: &Value, add: &mut impl FnMut(String, &str)) {
    for panel in items(&dashboard["panels"]).chain(items(&dashboard["rows"])) {
        let title = panel["title"].as_str().unwrap_or("a panel");
        for target in items(&panel["targets"]) {
            let kind = [&target["datasource"]["type"], &panel["datasource"]["type"]];
            let kind = kind
                .into_iter()
                .find_map(Value::as_str)
                .unwrap_or("prometheus");
            let query = target["expr"].as_str().filter(|_| kind == "prometheus");
            if let Some(query) = query {
                add(format!("panel `{title}`"), query);
            }
        }
        of_panels(panel, add);
    }
}

/// What Grafana replaces in a query before it asks.
fn without_variables(query: &str) -> String {
    static PATTERNS: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
        let patterns = [
            (r"\[\$\{?\w+\}?", "[5m"),
            (r"\$\{?__(rate_)?interval\}?|\$\{?__range\}?", "5m"),
            (r"\$\{?\w+(:\w+)?\}?", "1"),
        ];
        patterns.map(|(pattern, by)| (Regex::new(pattern).expect("it is right"), by))
    });
    let mut text = query.to_owned();
    for (pattern, by) in PATTERNS.iter() {
        text = pattern.replace_all(&text, *by).into_owned();
    }
    text
}

/// The names of the metrics that a query asks for.
fn metrics(query: &str) -> Result<BTreeSet<String>, String> {
    let expression = parser::parse(&without_variables(query))?;
    let mut names = Names(BTreeSet::new());
    walk_expr(&mut names, &expression)?;
    Ok(names.0)
}

struct Names(BTreeSet<String>);

impl Names {
    fn add(&mut self, selector: &VectorSelector) {
        let named = selector.matchers.matchers.iter();
        let named =
            named.filter(|matcher| matcher.name == "__name__" && matcher.op.to_string() == "=");
        self.0.extend(selector.name.clone());
        self.0.extend(named.map(|matcher| matcher.value.clone()));
    }
}

impl ExprVisitor for Names {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(selector) => self.add(selector),
            Expr::MatrixSelector(selector) => self.add(&selector.vs),
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn metrics_are_found_wherever_they_are_named() {
    for (query, names) in [
        (
            "sum by (le) (rate(a_bucket{job=\"x\"}[5m])) / on (pod) b > 0.5",
            vec!["a_bucket", "b"],
        ),
        (
            "histogram_quantile(0.95, rate(a[$__rate_interval]))",
            vec!["a"],
        ),
        (
            "topk($n, a{namespace=~\"${namespace:regex}\"} offset 1h)",
            vec!["a"],
        ),
        (
            "absent({__name__=\"a\"}) or max_over_time(b[1h:5m])",
            vec!["a", "b"],
        ),
        ("increase(a[$interval])", vec!["a"]),
    ] {
        let found = metrics(query).unwrap();
        assert_eq!(
            found,
            names.into_iter().map(str::to_owned).collect(),
            "{query}"
        );
    }
    assert!(metrics("sum(rate(a[5m])").is_err());
    assert!(metrics("rate(a)").is_err(), "a rate is of a range");
}

#[test]
fn queries_are_found_in_rules_and_dashboards() {
    let rules = json!({"groups": [{"rules": [{"alert": "Down", "expr": "up == 0"}, {"record": "a:b", "expr": "a"}]}]});
    let inner = json!({"title": "inner", "targets": [{"expr": "c"}, {"expr": "{app=\"x\"}", "datasource": {"type": "loki"}}]});
    let dashboard = json!({
        "panels": [{"title": "outer", "targets": [{"expr": "b"}], "panels": [inner]}],
        "templating": {"list": [{"query": "label_values(d, pod)"}, {"query": "label_values(pod)"}]},
    });
    let data = json!({"a.json": dashboard.to_string(), "alerts.yml": rules.to_string(), "readme": "groups"});
    let rendered = Rendered::of_items(vec![
        json!({"kind": "ConfigMap", "data": data}),
        json!({"kind": "PrometheusRule", "spec": rules}),
    ]);
    let found: Vec<String> = found(&rendered)
        .into_iter()
        .map(|query| query.text)
        .collect();
    assert_eq!(found, ["b", "c", "d", "up == 0", "a", "up == 0", "a"]);
    assert_eq!(recorded(&rendered), BTreeSet::from(["a:b".to_owned()]));
}
