//! Just enough of DER (X.690) to read an X.509 certificate's expiry and public key.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] EXPLICIT`, the version of a certificate.
const VERSION: u8 = 0xa0;

/// What is read of a certificate.
pub(super) struct CertificateFacts {
    /// End of its validity.
    pub(super) expires: Timestamp,
    /// Its `SubjectPublicKeyInfo`, in DER.
    pub(super) public_key: Vec<u8>,
}

/// Reads a certificate in DER; `None` where it is not one.
/// <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>
pub(super) fn certificate_facts(der: &[u8]) -> Option<CertificateFacts> {
    let mut certificate = Elements(Elements(der).expect(SEQUENCE)?.content);
    let mut fields = Elements(certificate.expect(SEQUENCE)?.content);
    let first = fields.next()?;
    if first.tag == VERSION {
        fields.next()?; // serialNumber
    }
    fields.expect(SEQUENCE)?; // signature
    fields.expect(SEQUENCE)?; // issuer
    let mut validity = Elements(fields.expect(SEQUENCE)?.content);
    validity.next()?; // notBefore
    let expires = time(&validity.next()?)?;
    fields.expect(SEQUENCE)?; // subject
    Some(CertificateFacts {
        expires,
        public_key: fields.expect(SEQUENCE)?.whole.to_vec(),
    })
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn next(&mut self) -> Option<Element<'a>> {
        let [tag, first, rest @ ..] = self.0 else {
            return None;
        };
        let (length, header) = if *first < 0x80 {
            (usize::from(*first), 2)
        } else {
            let count = usize::from(*first & 0x7f);
            let bytes = rest
                .get(..count)
                .filter(|bytes| (1..=4).contains(&bytes.len()))?;
            (
                bytes
                    .iter()
                    .fold(0, |length, byte| (length << 8) | usize::from(*byte)),
                2 + count,
            )
        };
        let whole = self.0.get(..header.checked_add(length)?)?;
        self.0 = &self.0[whole.len()..];
        Some(Element {
            tag: *tag,
            content: &whole[header..],
            whole,
        })
    }

    fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }
}

fn time(element: &Element<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(element.content).ok()?;
    let full = match element.tag {
        // Years of two digits are from 1950 to 2049 (RFC 5280, 4.1.2.5.1).
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", full).ok()?;
    time.to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_no_certificate() {
        for wrong in [
            &[][..],
            &[0x30],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x80],
            b"hunter2",
        ] {
            assert!(certificate_facts(wrong).is_none());
        }
    }

    #[test]
    fn years_of_two_digits_turn_at_fifty() {
        let read = |tag, text: &str| {
            time(&Element {
                tag,
                content: text.as_bytes(),
                whole: &[],
            })
            .map(|time| time.to_string())
        };
        assert_eq!(
            read(UTC_TIME, "491231235959Z").as_deref(),
            Some("2049-12-31T23:59:59Z")
        );
        assert_eq!(
            read(UTC_TIME, "500101000000Z").as_deref(),
            Some("1950-01-01T00:00:00Z")
        );
        assert_eq!(
            read(GENERALIZED_TIME, "20500101000000Z").as_deref(),
            Some("2050-01-01T00:00:00Z")
        );
    }
}
