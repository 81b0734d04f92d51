//! Restoration holds for edits that are drawn by chance.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::server::{Edit, comparable, put_back, write};
use crate::ownership::{apply_entry, changed_paths, fields::Fields, path::Path, restore};

const OURS: &str = "deployctl.shop.dev";
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Places of an object that managers write to: labels, data, environment variables by name, a set,
/// an atomic list and a number.
fn places() -> Vec<Path> {
    let path = |keys: Vec<String>| Path::try_from(keys).expect("keys of fieldsV1");
    let keys = |before: &[&str], last: String| {
        before
            .iter()
            .map(|key| (*key).to_owned())
            .chain([last])
            .collect::<Vec<_>>()
    };
    let of_name = |name: &&str| {
        [
            path(keys(&["f:metadata", "f:labels"], format!("f:{name}"))),
            path(keys(&["f:data"], format!("f:{name}"))),
            path(keys(
                &["f:metadata", "f:finalizers"],
                format!("v:\"{name}\""),
            )),
            path(keys(
                &["f:spec", "f:containers"],
                format!("k:{{\"name\":\"{name}\"}}"),
            )),
            path(keys(
                &["f:spec", "f:containers", "k:{\"name\":\"main\"}", "f:env"],
                format!("k:{{\"name\":\"{name}\"}}"),
            )),
        ]
    };
    let single = [
        Path::of_fields(&["spec", "replicas"]),
        Path::of_fields(&["spec", "args"]),
    ];
    NAMES.iter().flat_map(of_name).chain(single).collect()
}

/// A value for the place: an item keeps its name, a member of a set is what its path says.
fn value_at(place: &Path, number: u8) -> Value {
    let keys: Vec<String> = place.clone().into();
    let last = keys.last().expect("places are no roots");
    match last.split_once(':') {
        Some(("v", member)) => serde_json::from_str(member).expect("JSON"),
        Some(("k", item)) => {
            let mut item: Value = serde_json::from_str(item).expect("JSON");
            item["value"] = json!(number);
            item
        }
        _ if last == "f:args" => json!([number, 0]),
        _ => json!(number),
    }
}

fn base() -> Value {
    let mut object = json!({
        "apiVersion": "test/v1", "kind": "Test", "metadata": {"name": "a", "uid": "u", "resourceVersion": "1"}, "spec": {}, "data": {},
    });
    let main = places()[3].split_last().expect("a container").0.child(
        crate::ownership::path::Element::item(
            json!({"name": "main"})
                .as_object()
                .expect("an object")
                .clone(),
        ),
    );
    write(
        &mut object,
        "kubectl",
        "Update",
        &[(main, Some(json!({"name": "main", "image": "i"})))],
    );
    object
}

/// Edits at places that are told apart by `choice`: what one side edits, the other does not.
fn edits(choices: &[(usize, Option<u8>)], own: impl Fn(usize) -> bool) -> Vec<Edit> {
    let places = places();
    let mut edits: Vec<Edit> = Vec::new();
    for (index, number) in choices
        .iter()
        .map(|(index, number)| (index % places.len(), number))
        .filter(|(index, _)| own(*index))
    {
        edits.retain(|(place, _)| *place != places[index]);
        edits.push((
            places[index].clone(),
            number.map(|number| value_at(&places[index], number)),
        ));
    }
    edits
}

fn choices() -> impl Strategy<Value = Vec<(usize, Option<u8>)>> {
    prop::collection::vec((0..100_usize, prop::option::weighted(0.7, 0..4_u8)), 0..12)
}

/// The object as three managers left it, each with the places that are its own.
fn snapshot(
    first: &[(usize, Option<u8>)],
    second: &[(usize, Option<u8>)],
    third: &[(usize, Option<u8>)],
) -> Value {
    let mut object = base();
    write(&mut object, OURS, "Apply", &edits(first, |_| true));
    write(&mut object, "kubectl", "Update", &edits(second, |_| true));
    write(&mut object, "argocd", "Apply", &edits(third, |_| true));
    object
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn putting_back_right_after_our_write_gives_exactly_what_was_there(
        first in choices(), second in choices(), third in choices(), ours in choices(),
    ) {
        let before = snapshot(&first, &second, &third);
        let mut live = before.clone();
        write(&mut live, OURS, "Apply", &edits(&ours, |_| true));
        let changed = changed_paths(&before, &live);
        let restoration = restore(&before, Some(&changed), &live, OURS);
        prop_assert_eq!(&restoration.by_others, &[]);
        prop_assert_eq!(comparable(&put_back(&live, &restoration)), comparable(&before));
    }

    #[test]
    fn a_change_of_others_at_a_path_that_we_did_not_touch_always_survives(
        first in choices(), second in choices(), third in choices(), ours in choices(), theirs in choices(), is_known in any::<bool>(),
    ) {
        let before = snapshot(&first, &second, &third);
        let mut live = before.clone();
        write(&mut live, OURS, "Apply", &edits(&ours, |index| index % 2 == 0));
        let changed = changed_paths(&before, &live);
        let mut theirs = edits(&theirs, |index| index % 2 == 1);
        // Removing what we held leaves no trace of who did it.
        let held = apply_entry(&before, OURS).map(Fields::of).unwrap_or_default();
        theirs.retain(|(place, value)| is_known || value.is_some() || !held.reaches(place));
        write(&mut live, "ops", "Update", &theirs);
        let changed = is_known.then_some(changed.as_slice());
        let restoration = restore(&before, changed, &live, OURS);
        let after = put_back(&live, &restoration);
        for (place, value) in theirs {
            prop_assert_eq!(place.get(&after), value.as_ref(), "{}", place);
        }
        let again = restore(&before, changed, &after, OURS);
        prop_assert!(!again.content_differs && !again.owners_differ);
    }
}
