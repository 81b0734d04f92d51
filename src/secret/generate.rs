//! New values from the operating system's randomness, as `generate` says.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rand::{Rng, RngExt as _};
use zeroize::Zeroizing;

use super::{key_pair, value::SecretBytes};
use crate::plan::{Alphabet, Encoding, Generate};

const DEFAULT_LENGTH: usize = 32;
/// More than this is a slip: a Secret holds 1 MiB.
const LARGEST: usize = 64 * 1024;
const LETTERS_AND_DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new value as `generate` says, from the operating system's randomness by way of a cryptographic
/// generator.
///
/// Public keys and certificates are made elsewhere. The error says what is wrong with the
/// declaration.
pub(super) fn generate(generate: &Generate) -> Result<SecretBytes, String> {
    if let Some(algorithm) = generate.private_key {
        return key_pair::private_key(algorithm);
    }
    let mut random = rand::rng();
    if let Some(count) = generate.bytes {
        within_limit("bytes", count)?;
        return Ok(bytes(
            &mut random,
            count,
            generate.encoding.unwrap_or(Encoding::Base64),
        ));
    }
    let length = generate.length.unwrap_or(DEFAULT_LENGTH);
    within_limit("length", length)?;
    text(
        &mut random,
        length,
        generate.charset.as_ref().unwrap_or(&Alphabet::Alphanumeric),
    )
}

fn within_limit(what: &str, count: usize) -> Result<(), String> {
    if (1..=LARGEST).contains(&count) {
        Ok(())
    } else {
        Err(format!(
            "`{what}` must be from 1 to {LARGEST}; correct it in the plan"
        ))
    }
}

fn characters(alphabet: &Alphabet) -> Vec<char> {
    let text = match alphabet {
        Alphabet::Alphanumeric => LETTERS_AND_DIGITS.to_owned(),
        Alphabet::Lowercase => "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
        Alphabet::Digits => "0123456789".to_owned(),
        Alphabet::Hexadecimal => "0123456789abcdef".to_owned(),
        Alphabet::Symbols => format!("{LETTERS_AND_DIGITS}-_."),
        Alphabet::Custom(text) => text.clone(),
    };
    let mut characters: Vec<char> = text.chars().collect();
    // A character that is written twice must not come up twice as often.
    characters.sort_unstable();
    characters.dedup();
    characters
}

fn text(random: &mut impl Rng, length: usize, alphabet: &Alphabet) -> Result<SecretBytes, String> {
    let all = characters(alphabet);
    if all.len() < 2 {
        return Err(
            "`charset` needs at least two different characters; correct it in the plan".to_owned(),
        );
    }
    // A password that begins with `-` is taken for an option by the programs it is given to.
    let first = if *alphabet == Alphabet::Symbols {
        characters(&Alphabet::Alphanumeric)
    } else {
        all.clone()
    };
    let mut text = Zeroizing::new(String::with_capacity(length * 4));
    text.push(first[random.random_range(0..first.len())]);
    for _ in 1..length {
        // `random_range` rejects the remainder, so that every character is equally likely.
        text.push(all[random.random_range(0..all.len())]);
    }
    Ok(SecretBytes::from(text.as_str()))
}

fn bytes(random: &mut impl Rng, count: usize, encoding: Encoding) -> SecretBytes {
    let mut bytes = Zeroizing::new(vec![0; count]);
    random.fill_bytes(&mut bytes);
    match encoding {
        Encoding::Base64 => SecretBytes::new(STANDARD.encode(&*bytes).into_bytes()),
        Encoding::Base64Url => SecretBytes::new(URL_SAFE_NO_PAD.encode(&*bytes).into_bytes()),
        Encoding::Hex => SecretBytes::new(hexadecimal(&bytes)),
        Encoding::Raw => SecretBytes::new(bytes.to_vec()),
    }
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn made(declared: &Generate) -> String {
        generate(declared)
            .expect("a value")
            .expose_text()
            .expect("text")
            .to_owned()
    }

    #[test]
    fn text_has_the_length_and_only_the_characters_asked_for() {
        let alphabets = [
            (Alphabet::Alphanumeric, 62),
            (Alphabet::Lowercase, 36),
            (Alphabet::Digits, 10),
            (Alphabet::Hexadecimal, 16),
            (Alphabet::Symbols, 65),
            (Alphabet::Custom("äbcb".to_owned()), 3),
        ];
        for (charset, count) in alphabets {
            let allowed = characters(&charset);
            assert_eq!(allowed.len(), count, "{charset:?}");
            let text = made(&Generate {
                length: Some(4000),
                charset: Some(charset),
                ..Generate::default()
            });
            assert_eq!(text.chars().count(), 4000);
            assert_eq!(
                text.chars().collect::<HashSet<_>>(),
                allowed.into_iter().collect()
            );
        }
        assert_eq!(made(&Generate::default()).len(), 32);
    }

    #[test]
    fn two_values_differ_and_symbols_do_not_begin_with_a_dash() {
        assert_ne!(made(&Generate::default()), made(&Generate::default()));
        let symbols = Generate {
            length: Some(1),
            charset: Some(Alphabet::Symbols),
            ..Generate::default()
        };
        assert!((0..500).all(|_| made(&symbols).chars().all(char::is_alphanumeric)));
    }

    #[test]
    fn characters_are_equally_likely() {
        let text = made(&Generate {
            length: Some(60_000),
            charset: Some(Alphabet::Custom("abc".to_owned())),
            ..Generate::default()
        });
        for character in ['a', 'b', 'c'] {
            let count = text.chars().filter(|found| *found == character).count();
            // 20,000 expected with a standard deviation of 115: this is more than ten of them away.
            assert!((18_800..21_200).contains(&count), "{character}: {count}");
        }
    }

    #[test]
    fn bytes_are_written_in_their_encoding() {
        let of = |encoding| Generate {
            bytes: Some(33),
            encoding,
            ..Generate::default()
        };
        assert_eq!(STANDARD.decode(made(&of(None))).expect("base64").len(), 33);
        assert_eq!(
            URL_SAFE_NO_PAD
                .decode(made(&of(Some(Encoding::Base64Url))))
                .expect("base64url")
                .len(),
            33
        );
        let hex = made(&of(Some(Encoding::Hex)));
        assert!(
            hex.len() == 66
                && hex
                    .chars()
                    .all(|digit| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase())
        );
        assert_eq!(
            generate(&of(Some(Encoding::Raw)))
                .expect("bytes")
                .expose()
                .len(),
            33
        );
        assert_eq!(hexadecimal(&[0x0f, 0xa0]), b"0fa0");
    }

    #[test]
    fn impossible_declarations_are_refused() {
        assert!(
            generate(&Generate {
                length: Some(0),
                ..Generate::default()
            })
            .is_err()
        );
        assert!(
            generate(&Generate {
                bytes: Some(usize::MAX),
                ..Generate::default()
            })
            .is_err()
        );
        assert!(
            generate(&Generate {
                charset: Some(Alphabet::Custom("aa".to_owned())),
                ..Generate::default()
            })
            .is_err()
        );
    }
}
