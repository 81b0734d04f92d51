//! `deployctl status --watch`.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    read::{locked, read_release},
    view::{show, view},
};
use crate::{
    cli::{session::Session, tabular::DataFormat},
    engine::Overview,
    error::CommandError,
    plan::Address,
    release::{Change, Found, Revision},
    report::{Output, StatusView},
};

/// Pause between two screens, so that a rollout does not make it flicker.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the screen is drawn where nothing changed: ages grow, and the terminal may have got
/// another size.
const REDRAW: Duration = Duration::from_secs(1);

/// Shows the release again whenever something changes, until interrupted. Nothing is asked for
/// where nothing does.
pub(super) async fn watch(
    format: DataFormat,
    address: &Address,
    session: &Session,
    mut seen: Seen,
    output: &mut Output,
) -> Result<(), CommandError> {
    let store = session.store(address);
    let mut following = store.follow(&session.served);
    seen.overview.follow(&session.served).await;
    let mut redraw = tokio::time::interval(REDRAW);
    let screen = is_screen(format, output);
    if screen {
        output.data(CLEAR);
    }
    loop {
        if screen {
            draw(&seen.view(address, session), output);
        }
        let is_other = tokio::select! {
            () = session.stops.interrupt.cancelled() => return Ok(()),
            () = seen.overview.changed() => true,
            change = following.next() => seen.ingest(change.map_err(|error| session.store_error(&error))?, address, session).await?,
            _ = redraw.tick() => false,
        };
        if !is_other {
            continue;
        }
        tokio::select! {
            () = session.stops.interrupt.cancelled() => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
        if !screen {
            show(format, &seen.view(address, session), output);
        }
    }
}

/// What is known of a release that has revisions.
pub(super) struct Seen {
    pub(super) overview: Overview,
    pub(super) last: Revision,
    pub(super) lock: Option<Found>,
}

impl Seen {
    fn view(&self, address: &Address, session: &Session) -> StatusView {
        view(
            address,
            session,
            Some(&self.overview),
            Some(&self.last),
            self.lock.as_ref(),
        )
    }

    /// Looks again at what `change` is about; whether that is another one than before.
    async fn ingest(
        &mut self,
        change: Change,
        address: &Address,
        session: &Session,
    ) -> Result<bool, CommandError> {
        match change {
            Change::Lock => Ok(self.look_at_lock(address, session).await),
            Change::Revision { number, outcome }
                if (number, outcome) == (self.last.number, self.last.outcome) =>
            {
                Ok(false)
            }
            Change::Revision { .. } => self.look_at_release(address, session).await,
            Change::Unknown => {
                let is_other = self.look_at_lock(address, session).await;
                Ok(self.look_at_release(address, session).await? || is_other)
            }
        }
    }

    async fn look_at_lock(&mut self, address: &Address, session: &Session) -> bool {
        // Where it cannot be read just now, it is as it was as far as is known.
        let Ok(found) = locked(address, session).await else {
            return false;
        };
        let holder = |lock: Option<&Found>| lock.map(|lock| lock.holder().to_string());
        let is_other = holder(found.as_ref()) != holder(self.lock.as_ref());
        self.lock = found;
        is_other
    }

    async fn look_at_release(
        &mut self,
        address: &Address,
        session: &Session,
    ) -> Result<bool, CommandError> {
        let (Some(overview), Some(last)) = read_release(address, session).await? else {
            return Ok(false);
        };
        let is_other = (last.number, last.outcome) != (self.last.number, self.last.outcome);
        if is_other {
            (self.overview, self.last) = (overview, last);
            self.overview.follow(&session.served).await;
        }
        Ok(is_other)
    }
}

/// Whether the view is drawn on a terminal again and again.
pub(super) fn is_screen(format: DataFormat, output: &Output) -> bool {
    format == DataFormat::Text && output.stdout_is_terminal()
}

/// Clears what is seen of the terminal, not its history.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Draws the view over the one before: line by line, so that nothing flickers.
fn draw(view: &StatusView, output: &mut Output) {
    let (rows, columns) = Output::stdout_size();
    // The last row is the cursor's, which would scroll the screen otherwise.
    let lines = view.screen(rows.saturating_sub(1), columns, Timestamp::now());
    let text = lines
        .iter()
        .fold(String::new(), |text, line| text + line + "\u{1b}[K\n");
    output.data(&format!("\u{1b}[H{text}\u{1b}[J"));
}
