//! Expressions: what holds, and what is said of those that cannot.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Doubt, Expression};

fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn holds(text: &str, object: &Value) -> Result<bool, Doubt> {
    Expression::compile(text)
        .unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"))
        .holds(object, now())
}

/// What is wrong with `text`, each with what it points at.
fn mistakes(text: &str) -> Vec<(&str, String)> {
    let mistakes = Expression::compile(text).map(drop).unwrap_err();
    mistakes
        .into_iter()
        .map(|mistake| (&text[mistake.place], mistake.message))
        .collect()
}

fn mistake(text: &str) -> (&str, String) {
    let mut mistakes = mistakes(text);
    assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
    mistakes.remove(0)
}

fn database() -> Value {
    json!({
        "apiVersion": "example.org/v1", "kind": "Database", "metadata": {"name": "shop", "generation": 3},
        "spec": {"replicas": 3, "weight": 0.5},
        "status": {
            "phase": "Running", "observedGeneration": 3, "readyReplicas": 3, "large": u64::MAX, "started": "2026-05-01T11:50:00Z",
            "conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"}],
            "members": {"a": {"healthy": true}, "b": {"healthy": true}}, "nothing": null,
        },
    })
}

#[test]
fn expressions_read_the_object_its_parts_and_the_time() {
    for text in [
        "status.phase == 'Running'",
        "object.status.phase == \"Running\"",
        "has(status.conditions) && status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
        "status.readyReplicas == spec.replicas && spec.replicas + 1 > 3",
        "status.observedGeneration == metadata.generation",
        "status.members.all(name, status.members[name].healthy)",
        "status.?missing.orValue('none') == 'none'",
        "!has(status.missing) && !(\"missing\" in status)",
        "status.nothing == null && spec.weight < 1.0 && status.large > 5u",
        "now - timestamp(status.started) > duration('5m')",
        "status.phase.matches('^Run') && size(status.conditions) == 2 && type(status.phase) == string",
        "status.conditions.filter(c, c.status == 'True').map(c, c.type) == ['Ready']",
        ".status.phase in ['Running', 'Ready'] ? true : false",
    ] {
        assert_eq!(holds(text, &database()), Ok(true), "{text}");
    }
    assert_eq!(holds("status.phase == 'Creating'", &database()), Ok(false));
}

#[test]
fn parts_that_are_absent_are_empty() {
    for object in [
        json!({}),
        json!({"metadata": null, "spec": null, "status": null}),
    ] {
        assert_eq!(
            holds(
                "size(status) + size(spec) + size(metadata) == 0 && !has(status.phase)",
                &object
            ),
            Ok(true)
        );
    }
}

#[test]
fn a_missing_field_is_named() {
    assert_eq!(
        holds("status.phaze == 'Running'", &database()),
        Err(Doubt::MissingField("phaze".to_owned()))
    );
    assert_eq!(
        holds("status.conditions[0].reason == 'x'", &database()),
        Err(Doubt::MissingField("reason".to_owned()))
    );
}

#[test]
fn errors_while_evaluating_never_quote_the_object() {
    let secret =
        json!({"kind": "Secret", "data": {"password": "aHVudGVyMg==", "list": ["aHVudGVyMg=="]}});
    for (text, expected) in [
        (
            "object.data.password < 1",
            "`<` cannot be applied to string and int",
        ),
        ("object.data.password.length == 1", "a string has no fields"),
        (
            "timestamp(object.data.password) < now",
            "`timestamp` cannot be applied to what is there",
        ),
        (
            "int(object.data.password) == 1",
            "`int` cannot be applied to what is there",
        ),
        (
            "object.data.list[3] == ''",
            "a list is shorter than it expects",
        ),
        (
            "object.data.password",
            "it gives a string, not true or false",
        ),
        ("1 / size(status) == 1", "it divides by zero"),
        (
            "object.data.password && true",
            "`&&` cannot be applied to string and bool",
        ),
        (
            "object.data.password.matches(object.data.password + '(')",
            "`matches` cannot be applied to what is there",
        ),
        (
            "9223372036854775807 + size(object) > 0",
            "a number is too large",
        ),
    ] {
        let error = holds(text, &secret).unwrap_err();
        assert_eq!(error, Doubt::Error(expected.to_owned()), "{text}");
    }
}

