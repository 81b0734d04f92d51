//! Connections to the API server, for the proxy and for what tests ask themselves.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::Full;
use hyper::{body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// Why a request was not answered.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The API server itself.
pub(crate) struct Upstream {
    /// Host and port.
    address: String,
    host: ServerName<'static>,
    /// The bearer token of the kubeconfig's current user.
    token: String,
    connector: TlsConnector,
}

/// A connection to the API server, on which one request follows the other.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

impl Upstream {
    /// The server, and the user, of `kubeconfig`, which is JSON and has the same server in all
    /// contexts.
    pub(crate) fn of(kubeconfig: &Path) -> Self {
        let config: Value = serde_json::from_str(&fs::read_to_string(kubeconfig).unwrap()).unwrap();
        let cluster = &config["clusters"][0]["cluster"];
        let address = cluster["server"]
            .as_str()
            .unwrap()
            .strip_prefix("https://")
            .expect("the sandbox speaks TLS")
            .to_owned();
        let host = address.split(':').next().unwrap().to_owned();
        let authority = STANDARD
            .decode(cluster["certificate-authority-data"].as_str().unwrap())
            .unwrap();
        let user = config["users"]
            .as_array()
            .unwrap()
            .iter()
            .find(|user| user["name"] == config["current-context"]);
        let token = user
            .and_then(|user| user["user"]["token"].as_str())
            .expect("the current user has a token")
            .to_owned();
        Self {
            address,
            host: host.try_into().unwrap(),
            token,
            connector: connector(&authority),
        }
    }

    /// A new connection. It is served in the background, until its sender and the answers are
    /// dropped.
    pub(crate) async fn connect(&self) -> Result<Sender, BoxError> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(self.host.clone(), stream).await?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// What its user shows, for the header `Authorization`.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Host and port, for the header `Host`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

fn connector(authority: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    TlsConnector::from(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}
