//! The program that a kubeconfig names for logging in.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
//!
//! On purpose not kube's own code: it runs the program three times for each client, so that a person
//! is asked three times, and takes a program without a terminal for one that somebody answers.

use std::{
    io::{self, ErrorKind},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::{event::seconds, object::one_line};

/// How long a program may take that nobody sees: long enough for somebody who reads a log.
const LIMIT: Duration = Duration::from_mins(1);
/// What it has written to standard error is there at once when it has ended. What it has started,
/// such as a browser, may hold that open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How much of that is remembered, in bytes, and how many lines of it are shown.
const REMEMBERED: usize = 4_096;
const SHOWN_LINES: usize = 3;

/// A program that gives credentials.
#[derive(Debug)]
pub(super) struct Login {
    exec: ExecConfig,
    is_interactive: bool,
    /// How long it may take.
    limit: Duration,
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
        let is_interactive = is_terminal && mode != Some(&ExecInteractiveMode::Never);
        let login = Self {
            exec,
            is_interactive,
            limit: if is_interactive { Duration::MAX } else { LIMIT },
        };
        if login.exec.interactive_mode == Some(ExecInteractiveMode::Always) && !is_terminal {
            return Err(format!(
                "{} asks questions, and there is no terminal to answer them",
                login.name()
            ));
        }
        Ok(login)
    }

    /// Runs the program to its end; it is killed where this is dropped, or takes too long. What it
    /// writes to standard output is never shown: it may be a token. Standard error is passed on.
    pub(super) async fn run(&self) -> Result<Credentials, String> {
        let name = self.name();
        let mut child = self
            .command()?
            .spawn()
            .map_err(|error| format!("{name} cannot be run: {error}{}", self.hint(error.kind())))?;
        let said = Said::default();
        let passing = child
            .stderr
            .take()
            .map(|stderr| tokio::spawn(said.clone().pass_on(stderr)));
        let Ok(ended) = timeout(self.limit, output(&mut child)).await else {
            let (limit, said) = (seconds(self.limit), said.last_lines());
            return Err(format!("{name} has not ended within {limit} s{said}"));
        };
        let (status, stdout) = ended.map_err(|error| format!("{name}: {error}"))?;
        if !status.success() {
            if let Some(passing) = passing {
                let _ = timeout(LAST_WORDS, passing).await;
            }
            return Err(format!("{name} ended with {status}{}", said.last_lines()));
        }
        self.credentials(&stdout)
    }

    /// The credentials in `stdout`, what the program has written to standard output.
    fn credentials(&self, stdout: &[u8]) -> Result<Credentials, String> {
        let name = self.name();
        let text = String::from_utf8_lossy(stdout);
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
        command.stdout(Stdio::piped()).kill_on_drop(true);
        if self.is_interactive {
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).stderr(Stdio::piped());
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

/// How `child` has ended, and what it has written to standard output.
async fn output(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout).await?;
    }
    Ok((child.wait().await?, stdout))
}

/// The end of what a program has written to standard error so far.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Passes on what comes from `stderr`, as it comes: it may be a code that somebody waits for.
    async fn pass_on(self, mut stderr: ChildStderr) {
        let mut own = tokio::io::stderr();
        let mut read = Vec::with_capacity(REMEMBERED);
        while let Ok(1..) = stderr.read_buf(&mut read).await {
            // Nobody may be there to read it.
            let _ = own.write_all(&read).await;
            let _ = own.flush().await;
            let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            said.append(&mut read);
            let excess = said.len().saturating_sub(REMEMBERED);
            said.drain(..excess);
        }
    }

    /// The last lines, behind a colon; nothing where there are none.
    fn last_lines(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&said);
        let lines: Vec<String> = text
            .lines()
            .map(|line| one_line(line, 200))
            .filter(|line| !line.is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        if last.is_empty() {
            String::new()
        } else {
            format!(": {}", last.join("; "))
        }
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

    async fn answer(script: &str) -> Result<Credentials, String> {
        Login::new(exec(script), false)?.run().await
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

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_and_what_it_said_last_is_told() {
        let mut login = Login::new(exec("echo hunter2; exec sleep 1000"), false).unwrap();
        assert_eq!(login.limit, LIMIT);
        login.limit = Duration::from_millis(50);
        let why = login.run().await.expect_err("refused");
        assert!(why.contains("`sh` has not ended within"), "{why}");
        let said = "for word in one two three four; do echo $word >&2; done; exit 1";
        let why = answer(said).await.expect_err("refused");
        assert!(why.ends_with(": two; three; four"), "{why}");
        // Something that it has started holds its standard error open.
        let why = answer("sleep 3 >/dev/null & echo no >&2; exit 3").await;
        assert!(why.expect_err("refused").ends_with(": 3: no"));
        assert_eq!(Login::new(exec("true"), true).unwrap().limit, Duration::MAX);
    }

    #[tokio::test]
    async fn what_it_gives_is_read_and_what_it_lacks_is_said() {
        let given = answer(
            r#"echo '{"kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": "2030-01-01T00:00:00Z"}}'"#,
        )
        .await
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
            let said = answer(script).await.expect_err("refused");
            assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_said_with_how_to_install_it() {
        let mut absent = exec("");
        absent.command = Some("/nonexistent/login".to_owned());
        let why = Login::new(absent, true)
            .unwrap()
            .run()
            .await
            .expect_err("refused");
        assert!(why.ends_with("; brew install login"), "{why}");
        let mut folder = exec("");
        folder.command = Some("/".to_owned());
        let why = Login::new(folder, true)
            .unwrap()
            .run()
            .await
            .expect_err("refused");
        assert!(!why.contains("brew"), "{why}");
    }
}
