//! The bytes of a secret value, which no formatting shows and which are overwritten when
//! dropped.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// The bytes of one secret value. They are overwritten when dropped, and no formatting shows them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over `bytes`.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes. Whoever asks for them must not show them.
    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, or `None` where it is not UTF-8.
    pub(super) fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether the value has no bytes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value without the one line end at its end.
    pub(super) fn without_line_end(mut self) -> Self {
        if self.0.last() == Some(&b'\n') {
            self.0.pop();
            if self.0.last() == Some(&b'\r') {
                self.0.pop();
            }
        }
        self
    }

    /// The value of a file that stands for something typed: a single line loses its line end,
    /// several lines stay as they are.
    pub(super) fn like_typed(self) -> Self {
        let first = self.0.iter().position(|byte| *byte == b'\n');
        if first.is_some_and(|at| at + 1 == self.0.len()) {
            self.without_line_end()
        } else {
            self
        }
    }
}

impl From<&str> for SecretBytes {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl From<&SecretString> for SecretBytes {
    fn from(text: &SecretString) -> Self {
        Self::from(text.expose_secret())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_line_loses_its_line_end_and_a_document_keeps_it() {
        assert_eq!(
            SecretBytes::from("hunter2\n").like_typed().expose(),
            b"hunter2"
        );
        assert_eq!(
            SecretBytes::from("hunter2\r\n").like_typed().expose(),
            b"hunter2"
        );
        assert_eq!(
            SecretBytes::from("hunter2").like_typed().expose(),
            b"hunter2"
        );
        assert_eq!(SecretBytes::from("a\nb\n").like_typed().expose(), b"a\nb\n");
        assert_eq!(
            SecretBytes::from("a\n\n").without_line_end().expose(),
            b"a\n"
        );
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", SecretBytes::from("hunter2")), "[hidden]");
    }
}
