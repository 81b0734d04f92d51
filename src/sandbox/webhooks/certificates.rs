//! Certificates of the pods behind webhooks: one for each name by which the API server asks for one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::{default_provider, sign::any_supported_type},
        pki_types::PrivateKeyDer,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

use crate::sandbox::error::SandboxError;

/// Takes connections to `SERVICE.NAMESPACE.svc`, with certificates of the sandbox's own authority.
pub(super) fn acceptor(issuer: Issuer<'static, KeyPair>) -> Result<TlsAcceptor, SandboxError> {
    let resolver = Resolver {
        issuer,
        key: KeyPair::generate()?,
        issued: Mutex::default(),
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| SandboxError::Tls(error.to_string()))?;
    let config = builder
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Issues a certificate for each name when it is asked for the first time.
#[derive(Debug)]
struct Resolver {
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    issued: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Resolver {
    fn issue(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).ok()?;
        parameters.use_authority_key_identifier_extension = true;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = parameters.signed_by(&self.key, &self.issuer).ok()?;
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).ok()?;
        let key = any_supported_type(&key).ok()?;
        let chain = vec![certificate.der().clone()];
        Some(Arc::new(CertifiedKey::new(chain, key)))
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?;
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = issued.get(name) {
            return Some(Arc::clone(certificate));
        }
        let certificate = self.issue(name)?;
        issued.insert(name.to_owned(), Arc::clone(&certificate));
        Some(certificate)
    }
}
