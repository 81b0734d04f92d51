//! From kubeconfig, context and flags to a client; what is wrong with them is said without a
//! token.

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    path::PathBuf,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri, header};
use kube::{
    Client, Config,
    client::AuthError,
    config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig},
};
use secrecy::ExposeSecret as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{bearer::Bearer, kubeconfig, login::Login, proxy};

/// Which cluster the user asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    /// Context of the kubeconfig; its current one where this is `None`.
    pub(crate) context: Option<String>,
    /// Path of the kubeconfig; `KUBECONFIG` or `~/.kube/config` where this is `None`.
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// Why there is no way to talk to a cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The kubeconfig is absent or cannot be read.
    #[error("cannot use the kubeconfig: {why}")]
    Kubeconfig { why: String },
    /// The context is not in the kubeconfig.
    #[error("the kubeconfig has no context `{context}`; it has {}", list(known))]
    NoSuchContext { context: String, known: Vec<String> },
    /// No context was named and the kubeconfig marks none as current.
    #[error("the kubeconfig has no current context; it has {}", list(known))]
    NoCurrentContext { known: Vec<String> },
    /// The program that the kubeconfig names for logging in did not give credentials.
    #[error("cannot log in with context `{context}`: {why}")]
    Credentials { context: String, why: String },
    /// The client could not be made of the kubeconfig.
    #[error("cannot connect to the cluster of context `{context}`: {why}")]
    Client { context: String, why: String },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a kubeconfig says about the target.
pub(super) struct Resolved {
    pub(super) config: Config,
    pub(super) context: String,
    /// Flags with which kubectl talks to the same cluster; empty where it does so anyway.
    pub(super) kubectl_flags: String,
    /// The token that every request carries.
    pub(super) bearer: Option<Bearer>,
    /// The program that gives credentials instead.
    pub(super) login: Option<Login>,
}

/// Time in which a connection must be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the kubeconfig and picks the context; no request is sent.
pub(super) fn resolve(target: &Target) -> Result<Resolved, ConnectError> {
    let kubeconfig = match read(target) {
        Ok(kubeconfig) => kubeconfig,
        Err(why) => return in_cluster(target)?.ok_or(ConnectError::Kubeconfig { why }),
    };
    let known: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.clone())
        .collect();
    let context = match target
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone())
        .filter(|name| !name.is_empty())
    {
        Some(context) if known.contains(&context) => context,
        Some(context) => return Err(ConnectError::NoSuchContext { context, known }),
        None => return in_cluster(target)?.ok_or(ConnectError::NoCurrentContext { known }),
    };
    let kubectl_flags = kubectl_flags(target, &context, kubeconfig.current_context.as_deref());
    let config = configured(&kubeconfig, &context).map_err(|why| ConnectError::Client {
        context: context.clone(),
        why,
    })?;
    resolved(config, context, kubectl_flags)
}

/// `config` with what is decided here and not by kube.
fn resolved(
    mut config: Config,
    context: String,
    kubectl_flags: String,
) -> Result<Resolved, ConnectError> {
    let refused = |why| ConnectError::Credentials {
        context: context.clone(),
        why,
    };
    let bearer = Bearer::take(&mut config.auth_info).map_err(refused)?;
    let exec = config.auth_info.exec.take();
    let login = exec
        .filter(|_| bearer.is_none())
        .map(|exec| Login::new(exec, io::stdin().is_terminal()))
        .transpose()
        .map_err(refused)?;
    Ok(Resolved {
        config: adjusted(config),
        context,
        kubectl_flags,
        bearer,
        login,
    })
}

