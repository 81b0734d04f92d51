//! What is read of an X.509 certificate: its expiry and its public key.
//!
//! On purpose not by `x509-cert`: it reads every field, and would refuse a certificate for one that
//! nobody here asks about, such as a serial number that is too long.

use std::time::Duration;

use der::{
    Decode as _, Reader as _, Result, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{AnyRef, GeneralizedTime, SequenceRef, UtcTime},
};
use jiff::Timestamp;

/// `[0] EXPLICIT`, the version of a certificate.
const VERSION: Tag = Tag::ContextSpecific {
    constructed: true,
    number: TagNumber(0),
};

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
    read(der).ok()
}

fn read(der: &[u8]) -> Result<CertificateFacts> {
    let mut certificate = sequence(&mut SliceReader::new(der)?)?;
    let mut fields = sequence(&mut certificate)?;
    if AnyRef::decode(&mut fields)?.tag() == VERSION {
        AnyRef::decode(&mut fields)?; // serialNumber
    }
    sequence(&mut fields)?; // signature
    sequence(&mut fields)?; // issuer
    let expires = expiry(sequence(&mut fields)?)?;
    sequence(&mut fields)?; // subject
    Ok(CertificateFacts {
        expires,
        public_key: public_key(&mut fields)?.to_vec(),
    })
}

/// What is inside of the next sequence.
fn sequence<'a>(reader: &mut SliceReader<'a>) -> Result<SliceReader<'a>> {
    SliceReader::new(<&SequenceRef>::decode(reader)?.as_ref())
}

/// The whole of the next sequence, its head included.
fn public_key<'a>(fields: &mut SliceReader<'a>) -> Result<&'a [u8]> {
    let whole = fields.tlv_bytes()?;
    <&SequenceRef>::from_der(whole)?;
    Ok(whole)
}

/// The second of the two times of a validity.
fn expiry(mut validity: SliceReader<'_>) -> Result<Timestamp> {
    AnyRef::decode(&mut validity)?; // notBefore
    let after = AnyRef::decode(&mut validity)?;
    let since_1970: Duration = match after.tag() {
        Tag::UtcTime => after.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => after.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    // What has no end is written as the last second of the year 9999 (RFC 5280, 4.1.2.5), which is
    // later than the last time of `jiff`.
    Ok(Timestamp::UNIX_EPOCH
        .saturating_add(since_1970)
        .unwrap_or(Timestamp::MAX))
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

    /// When a certificate expires whose `notAfter` is `text`, with the tag of its sort of time.
    fn expires(tag: u8, text: &str) -> Option<String> {
        let time = |tag: u8, text: &str| {
            let length = u8::try_from(text.len()).unwrap();
            [&[tag, length], text.as_bytes()].concat()
        };
        let validity = [time(0x17, "700101000000Z"), time(tag, text)].concat();
        let expires = expiry(SliceReader::new(&validity).unwrap()).ok()?;
        Some(expires.to_string())
    }

    #[test]
    fn both_sorts_of_time_are_read() {
        let cases = [
            (0x17, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (0x17, "991231235959Z", Some("1999-12-31T23:59:59Z")),
            (0x18, "20500101000000Z", Some("2050-01-01T00:00:00Z")),
            (0x17, "20500101000000Z", None),
            (0x17, "490231235959Z", None),
            (0x0c, "491231235959Z", None),
        ];
        for (tag, text, expected) in cases {
            assert_eq!(expires(tag, text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_certificate_without_an_end_is_read() {
        let expires = expires(0x18, "99991231235959Z").expect("a time");
        assert!(expires.starts_with("9999-12-30T"), "{expires}");
    }
}
