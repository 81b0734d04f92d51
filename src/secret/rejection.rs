//! Why a value is not acceptable, without the value.

/// Why a value is not acceptable. It never contains the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// The declared pattern is not found in it.
    #[error("it does not match the pattern `{pattern}`")]
    Pattern {
        /// The pattern of the plan.
        pattern: String,
    },
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It is not JSON.
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the value, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is not YAML.
    #[error("it is not YAML{at}")]
    NotYaml {
        /// ` (line L, column C)` where known.
        at: String,
    },
    /// It holds no PEM block, or something that is not one.
    #[error("it is not PEM: {why}")]
    NotPem {
        /// What is wrong.
        why: &'static str,
    },
    /// The kubelet could not read it.
    #[error("it is not a Docker configuration: a JSON object with `auths` is needed")]
    NotDockerConfig,
    /// The API server takes no Secret of more than 1 MiB.
    #[error("it is larger than the 1 MiB that a Secret can hold")]
    TooLarge,
}
