//! The bearer token of a kubeconfig, and of a pod's ServiceAccount: written down, in a file that
//! somebody renews, or given by a login program.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use jiff::{SignedDuration, Timestamp};
use kube::{client::Body, config::AuthInfo};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use super::login::{Credentials, Login};

/// A file is read again after this time: whoever renews a token lets the old one live for longer.
const REREAD_AFTER: Duration = Duration::from_secs(5);
/// A login program is run again this long before its token expires.
const ASK_BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// A token that lives no longer than this when it is given is used to its end, as by client-go.
const SHORT_LIFE: SignedDuration = SignedDuration::from_secs(120);
/// A login program is not run more often than this for what its tokens say of their end: a clock
/// may be wrong. Where the API server does not accept one, it is.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Where a token comes from, and what it was last.
#[derive(Debug)]
pub(super) struct Bearer {
    source: Source,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Source {
    Written,
    File(PathBuf),
    Program(Login),
}

#[derive(Debug)]
struct State {
    header: HeaderValue,
    read: Instant,
    /// When a login program's token expires.
    expires: Option<Timestamp>,
    /// When the login program is to be run again.
    ask_at: Option<Timestamp>,
    /// Whether the API server did not accept it.
    is_refused: bool,
}

impl Bearer {
    fn new(source: Source, header: HeaderValue, expires: Option<Timestamp>) -> Self {
        let state = State {
            header,
            read: Instant::now(),
            expires,
            ask_at: expires.map(|expires| ask_at(expires, Timestamp::now())),
            is_refused: false,
        };
        Self {
            source,
            state: Mutex::new(state),
        }
    }

    /// Takes the token out of `user`; `None` where it has none. A file comes before what is written
    /// beside it, as in client-go.
    ///
    /// On purpose not kube's own code: it sends what is in the file with its line end, which no
    /// header can hold.
    pub(super) fn take(user: &mut AuthInfo) -> Result<Option<Self>, String> {
        let written = user.token.take().map(|token| {
            header(token.expose_secret())
                .ok_or_else(|| "the token of the kubeconfig is none".to_owned())
        });
        let Some(path) = user.token_file.take().map(PathBuf::from) else {
            let bearer = written.map(|header| Ok(Self::new(Source::Written, header?, None)));
            return bearer.transpose();
        };
        let read = match fs::read_to_string(&path) {
            Ok(text) => header(&text)
                .ok_or_else(|| format!("the token file {} holds no token", path.display())),
            Err(error) => Err(format!("the token file {}: {error}", path.display())),
        };
        let header = match (read, written) {
            (Err(_), Some(written)) => written?,
            (read, _) => read?,
        };
        Ok(Some(Self::new(Source::File(path), header, None)))
    }

    /// The token among `credentials`, which `login` has just given and gives again when they expire.
    pub(super) fn given(login: Login, credentials: &Credentials) -> Result<Option<Self>, String> {
        let Some(token) = &credentials.token else {
            return Ok(None);
        };
        let header = header(token.expose_secret()).ok_or("the login program gave no token")?;
        let source = Source::Program(login);
        let expires = credentials.expiration_timestamp;
        Ok(Some(Self::new(source, header, expires)))
    }

    /// Puts the token on `request` and returns the header; an error where a new one is needed and
    /// cannot be had.
    pub(super) async fn authorize(
        &self,
        request: &mut Request<Body>,
    ) -> Result<HeaderValue, String> {
        let header = self.header(Instant::now(), Timestamp::now()).await?;
        request.headers_mut().insert(AUTHORIZATION, header.clone());
        Ok(header)
    }

    /// Whether there may be another token than the one so far.
    pub(super) fn is_renewed(&self) -> bool {
        !matches!(self.source, Source::Written)
    }

    /// Has the next request look for another token: the API server did not accept `header`. Where
    /// another one is there already, which a request beside this one has asked for, that is used.
    pub(super) async fn refused(&self, header: &HeaderValue) {
        let mut state = self.state.lock().await;
        state.is_refused |= state.header == *header;
    }

