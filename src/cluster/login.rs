//! The program that a kubeconfig names for logging in.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use std::io::ErrorKind;

use kube::{
    client::AuthError,
    config::{ExecConfig, ExecInteractiveMode},
};

/// What is said of a login program where it gives no credentials.
#[derive(Debug, Clone)]
pub(super) struct Login {
    command: String,
    install_hint: Option<String>,
}

impl Login {
    /// The login program of `exec`, which is told whether somebody can answer its questions.
    pub(super) fn prepare(exec: &mut ExecConfig, is_terminal: bool) -> Result<Self, String> {
        let login = Self {
            command: exec.command.clone().unwrap_or_default(),
            install_hint: exec.install_hint.clone().filter(|hint| !hint.is_empty()),
        };
        if is_terminal {
            return Ok(login);
        }
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(format!(
                "the login program `{}` asks questions, and there is no terminal to answer them",
                login.command
            ));
        }
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
        Ok(login)
    }
}

/// Why a login program gave no credentials; what it wrote to standard output is not shown: it may
/// be a token.
pub(super) fn login_problem(error: &AuthError, login: Option<&Login>) -> String {
    let program = login.map_or_else(
        || "the login program of the kubeconfig".to_owned(),
        |login| format!("the login program `{}`", login.command),
    );
    match error {
        AuthError::AuthExecStart(error) => {
            let hint = login
                .filter(|_| error.kind() == ErrorKind::NotFound)
                .and_then(|login| login.install_hint.as_deref())
                .map(|hint| format!("; {}", hint.trim()))
                .unwrap_or_default();
            format!("{program} cannot be run: {error}{hint}")
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(mode: Option<ExecInteractiveMode>) -> ExecConfig {
        ExecConfig {
            command: Some("login".to_owned()),
            interactive_mode: mode,
            install_hint: Some("brew install login".to_owned()),
            ..ExecConfig::default()
        }
    }

    #[test]
    fn without_a_terminal_a_program_is_not_told_that_somebody_answers() {
        for mode in [None, Some(ExecInteractiveMode::IfAvailable)] {
            let mut exec = exec(mode.clone());
            Login::prepare(&mut exec, true).unwrap();
            assert_eq!(exec.interactive_mode, mode);
            Login::prepare(&mut exec, false).unwrap();
            assert_eq!(exec.interactive_mode, Some(ExecInteractiveMode::Never));
        }
        let mut exec = exec(Some(ExecInteractiveMode::Always));
        let why = Login::prepare(&mut exec, false).expect_err("refused");
        assert!(why.contains("`login`") && why.contains("no terminal"));
    }

    #[test]
    fn a_program_that_is_not_there_is_said_with_how_to_install_it() {
        let login = Login::prepare(&mut exec(None), true).unwrap();
        let said =
            |kind: ErrorKind| login_problem(&AuthError::AuthExecStart(kind.into()), Some(&login));
        assert!(said(ErrorKind::NotFound).ends_with("; brew install login"));
        assert!(!said(ErrorKind::PermissionDenied).contains("brew"));
    }
}
