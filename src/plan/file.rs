//! The plan file as it is written. The JSON Schema is generated from these types.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A plan: what is deployed, in which order, to which environments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PlanFile {
    /// Always `deployctl.dev/v1`.
    pub(crate) api_version: String,
    /// Name of the plan, a DNS label; the file's stem where it is left out.
    pub(crate) name: Option<String>,
    /// Where the objects come from.
    pub(crate) sources: Vec<Source>,
    /// The Secrets that deployctl makes.
    #[serde(default)]
    pub(crate) secrets: Vec<SecretDeclaration>,
    /// How to reach things once they run.
    #[serde(default)]
    pub(crate) open: IndexMap<String, OpenTarget>,
    /// What the cluster must bring.
    #[serde(default)]
    pub(crate) requires: Requires,
}

/// Where objects come from: a file, folder or glob, relative to the plan.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Source(pub(crate) PathBuf);

/// What the cluster must bring before anything is written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Requires {
    /// A version requirement such as `>=1.26`.
    pub(crate) kubernetes: Option<String>,
    /// StorageClasses that must exist.
    #[serde(default)]
    pub(crate) storage_classes: Vec<String>,
    /// CustomResourceDefinitions that must be served.
    #[serde(default)]
    pub(crate) crds: Vec<RequiredCrd>,
}

/// A CustomResourceDefinition that must be served.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredCrd {
    /// Its name, for example `certificates.cert-manager.io`.
    pub(crate) name: String,
    /// The command that installs it.
    pub(crate) install: Option<String>,
}

/// A condition on the cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct When {
    /// Holds where this CustomResourceDefinition is served.
    pub(crate) crd: String,
}

/// Objects that a rule is about: all keys given must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Match {
    /// Kind.
    pub(crate) kind: Option<String>,
    /// API group.
    pub(crate) group: Option<String>,
    /// Name or glob.
    pub(crate) name: Option<String>,
    /// Namespace or glob.
    pub(crate) namespace: Option<String>,
    /// Labels that the object carries.
    #[serde(default)]
    pub(crate) labels: IndexMap<String, String>,
    /// File or glob, relative to the plan.
    pub(crate) file: Option<String>,
}

/// What a failure in a phase does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OnFailure {
    /// The run stops and what was done is rolled back.
    #[default]
    Rollback,
    /// The run stops and everything stays as it is.
    Stop,
}

/// Something that can be reached through a Service once it runs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OpenTarget {
    /// Name of the Service.
    pub(crate) service: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Port of the Service.
    pub(crate) port: u16,
    /// Path after host and port, for example `/docs`.
    pub(crate) path: Option<String>,
    /// `http` (default), `https` or `tcp`.
    pub(crate) scheme: Option<String>,
    /// A line to show that connects, for example `psql -h localhost -p 5432 -U app`.
    pub(crate) connect: Option<String>,
}

/// A Secret that deployctl makes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretDeclaration {
    /// Name of the Secret.
    pub(crate) name: String,
    /// Namespaces that it goes to; the plan's where none is named.
    #[serde(default)]
    pub(crate) namespaces: Vec<String>,
    /// Type of the Secret.
    #[serde(default, rename = "type")]
    pub(crate) kind: SecretKind,
    /// Labels of the Secret.
    #[serde(default)]
    pub(crate) labels: IndexMap<String, String>,
    /// Annotations of the Secret.
    #[serde(default)]
    pub(crate) annotations: IndexMap<String, String>,
    /// Where each key's value comes from.
    #[serde(default)]
    pub(crate) data: IndexMap<String, SecretValue>,
}

/// Types of Secrets that deployctl makes.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#secret-types>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub(crate) enum SecretKind {
    /// Any keys.
    #[default]
    Opaque,
    /// `tls.crt` and `tls.key`.
    #[serde(rename = "kubernetes.io/tls")]
    Tls,
    /// `.dockerconfigjson`, or `registry`, `username`, `password` and optionally `email`, from which it is composed.
    #[serde(rename = "kubernetes.io/dockerconfigjson")]
    DockerConfigJson,
    /// `username` and `password`.
    #[serde(rename = "kubernetes.io/basic-auth")]
    BasicAuth,
}

