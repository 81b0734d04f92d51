//! The text of a file, in the encodings that kubectl reads.

use std::borrow::Cow;

/// The text in `bytes`: UTF-8, or UTF-16 behind its byte-order mark. What is no character becomes
/// U+FFFD, as for kubectl; `true` where there is such.
/// <https://pkg.go.dev/golang.org/x/text/encoding/unicode#BOMOverride>
pub(crate) fn decoded(bytes: &[u8]) -> (String, bool) {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => of_utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => of_utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    };
    let is_lossy = matches!(text, Cow::Owned(_)) && text.contains(char::REPLACEMENT_CHARACTER);
    (text.into_owned(), is_lossy)
}

fn of_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| match pair {
            [first, second] => unit([*first, *second]),
            // Half of a character at the end is none.
            _ => 0xd800,
        })
        .collect();
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_any_encoding_that_is_marked() {
        let text = "größe: 中 😀\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", little.as_slice()].concat(),
            [b"\xfe\xff", big.as_slice()].concat(),
        ] {
            assert_eq!(decoded(&bytes), (text.to_owned(), false));
        }
    }

    #[test]
    fn what_is_no_character_is_said() {
        assert_eq!(decoded(b"a: \xe9"), ("a: \u{fffd}".to_owned(), true));
        assert_eq!(decoded(b"\xff\xfea\x00b"), ("a\u{fffd}".to_owned(), true));
        let written = "a: \u{fffd}".as_bytes();
        assert_eq!(decoded(written), ("a: \u{fffd}".to_owned(), false));
    }
}
