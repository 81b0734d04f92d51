//! The program that a kubeconfig names for logging in.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
//!
//! On purpose not kube's own code: it runs the program three times for each client, so that a person
//! is asked three times, and takes a program without a terminal for one that somebody answers.

use std::{
    io::ErrorKind,
    process::{Command, Stdio},
};

use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::json;

/// A program that gives credentials.
#[derive(Debug)]
pub(super) struct Login {
    exec: ExecConfig,
    is_interactive: bool,
}

/// What a login program has given.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credentials {
    /// The bearer token.
    #[serde(default, deserialize_with = "secret")]
    pub(super) token: Option<SecretString>,
    /// When the program is to be asked again.
    pub(super) expiration_timestamp: Option<Timestamp>,
    /// The certificate in PEM.
    pub(super) client_certificate_data: Option<String>,
    /// Its key in PEM.
    #[serde(default, deserialize_with = "secret")]
    pub(super) client_key_data: Option<SecretString>,
}

/// A text that is not shown; an empty one is none.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: Option<Credentials>,
}

impl Login {
    /// The program of `exec`, which is told whether there is a terminal on which somebody can answer
    /// its questions.
    pub(super) fn new(exec: ExecConfig, is_terminal: bool) -> Result<Self, String> {
        let mode = exec.interactive_mode.as_ref();
        let login = Self {
            is_interactive: is_terminal && mode != Some(&ExecInteractiveMode::Never),
            exec,
        };
        if login.exec.interactive_mode == Some(ExecInteractiveMode::Always) && !is_terminal {
            return Err(format!(
                "{} asks questions, and there is no terminal to answer them",
                login.name()
            ));
        }
        Ok(login)
    }

    /// Runs the program to its end. What it writes to standard output is never shown: it may be a
    /// token.
    pub(super) fn run(&self) -> Result<Credentials, String> {
        let name = self.name();
        let output = self
            .command()?
            .output()
            .map_err(|error| format!("{name} cannot be run: {error}{}", self.hint(error.kind())))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .map(|line| format!(": {}", line.trim()))
                .unwrap_or_default();
            return Err(format!("{name} ended with {}{said}", output.status));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let answer: Answer = serde_yaml::from_str(&text)
            .map_err(|_| format!("{name} answered with something else than an ExecCredential"))?;
        let mut credentials = answer.status.unwrap_or_default();
        credentials
            .client_certificate_data
            .take_if(|certificate| certificate.is_empty());
        let has_certificate = credentials.client_certificate_data.is_some();
        if has_certificate != credentials.client_key_data.is_some() {
            return Err(format!(
                "{name} gave a certificate or a key without the other"
            ));
        }
        if credentials.token.is_none() && !has_certificate {
            return Err(format!("{name} gave neither a token nor a certificate"));
        }
        Ok(credentials)
    }

    fn command(&self) -> Result<Command, String> {
        let program = self.exec.command.as_deref();
        let mut command = Command::new(program.ok_or("the kubeconfig names no login program")?);
        command.args(self.exec.args.iter().flatten());
        for variable in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        let mut spec = json!({"interactive": self.is_interactive});
        if let Some(cluster) = &self.exec.cluster {
            spec["cluster"] = serde_json::to_value(cluster).map_err(|error| error.to_string())?;
        }
        let info =
            json!({"apiVersion": self.exec.api_version, "kind": "ExecCredential", "spec": spec});
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        if self.is_interactive {
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            command.stdin(Stdio::null());
        }
        Ok(command)
    }

    fn name(&self) -> String {
        let command = self.exec.command.as_deref().unwrap_or_default();
        format!("the login program `{command}`")
    }

    /// How to get the program, where it is not there.
    fn hint(&self, error: ErrorKind) -> String {
        self.exec
            .install_hint
            .as_deref()
            .filter(|hint| error == ErrorKind::NotFound && !hint.trim().is_empty())
            .map(|hint| format!("; {}", hint.trim()))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn exec(script: &str) -> ExecConfig {
        ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            install_hint: Some("brew install login".to_owned()),
            ..ExecConfig::default()
        }
    }

    fn answer(script: &str) -> Result<Credentials, String> {
        Login::new(exec(script), false)?.run()
    }

    #[test]
    fn a_program_is_told_whether_somebody_can_answer() {
        let mode = |mode, is_terminal| {
            let mut exec = exec("true");
            exec.interactive_mode = mode;
            Login::new(exec, is_terminal).map(|login| login.is_interactive)
        };
        for available in [None, Some(ExecInteractiveMode::IfAvailable)] {
            assert_eq!(mode(available.clone(), true), Ok(true));
            assert_eq!(mode(available, false), Ok(false));
        }
        assert_eq!(mode(Some(ExecInteractiveMode::Never), true), Ok(false));
        assert_eq!(mode(Some(ExecInteractiveMode::Always), true), Ok(true));
        let why = mode(Some(ExecInteractiveMode::Always), false).expect_err("refused");
        assert!(why.contains("`sh`") && why.contains("no terminal"), "{why}");
    }

    #[test]
    fn what_it_gives_is_read_and_what_it_lacks_is_said() {
        let given = answer(
            r#"echo '{"kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": "2030-01-01T00:00:00Z"}}'"#,
        )
        .unwrap();
        assert_eq!(given.token.unwrap().expose_secret(), "t");
        assert!(given.expiration_timestamp.is_some());
        for (script, why) in [
            ("echo hunter2; echo no >&2; exit 3", "exit status: 3: no"),
            ("echo hunter2", "something else than an ExecCredential"),
            (
                "echo '{\"status\": {}}'",
                "neither a token nor a certificate",
            ),
            (
                "echo '{\"status\": {\"token\": \"hunter2\", \"clientKeyData\": \"k\"}}'",
                "without the other",
            ),
        ] {
            let said = answer(script).expect_err("refused");
            assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_said_with_how_to_install_it() {
        let mut absent = exec("");
        absent.command = Some("/nonexistent/login".to_owned());
        let why = Login::new(absent, true)
            .unwrap()
            .run()
            .expect_err("refused");
        assert!(why.ends_with("; brew install login"), "{why}");
        let mut folder = exec("");
        folder.command = Some("/".to_owned());
        let why = Login::new(folder, true)
            .unwrap()
            .run()
            .expect_err("refused");
        assert!(!why.contains("brew"), "{why}");
    }
}
