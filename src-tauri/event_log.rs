//! The event log: what the server says is written down, secrets masked, so that a call can be explained.

use desk::unix_ms;
use history::{NewEvent, Store};
use serde_json::{Value, json};
use switchboard::WatcherNews;
use tokio::sync::mpsc;

/// Events that one step writes.
const AT_ONCE: usize = 64;
/// The source of what the program notes about refused events.
const REFUSED: &str = "refused";

/// Where the room of an event stands: webhooks about rooms and people, about recordings, jobs of a worker.
const ROOM: [&str; 4] = [
    "/room/name",
    "/egressInfo/roomName",
    "/egress_info/room_name",
    "/ingressInfo/roomName",
];

/// Writes news down until nobody tells any. Nobody who tells waits for the disk: the queue between is for that.
pub(crate) async fn keep(store: Store, mut news: mpsc::Receiver<WatcherNews>) {
    let mut some = Vec::with_capacity(AT_ONCE);
    while news.recv_many(&mut some, AT_ONCE).await > 0 {
        let at = unix_ms();
        let events: Vec<NewEvent> = some.drain(..).filter_map(|news| event(news, at)).collect();
        if events.is_empty() {
            continue;
        }
        let store = store.clone();
        let written = tokio::task::spawn_blocking(move || {
            for (egress, url) in events.iter().filter_map(recording) {
                if let Err(error) = store.set_recording_url(&egress, &url) {
                    tracing::debug!(detail = %error.detail(), "a recording belongs to no call here");
                }
            }
            store.log_events(&events)
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(detail = %error.detail(), "events cannot be written down");
            }
            Err(_) => return, // the program ends
        }
    }
}

fn event(news: WatcherNews, at: i64) -> Option<NewEvent> {
    match news {
        WatcherNews::Received(event) => Some(NewEvent {
            room: room_of(&event.payload),
            source: event.source.as_str().to_owned(),
            event_type: event.kind,
            payload: event.payload.into_bytes(),
            received_unix_ms: at,
        }),
        WatcherNews::Refused { source, why, count } => Some(NewEvent {
            source: source.as_str().to_owned(),
            event_type: REFUSED.to_owned(),
            room: None,
            payload: json!({ "why": why.as_str(), "count": count })
                .to_string()
                .into_bytes(),
            received_unix_ms: at,
        }),
        WatcherNews::Listening { .. }
        | WatcherNews::NotListening { .. }
        | WatcherNews::Registered { .. }
        | WatcherNews::NotRegistered { .. }
        | WatcherNews::Stopped => None,
    }
}

fn room_of(payload: &str) -> Option<String> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let room = ROOM.iter().find_map(|place| payload.pointer(place))?;
    room.as_str()
        .filter(|room| !room.is_empty())
        .map(str::to_owned)
}

/// The recording that a webhook says is done: its name and where it is.
fn recording(event: &NewEvent) -> Option<(String, String)> {
    if event.event_type != "egress_ended" {
        return None;
    }
    let payload: Value = serde_json::from_slice(&event.payload).ok()?;
    let info = payload.get("egressInfo")?;
    let text = |place: &str| Some(info.pointer(place)?.as_str()?.to_owned());
    let url = text("/fileResults/0/location").or_else(|| text("/file/location"))?;
    Some((text("/egressId")?, url))
}

#[cfg(test)]
mod tests {
    use switchboard::{ReceivedEvent, Refusal, Source};

    use super::*;

    fn received(kind: &str, payload: &Value) -> WatcherNews {
        WatcherNews::Received(ReceivedEvent {
            source: Source::Webhook,
            kind: kind.into(),
            payload: payload.to_string(),
        })
    }

    #[tokio::test]
    async fn what_the_server_says_is_kept_masked_and_under_its_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (tell, news) = mpsc::channel(16);
        let joined = json!({ "event": "participant_joined", "room": { "name": "inbound-1" }, "token": "s3cret" });
        let ended = json!({ "egressInfo": { "egressId": "EG_1", "roomName": "inbound-2" } });
        for news in [
            received("participant_joined", &joined),
            received("egress_ended", &ended),
            WatcherNews::Refused {
                source: Source::Webhook,
                why: Refusal::Forged,
                count: 4,
            },
            WatcherNews::Stopped,
        ] {
            tell.send(news).await.unwrap();
        }
        drop(tell);
        keep(store.clone(), news).await;
        let events = store.events(None, 10).unwrap();
        let seen: Vec<_> = events
            .iter()
            .map(|event| (event.event_type.as_str(), event.room.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                ("refused", None),
                ("egress_ended", Some("inbound-2")),
                ("participant_joined", Some("inbound-1")),
            ]
        );
        assert_eq!(events[0].payload["why"], "forged");
        assert_eq!(events[2].payload["token"], history::MASKED);
    }

    #[test]
    fn a_recording_is_where_the_webhook_says() {
        let event = |payload: &Value| event(received("egress_ended", payload), 1).unwrap();
        let done = json!({ "egressInfo": {
            "egressId": "EG_1", "fileResults": [{ "location": "https://files.example/1.mp3" }] } });
        assert_eq!(
            recording(&event(&done)),
            Some(("EG_1".into(), "https://files.example/1.mp3".into()))
        );
        assert_eq!(recording(&event(&json!({ "egressInfo": 5 }))), None);
    }
}
