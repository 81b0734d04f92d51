//! A lock that somebody on another machine holds, as far as the program can tell.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use crate::support::{apply, get, kubectl, project::Project, try_kubectl};

/// The namespace that the lock is kept in.
pub(super) const STATE: &str = "deployctl-system";
/// How the holder calls itself.
pub(super) const HOLDER: &str = "bob@elsewhere pid 7 up";
/// Who that is, as people read it.
pub(super) const SHOWN: &str = "bob@elsewhere (pid 7, up)";

/// A Lease that kubectl made, of a holder of another machine.
pub(super) struct Foreign {
    namespace: String,
    name: String,
}

impl Foreign {
    /// A lock of `project` that expires after `seconds`.
    pub(super) fn lock(project: &Project, seconds: u32) -> Self {
        // Another test, or a release, may have made it.
        try_kubectl(&["create", "namespace", STATE], "");
        Self::lock_in(STATE, project, seconds)
    }

    /// A lock of `project` in `namespace`, which exists.
    pub(super) fn lock_in(namespace: &str, project: &Project, seconds: u32) -> Self {
        let name = format!("deployctl.{}", project.release());
        apply(
            namespace,
            &format!(
                "apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {{name: {name}}}
spec:
  holderIdentity: {HOLDER}
  leaseDurationSeconds: {seconds}
  acquireTime: '2026-11-21T10:00:00.000000Z'
  renewTime: '2026-11-21T10:00:00.000000Z'
"
            ),
        );
        Self {
            namespace: namespace.to_owned(),
            name,
        }
    }

    /// The Lease as it stands; null where there is none.
    #[track_caller]
    pub(super) fn get(&self) -> Value {
        get(&self.namespace, &format!("lease/{}", self.name))
    }

    /// Somebody else takes it.
    #[track_caller]
    pub(super) fn hand_over(&self, holder: &str) {
        let patch = format!(r#"{{"spec":{{"holderIdentity":"{holder}"}}}}"#);
        kubectl(&[
            "patch",
            "lease",
            &self.name,
            "-n",
            &self.namespace,
            "--type=merge",
            "-p",
            &patch,
        ]);
    }

    /// Somebody writes something into it that does not concern its holder.
    #[track_caller]
    pub(super) fn annotate(&self) {
        kubectl(&[
            "annotate",
            "lease",
            &self.name,
            "-n",
            &self.namespace,
            "example.org/note=seen",
        ]);
    }

    /// Deletes it.
    #[track_caller]
    pub(super) fn delete(&self) {
        kubectl(&["delete", "lease", &self.name, "-n", &self.namespace]);
    }

    /// Renews it again and again, until what is returned is dropped.
    pub(super) fn kept_alive(&self) -> KeptAlive {
        let (stop, stopped) = channel::<()>();
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        let thread = thread::spawn(move || {
            let mut beat = 0;
            // The pause between two renewals ends early when the test does.
            while stopped.recv_timeout(Duration::from_millis(500)) == Err(RecvTimeoutError::Timeout)
            {
                beat += 1;
                let patch =
                    format!(r#"{{"spec":{{"renewTime":"2026-11-21T10:00:00.{beat:06}Z"}}}}"#);
                try_kubectl(
                    &[
                        "patch",
                        "lease",
                        &name,
                        "-n",
                        &namespace,
                        "--type=merge",
                        "-p",
                        &patch,
                    ],
                    "",
                );
            }
        });
        KeptAlive {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// A heartbeat, until it is dropped.
pub(super) struct KeptAlive {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for KeptAlive {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
