//! What a plan requires of the cluster and the cluster does not bring.

use super::Finding;
use crate::{cluster::Served, error::ExitCode, plan::Requires};

/// What the cluster brings, as far as the plan asks for it.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    /// Major and minor version of the API server and its own text for it; `None` where nobody asks
    /// for it, or it may not be read.
    pub(crate) version: Option<(u32, u32, String)>,
    /// Names of its StorageClasses; `None` where nobody asks for them, or they may not be listed.
    pub(crate) storage_classes: Option<Vec<String>>,
}

/// What the plan's `requires` asks for and the cluster does not bring.
pub(crate) fn requirements(
    requires: &Requires,
    brought: &Brought,
    served: &Served,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut miss = |message: String, remedy: Option<String>| {
        findings.push(Finding {
            exit: ExitCode::Refused,
            at: None,
            object: None,
            message,
            remedy,
        });
    };
    if let (Some(wanted), Some((major, minor, text))) = (&requires.kubernetes, &brought.version)
        && !version_holds(wanted, *major, *minor)
    {
        miss(
            format!("the plan requires Kubernetes `{wanted}`, and the cluster runs {text}"),
            None,
        );
    }
    for class in &requires.storage_classes {
        if brought
            .storage_classes
            .as_ref()
            .is_some_and(|names| !names.contains(class))
        {
            miss(
                format!(
                    "the plan requires StorageClass `{class}`, and the cluster has none of that name"
                ),
                None,
            );
        }
    }
    for crd in requires
        .crds
        .iter()
        .filter(|crd| !served.serves_crd(&crd.name))
    {
        let remedy = crd
            .install
            .as_ref()
            .map(|install| format!("install it: `{install}`"));
        miss(
            format!(
                "the plan requires CustomResourceDefinition `{}`, and the cluster does not serve it",
                crd.name
            ),
            remedy,
        );
    }
    findings
}

/// Whether `major.minor` is as `wanted` says: `>=1.26`, `>1.26`, `<1.36`, `<=1.36` or `1.26`,
/// several joined by commas.
fn version_holds(wanted: &str, major: u32, minor: u32) -> bool {
    wanted.split(',').map(str::trim).all(|part| {
        let number = part.trim_start_matches(['<', '>', '=', ' ']);
        let operator = part[..part.len() - number.len()].trim();
        let mut numbers = number
            .split('.')
            .map(|text| text.parse::<u32>().unwrap_or(0));
        let asked = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        match operator {
            ">=" => (major, minor) >= asked,
            ">" => (major, minor) > asked,
            "<=" => (major, minor) <= asked,
            "<" => (major, minor) < asked,
            _ => (major, minor) == asked,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::RequiredCrd;

    #[test]
    fn versions_compare_by_number() {
        assert!(version_holds(">=1.26", 1, 36));
        assert!(!version_holds(">=1.26", 1, 9));
        assert!(version_holds(">=1.26, <1.40", 1, 36));
        assert!(!version_holds("<1.36", 1, 36));
    }

    #[test]
    fn what_is_missing_is_named_with_how_to_get_it() {
        let requires = Requires {
            kubernetes: Some(">=1.99".to_owned()),
            storage_classes: vec!["fast".to_owned()],
            crds: vec![RequiredCrd {
                name: "a.example.org".to_owned(),
                install: Some("make a".to_owned()),
                ..RequiredCrd::default()
            }],
            ..Requires::default()
        };
        let brought = Brought {
            version: Some((1, 36, "v1.36.3".to_owned())),
            storage_classes: Some(vec!["standard".to_owned()]),
        };
        let findings = requirements(&requires, &brought, &Served::default());
        assert_eq!(findings.len(), 3);
        assert_eq!(findings[2].remedy.as_deref(), Some("install it: `make a`"));
    }
}
