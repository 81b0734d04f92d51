use std::{ffi::OsString, path::PathBuf, process::Stdio};

use futures::{SinkExt as _, Stream, StreamExt as _};
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::{
    PodName,
    answer::{Body, BoxError, plain, whole},
    logs::spec,
};
use crate::sandbox::{launch, processes::MARKER};

/// The protocols of exec over WebSockets that are spoken here: the first byte of a message is its channel, and in the
/// fifth version a channel can be closed (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets>).
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

/// Whether a request can be answered here. What cannot is left to kwok, which loses exit statuses and the end of the input.
pub(super) fn is_answerable(request: &Request<Incoming>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    protocol(request.headers()).is_some() && !query.split('&').any(|pair| pair.starts_with("tty="))
}

fn protocol(headers: &HeaderMap) -> Option<&'static str> {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = offered.flat_map(|value| value.split(',')).map(str::trim).collect();
    PROTOCOLS.into_iter().find(|protocol| offered.contains(protocol))
}

/// Runs a command for a container and streams its input and output.
pub(super) fn answer(mut request: Request<Incoming>, commands: &Commands, name: &PodName, pod: &Value, container: &str) -> Response<Body> {
    let (Some(protocol), Some(key)) = (protocol(request.headers()), request.headers().get(SEC_WEBSOCKET_KEY)) else {
        return plain(StatusCode::BAD_REQUEST, "exec needs a WebSocket");
    };
    let accept = derive_accept_key(key.as_bytes());
    let child = match commands.spawn(request.uri().query().unwrap_or_default(), name, pod, container) {
        Ok(child) => child,
        Err(error) => return plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            let _ = session(socket, child).await;
        }
    });
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).header(CONNECTION, "Upgrade").header(UPGRADE, "websocket");
    let response = response.header(SEC_WEBSOCKET_ACCEPT, accept).header(SEC_WEBSOCKET_PROTOCOL, protocol).body(whole(""));
    response.unwrap_or_else(|error| plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

impl Commands {
    /// Starts the command that the query names; it finds out by variables which pod it is for.
    fn spawn(&self, query: &str, name: &PodName, pod: &Value, container: &str) -> std::io::Result<Child> {
        let values = |wanted: &'static str| query.split('&').filter_map(move |pair| pair.strip_prefix(wanted)?.strip_prefix('='));
        let words: Vec<String> = values("command").map(decode).collect();
        let (program, arguments) = words.split_first().ok_or_else(|| std::io::Error::other("you must specify at least 1 command"))?;
        let mut command = launch::mortal(program.as_ref());
        command.args(arguments).current_dir(&self.folder).env("PATH", &self.search_path).env(MARKER, &self.id);
        command.envs(literal_environment(pod, container));
        command.envs([("HOSTNAME", &name.name), ("POD_NAME", &name.name), ("POD_NAMESPACE", &name.namespace)]);
        command.env("CONTAINER_NAME", container).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if values("input").next().is_some() { Stdio::piped() } else { Stdio::null() });
        Command::from(command).kill_on_drop(true).spawn()
    }
}

/// A value of a query, as forms encode it.
fn decode(value: &str) -> String {
    percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The variables of the container that are given as they are.
fn literal_environment(pod: &Value, container: &str) -> Vec<(String, String)> {
    let variables = spec(pod, container)["env"].as_array().cloned().unwrap_or_default();
    let pair = |variable: Value| Some((variable["name"].as_str()?.to_owned(), variable["value"].as_str()?.to_owned()));
    variables.into_iter().filter_map(pair).collect()
}

async fn session<S>(socket: WebSocketStream<S>, mut child: Child) -> Result<(), BoxError>
where
    S: AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut sink, incoming) = socket.split();
    let stdin = child.stdin.take();
    let (sender, mut messages) = tokio::sync::mpsc::channel(16);
    let stdout = pump(child.stdout.take(), STDOUT, sender.clone());
    let stderr = pump(child.stderr.take(), STDERR, sender);
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
        sink.send(message(STATUS, exit_status(status.code().unwrap_or(137)).to_string().as_bytes())).await?;
        // Clients take a close without a code for a broken connection.
        sink.send(Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))).await?;
        Ok(())
    };
    tokio::select! {
        result = output => result,
        // The client has gone; the command is killed when it is dropped.
        () = feed(incoming, stdin) => Ok(()),
    }
}

/// Writes what comes in to the command; returns when the connection ends.
async fn feed(incoming: impl Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>>, mut stdin: Option<ChildStdin>) {
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

async fn pump(output: Option<impl AsyncRead + Unpin>, channel: u8, messages: tokio::sync::mpsc::Sender<Message>) {
    let Some(mut output) = output else { return };
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(length) = output.read(&mut buffer).await {
        if length == 0 || messages.send(message(channel, &buffer[..length])).await.is_err() {
            return;
        }
    }
}

fn message(channel: u8, data: &[u8]) -> Message {
    let mut bytes = Vec::with_capacity(data.len() + 1);
    bytes.push(channel);
    bytes.extend_from_slice(data);
    Message::binary(bytes)
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
