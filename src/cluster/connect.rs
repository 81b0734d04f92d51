//! From kubeconfig, context and flags to a client; what is wrong with them is said without a
//! token.

use std::{path::PathBuf, time::Duration};

use http::{HeaderValue, header};
use kube::{
    Config,
    client::AuthError,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

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
}

/// Time in which a connection must be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the kubeconfig and picks the context; no request is sent.
pub(super) async fn resolve(target: &Target) -> Result<Resolved, ConnectError> {
    let kubeconfig = match read(target) {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => {
            return in_cluster(target).ok_or_else(|| ConnectError::Kubeconfig {
                why: kubeconfig_problem(&error, target),
            });
        }
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
        None => return in_cluster(target).ok_or(ConnectError::NoCurrentContext { known }),
    };
    let kubectl_flags = kubectl_flags(target, &context, kubeconfig.current_context.as_deref());
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| ConnectError::Client {
            context: context.clone(),
            why: error.to_string(),
        })?;
    Ok(Resolved {
        config: adjusted(config),
        context,
        kubectl_flags,
    })
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

fn read(target: &Target) -> Result<Kubeconfig, KubeconfigError> {
    match &target.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    }
}

/// What is wrong, with the file that it is wrong in. The parser's excerpt is left out: it may show
/// a token.
fn kubeconfig_problem(error: &KubeconfigError, target: &Target) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        other => {
            let place = target
                .kubeconfig
                .as_ref()
                .map(|path| path.display().to_string())
                .or_else(|| std::env::var("KUBECONFIG").ok());
            let text = other.to_string();
            format!(
                "{}: {}",
                place.unwrap_or_else(|| "~/.kube/config".to_owned()),
                text.lines().next().unwrap_or_default()
            )
        }
    }
}

/// Why a login program gave no credentials; what it wrote to standard output is not shown: it may
/// be a token.
pub(super) fn login_problem(error: &AuthError, program: Option<&str>) -> String {
    let program = program.map_or_else(
        || "the login program of the kubeconfig".to_owned(),
        |program| format!("the login program `{program}`"),
    );
    match error {
        AuthError::AuthExecStart(error) => format!("{program} cannot be run: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .map(|line| format!(": {}", line.trim()))
                .unwrap_or_default();
            format!("{program} ended with {}{said}", out.status)
        }
        AuthError::AuthExecParse(_) => {
            format!("{program} answered with something else than an ExecCredential")
        }
        other => other.to_string(),
    }
}

/// The ServiceAccount of the pod this program runs in, where nothing else was asked for.
fn in_cluster(target: &Target) -> Option<Resolved> {
    if target.context.is_some() || target.kubeconfig.is_some() {
        return None;
    }
    let config = Config::incluster().ok()?;
    Some(Resolved {
        config: adjusted(config),
        context: "in-cluster".to_owned(),
        kubectl_flags: String::new(),
    })
}

/// Retries are ours, so that they are seen; and `NO_PROXY` is about the API server's host.
fn adjusted(mut config: Config) -> Config {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // Audit logs tell by it which requests were ours.
    config.headers.push((
        header::USER_AGENT,
        HeaderValue::from_static(concat!("deployctl/", env!("CARGO_PKG_VERSION"))),
    ));
    if config.proxy_url.is_some() && bypasses_proxy(config.cluster_url.host().unwrap_or_default()) {
        config.proxy_url = None;
    }
    config
}

/// Whether `NO_PROXY` names `host`. kube compares it with the proxy's own host instead.
fn bypasses_proxy(host: &str) -> bool {
    let value = std::env::var("NO_PROXY")
        .or_else(|_| std::env::var("no_proxy"))
        .unwrap_or_default();
    no_proxy_names(&value, host)
}

fn no_proxy_names(list: &str, host: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let suffix = entry.trim_start_matches('*').trim_start_matches('.');
            entry == "*"
                || host == suffix
                || (!suffix.is_empty() && host.ends_with(&format!(".{suffix}")))
        })
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

    #[test]
    fn no_proxy_is_about_the_api_server() {
        assert!(no_proxy_names("localhost,.internal,", "api.internal"));
        assert!(no_proxy_names("*", "api.internal"));
        assert!(no_proxy_names("api.internal", "api.internal"));
        assert!(!no_proxy_names("internal.example", "api.internal"));
        assert!(!no_proxy_names("", "api.internal"));
    }
}
