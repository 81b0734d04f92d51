//! Which names are valid, and which known name a misspelt one was probably meant to be.

use std::fmt::Display;

/// Whether `text` is a DNS label: at most 63 lower-case letters, digits and `-`, neither first nor
/// last a `-`.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
pub(super) fn is_dns_label(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edge = |byte: Option<u8>| byte.is_some_and(letter);
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text.bytes().all(|byte| letter(byte) || byte == b'-')
}

/// Whether `text` is a DNS subdomain: DNS labels joined by dots, at most 253 characters.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
pub(super) fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// Whether `text` can be the name of a `CustomResourceDefinition`, which is `PLURAL.GROUP`.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>
pub(super) fn is_crd_name(text: &str) -> bool {
    is_dns_subdomain(text) && text.split('.').count() >= 3
}

/// What is wrong with `text`, which cannot be the name of a `CustomResourceDefinition`.
pub(super) fn wrong_crd(text: &str) -> String {
    format!(
        "`{text}` cannot be the name of a CustomResourceDefinition; write for example `certificates.cert-manager.io`"
    )
}

/// Whether `text` is an API group with its version: `metrics.k8s.io/v1beta1`, or `v1` of the core
/// group.
/// <https://kubernetes.io/docs/reference/using-api/#api-versioning>
pub(super) fn is_api_version(text: &str) -> bool {
    let (group, version) = text.split_once('/').unwrap_or(("core", text));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = version.strip_prefix('v').unwrap_or_default();
    let stable = ["alpha", "beta"]
        .iter()
        .find_map(|stage| number.split_once(stage));
    is_dns_subdomain(group)
        && stable.map_or_else(
            || digits(number),
            |(major, minor)| digits(major) && digits(minor),
        )
}

/// What is wrong with `text`, which is no API group with its version.
pub(super) fn wrong_api(text: &str) -> String {
    format!(
        "`{text}` is not an API group with its version; write for example `metrics.k8s.io/v1beta1`"
    )
}

/// Whether `text` is a Kubernetes quantity that is not negative: `4`, `3500m`, `1.5Gi`, `1e3`.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub(super) fn is_quantity(text: &str) -> bool {
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    let number = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_digit())
            && text.parse::<f64>().is_ok_and(f64::is_finite)
    };
    number(text)
        || SUFFIXES
            .iter()
            .any(|suffix| text.strip_suffix(suffix).is_some_and(number))
}

/// Whether `text` can be a key in the data of a Secret.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>
pub(super) fn is_secret_key(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text.len() <= 253
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Whether `text` can be the name of a variable.
pub(super) fn is_variable_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The one of `known` that is most like `text`, if one is like it at all.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = text.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let prefix =
            wanted.len() >= 3 && (candidate.starts_with(&wanted) || wanted.starts_with(&candidate));
        strsim::damerau_levenshtein(&wanted, &candidate).min(if prefix { 1 } else { usize::MAX })
    };
    let limit = (text.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// `; did you mean …?` for the nearest of `known`, or else what is there to choose from, where that
/// is not too much to read.
pub(crate) fn suggestion<'a>(
    text: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    const MOST: usize = 12;
    match nearest(text, known.clone()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None if (1..=MOST).contains(&known.clone().into_iter().count()) => {
            format!("; there is {}", listed(known))
        }
        None => String::new(),
    }
}

/// `items` in backticks, joined by commas.
pub(crate) fn listed(items: impl IntoIterator<Item = impl Display>) -> String {
    items
        .into_iter()
        .map(|item| format!("`{item}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_keys() {
        assert!(is_dns_label("shop-dev") && is_dns_label("0"));
        for wrong in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)] {
            assert!(!is_dns_label(wrong), "{wrong}");
        }
        assert!(is_dns_subdomain("certificates.cert-manager.io") && !is_dns_subdomain("a..b"));
        assert!(
            is_secret_key(".dockerconfigjson")
                && is_secret_key("tls.crt")
                && !is_secret_key("a/b")
                && !is_secret_key("..")
        );
        assert!(
            is_variable_name("image_tag") && !is_variable_name("1a") && !is_variable_name("a:-b")
        );
    }

    #[test]
    fn groups_have_versions_and_quantities_units() {
        for good in [
            "metrics.k8s.io/v1beta1",
            "apps/v1",
            "v1",
            "x.test/v2alpha10",
        ] {
            assert!(is_api_version(good), "{good}");
        }
        for wrong in [
            "metrics.k8s.io",
            "apps/1",
            "apps/v",
            "apps/v1beta",
            "a/b/v1",
            "",
        ] {
            assert!(!is_api_version(wrong), "{wrong}");
        }
        for good in ["4", "3500m", "1.5Gi", "1e3", "0"] {
            assert!(is_quantity(good), "{good}");
        }
        for wrong in ["", "-1", "16GB", "Gi", "4 Gi", "inf"] {
            assert!(!is_quantity(wrong), "{wrong}");
        }
        assert!(is_crd_name("certificates.cert-manager.io") && !is_crd_name("certificates.io"));
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let known = ["namespace", "contexts", "protected"];
        assert_eq!(nearest("namespce", known), Some("namespace"));
        assert_eq!(nearest("Contexts", known), Some("contexts"));
        assert_eq!(nearest("context", known), Some("contexts"));
        assert_eq!(nearest("replicas", known), None);
        assert_eq!(suggestion("x", ["dev", "prod"]), "; there is `dev`, `prod`");
    }
}
