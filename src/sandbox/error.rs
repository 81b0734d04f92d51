//! Why something about a sandbox could not be done, with what helps.

use std::{io, path::PathBuf};

/// Why something about a sandbox could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// Neither `DEPLOYCTL_SANDBOX_CACHE` nor a home folder says where to keep the programs.
    #[error("find the user's cache folder")]
    CacheFolder,
    /// `go` is not on the `PATH`.
    #[error("Go is not installed: `go env GOVERSION` could not be run")]
    GoMissing(#[source] io::Error),
    /// The Go on the `PATH` is older than the `go` line of the embedded go.mod.
    #[error("Go {found} is too old: the sandbox's programs need Go {needed} or newer")]
    GoTooOld {
        /// What `go env GOVERSION` says, without `go`.
        found: String,
        /// The `go` line of the embedded go.mod.
        needed: String,
    },
    /// A folder of prebuilt programs is not complete.
    #[error("`{folder}` lacks {programs}")]
    ProgramsMissing {
        /// The folder that was looked into.
        folder: PathBuf,
        /// The missing programs, separated by commas.
        programs: String,
    },
    /// `go install` or `go mod download` failed.
    #[error("`{command}` failed: {tail}")]
    Go {
        /// The command as a user would type it.
        command: String,
        /// The last lines that it wrote.
        tail: String,
    },
    /// A file or folder could not be read, written or removed.
    #[error("{action} `{path}`")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A set of CRDs is neither known nor a file or folder.
    #[error("`{0}` is neither a known set of CRDs nor a file or folder")]
    UnknownCrds(String),
    /// A set, file or folder holds no CRD.
    #[error("`{0}` holds no CustomResourceDefinition")]
    NoCrds(PathBuf),
    /// The name of a sandbox must be a DNS label.
    #[error(
        "`{0}` is no name for a sandbox: use lower-case letters, digits and `-`, at most 40 of them"
    )]
    Name(String),
    /// No sandbox of that name.
    #[error("there is no sandbox `{0}`")]
    NotFound(String),
    /// A program could not be started.
    #[error("start `{program}`")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ended that should have gone on.
    #[error("{program} ended ({status}); the end of its log `{log}`:\n{tail}")]
    Died {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// Something was not ready in time.
    #[error("{what} was not ready within {seconds} s; its log is `{log}`")]
    NotReady {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
        /// Where to look.
        log: PathBuf,
    },
    /// Every block of ports is in use.
    #[error("find a block of free ports on 127.0.0.1")]
    NoPorts,
    /// Certificates or keys could not be made.
    #[error("make the sandbox's certificates")]
    Certificates(#[from] rcgen::Error),
    /// The TLS configuration of the kubelets' side was refused.
    #[error("set up TLS for the kubelets: {0}")]
    Tls(String),
    /// The API server refused what the sandbox needs.
    #[error("{action}: {message}")]
    Api {
        /// What was tried, as a verb with its object.
        action: String,
        /// What the server or the connection said.
        message: String,
    },
    /// What the supervisor said before it gave up.
    #[error("{0}")]
    Supervisor(String),
    /// The front end went away or was interrupted while the sandbox started.
    #[error("interrupted while the sandbox started")]
    Interrupted,
}

impl SandboxError {
    /// A function for `map_err` on file operations.
    pub(super) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
