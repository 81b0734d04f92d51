//! The bearer token of a kubeconfig, and of a pod's ServiceAccount: written down, or in a file that
//! somebody renews.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use kube::{client::Body, config::AuthInfo};
use secrecy::ExposeSecret as _;

/// A file is read again after this time: whoever renews a token lets the old one live for longer.
const REREAD_AFTER: Duration = Duration::from_secs(5);

/// Where a token comes from, and what it was last.
#[derive(Debug, Clone)]
pub(super) struct Bearer(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// `None` for a token that is written in the kubeconfig.
    file: Option<PathBuf>,
    header: HeaderValue,
    read: Instant,
}

impl Bearer {
    /// Takes the token out of `user`; `None` where it has none. A file comes before what is written
    /// beside it, as in client-go.
    ///
    /// On purpose not kube's own code: it sends what is in the file with its line end, which no
    /// header can hold.
    pub(super) fn take(user: &mut AuthInfo) -> Result<Option<Self>, String> {
        let written = user.token.take();
        let file = user.token_file.take().map(PathBuf::from);
        let from_file = file.as_ref().map(|path| {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("the token file {}: {error}", path.display()))?;
            header(&text).ok_or_else(|| format!("the token file {} holds no token", path.display()))
        });
        let from_text = written.map(|token| {
            header(token.expose_secret())
                .ok_or_else(|| "the token of the kubeconfig is none".to_owned())
        });
        let header = match (from_file, from_text) {
            (None, None) => return Ok(None),
            (Some(Ok(header)), _) | (_, Some(Ok(header))) => header,
            (Some(Err(why)), _) | (None, Some(Err(why))) => return Err(why),
        };
        Ok(Some(Self(Arc::new(Mutex::new(State {
            file,
            header,
            read: Instant::now(),
        })))))
    }

    /// `request` with the token.
    pub(super) fn authorize(&self, mut request: Request<Body>) -> Request<Body> {
        let header = self.header(Instant::now());
        request.headers_mut().insert(AUTHORIZATION, header);
        request
    }

    /// The header at `now`. A file that is gone or empty leaves the token as it was.
    fn header(&self, now: Instant) -> HeaderValue {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &state.file
            && now.saturating_duration_since(state.read) >= REREAD_AFTER
        {
            let read = fs::read_to_string(path).ok();
            if let Some(header) = read.as_deref().and_then(header) {
                state.header = header;
            }
            state.read = now;
        }
        state.header.clone()
    }
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
    use super::*;

    fn user(token: Option<&str>, file: Option<&str>) -> AuthInfo {
        AuthInfo {
            token: token.map(|token| token.to_owned().into()),
            token_file: file.map(str::to_owned),
            ..AuthInfo::default()
        }
    }

    #[test]
    fn a_token_file_is_read_again_and_outlives_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        fs::write(&path, "first\n").unwrap();
        let mut user = user(Some("written"), Some(&path));
        let bearer = Bearer::take(&mut user).unwrap().unwrap();
        assert!(user.token.is_none() && user.token_file.is_none());
        let start = Instant::now();
        assert_eq!(bearer.header(start), "Bearer first");
        fs::write(&path, "second").unwrap();
        assert_eq!(bearer.header(start), "Bearer first");
        assert_eq!(bearer.header(start + REREAD_AFTER * 2), "Bearer second");
        fs::write(&path, "\n").unwrap();
        assert_eq!(bearer.header(start + REREAD_AFTER * 4), "Bearer second");
        drop(file);
        assert_eq!(bearer.header(start + REREAD_AFTER * 6), "Bearer second");
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_refused_without_being_shown() {
        assert!(Bearer::take(&mut user(None, None)).unwrap().is_none());
        let why = Bearer::take(&mut user(Some("hun\nter2"), None)).expect_err("refused");
        assert!(!why.contains("ter2"), "{why}");
        let why = Bearer::take(&mut user(None, Some("/nonexistent"))).expect_err("refused");
        assert!(why.contains("/nonexistent"), "{why}");
        let bearer = Bearer::take(&mut user(Some("a\n"), Some("/nonexistent")));
        let header = bearer.unwrap().unwrap().header(Instant::now());
        assert_eq!(header, "Bearer a");
    }
}