    async fn header(&self, now: Instant, time: Timestamp) -> Result<HeaderValue, String> {
        let mut state = self.state.lock().await;
        match &self.source {
            Source::Written => {}
            Source::File(path) => {
                let age = now.saturating_duration_since(state.read);
                if age >= REREAD_AFTER || state.is_refused {
                    state.read = now;
                    // One that is gone or empty leaves the token as it was.
                    let read = fs::read_to_string(path).ok();
                    if let Some(header) = read.as_deref().and_then(header) {
                        state.header = header;
                    }
                }
            }
            Source::Program(login) => {
                let is_past = |end: Option<Timestamp>| end.is_some_and(|end| end <= time);
                if state.is_refused || is_past(state.ask_at) {
                    let is_needed = state.is_refused || is_past(state.expires);
                    match ask(login).await {
                        Ok((header, expires)) => {
                            (state.header, state.expires) = (header, expires);
                            state.ask_at = expires.map(|expires| ask_at(expires, time));
                        }
                        Err(why) if is_needed => return Err(why),
                        Err(_) => state.ask_at = state.expires,
                    }
                }
            }
        }
        state.is_refused = false;
        Ok(state.header.clone())
    }
}

/// When to ask for another token than the one that was given at `given` and ends at `expires`.
fn ask_at(expires: Timestamp, given: Timestamp) -> Timestamp {
    let is_short = expires.duration_since(given) <= SHORT_LIFE;
    let wanted = if is_short {
        expires
    } else {
        expires - ASK_BEFORE
    };
    wanted.max(given + ASK_AGAIN_AFTER)
}

/// Runs `login` and returns the token with its end.
async fn ask(login: &Login) -> Result<(HeaderValue, Option<Timestamp>), String> {
    let credentials = login.run().await?;
    let token = credentials.token.as_ref();
    let header = token.and_then(|token| header(token.expose_secret()));
    let header = header.ok_or("the login program gave no token")?;
    Ok((header, credentials.expiration_timestamp))
}

/// The header of the token in `text`, which may end with a line end.
fn header(text: &str) -> Option<HeaderValue> {
    let token = Some(text.trim()).filter(|token| !token.is_empty())?;
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use kube::config::ExecConfig;

    use super::*;

    fn user(token: Option<&str>, file: Option<&str>) -> AuthInfo {
        AuthInfo {
            token: token.map(|token| token.to_owned().into()),
            token_file: file.map(str::to_owned),
            ..AuthInfo::default()
        }
    }

    #[tokio::test]
    async fn a_token_file_is_read_again_and_outlives_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        fs::write(&path, "first\n").unwrap();
        let mut user = user(Some("written"), Some(&path));
        let bearer = Bearer::take(&mut user).unwrap().unwrap();
        assert!(user.token.is_none() && user.token_file.is_none());
        let start = Instant::now();
        let header = async |rounds: u32| {
            let now = start + REREAD_AFTER * rounds;
            bearer.header(now, Timestamp::now()).await.unwrap()
        };
        assert_eq!(header(0).await, "Bearer first");
        fs::write(&path, "second").unwrap();
        assert_eq!(header(0).await, "Bearer first");
        assert_eq!(header(2).await, "Bearer second");
        fs::write(&path, "third").unwrap();
        // That of a request which was sent before the file was read again says nothing.
        bearer
            .refused(&HeaderValue::from_static("Bearer first"))
            .await;
        assert_eq!(header(2).await, "Bearer second");
        bearer.refused(&header(2).await).await;
        assert_eq!(header(2).await, "Bearer third");
        fs::write(&path, "\n").unwrap();
        assert_eq!(header(4).await, "Bearer third");
        drop(file);
        assert_eq!(header(6).await, "Bearer third");
    }

    #[tokio::test]
    async fn a_token_that_no_header_can_hold_is_refused_without_being_shown() {
        assert!(Bearer::take(&mut user(None, None)).unwrap().is_none());
        let why = Bearer::take(&mut user(Some("hun\nter2"), None)).expect_err("refused");
        assert!(!why.contains("ter2"), "{why}");
        let why = Bearer::take(&mut user(None, Some("/nonexistent"))).expect_err("refused");
        assert!(why.contains("/nonexistent"), "{why}");
        let bearer = Bearer::take(&mut user(Some("a\n"), Some("/nonexistent")));
        let bearer = bearer.unwrap().unwrap();
        let header = bearer.header(Instant::now(), Timestamp::now()).await;
        assert_eq!(header.unwrap(), "Bearer a");
    }

