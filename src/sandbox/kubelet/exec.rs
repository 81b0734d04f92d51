//! `kubectl exec`: runs the command on this machine and streams its input and output.

use std::{ffi::OsString, path::PathBuf, process::Stdio};

use futures::{SinkExt as _, Stream, StreamExt as _};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, ChildStdin, Command},
};
use tokio_tungstenite::tungstenite::{self, Message};

use super::{
    answer::{Body, BoxError, plain},
    logs::spec,
    pod::PodName,
    websocket::{self, Socket, message, pump},
};
use crate::sandbox::{launch, processes::MARKER};

/// The protocols of exec over `WebSockets` that are spoken here: the first byte of a message is its
/// channel, and in the fifth version a channel can be closed
/// (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets>).
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;

/// Where and how commands run that somebody executes in a pod: on this machine.
pub(in crate::sandbox) struct Commands {
    /// Marks the processes as the sandbox's.
    pub(in crate::sandbox) id: String,
    /// Their working directory.
    pub(in crate::sandbox) folder: PathBuf,
    /// Where programs are looked for.
    pub(in crate::sandbox) search_path: OsString,
}

/// Whether a request can be answered here. What cannot is left to kwok, which loses exit statuses
/// and the end of the input.
pub(super) fn is_answerable(request: &Request<Incoming>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    websocket::agreed(request.headers(), &PROTOCOLS).is_some()
        && !query.split('&').any(|pair| pair.starts_with("tty="))
}

/// Runs a command for a container and streams its input and output.
pub(super) fn answer(
    request: Request<Incoming>,
    commands: &Commands,
    name: &PodName,
    pod: &Value,
    container: &str,
) -> Response<Body> {
    let Some(protocol) = websocket::agreed(request.headers(), &PROTOCOLS) else {
        return plain(StatusCode::BAD_REQUEST, "exec needs a WebSocket");
    };
    match commands.spawn(
        request.uri().query().unwrap_or_default(),
        name,
        pod,
        container,
    ) {
        Ok(child) => websocket::accept(request, protocol, |socket| async move {
            let _ = session(socket, child).await;
        }),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

impl Commands {
    /// Starts the command that the query names; it finds out by variables which pod it is for.
    fn spawn(
        &self,
        query: &str,
        name: &PodName,
        pod: &Value,
        container: &str,
    ) -> std::io::Result<Child> {
        let values = |wanted: &'static str| {
            query
                .split('&')
                .filter_map(move |pair| pair.strip_prefix(wanted)?.strip_prefix('='))
        };
        let words: Vec<String> = values("command").map(decode).collect();
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| std::io::Error::other("you must specify at least 1 command"))?;
        let mut command = launch::mortal(program.as_ref());
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("PATH", &self.search_path)
            .env(MARKER, &self.id);
        command.envs(literal_environment(pod, container));
        command.envs([
            ("HOSTNAME", &name.name),
            ("POD_NAME", &name.name),
            ("POD_NAMESPACE", &name.namespace),
        ]);
        command
            .env("CONTAINER_NAME", container)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.stdin(if values("input").next().is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        Command::from(command).kill_on_drop(true).spawn()
    }
}

/// A value of a query, as forms encode it.
fn decode(value: &str) -> String {
    percent_decode_str(&value.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// The variables of the container that are given as they are.
fn literal_environment(pod: &Value, container: &str) -> Vec<(String, String)> {
    let variables = spec(pod, container)["env"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let pair = |variable: Value| {
        Some((
            variable["name"].as_str()?.to_owned(),
            variable["value"].as_str()?.to_owned(),
        ))
    };
    variables.into_iter().filter_map(pair).collect()
}

async fn session(socket: Socket, mut child: Child) -> Result<(), BoxError> {
    let (mut sink, incoming) = socket.split();
    let stdin = child.stdin.take();
    let (sender, mut messages) = tokio::sync::mpsc::channel(16);
    let (stdout, stderr) = (
        child.stdout.take().ok_or("no output")?,
        child.stderr.take().ok_or("no error output")?,
    );
    let (stdout, stderr) = (
        pump(stdout, STDOUT, sender.clone()),
        pump(stderr, STDERR, sender),
    );
    let output = async {
        let write = async {
            while let Some(message) = messages.recv().await {
                sink.send(message).await?;
            }
            Ok::<_, BoxError>(())
        };
        let ((), (), written) = tokio::join!(stdout, stderr, write);
        written?;
        let status = child.wait().await?;
        sink.send(message(
            STATUS,
            exit_status(status.code().unwrap_or(137))
                .to_string()
                .as_bytes(),
        ))
        .await?;
        websocket::close(&mut sink).await?;
        Ok(())
    };
    tokio::select! {
        result = output => result,
        // The client has gone; the command is killed when it is dropped.
        () = feed(incoming, stdin) => Ok(()),
    }
}

/// Writes what comes in to the command; returns when the connection ends.
async fn feed(
    incoming: impl Stream<Item = Result<Message, tungstenite::Error>>,
    mut stdin: Option<ChildStdin>,
) {
    let mut incoming = std::pin::pin!(incoming);
    while let Some(Ok(message)) = incoming.next().await {
        if message.is_close() {
            return;
        }
        let data = message.into_data();
        match data.split_first() {
            Some((&STDIN, bytes)) => {
                let failed = match &mut stdin {
                    Some(pipe) => pipe.write_all(bytes).await.is_err(),
                    None => false,
                };
                // The command has closed its input.
                if failed {
                    stdin = None;
                }
            }
            Some((&CLOSE, [STDIN])) => stdin = None,
            _ => (),
        }
    }
}

/// How kubelets say that a command has ended
/// (<https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/cri-streaming/pkg/streaming/remotecommand/exec.go>).
fn exit_status(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}