#[test]
fn syntax_errors_say_where_and_what_to_do() {
    let said = |text| mistake(text).1;
    assert_eq!(
        mistake("status.phase = 'Running'"),
        ("=", "there is no `=`; compare with `==`".to_owned())
    );
    assert_eq!(
        mistake("status.a == 1 and status.b"),
        ("and", "there is no `and`; write `&&`".to_owned())
    );
    assert_eq!(
        said("status.phase == 'Run"),
        "the text that begins here has no end; close it with the same quote"
    );
    assert_eq!(
        said("status.phase =="),
        "ends too early; something is missing at its end"
    );
    assert_eq!(said(" "), "is empty");
    assert_eq!(
        mistake("status.é == 'é' )").0,
        "é",
        "what is no sign of the language"
    );
    assert_eq!(
        mistake("status.a == 'é' )"),
        (
            ")",
            "`)` is not expected here; is an operator, a quote or a bracket missing before it?"
                .to_owned()
        )
    );
    assert_eq!(
        said("has(status)"),
        "invalid argument to has() macro; it is written `has(OBJECT.FIELD)`"
    );
    assert_eq!(
        said("status.list.exists(c, )"),
        "`)` is not expected here; is an operator, a quote or a bracket missing before it?"
    );
}

#[test]
fn names_that_do_not_exist_are_found_all_at_once() {
    assert_eq!(
        mistake("statsu.phase == 'x'"),
        (
            "statsu",
            "there is no `statsu`; did you mean `status`?".to_owned()
        )
    );
    assert_eq!(
        mistake("status.ready == True").1,
        "there is no `True`; write `true`, or quote it as text"
    );
    assert_eq!(
        mistake("status.phase == Running"),
        ("Running", "there is no `Running`; there is `object`, `metadata`, `spec`, `status`, `now`, and text stands in quotes".to_owned())
    );
    assert_eq!(
        mistakes("status.list.exists(item, itm.ok) && stats.phase.startWith('é' + x)")
            .iter()
            .map(|(at, _)| *at)
            .collect::<Vec<_>>(),
        ["itm", "stats", "x", "startWith"]
    );
    assert_eq!(
        mistake("status.phase.startWith('a')").1,
        "there is no function `startWith`; did you mean `startsWith`?"
    );
    assert_eq!(
        mistake("status.list.exists(c)").1,
        "`exists` is written `LIST.exists(NAME, CONDITION)`"
    );
    assert_eq!(
        mistake("contains(status.phase, 'a')"),
        (
            "contains",
            "`contains` is written `VALUE.contains(VALUE)`".to_owned()
        )
    );
    assert_eq!(
        mistake("Thing{a: 1}.a").1,
        "there is no type `Thing`; a map is written `{'KEY': VALUE}`"
    );
    assert_eq!(
        mistake("status.list.exists(c, c.ok) && c.ok").0,
        "c",
        "a loop's name is known inside of it only"
    );
}