    #[tokio::test]
    async fn a_login_program_is_run_again_before_its_token_expires_or_where_it_is_refused() {
        let (folder, bearer) = counting("2030-01-01T00:00:00Z").await;
        let header = async |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            bearer.header(Instant::now(), time).await.unwrap()
        };
        assert_eq!(header("2029-12-31T23:00:00Z").await, "Bearer t1");
        assert_eq!(header("2029-12-31T23:59:30Z").await, "Bearer t2");
        assert_eq!(header("2029-12-31T23:00:00Z").await, "Bearer t2");
        bearer.refused(&header("2029-12-31T23:00:00Z").await).await;
        assert_eq!(header("2029-12-31T23:00:00Z").await, "Bearer t3");
        assert_eq!(header("2029-12-31T23:00:00Z").await, "Bearer t3");
        drop(folder);
    }

    #[tokio::test]
    async fn in_the_last_minute_of_a_token_its_program_is_run_once() {
        let (folder, bearer) = counting("2030-01-01T00:00:00Z").await;
        let header = async |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            bearer.header(Instant::now(), time).await
        };
        // It gives a token of the same end, which is used to that end.
        for second in 0..60 {
            let asked = header(&format!("2029-12-31T23:59:{second:02}Z")).await;
            assert_eq!(asked.unwrap(), "Bearer t2");
        }
        // A clock that is ahead has every token end before it is given.
        assert_eq!(header("2030-01-01T00:00:00Z").await.unwrap(), "Bearer t3");
        assert_eq!(header("2030-01-01T00:00:09Z").await.unwrap(), "Bearer t3");
        assert_eq!(header("2030-01-01T00:00:10Z").await.unwrap(), "Bearer t4");
        drop(folder);
    }

    #[tokio::test]
    async fn a_program_that_fails_early_is_run_again_at_the_end_of_its_token() {
        let (folder, bearer) = counting("2030-01-01T00:00:00Z").await;
        let count = folder.path().join("count");
        fs::remove_file(&count).unwrap();
        fs::create_dir(&count).unwrap();
        let header = async |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            bearer.header(Instant::now(), time).await
        };
        assert_eq!(header("2029-12-31T23:59:00Z").await.unwrap(), "Bearer t1");
        fs::remove_dir(&count).unwrap();
        fs::write(&count, "x\nx\n").unwrap();
        assert_eq!(header("2029-12-31T23:59:59Z").await.unwrap(), "Bearer t1");
        assert_eq!(header("2030-01-01T00:00:00Z").await.unwrap(), "Bearer t3");
    }

    #[test]
    fn a_token_of_a_short_life_is_used_to_its_end() {
        let given: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        for (life, asked) in [
            (3_600, 3_540),
            (121, 61),
            (120, 120),
            (30, 30),
            (5, 10),
            (-60, 10),
        ] {
            let after = |seconds| given + SignedDuration::from_secs(seconds);
            assert_eq!(ask_at(after(life), given), after(asked), "{life}");
        }
    }

    /// The token of a program that gives `t1`, `t2` and so on, and counts in the folder.
    async fn counting(expires: &str) -> (tempfile::TempDir, Bearer) {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let script = "echo x >> \"$0\" || exit 1; echo \"{\\\"status\\\": {\\\"token\\\": \\\"t$(wc -l < \"$0\" | tr -d ' ')\\\", \\\"expirationTimestamp\\\": \\\"$1\\\"}}\"";
        let exec = ExecConfig {
            command: Some("sh".to_owned()),
            args: Some(vec![
                "-c".to_owned(),
                script.to_owned(),
                count.display().to_string(),
                expires.to_owned(),
            ]),
            ..ExecConfig::default()
        };
        let login = Login::new(exec, false).unwrap();
        let credentials = login.run().await.unwrap();
        let bearer = Bearer::given(login, &credentials).unwrap().unwrap();
        (folder, bearer)
    }
}
