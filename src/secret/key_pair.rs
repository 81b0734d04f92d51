//! Private keys in PKCS #8 and what belongs to them.

use rand::Rng as _;
use rcgen::{KeyPair, PublicKeyData as _};
use zeroize::Zeroizing;

use super::{pem, value::SecretBytes};
use crate::plan::KeyAlgorithm;

/// A new private key in PEM.
pub(super) fn private_key(algorithm: KeyAlgorithm) -> Result<SecretBytes, String> {
    let der = match algorithm {
        KeyAlgorithm::Ed25519 => ed25519(),
        KeyAlgorithm::EcdsaP256 => ecdsa(&rcgen::PKCS_ECDSA_P256_SHA256)?,
        KeyAlgorithm::EcdsaP384 => ecdsa(&rcgen::PKCS_ECDSA_P384_SHA384)?,
    };
    Ok(SecretBytes::from(pem::write("PRIVATE KEY", &der).as_str()))
}

/// An Ed25519 key is 32 random bytes. It is written in version 1 of PKCS #8 (RFC 8410, section 7),
/// because OpenSSL before 3.2 and Go do not read version 2, which rcgen would write.
fn ed25519() -> Zeroizing<Vec<u8>> {
    const HEADER: [u8; 16] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let mut der = Zeroizing::new(vec![0; HEADER.len() + 32]);
    der[..HEADER.len()].copy_from_slice(&HEADER);
    rand::rng().fill_bytes(&mut der[HEADER.len()..]);
    der
}

fn ecdsa(algorithm: &'static rcgen::SignatureAlgorithm) -> Result<Zeroizing<Vec<u8>>, String> {
    let pair = KeyPair::generate_for(algorithm)
        .map_err(|_| "this machine gave no randomness".to_owned())?;
    Ok(Zeroizing::new(pair.serialize_der()))
}

/// The key pair of a private key in PEM, or `None` where it is not in PKCS #8 or of a kind that is
/// not known here.
pub(super) fn read(private_key: &SecretBytes) -> Option<KeyPair> {
    let blocks = pem::blocks(private_key.expose_text()?).ok()?;
    let block = blocks.iter().find(|block| block.label == "PRIVATE KEY")?;
    KeyPair::try_from(block.bytes.as_slice()).ok()
}

/// The public key in PEM that belongs to `private_key`.
pub(super) fn public_key(private_key: &SecretBytes) -> Option<SecretBytes> {
    read(private_key).map(|pair| {
        SecretBytes::from(pem::write("PUBLIC KEY", &pair.subject_public_key_info()).as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_pkcs8_and_have_their_public_keys() {
        for algorithm in [
            KeyAlgorithm::Ed25519,
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
        ] {
            let key = private_key(algorithm).expect("a key");
            assert!(
                key.expose_text()
                    .expect("text")
                    .starts_with("-----BEGIN PRIVATE KEY-----\n")
            );
            let public = public_key(&key).expect("its public key");
            assert!(
                public
                    .expose_text()
                    .expect("text")
                    .starts_with("-----BEGIN PUBLIC KEY-----\n")
            );
            assert_eq!(public_key(&key), Some(public), "the same again");
        }
        assert!(
            private_key(KeyAlgorithm::Ed25519).expect("a key")
                != private_key(KeyAlgorithm::Ed25519).expect("another")
        );
    }

    /// RFC 8410, sections 10.1 and 10.3.
    #[test]
    fn an_ed25519_key_of_the_standard_has_the_public_key_of_the_standard() {
        let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let public = public_key(&SecretBytes::from(key)).expect("a public key");
        assert!(
            public
                .expose_text()
                .expect("text")
                .contains("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
        );
    }

    #[test]
    fn what_is_no_key_has_none() {
        assert!(public_key(&SecretBytes::from("hunter2")).is_none());
        assert!(
            public_key(&SecretBytes::from(
                pem::write("PRIVATE KEY", b"hunter2").as_str()
            ))
            .is_none()
        );
    }
}
