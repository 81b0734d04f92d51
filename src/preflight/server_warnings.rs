//! What the API server warns of where it takes an object.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::{
    finding::Check,
    object::{Object, ObjectId, one_line},
};

/// As much of a text is shown.
const LONGEST: usize = 600;

/// One finding for each text among `warnings`, about the first of the objects that it was said of, with
/// how many others there are; `object` finds what was written down of one.
/// <https://kubernetes.io/blog/2020/09/03/warnings/>
pub(crate) fn server_warnings<'a>(
    warnings: &BTreeMap<String, BTreeSet<ObjectId>>,
    object: impl Fn(&ObjectId) -> Option<&'a Object>,
) -> Vec<Finding> {
    let of_text = |(text, objects): (&String, &BTreeSet<ObjectId>)| {
        let first = objects.first()?;
        let others: Vec<String> = objects.iter().skip(1).map(ToString::to_string).collect();
        let also = match others.as_slice() {
            [] => String::new(),
            [one] => format!(" (also {one})"),
            [one, rest @ ..] => format!(" (also {one} and {} more)", rest.len()),
        };
        let message = format!("the API server warns: {}{also}", one_line(text, LONGEST));
        let finding = Finding::of(Check::ServerWarning, message);
        Some(match object(first) {
            Some(object) => finding.about(object),
            None => Finding {
                object: Some(first.clone()),
                ..finding
            },
        })
    };
    warnings.iter().filter_map(of_text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_told_once_with_its_objects() {
        let ids = ["a", "b", "c"].map(|name| ObjectId::core("Pod", Some("shop"), name));
        let warnings = [
            ("old".to_owned(), BTreeSet::from(ids.clone())),
            ("odd\nlines".to_owned(), BTreeSet::from([ids[0].clone()])),
        ];
        let said: Vec<String> = server_warnings(&warnings.into(), |_| None)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "Pod/shop/a: the API server warns: odd lines [server-warning]",
                "Pod/shop/a: the API server warns: old (also Pod/shop/b and 1 more) [server-warning]",
            ]
        );
    }
}
