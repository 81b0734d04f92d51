//! The keys, certificates and tokens of one sandbox.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::error::SandboxError;

/// Where the API server can be reached, by clients outside and, as it says, inside.
const SERVER_NAMES: [&str; 6] = [
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "10.96.0.1",
];

/// The keys and certificates of one sandbox; those in files are PEM.
pub(super) struct Certificates {
    pub(super) authority: String,
    pub(super) authority_key: String,
    pub(super) server: String,
    pub(super) server_key: String,
    pub(super) service_account_key: String,
    pub(super) service_account_public_key: String,
    /// Issues what pods serve with.
    pub(super) issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    /// Makes a certificate authority and a leaf for all servers. A self-signed leaf would not do:
    /// Rust's TLS refuses it.
    pub(super) fn generate() -> Result<Self, SandboxError> {
        let (authority, authority_key, issuer) = authority()?;
        let server_key = KeyPair::generate()?;
        let server = server_parameters()?.signed_by(&server_key, &issuer)?;
        let service_account = KeyPair::generate()?;
        Ok(Self {
            authority,
            authority_key,
            server: server.pem(),
            server_key: server_key.serialize_pem(),
            service_account_key: service_account.serialize_pem(),
            service_account_public_key: service_account.public_key_pem(),
            issuer,
        })
    }
}

fn authority() -> Result<(String, String, Issuer<'static, KeyPair>), SandboxError> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
        .distinguished_name
        .push(DnType::CommonName, "deployctl-sandbox-ca");
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    let certificate = parameters.self_signed(&key)?;
    let key_text = key.serialize_pem();
    Ok((certificate.pem(), key_text, Issuer::new(parameters, key)))
}

fn server_parameters() -> Result<CertificateParams, SandboxError> {
    let mut parameters = CertificateParams::new(SERVER_NAMES.map(str::to_owned).to_vec())?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, "deployctl-sandbox");
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    Ok(parameters)
}

/// A token that nobody can guess.
pub(super) fn token() -> String {
    let bytes: [u8; 16] = rand::random();
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
