//! Watches the objects of the kinds that are played, and plays them.

use std::{collections::HashMap, pin::pin, time::Duration};

use futures::{Stream, StreamExt as _};
use kube::{
    Client,
    api::{DynamicObject, WatchEvent, WatchParams},
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use super::{
    player::{Played, Player},
    served::{Served, look},
};

/// How long a CRD may take to be served after it was created, a few times over; and how long after
/// a watch that failed it is worth trying again.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

/// How long an operator takes to look at an object that has changed.
const DELAY: Duration = Duration::from_millis(100);

/// How long an operator waits for what was not there, or could not be written.
const RETRY: Duration = Duration::from_millis(500);

/// Plays the operators of all kinds in the table that the API server serves, also of those whose
/// definitions a user creates long after the start.
pub(in super::super) async fn play_served(client: Client) {
    let mut watches = JoinSet::new();
    let mut played: Vec<(&str, &str)> = Vec::new();
    loop {
        if let Ok(look) = look(&client).await {
            for served in &look.served {
                let kind = (served.kind.group, served.kind.kind);
                if !played.contains(&kind) {
                    played.push(kind);
                    watches.spawn(play_kind(client.clone(), served.clone()));
                }
            }
            if !look.is_pending {
                look.until_change(&client).await;
            }
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn play_kind(client: Client, served: Served) {
    let player = Player { client, served };
    loop {
        // Version 0 begins with all objects that there are.
        if let Ok(events) = player.objects().watch(&WatchParams::default(), "0").await {
            follow(&player, events).await;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Objects that have changed, by namespace and name, and when each is to be looked at.
type Changed = HashMap<(String, String), (Instant, Value)>;

/// Plays what `events` tell of, until they end.
async fn follow(
    player: &Player,
    events: impl Stream<Item = Result<WatchEvent<DynamicObject>, kube::Error>>,
) {
    let mut events = pin!(events);
    let mut changed = Changed::new();
    loop {
        let next = changed.values().map(|(due, _)| *due).min();
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => note(&mut changed, &object),
                Some(Ok(WatchEvent::Deleted(object))) => {
                    changed.remove(&place(&object));
                    // Whatever is left of it does no harm.
                    let _ = player.clean_up(&json!(object)).await;
                }
                Some(Ok(WatchEvent::Bookmark(_))) => {}
                Some(Ok(WatchEvent::Error(_)) | Err(_)) | None => return,
            },
            () = due => play_due(player, &mut changed).await,
        }
    }
}

fn note(changed: &mut Changed, object: &DynamicObject) {
    let place = place(object);
    if object.metadata.deletion_timestamp.is_some() {
        changed.remove(&place);
        return;
    }
    let soon = Instant::now() + DELAY;
    let due = changed.get(&place).map_or(soon, |(due, _)| soon.min(*due));
    changed.insert(place, (due, json!(object)));
}

async fn play_due(player: &Player, changed: &mut Changed) {
    let now = Instant::now();
    let due: Vec<_> = changed.extract_if(|_, (due, _)| *due <= now).collect();
    for (place, (_, object)) in due {
        if !matches!(player.play(&object).await, Ok(Played::Done)) {
            changed.insert(place, (Instant::now() + RETRY, object));
        }
    }
}

fn place(object: &DynamicObject) -> (String, String) {
    (
        object.metadata.namespace.clone().unwrap_or_default(),
        object.metadata.name.clone().unwrap_or_default(),
    )
}
