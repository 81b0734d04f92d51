//! PEM (RFC 7468): text with base64 between marks.
//!
//! On purpose not by rustls' `pki_types`, which knows eight labels, and passes over or refuses what
//! people keep in Secrets beside them: OpenSSH keys, encrypted keys with and without headers. It
//! does not write PEM either. The crate `pem` does, but is silent about a block without an end
//! behind a good one, and leaves copies of keys in memory; here all of them are wiped.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::rejection::Rejection;

/// One PEM block.
pub(super) struct Block {
    /// What it holds, for example `CERTIFICATE`.
    pub(super) label: String,
    /// Its bytes.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// All blocks in `text`; an error where there is none or one is broken. Text between blocks is
/// allowed, as RFC 7468 says.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>, Rejection> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"))
        else {
            continue;
        };
        let end = format!("-----END {label}-----");
        let mut body = Zeroizing::new(String::new());
        loop {
            let line = lines.next().ok_or(Rejection::NotPem {
                why: "a block has no end",
            })?;
            if line == end {
                break;
            }
            // Encrypted keys in the old style have headers such as `Proc-Type: 4,ENCRYPTED`.
            if !line.contains(':') {
                body.push_str(line);
            }
        }
        let bytes = STANDARD
            .decode(body.as_bytes())
            .map_err(|_| Rejection::NotPem {
                why: "a block is not base64",
            })?;
        if bytes.is_empty() {
            return Err(Rejection::NotPem {
                why: "a block is empty",
            });
        }
        blocks.push(Block {
            label: label.to_owned(),
            bytes: Zeroizing::new(bytes),
        });
    }
    if blocks.is_empty() {
        Err(Rejection::NotPem {
            why: "there is no `-----BEGIN …-----` block",
        })
    } else {
        Ok(blocks)
    }
}

/// `bytes` as one PEM block.
pub(super) fn write(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(bytes));
    let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = write("PRIVATE KEY", &[7; 100]);
        assert!(text.lines().all(|line| line.len() <= 64));
        let blocks = blocks(&format!("a comment\n{}", *text)).expect("one block");
        assert_eq!(
            (
                blocks.len(),
                blocks[0].label.as_str(),
                blocks[0].bytes.as_slice()
            ),
            (1, "PRIVATE KEY", &[7; 100][..])
        );
    }

    #[test]
    fn what_is_no_pem_is_refused() {
        for wrong in [
            "",
            "hunter2",
            "-----BEGIN KEY-----\nAAAA\n",
            "-----BEGIN KEY-----\nhunter2!\n-----END KEY-----\n",
        ] {
            let reason = blocks(wrong).err().expect("refused").to_string();
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
