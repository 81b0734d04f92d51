//! Whether an image has a name that a kubelet can read.

use std::sync::LazyLock;

use regex::Regex;

/// The longest name of a repository without its registry.
const LONGEST: usize = 255;

/// The domain that a name without one is of.
const DOCKER_HUB: &str = "docker.io";

/// Name, tag and digest as <https://github.com/distribution/reference/blob/v0.6.0/regexp.go> has
/// them.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let domain = format!(r"(?:{label}(?:\.{label})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?");
    let part = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
    let tag = r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let name = format!("(?:{domain}/)?(?<path>{part}(?:/{part})*)");
    let reference = format!("^{name}(?::{tag})?(?:@(?<digest>{digest}))?$");
    Regex::new(&reference).expect("the expression is a constant")
});

/// What a kubelet says of an image whose name it cannot read; `None` where it can.
pub(super) fn problem(image: &str) -> Option<String> {
    let why = unreadable(image)?;
    Some(format!(
        "Failed to apply default image tag {image:?}: couldn't parse image name {image:?}: {why}"
    ))
}

fn unreadable(image: &str) -> Option<String> {
    let is_hex = |character: char| matches!(character, '0'..='9' | 'a'..='f');
    if image.len() == 64 && image.chars().all(is_hex) {
        return Some(format!(
            "invalid repository name ({image}), cannot specify 64-byte hexadecimal strings"
        ));
    }
    let (domain, rest) = split(image);
    let repository = rest.split(':').next().unwrap_or_default();
    if repository.to_lowercase() != repository {
        return Some(format!(
            "invalid reference format: repository name ({repository}) must be lowercase"
        ));
    }
    let whole = format!("{domain}/{rest}");
    let Some(found) = REFERENCE.captures(&whole) else {
        let is_lower = REFERENCE.is_match(&whole.to_lowercase());
        let why = if is_lower {
            "repository name must be lowercase"
        } else {
            "invalid reference format"
        };
        return Some(why.to_owned());
    };
    if found["path"].len() > LONGEST {
        return Some(format!(
            "repository name must not be more than {LONGEST} characters"
        ));
    }
    let digest = found.name("digest")?;
    bad_digest(digest.as_str()).map(str::to_owned)
}

/// The registry, and what it is asked for: `alpine` is `library/alpine` of Docker Hub.
fn split(image: &str) -> (&str, String) {
    let Some((first, rest)) = image.split_once('/') else {
        return (DOCKER_HUB, format!("library/{image}"));
    };
    let is_domain =
        first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first;
    let (domain, rest) = match first {
        "index.docker.io" => (DOCKER_HUB, rest),
        _ if is_domain => (first, rest),
        _ => (DOCKER_HUB, image),
    };
    if domain == DOCKER_HUB && !rest.contains('/') {
        return (domain, format!("library/{rest}"));
    }
    (domain, rest.to_owned())
}

/// What is wrong with a digest (<https://github.com/opencontainers/go-digest>).
fn bad_digest(digest: &str) -> Option<&'static str> {
    let (algorithm, encoded) = digest.split_once(':').unwrap_or_default();
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Some("unsupported digest algorithm"),
    };
    if encoded.len() != length {
        return Some("invalid checksum digest length");
    }
    let is_lower = !encoded.contains(|character: char| character.is_ascii_uppercase());
    (!is_lower).then_some("invalid checksum digest format")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_read_are_no_problem() {
        let digest = format!("ghcr.io/shop/api@sha256:{}", "0a".repeat(32));
        let tagged = format!("api:1@sha256:{}", "0a".repeat(32));
        let images = [
            "nginx",
            "nginx:1.29-alpine",
            "shop/api:v1",
            "registry.test:5000/a/b_c/d-e:Tag_1",
            "localhost/api",
            "[::1]:5000/api",
            "Registry/api",
            "index.docker.io/redis",
            "gcr.io/k8s-staging__x/y",
            &digest,
            &tagged,
        ];
        for image in images {
            assert_eq!(problem(image), None, "{image}");
        }
    }

    #[test]
    fn names_that_cannot_be_read_are_told_as_a_kubelet_does() {
        let hex = "ab".repeat(32);
        let of_hex =
            format!("invalid repository name ({hex}), cannot specify 64-byte hexadecimal strings");
        let long = format!("shop/{}", "a".repeat(256));
        let short = "api@sha256:0123456789abcdef0123456789abcdef";
        let cases = [
            (":v1", "invalid reference format"),
            ("shop/api:", "invalid reference format"),
            ("shop//api", "invalid reference format"),
            ("https://ghcr.io/shop/api", "invalid reference format"),
            ("ghcr.io/shop/${image}:1", "invalid reference format"),
            ("shop/api:v1 ", "invalid reference format"),
            (
                "Nginx",
                "invalid reference format: repository name (library/Nginx) must be lowercase",
            ),
            (
                "shop/API:v1",
                "invalid reference format: repository name (shop/API) must be lowercase",
            ),
            (
                "ghcr.io/Shop/api:1",
                "invalid reference format: repository name (Shop/api) must be lowercase",
            ),
            (&hex, &of_hex),
            (
                &long,
                "repository name must not be more than 255 characters",
            ),
            (short, "invalid checksum digest length"),
        ];
        for (image, why) in cases {
            let told = format!(
                "Failed to apply default image tag {image:?}: couldn't parse image name {image:?}: {why}"
            );
            assert_eq!(problem(image), Some(told), "{image}");
        }
    }
}