#[test]
fn what_can_never_be_true_or_false_is_found() {
    assert_eq!(
        mistake("'Running'"),
        (
            "'Running'",
            "this is text, but must be true or false; compare it with something".to_owned()
        )
    );
    assert_eq!(
        mistake("size(status.list)").1,
        "this is a number, but must be true or false; compare it with something"
    );
    assert_eq!(
        mistake("status.list.map(c, c.ok)").1,
        "this is a list, but must be true or false; compare it with something"
    );
    assert_eq!(
        mistake("status.phase == 'a' || 'b'"),
        (
            "'b'",
            "this is text, but `||` needs true or false".to_owned()
        )
    );
    assert_eq!(
        mistake("size(status.list) == '3'"),
        ("==", "a number is never equal to text".to_owned())
    );
    assert_eq!(
        mistake("now > '2026'").1,
        "a timestamp is neither less nor greater than text"
    );
    assert_eq!(
        mistake("now.hours == 1"),
        (".", "a timestamp has no fields".to_owned())
    );
    assert_eq!(
        mistake("'a' in 'abc'").1,
        "nothing is in text; `in` needs a list or a map"
    );
    assert_eq!(
        mistake("'abc'.exists(c, c == 'a')").1,
        "text has nothing to go through; loops need a list or a map"
    );
    assert_eq!(
        mistake("size(spec) ? true : false").1,
        "before `?` stands a number, but it must be true or false"
    );
}

#[test]
fn length_depth_and_loops_are_bounded() {
    assert_eq!(
        mistake(&"a".repeat(4097)).1,
        "is 4097 bytes long; 4096 are permitted"
    );
    for deep in [
        format!("{}true{}", "(".repeat(500), ")".repeat(500)),
        "(".repeat(4000),
        "[".repeat(4000),
        format!("object{}", ".a".repeat(2000)),
        format!("object{} == 1", "[0]".repeat(1300)),
        format!("1{} == 1", "+1".repeat(2000)),
        format!("{}true", "true ? true : ".repeat(290)),
        format!("object{} == 1", ".size()".repeat(580)),
    ] {
        let (_, message) = mistake(&deep);
        assert!(
            message == "is nested too deeply; take it apart",
            "{message}: {}",
            &deep[..30]
        );
    }
    assert_eq!(
        holds(&format!("{}true", "!".repeat(4000)), &json!({})),
        Ok(true)
    );
    assert_eq!(
        holds(&format!("true{}", " && true".repeat(500)), &json!({})),
        Ok(true)
    );
    let loops = |count: usize| {
        format!(
            "{}true{}",
            "status.list.all(x, ".repeat(count),
            ")".repeat(count)
        )
    };
    assert_eq!(
        mistake(&loops(4)).1,
        "more than 3 loops stand inside of each other; take them apart"
    );
    let list = |length: usize| json!({"status": {"list": vec![0; length]}});
    assert_eq!(holds(&loops(3), &list(5)), Ok(true));
    let error = holds(&loops(3), &list(101)).unwrap_err();
    assert_eq!(
        error,
        Doubt::Error("its loops would go through a list of 101 too often".to_owned())
    );
}

#[test]
fn the_deepest_permitted_expression_is_evaluated() {
    let (mut deepest, mut object) = (String::from("status.a"), json!(true));
    for _ in 0..40 {
        deepest = format!("!(!({deepest}))");
    }
    object = json!({"status": {"a": object}});
    assert_eq!(holds(&deepest, &object), Ok(true));
}

/// Whatever is written, reading it ends in an expression or in mistakes that point into the text.
#[test]
fn no_text_ends_the_program() {
    const PIECES: [&str; 30] = [
        "status", ".", "phase", "(", ")", "[", "]", "{", "}", "'", "\"", "==", "&&", "||", "!",
        "?", ":", "exists", ",", "x", "1", "-", "\n", "é", "has", "`", "\\", "r'", "0x", " in ",
    ];
    let mut state: u64 = 42;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..400 {
        let text: String = (0..=random(12))
            .map(|_| PIECES[random(PIECES.len())])
            .collect();
        match Expression::compile(&text) {
            Ok(expression) => drop(expression.holds(&database(), now())),
            Err(mistakes) => {
                for mistake in mistakes {
                    assert!(
                        text.get(mistake.place.clone()).is_some(),
                        "{text:?}: {mistake:?}"
                    );
                    assert!(
                        !mistake.message.starts_with("cannot be read"),
                        "{text:?} made the parser panic"
                    );
                }
            }
        }
    }
}
