//! What an unquoted scalar means to kubectl, which follows Go's `yaml.v2`.

use serde_json::{Number, Value};

/// What a plain (unquoted) scalar means to kubectl.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// `~`, `null` or nothing at all.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// A whole number that fits 64 bits with sign.
    Integer(i64),
    /// Any other number; infinite and not-a-number included, which JSON cannot hold.
    Float(f64),
    /// Everything else, timestamps and sexagesimal numbers included.
    Text,
}

/// The meaning of the plain scalar `text`, after `resolve` of Go's `yaml.v2`.
/// <https://github.com/yaml/go-yaml/blob/v2/resolve.go>
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
            number(text).unwrap_or(Scalar::Text)
        }
        _ => Scalar::Text,
    }
}

/// The number written as `text`, if it is one. Underscores count only behind a digit or a sign.
fn number(text: &str) -> Option<Scalar> {
    let plain = if text.starts_with('.') {
        text.to_owned()
    } else {
        text.replace('_', "")
    };
    if let Some(integer) = integer(&plain) {
        return Some(integer);
    }
    let float = plain
        .parse::<f64>()
        .ok()
        .filter(|float| is_float(&plain) && float.is_finite())?;
    Some(Scalar::Float(float))
}

/// A whole number with Go's prefixes: `0x`, `0b`, `0o`, and a bare `0` for octal.
fn integer(plain: &str) -> Option<Scalar> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Integer(value)),
        // Kubernetes decodes what does not fit 64 bits with sign as a float.
        #[expect(
            clippy::cast_precision_loss,
            reason = "the same loss that the API server has"
        )]
        Err(_) if !negative && !plain.starts_with('+') => Some(Scalar::Float(value as f64)),
        Err(_) => None,
    }
}

/// Whether `text` has the form `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(left, right)| (left, Some(right)));
    let (whole, fraction) = mantissa
        .split_once('.')
        .map_or((mantissa, None), |(left, right)| (left, Some(right)));
    let exponent_fits = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    let mantissa_fits = digits(whole)
        && fraction.is_none_or(digits)
        && !(whole.is_empty() && fraction.is_none_or(str::is_empty));
    exponent_fits && mantissa_fits
}

/// A float as Kubernetes holds it: an integer where Go prints it without fraction and it fits 64
/// bits with sign. `None` for what JSON cannot hold.
pub(super) fn float_value(float: f64) -> Option<Value> {
    if float.fract() == 0.0
        && let Ok(integer) = float.to_string().parse::<i64>()
    {
        return Some(Value::from(integer));
    }
    Number::from_f64(float).map(Value::Number)
}

/// A float as the text of a mapping key, as Go's `FormatFloat(value, 'g', -1, 32)` writes it.
pub(super) fn float_key(float: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "kubectl shortens keys to 32 bits"
    )]
    let short = float as f32;
    let scientific = format!("{short:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    short.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_kubectl_makes_of_them() {
        for (text, scalar) in [
            ("0644", Scalar::Integer(420)),
            ("-0644", Scalar::Integer(-420)),
            ("0o14", Scalar::Integer(12)),
            ("0o9", Scalar::Text),
            ("08", Scalar::Float(8.0)),
            ("0x1F", Scalar::Integer(31)),
            ("0x", Scalar::Text),
            ("-0b11", Scalar::Integer(-3)),
            ("1_000", Scalar::Integer(1000)),
            ("_1", Scalar::Text),
            ("1e3", Scalar::Float(1000.0)),
            ("1e999", Scalar::Text),
            ("+.5", Scalar::Float(0.5)),
            ("1.", Scalar::Float(1.0)),
            (".", Scalar::Text),
            ("-", Scalar::Text),
            ("+-1", Scalar::Text),
            ("1.2.3", Scalar::Text),
            ("1:30", Scalar::Text),
            ("infinity", Scalar::Text),
            ("2001-12-14", Scalar::Text),
            ("y", Scalar::Bool(true)),
            ("oFF", Scalar::Text),
            ("9223372036854775807", Scalar::Integer(i64::MAX)),
            (
                "9223372036854775808",
                Scalar::Float(9_223_372_036_854_775_808.0),
            ),
            ("-9223372036854775808", Scalar::Integer(i64::MIN)),
        ] {
            assert_eq!(resolve(text), scalar, "{text}");
        }
    }

    #[test]
    fn whole_floats_become_integers() {
        assert_eq!(float_value(1000.0), Some(Value::from(1000)));
        assert_eq!(float_value(-0.0), Some(Value::from(0)));
        assert_eq!(float_value(1e30), Number::from_f64(1e30).map(Value::Number));
        assert_eq!(float_value(f64::NAN), None);
    }

    #[test]
    fn float_keys_are_written_as_go_writes_them() {
        for (float, text) in [
            (1.5, "1.5"),
            (1000.0, "1000"),
            (1e6, "1e+06"),
            (1e-5, "1e-05"),
            (123_456.789, "123456.79"),
            (0.0, "0"),
        ] {
            assert_eq!(float_key(float), text);
        }
    }
}
