//! How one value of one declared Secret is named.

use std::fmt;

use crate::plan;

/// One key of one declared Secret, written `NAME/KEY`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyName {
    /// Name of the Secret.
    pub(crate) secret: String,
    /// Key in its data.
    pub(crate) key: String,
}

impl KeyName {
    /// The key `key` of Secret `secret`.
    pub(crate) fn new(secret: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            key: key.into(),
        }
    }

    /// The key written as `NAME/KEY`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (secret, key) = text.split_once('/')?;
        (!secret.is_empty() && !key.is_empty() && !key.contains('/'))
            .then(|| Self::new(secret, key))
    }

    /// The environment variable that supplies the value.
    pub(crate) fn variable(&self) -> String {
        plan::secret_variable(&self.secret, &self.key)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.secret, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_exactly_two_parts() {
        assert_eq!(
            KeyName::parse("api/tls.crt"),
            Some(KeyName::new("api", "tls.crt"))
        );
        for wrong in ["api", "/key", "api/", "a/b/c", ""] {
            assert_eq!(KeyName::parse(wrong), None, "{wrong}");
        }
    }
}
