//! The Secrets of a plan as they are written.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::{Condition, Conditions};

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
    /// Where this does not hold, the Secret is not made, and nobody is asked for its values.
    pub(crate) when: Option<Condition>,
    /// Where this holds, the Secret is not made, and nobody is asked for its values.
    pub(crate) unless: Option<Condition>,
}

impl SecretDeclaration {
    /// What must be so for the Secret to be made.
    pub(crate) fn conditions(&self) -> Conditions {
        Conditions::new(self.when.as_ref(), self.unless.as_ref())
    }
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
    /// `.dockerconfigjson`, or `registry`, `username`, `password` and optionally `email`, from
    /// which it is composed.
    #[serde(rename = "kubernetes.io/dockerconfigjson")]
    DockerConfigJson,
    /// `username` and `password`.
    #[serde(rename = "kubernetes.io/basic-auth")]
    BasicAuth,
}

/// Where one value comes from: exactly one of `value`, `generate`, `prompt`, `file`, `env`,
/// `command`, `sops`, `template`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = super::one_of::exactly_one(&SecretValue::SOURCES)))]
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
    /// Composed from other keys: `${secret/key}`, percent-encoded with `${secret/key|percent}`, and
    /// declared variables.
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

impl SecretValue {
    /// The keys of which exactly one says where the value comes from.
    pub(super) const SOURCES: [&str; 8] = [
        "value", "generate", "prompt", "file", "env", "command", "sops", "template",
    ];

    /// Those of [`Self::SOURCES`] that are given.
    pub(super) fn sources(&self) -> Vec<&'static str> {
        let given = [
            self.value.is_some(),
            self.generate.is_some(),
            self.prompt.is_some(),
            self.file.is_some(),
            self.env.is_some(),
            self.command.is_some(),
            self.sops.is_some(),
            self.template.is_some(),
        ];
        Self::SOURCES
            .into_iter()
            .zip(given)
            .filter_map(|(name, given)| given.then_some(name))
            .collect()
    }
}

/// A value in a file that `sops` decrypts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sops {
    /// The encrypted file, relative to the plan.
    pub(crate) file: PathBuf,
    /// Path to the value in it, for example `["database"]["password"]`; the whole file where it is
    /// left out.
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
    /// The public key in PEM that belongs to the private key at this `secret/key`, or at this key
    /// of the same Secret.
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