/// The client of `config`, and the token for its requests. Runs `login`.
pub(super) async fn client(
    mut config: Config,
    bearer: Option<Bearer>,
    login: Option<Login>,
    context: &str,
) -> Result<(Client, Option<Bearer>), ConnectError> {
    let refused = |why| ConnectError::Credentials {
        context: context.to_owned(),
        why,
    };
    let bearer = match login {
        None => bearer,
        Some(login) => {
            let credentials = login.run().await.map_err(refused)?;
            let user = &mut config.auth_info;
            if let (Some(certificate), Some(key)) = (
                &credentials.client_certificate_data,
                &credentials.client_key_data,
            ) {
                user.client_certificate_data = Some(STANDARD.encode(certificate));
                user.client_key_data = Some(STANDARD.encode(key.expose_secret()).into());
            }
            Bearer::given(login, &credentials).map_err(refused)?
        }
    };
    let client = Client::try_from(config).map_err(|error| match error {
        kube::Error::Auth(error) => refused(auth_problem(&error)),
        error => ConnectError::Client {
            context: context.to_owned(),
            why: error.to_string(),
        },
    })?;
    Ok((client, bearer))
}

/// Why kube has no credentials; what a program wrote is not shown: it may be a token.
pub(super) fn auth_problem(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            format!(
                "the login program of the kubeconfig ended with {}",
                out.status
            )
        }
        other => other.to_string(),
    }
}

/// What `kubeconfig` says about the cluster and the user of `context`.
fn configured(kubeconfig: &Kubeconfig, context: &str) -> Result<Config, String> {
    let context = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context)
        .and_then(|named| named.context.clone())
        .ok_or("it names no cluster")?;
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| format!("the kubeconfig has no cluster `{}`", context.cluster))?;
    let mut user = kubeconfig
        .auth_infos
        .iter()
        .find(|named| Some(&named.name) == context.user.as_ref())
        .and_then(|named| named.auth_info.clone())
        .unwrap_or_default();
    if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        let cluster = ExecAuthCluster::try_from(&cluster).map_err(|error| error.to_string())?;
        exec.cluster = Some(cluster);
    }
    check_provider(&user)?;
    let mut config = Config::new(server(&cluster, &user)?);
    config.root_cert = authorities(&cluster)?;
    if config.root_cert.is_some() && cluster.insecure_skip_tls_verify == Some(true) {
        return Err("its cluster has a certificate authority and `insecure-skip-tls-verify`: remove one of them".to_owned());
    }
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or_default();
    config.disable_compression = cluster.disable_compression.unwrap_or_default();
    config.proxy_url = match &cluster.proxy_url {
        Some(url) => Some(proxy::named(url)?),
        None => proxy::of_environment(&config.cluster_url, &|name| env::var(name).ok())?,
    };
    config.tls_server_name = cluster.tls_server_name;
    if let Some(namespace) = context.namespace {
        config.default_namespace = namespace;
    }
    config.auth_info = user;
    Ok(config)
}

/// What has replaced the `auth-provider` of each name that kubectl once knew.
const LOGIN_PROGRAMS: [(&str, &str); 4] = [
    ("gcp", "gke-gcloud-auth-plugin"),
    ("azure", "kubelogin"),
    ("openstack", "client-keystone-auth"),
    ("oidc", "kubectl oidc-login"),
];

/// Refuses an `auth-provider`, as kubectl does, with the login program that has taken its place. The
/// `id-token` that one of `oidc` holds is used.
/// <https://github.com/kubernetes/client-go/tree/master/plugin/pkg/client/auth>
fn check_provider(user: &AuthInfo) -> Result<(), String> {
    let Some(provider) = &user.auth_provider else {
        return Ok(());
    };
    let has_token = provider.config.contains_key("id-token");
    if provider.name == "oidc" && has_token || user.token.is_some() || user.token_file.is_some() {
        return Ok(());
    }
    let program = LOGIN_PROGRAMS
        .iter()
        .find(|(name, _)| *name == provider.name)
        .map_or_else(
            || "a login program".to_owned(),
            |(_, program)| format!("the login program `{program}`"),
        );
    Err(format!(
        "its user has the `auth-provider` `{}`, which is gone from kubectl: use {program} as its `exec`",
        provider.name
    ))
}

