//! Where charts are fetched from: a chart repository and a registry, both on this machine.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use tempfile::TempDir;

use super::{Helm, programs::built};

/// A chart repository: a folder that is served by HTTP.
pub(crate) struct ChartRepository {
    folder: TempDir,
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ChartRepository {
    /// A repository of the chart in `chart`.
    pub(crate) fn of(chart: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        package(chart, folder.path());
        let index = ["repo", "index", ".", "--url", &address];
        Helm::Four.run(folder.path(), &index, &[]);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (files, noted) = (folder.path().to_owned(), Arc::clone(&asked));
        // It ends with the process of the tests.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                answer(client, &files, &noted);
            }
        });
        Self {
            folder,
            address,
            asked,
        }
    }

    /// Puts something else into the place of its archives.
    pub(crate) fn replace_archives(&self, chart: &Path) {
        package(chart, self.folder.path());
    }

    /// The paths that were asked for since this was asked last.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Puts the archive of `chart` into `folder`, and returns it.
fn package(chart: &Path, folder: &Path) -> PathBuf {
    let chart = chart.display().to_string();
    Helm::Four.run(folder, &["package", &chart, "--destination", "."], &[]);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut archives = files.filter(|file| file.extension().is_some_and(|it| it == "tgz"));
    archives.next().expect("there is an archive")
}

fn answer(mut client: TcpStream, files: &Path, asked: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    let request = lines.next().and_then(Result::ok).unwrap_or_default();
    while lines
        .next()
        .and_then(Result::ok)
        .is_some_and(|line| !line.is_empty())
    {}
    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
    let file = files.join(path.trim_start_matches('/'));
    asked.lock().unwrap().push(path);
    let (status, content) = match fs::read(file) {
        Ok(content) => ("200 OK", content),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    let _ = client.write_all(&[head.into_bytes(), content].concat());
}

/// A registry, served by HTTPS with a certificate of its own.
pub(crate) struct Registry {
    process: Child,
    folder: TempDir,
    address: String,
}

impl Registry {
    /// A registry that holds nothing.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = [
            ("certificate.pem", made.cert.pem()),
            ("key.pem", made.signing_key.serialize_pem()),
        ];
        let files = files.map(|(name, text)| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            file
        });
        let mut process = Command::new(built("registry", ".", "registry").join("registry"))
            .args(files)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        Self {
            process,
            address: format!("oci://localhost:{}/charts", port.trim()),
            folder,
        }
    }

    /// What whoever trusts it has in the variable `SSL_CERT_FILE`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Puts the chart in `chart` into it, and returns its address.
    pub(crate) fn push(&self, chart: &Path) -> String {
        let archive = package(chart, self.folder.path()).display().to_string();
        let trust = [("SSL_CERT_FILE", &*self.certificate())];
        Helm::Four.run(
            self.folder.path(),
            &["push", &archive, &self.address],
            &trust,
        );
        let name = chart.file_name().unwrap().to_str().unwrap();
        format!("{}/{name}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
