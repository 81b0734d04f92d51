//! What users ask of the API server, as its audit log says.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
};

use serde_json::Value;

use super::user::User;
use crate::support::{api::Api, eventually};

/// What one user asks of the API server from some moment on.
pub(crate) struct Audit<'a> {
    user: &'a User,
    from: u64,
}

impl<'a> Audit<'a> {
    pub(crate) fn from_now(user: &'a User) -> Self {
        Self {
            user,
            from: File::open(&user.audit_log)
                .unwrap()
                .metadata()
                .unwrap()
                .len(),
        }
    }

    /// All requests of the user until now, as `verb path?query`.
    ///
    /// A last request that marks the end makes sure that the log is complete.
    #[track_caller]
    pub(crate) fn requests(&self) -> Vec<String> {
        Api::of(&self.user.kubeconfig).get("/version?marks=the-end");
        let mut requests = eventually("the log is complete", || {
            let requests = self.read();
            requests
                .iter()
                .any(|request| request.contains("marks=the-end"))
                .then_some(requests)
        });
        requests.retain(|request| !request.contains("marks=the-end"));
        requests
    }

    /// The writes among the requests: not reads, dry runs or questions about permissions.
    #[track_caller]
    pub(crate) fn writes(&self) -> Vec<String> {
        let is_write = |request: &String| {
            let reads = ["get ", "list ", "watch "]
                .iter()
                .any(|verb| request.starts_with(verb));
            !reads
                && !request.contains("dryRun=All")
                && !request.contains("selfsubjectaccessreviews")
        };
        self.requests().into_iter().filter(is_write).collect()
    }

    fn read(&self) -> Vec<String> {
        let mut file = File::open(&self.user.audit_log).unwrap();
        file.seek(SeekFrom::Start(self.from)).unwrap();
        // The last line may not be whole yet.
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        let ours = lines
            .filter(|line| line.contains(&self.user.name))
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .filter(|event| event["user"]["username"] == *self.user.name);
        ours.map(|event| {
            format!(
                "{} {}",
                event["verb"].as_str().unwrap(),
                event["requestURI"].as_str().unwrap()
            )
        })
        .collect()
    }
}
