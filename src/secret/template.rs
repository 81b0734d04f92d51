//! Templates: `${secret/key}`, `${secret/key|percent}`, `${secret/key|base64}`, `${variable}`;
//! `$${` stands for `${`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

use super::{key_name::KeyName, value::SecretBytes};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Value(KeyName, Encoding),
    Variable(String, Encoding),
}

/// How a value is written into the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Percent,
    Base64,
}

impl Encoding {
    /// `bytes` in this encoding.
    pub(super) fn write(self, bytes: &[u8], to: &mut Zeroizing<Vec<u8>>) {
        match self {
            Self::Plain => to.extend_from_slice(bytes),
            Self::Percent => percent_encode(bytes, &RESERVED)
                .for_each(|piece| to.extend_from_slice(piece.as_bytes())),
            Self::Base64 => to.extend_from_slice(Zeroizing::new(STANDARD.encode(bytes)).as_bytes()),
        }
    }
}

/// Takes a template apart. The error says what is wrong with it.
pub(super) fn parse(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            text.push_str(before);
            text.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        text.push_str(&rest[..at]);
        let (inside, tail) = rest[at + 2..]
            .split_once('}')
            .ok_or("has a `${` without `}`; write `$${` for the text `${`")?;
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(reference(inside)?);
        rest = tail;
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn reference(inside: &str) -> Result<Part, String> {
    let (name, filter) = inside
        .split_once('|')
        .map_or((inside, None), |(name, filter)| (name, Some(filter.trim())));
    let encoding = match filter {
        None => Encoding::Plain,
        Some("percent") => Encoding::Percent,
        Some("base64") => Encoding::Base64,
        Some(other) => {
            return Err(format!(
                "has the unknown filter `{other}`; there is `percent` and `base64`"
            ));
        }
    };
    let name = name.trim();
    if name.contains('/') {
        let parsed = KeyName::parse(name)
            .ok_or_else(|| format!("refers to `{name}`; write `${{secret/key}}`"))?;
        return Ok(Part::Value(parsed, encoding));
    }
    Ok(Part::Variable(name.to_owned(), encoding))
}

/// `template` joined from `parts`, each already looked up.
pub(super) fn join(parts: &[(Encoding, &[u8])]) -> SecretBytes {
    let room = parts.iter().map(|(_, bytes)| bytes.len() * 3 + 4).sum();
    let mut joined = Zeroizing::new(Vec::with_capacity(room));
    for (encoding, bytes) in parts {
        encoding.write(bytes, &mut joined);
    }
    SecretBytes::new(std::mem::take(&mut *joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_taken_apart() {
        let parts =
            parse("postgres://${postgres/username}:${postgres/password|percent}@${host}/$${x}$")
                .expect("a template");
        assert_eq!(
            parts,
            [
                Part::Text("postgres://".to_owned()),
                Part::Value(KeyName::new("postgres", "username"), Encoding::Plain),
                Part::Text(":".to_owned()),
                Part::Value(KeyName::new("postgres", "password"), Encoding::Percent),
                Part::Text("@".to_owned()),
                Part::Variable("host".to_owned(), Encoding::Plain),
                Part::Text("/${x}$".to_owned()),
            ]
        );
        assert_eq!(parse("").expect("nothing"), []);
    }

    #[test]
    fn broken_templates_say_what_is_wrong() {
        assert!(parse("${a/b").expect_err("refused").contains("without `}`"));
        assert!(
            parse("${a/b|upper}")
                .expect_err("refused")
                .contains("unknown filter `upper`")
        );
        assert!(parse("${a/b/c}").expect_err("refused").contains("`a/b/c`"));
    }

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        let unreserved = "AZaz09-._~";
        let joined = join(&[
            (Encoding::Percent, unreserved.as_bytes()),
            (Encoding::Percent, b" !\"#$%&'()*+,/:;<=>?@[\\]^`{|}"),
            (Encoding::Percent, "ü".as_bytes()),
        ]);
        let expected = "AZaz09-._~%20%21%22%23%24%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D%C3%BC";
        assert_eq!(joined.expose_text(), Some(expected));
        assert_eq!(
            join(&[(Encoding::Base64, b"a:b"), (Encoding::Plain, b"!")]).expose_text(),
            Some("YTpi!")
        );
    }
}
