use std::{collections::BTreeSet, fs};

use tempfile::TempDir;

use super::platform::{Platform, Variant};
use crate::support::{
    Deployctl, Outcome,
    dump::{Dump, Scope},
    kubectl, try_kubectl,
};

/// One release of a platform, in a namespace of its own, with a namespace of its own for what is
/// kept about it.
pub(super) struct Release<'a> {
    platform: &'a Platform,
    /// The environment's name.
    pub(super) name: String,
    folder: TempDir,
}

impl<'a> Release<'a> {
    /// A release that does not exist yet. All names are of one length: none is the beginning of
    /// another one.
    pub(super) fn new(platform: &'a Platform, number: usize) -> Self {
        let release = Self {
            platform,
            name: format!("{}{number:05}", &platform.name[..1]),
            folder: tempfile::tempdir().unwrap(),
        };
        for variant in [Variant::Base, Variant::Changed] {
            fs::create_dir(release.folder.path().join(format!("{variant:?}"))).unwrap();
            fs::write(release.plan(variant), platform.plan(&release.name, variant)).unwrap();
        }
        release
    }

    fn plan(&self, variant: Variant) -> std::path::PathBuf {
        self.folder
            .path()
            .join(format!("{variant:?}/{}.yaml", self.platform.name))
    }

    fn namespace(&self) -> String {
        format!("kill-{}", self.name)
    }

    /// Where its revisions and its lock are kept.
    pub(super) fn state_namespace(&self) -> String {
        format!("kill-{}-state", self.name)
    }

    /// No heartbeat of the lock falls due within a run: how many there are would depend on the time
    /// that it takes. A lock that were not taken over at once, because the process is gone, would
    /// be waited for longer than any run may take.
    fn command(&self, command: &str, variant: Variant) -> Deployctl {
        Deployctl::in_sandbox()
            .args([command.into(), self.plan(variant).into_os_string()])
            .env("DEPLOYCTL_LOCK_EXPIRY", "10m")
            .env(
                "DEPLOYCTL_SECRET_API_SECRETS__FIREBASE_PROJECT_ID",
                "ai-imutis-dev",
            )
            .env(
                "DEPLOYCTL_SECRET_REGISTRY_CREDENTIALS__PASSWORD",
                "not-a-real-password",
            )
    }

    /// `up --yes`.
    pub(super) fn up(&self, variant: Variant) -> Deployctl {
        self.command("up", variant).args(["--yes"])
    }

    /// `rollback --yes`.
    pub(super) fn rollback(&self) -> Deployctl {
        self.command("rollback", Variant::Base).args(["--yes"])
    }

    /// Number of the newest revision, 0 where there is none, and how things stand with it, as
    /// `status` says.
    pub(super) fn newest(&self) -> Result<(u64, String), String> {
        let status = succeeded(
            "status",
            self.command("status", Variant::Base)
                .args(["-o", "json"])
                .run(),
        )?
        .json();
        let number = |revision: &str| status[revision]["number"].as_u64();
        let standing = status["standing"].as_str().unwrap_or_default();
        Ok((
            number("lastRun").or(number("revision")).unwrap_or_default(),
            standing.to_owned(),
        ))
    }

    /// All that is there of it, but for what is kept about its revisions.
    pub(super) fn dump(&self) -> Dump {
        Dump::of(
            &Scope::namespaces(&[&self.namespace()])
                .and_cluster_objects(&format!("{}-{}", self.platform.name, self.name)),
        )
    }

    /// The locks that are held.
    pub(super) fn locks(&self) -> Vec<String> {
        let leases = kubectl(&[
            "get",
            "leases",
            "--namespace",
            &self.state_namespace(),
            "-o",
            "name",
        ]);
        leases.lines().map(str::to_owned).collect()
    }

    /// What may be left of it after everything was taken back.
    pub(super) fn may_be_kept(&self) -> BTreeSet<String> {
        self.platform
            .kept
            .iter()
            .map(|identity| identity.replace("NAME", &self.name))
            .collect()
    }

    /// Begins to delete all that is there of it, and waits for none of it.
    pub(super) fn delete(self) {
        let issuer = format!("{}-{}-letsencrypt-prod", self.platform.name, self.name);
        let ways: [&[&str]; 2] = [
            &["namespace", &self.namespace(), &self.state_namespace()],
            &["clusterissuer", &issuer],
        ];
        for objects in ways {
            try_kubectl(
                &[&["delete", "--wait=false", "--ignore-not-found"], objects].concat(),
                "",
            );
        }
    }
}

/// `outcome`, where it is one of success.
pub(super) fn succeeded(what: &str, outcome: Outcome) -> Result<Outcome, String> {
    if outcome.status == 0 {
        Ok(outcome)
    } else {
        Err(format!(
            "{what} ended with {}: {}",
            outcome.status,
            end_of(&outcome.stderr)
        ))
    }
}

/// The last lines of what a program said.
pub(super) fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n      ")
}