/// Where one value comes from: exactly one of `value`, `generate`, `prompt`, `file`, `env`, `command`, `sops`, `template`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretValue {
    /// The value itself, for what is no secret: a user name.
    pub(crate) value: Option<String>,
    /// Generated once and kept.
    pub(crate) generate: Option<Generate>,
    /// Asked for at a hidden prompt with this text.
    pub(crate) prompt: Option<String>,
    /// Read from this file, relative to the plan.
    pub(crate) file: Option<PathBuf>,
    /// Read from this variable of the process environment.
    pub(crate) env: Option<String>,
    /// Standard output of this command, run without a shell; one line end at its end is dropped.
    pub(crate) command: Option<Vec<String>>,
    /// Decrypted by `sops`.
    pub(crate) sops: Option<Sops>,
    /// Composed from other keys: `${secret/key}`, percent-encoded with `${secret/key|percent}`, and declared variables.
    pub(crate) template: Option<String>,
    /// Regular expression that the whole value must match.
    pub(crate) pattern: Option<String>,
    /// May be left empty; the key is then left out.
    #[serde(default)]
    pub(crate) optional: bool,
    /// Typed twice at the prompt.
    #[serde(default)]
    pub(crate) confirm: bool,
    /// What the value must be, checked before anything is written.
    pub(crate) format: Option<ValueFormat>,
}

/// A value in a file that `sops` decrypts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sops {
    /// The encrypted file, relative to the plan.
    pub(crate) file: PathBuf,
    /// Path to the value in it, for example `["database"]["password"]`; the whole file where it is left out.
    pub(crate) extract: Option<String>,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ValueFormat {
    /// A JSON document.
    Json,
    /// One or more PEM blocks.
    Pem,
    /// A YAML document.
    Yaml,
}

/// How a value is generated: text by default, or a key of a pair.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Generate {
    /// Characters of text; 32 by default.
    pub(crate) length: Option<usize>,
    /// Which characters; `alphanumeric` by default.
    pub(crate) charset: Option<Alphabet>,
    /// Random bytes instead of characters.
    pub(crate) bytes: Option<usize>,
    /// How the bytes are written; `base64` by default.
    pub(crate) encoding: Option<Encoding>,
    /// A private key in PEM (PKCS #8).
    pub(crate) private_key: Option<KeyAlgorithm>,
    /// The public key in PEM that belongs to the private key at this `secret/key`, or at this key of the same Secret.
    pub(crate) public_key_of: Option<String>,
    /// A self-signed certificate: on a Secret of type TLS under `tls.crt`; `tls.key` comes with it.
    pub(crate) self_signed: Option<SelfSigned>,
}

/// A self-signed certificate.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SelfSigned {
    /// Names and addresses that it is for.
    pub(crate) hosts: Vec<String>,
    /// Days that it is valid; 365 by default.
    pub(crate) days: Option<u32>,
}

/// Characters that generated text is made of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Alphabet {
    /// `A-Z`, `a-z`, `0-9`.
    Alphanumeric,
    /// `a-z`, `0-9`.
    Lowercase,
    /// `0-9`.
    Digits,
    /// `0-9`, `a-f`.
    Hexadecimal,
    /// Letters, digits and punctuation that needs no quoting in a shell or URL.
    Symbols,
    /// Exactly these characters.
    Custom(String),
}

/// How generated bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Encoding {
    /// Base64 with `+`, `/` and padding.
    Base64,
    /// Base64 with `-`, `_` and no padding.
    Base64Url,
    /// Hexadecimal, lower case.
    Hex,
    /// The bytes themselves.
    Raw,
}

/// Algorithm of a generated private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyAlgorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
}

/// Anything: kept as it is for a later look.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Raw(pub(crate) Value);