/// The address of the API server. Without a scheme it speaks TLS where anything about TLS is said,
/// as for client-go.
fn server(cluster: &Cluster, user: &AuthInfo) -> Result<Uri, String> {
    let server = cluster
        .server
        .as_deref()
        .ok_or("its cluster has no `server`")?;
    let speaks_tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let scheme = match (server.contains("://"), speaks_tls) {
        (true, _) => "",
        (false, true) => "https://",
        (false, false) => "http://",
    };
    format!("{scheme}{server}")
        .parse()
        .map_err(|error| format!("its `server` `{server}` is no address: {error}"))
}

/// The certificates that the API server's is checked by; `None` for those of the system.
fn authorities(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, String> {
    let bytes = match (
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    ) {
        (Some(data), _) => STANDARD
            .decode(data)
            .map_err(|error| format!("`certificate-authority-data` is not base64: {error}"))?,
        (None, Some(path)) => {
            fs::read(path).map_err(|error| format!("`certificate-authority` {path}: {error}"))?
        }
        (None, None) => return Ok(None),
    };
    let certificates = CertificateDer::pem_slice_iter(&bytes).map(|certificate| {
        certificate
            .map(|certificate| certificate.as_ref().to_vec())
            .map_err(|error| format!("the certificate authority cannot be read: {error}"))
    });
    let certificates: Vec<_> = certificates.collect::<Result<_, String>>()?;
    if certificates.is_empty() {
        return Err("the certificate authority holds no certificate".to_owned());
    }
    Ok(Some(certificates))
}

/// Flags that make kubectl use `context` of the target's kubeconfig, where it would choose
/// otherwise.
fn kubectl_flags(target: &Target, context: &str, current: Option<&str>) -> String {
    let file = target
        .kubeconfig
        .as_ref()
        .map(|path| format!(" --kubeconfig {}", path.display()));
    let context = (current != Some(context)).then(|| format!(" --context {context}"));
    file.into_iter().chain(context).collect()
}

fn read(target: &Target) -> Result<Kubeconfig, String> {
    kubeconfig::read(
        target.kubeconfig.as_deref(),
        env::var_os("KUBECONFIG").as_deref(),
        env::home_dir().as_deref(),
    )
}

/// The ServiceAccount of the pod this program runs in, where nothing else was asked for.
fn in_cluster(target: &Target) -> Result<Option<Resolved>, ConnectError> {
    const CONTEXT: &str = "in-cluster";
    if target.context.is_some() || target.kubeconfig.is_some() {
        return Ok(None);
    }
    let Ok(mut config) = Config::incluster() else {
        return Ok(None);
    };
    config.proxy_url = proxy::of_environment(&config.cluster_url, &|name| env::var(name).ok())
        .map_err(|why| ConnectError::Client {
            context: CONTEXT.to_owned(),
            why,
        })?;
    resolved(config, CONTEXT.to_owned(), String::new()).map(Some)
}

/// Retries are ours, so that they are seen.
fn adjusted(mut config: Config) -> Config {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // Audit logs tell by it which requests were ours.
    config.headers.push((
        header::USER_AGENT,
        HeaderValue::from_static(concat!("deployctl/", env!("CARGO_PKG_VERSION"))),
    ));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_is_told_what_it_would_not_choose_itself() {
        let target = Target {
            context: Some("prod".to_owned()),
            kubeconfig: Some("k".into()),
        };
        assert_eq!(
            kubectl_flags(&target, "prod", Some("dev")),
            " --kubeconfig k --context prod"
        );
        assert_eq!(kubectl_flags(&Target::default(), "dev", Some("dev")), "");
    }

    fn kubeconfig(cluster: &str, user: &str) -> Kubeconfig {
        let text = format!(
            "clusters: [{{name: c, cluster: {cluster}}}]\nusers: [{{name: u, user: {user}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}, {{name: y, context: {{cluster: d}}}}]\n"
        );
        Kubeconfig::from_yaml(&text).unwrap()
    }

    #[test]
    fn a_server_without_a_scheme_speaks_tls_where_anything_is_said_about_it() {
        let url = |cluster: &str, user: &str| {
            let config = configured(&kubeconfig(cluster, user), "x").unwrap();
            config.cluster_url.to_string()
        };
        assert_eq!(
            url("{server: 'api.test:8080'}", "{}"),
            "http://api.test:8080/"
        );
        let skipped = "{server: 'api.test:6443', insecure-skip-tls-verify: true}";
        assert_eq!(url(skipped, "{}"), "https://api.test:6443/");
        let path = "{server: 'https://rancher.test/k8s/clusters/c-1'}";
        assert_eq!(url(path, "{}"), "https://rancher.test/k8s/clusters/c-1");
    }

    #[test]
    fn what_a_kubeconfig_lacks_is_named() {
        let refused = |cluster: &str, context: &str| {
            configured(&kubeconfig(cluster, "{}"), context).expect_err("refused")
        };
        assert!(refused("{}", "x").contains("no `server`"));
        assert!(refused("{}", "y").contains("no cluster `d`"));
        let authority = "{server: 'https://a.test', certificate-authority: /nonexistent/ca.crt}";
        assert!(refused(authority, "x").contains("/nonexistent/ca.crt"));
        let both = "{server: 'https://a.test', insecure-skip-tls-verify: true, certificate-authority-data: CA}";
        let authority =
            STANDARD.encode("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let why = refused(&both.replace("CA", &authority), "x");
        assert!(why.contains("`insecure-skip-tls-verify`"), "{why}");
        let proxy = "{server: 'https://a.test', proxy-url: 'ftp://u:hunter2@p'}";
        let why = refused(proxy, "x");
        assert!(why.contains("`proxy-url`") && !why.contains("hunter2"));
    }

    #[test]
    fn an_auth_provider_is_refused_with_the_program_that_took_its_place() {
        let read = |user: &str| configured(&kubeconfig("{server: 'https://a.test'}", user), "x");
        for (name, program) in [
            ("gcp", "`gke-gcloud-auth-plugin`"),
            ("azure", "`kubelogin`"),
            ("openstack", "`client-keystone-auth`"),
            ("oidc", "`kubectl oidc-login`"),
            ("own", "a login program"),
        ] {
            let config = "config: {access-token: hunter2, refresh-token: hunter2}";
            let why = read(&format!("{{auth-provider: {{name: {name}, {config}}}}}"));
            let why = why.expect_err("refused");
            assert!(why.contains(program) && !why.contains("hunter2"), "{why}");
        }
        let given = "{auth-provider: {name: oidc, config: {id-token: t}}}";
        assert!(read(given).is_ok());
    }

    #[test]
    fn a_login_program_gets_what_the_cluster_says_and_a_token_comes_first() {
        let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: login, provideClusterInfo: true, interactiveMode: Never}";
        let cluster = "{server: 'https://a.test', tls-server-name: b.test, extensions: [{name: client.authentication.k8s.io/exec, extension: {a: 1}}]}";
        let config = configured(&kubeconfig(cluster, &format!("{{{exec}}}")), "x").unwrap();
        assert_eq!(config.tls_server_name.as_deref(), Some("b.test"));
        let told = config.auth_info.exec.unwrap().cluster.unwrap();
        assert_eq!(told.config, Some(serde_json::json!({"a": 1})));
        let both = kubeconfig(cluster, &format!("{{token: t, {exec}}}"));
        let config = configured(&both, "x").unwrap();
        let resolved = resolved(config, "x".to_owned(), String::new()).unwrap();
        assert!(resolved.bearer.is_some() && resolved.login.is_none());
        assert!(resolved.config.auth_info.exec.is_none());
    }
}
