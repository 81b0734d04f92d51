//! Certificates: making self-signed ones, and what can be said about those that are there.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, date_time_ymd,
};

use super::{
    der::{CertificateFacts, certificate_facts},
    key_pair, pem,
    value::SecretBytes,
};
use crate::plan::KeyAlgorithm;

const DEFAULT_DAYS: u32 = 365;
const DAY: Duration = Duration::from_hours(24);
/// Clocks of clients may be behind.
const BACKDATED: Duration = Duration::from_hours(1);

/// A certificate in PEM with its private key.
pub(super) struct Pair {
    /// For `tls.crt`.
    pub(super) certificate: SecretBytes,
    /// For `tls.key`.
    pub(super) key: SecretBytes,
}

/// A self-signed certificate for `hosts` (names, wildcards and addresses), valid from now for
/// `days`, with an ECDSA P-256 key.
pub(super) fn self_signed(
    hosts: &[String],
    days: Option<u32>,
    now: Timestamp,
) -> Result<Pair, String> {
    let first = hosts
        .first()
        .ok_or("`hosts` names no host; correct it in the plan")?;
    let key = key_pair::private_key(KeyAlgorithm::EcdsaP256)?;
    let pair = key_pair::read(&key).expect("a key made here can be read");
    let parameters = parameters(hosts, first, days.unwrap_or(DEFAULT_DAYS), now)?;
    let certificate = parameters
        .self_signed(&pair)
        .map_err(|error| error.to_string())?;
    Ok(Pair {
        certificate: SecretBytes::from(pem::write("CERTIFICATE", certificate.der()).as_str()),
        key,
    })
}

fn parameters(
    hosts: &[String],
    first: &str,
    days: u32,
    now: Timestamp,
) -> Result<CertificateParams, String> {
    let invalid = |_| {
        "`hosts` holds something that is neither a name nor an address; correct it in the plan"
            .to_owned()
    };
    let mut parameters = CertificateParams::new(hosts).map_err(invalid)?;
    let seconds = u64::try_from(now.as_second())
        .map_err(|_| "the clock of this machine is before 1970".to_owned())?;
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    parameters.not_before = now - BACKDATED;
    parameters.not_after = now + DAY * days.clamp(1, 36_500);
    parameters.distinguished_name = DistinguishedName::new();
    // A common name has at most 64 characters (RFC 5280, appendix A.1); clients look at the
    // alternative names only.
    parameters.distinguished_name.push(
        DnType::CommonName,
        first.chars().take(64).collect::<String>(),
    );
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

/// What the first certificate in `pem` says; `None` where there is none.
fn facts(pem: &SecretBytes) -> Option<CertificateFacts> {
    let blocks = pem::blocks(pem.expose_text()?).ok()?;
    certificate_facts(
        &blocks
            .iter()
            .find(|block| block.label == "CERTIFICATE")?
            .bytes,
    )
}

/// Whether `key` is the private key of `certificate`; `None` where that cannot be told, because the
/// key is of a kind that is not known here.
pub(super) fn belong_together(certificate: &SecretBytes, key: &SecretBytes) -> Option<bool> {
    let pair: KeyPair = key_pair::read(key)?;
    Some(facts(certificate)?.public_key == pair.subject_public_key_info())
}

/// Whether there is a certificate in `pem` at all.
pub(super) fn is_certificate(pem: &SecretBytes) -> bool {
    facts(pem).is_some()
}

/// Words about a certificate that has expired or soon will: `expired on DATE` or `expires on DATE`.
///
/// Soon is within 30 days, or within the last third of `days` where it is made for a shorter time.
pub(super) fn expiry(
    certificate: &SecretBytes,
    days: Option<u32>,
    now: Timestamp,
) -> Option<String> {
    let expires = facts(certificate)?.expires;
    let left = expires.as_second() - now.as_second();
    let notice = i64::from(days.unwrap_or(DEFAULT_DAYS) / 3).min(30) * 86_400;
    let date = expires.strftime("%Y-%m-%d");
    if left <= 0 {
        Some(format!("expired on {date}"))
    } else {
        (left <= notice).then(|| format!("expires on {date}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn hosts() -> Vec<String> {
        ["shop.test", "*.shop.test", "10.0.0.1", "::1"]
            .map(str::to_owned)
            .to_vec()
    }

    #[test]
    fn a_certificate_has_its_hosts_its_days_and_its_key() {
        let now = at("2026-03-01T12:00:00Z");
        let pair = self_signed(&hosts(), Some(90), now).expect("a certificate");
        assert_eq!(belong_together(&pair.certificate, &pair.key), Some(true));
        assert_eq!(
            facts(&pair.certificate).expect("facts").expires,
            at("2026-05-30T12:00:00Z")
        );
        let der = &pem::blocks(pair.certificate.expose_text().expect("text")).expect("pem")[0]
            .bytes
            .clone();
        for needle in [
            &b"*.shop.test"[..],
            &[0x87, 4, 10, 0, 0, 1],
            &[0x87, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert!(
                der.windows(needle.len()).any(|window| window == needle),
                "{needle:?}"
            );
        }
        let other = self_signed(&hosts(), None, now).expect("another");
        assert_eq!(belong_together(&pair.certificate, &other.key), Some(false));
        assert_eq!(
            belong_together(&pair.certificate, &SecretBytes::from("hunter2")),
            None
        );
    }

    #[test]
    fn expiry_is_said_in_good_time() {
        let made = at("2026-01-01T00:00:00Z");
        let pair = self_signed(&hosts(), Some(90), made).expect("a certificate");
        let said = |now: &str, days| expiry(&pair.certificate, days, at(now));
        assert_eq!(said("2026-01-02T00:00:00Z", Some(90)), None);
        assert_eq!(
            said("2026-03-10T00:00:00Z", Some(90)).as_deref(),
            Some("expires on 2026-04-01")
        );
        assert_eq!(said("2026-03-10T00:00:00Z", Some(30)), None);
        assert_eq!(
            said("2026-04-01T00:00:00Z", None).as_deref(),
            Some("expired on 2026-04-01")
        );
        assert_eq!(expiry(&SecretBytes::from("hunter2"), None, made), None);
    }

    #[test]
    fn certificates_after_2049_are_read() {
        let pair =
            self_signed(&hosts(), Some(36_500), at("2026-01-01T00:00:00Z")).expect("a certificate");
        assert!(facts(&pair.certificate).expect("facts").expires > at("2125-01-01T00:00:00Z"));
    }

    #[test]
    fn no_hosts_or_a_host_that_is_none_is_refused() {
        let now = at("2026-01-01T00:00:00Z");
        assert!(self_signed(&[], None, now).is_err());
        assert!(self_signed(&["bäckerei.test".to_owned()], None, now).is_err());
    }
}
