//! Programs on this machine, and their versions.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::{plan::Version, preflight::FoundTool, process};

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);

/// How programs are asked for their version that do not answer to `--version`, or ask the network
/// or a cluster then.
const QUESTIONS: [(&str, &[&str]); 5] = [
    ("helm", &["version", "--short"]),
    ("kubectl", &["version", "--client"]),
    ("kustomize", &["version"]),
    ("velero", &["version", "--client-only"]),
    ("go", &["version"]),
];

/// The program `name` on the `PATH`; its version is asked for only where `asks`.
pub(super) async fn tool(name: &str, asks: bool) -> FoundTool {
    let Some(program) = process::found(name) else {
        return FoundTool::Absent;
    };
    if !asks {
        return FoundTool::Present(None);
    }
    FoundTool::Present(version(name, &program).await)
}

/// The version that `program` says it has.
async fn version(name: &str, program: &PathBuf) -> Option<Version> {
    let question = QUESTIONS.iter().find(|(known, _)| *known == name);
    let arguments = question.map_or(&["--version"][..], |(_, arguments)| arguments);
    let mut command = Command::new(program);
    command
        .args(arguments)
        // Otherwise it asks GitHub for the newest one.
        .env("SOPS_DISABLE_VERSION_CHECK", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.ok()?;
    let output = output.ok()?;
    let said = |bytes: &[u8]| Version::in_text(&String::from_utf8_lossy(bytes));
    said(&output.stdout).or_else(|| said(&output.stderr))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[tokio::test]
    async fn programs_are_found_and_asked() {
        assert!(matches!(
            tool("no-such-program", true).await,
            FoundTool::Absent
        ));
        assert!(matches!(tool("sh", false).await, FoundTool::Present(None)));
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            file
        };
        let helm = script("helm", "[ \"$*\" = 'version --short' ] && echo v3.14.2+g1");
        let found = version("helm", &helm).await.unwrap();
        assert_eq!(found.to_string(), "3.14.2");
        let other = script("other", "[ \"$1\" = --version ] && echo 'other 1.7' >&2");
        let found = version("other", &other).await.unwrap();
        assert_eq!(found.to_string(), "1.7");
        let silent = script("silent", "exit 1");
        assert_eq!(version("silent", &silent).await, None);
    }
}
