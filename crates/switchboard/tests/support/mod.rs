//! The adapter on the demo line, and what several suites ask of it.
// No suite uses all of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use call::input::{LegFact, LineStatus, Offer, PlaceFailure, WatchFact};
use call::output::LegCommand;
use call::{CallId, Identity, Input, RoomName};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stage::{Line, LineOptions, Ready};
use switchboard::{Account, ApiSecret, Options, WatcherNews, Watchers, spawn};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Far longer than anything here takes: a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn start_line() -> Line {
    Line::start(LineOptions::default())
        .expect("these tests need the demo line; `make setup` builds it")
}

pub(crate) fn account(ready: &Ready, secret: &str) -> Account {
    Account::new(&ready.url, &ready.key, ApiSecret::new(secret.into())).unwrap()
}

/// The adapter with the far ends of its queues.
pub(crate) struct Desk {
    pub(crate) commands: mpsc::Sender<LegCommand>,
    pub(crate) facts: mpsc::Receiver<Input>,
    pub(crate) account: watch::Sender<Option<Account>>,
    pub(crate) watchers: watch::Sender<Watchers>,
    pub(crate) news: mpsc::Receiver<WatcherNews>,
    pub(crate) task: JoinHandle<()>,
    /// Facts that came while something else was waited for.
    pub(crate) aside: Vec<Input>,
    aside_news: Vec<WatcherNews>,
}

impl Desk {
    pub(crate) fn with(account: Option<Account>) -> Self {
        Self::watching(account, Watchers::default())
    }

    pub(crate) fn watching(account: Option<Account>, watchers: Watchers) -> Self {
        let (commands, received) = mpsc::channel(64);
        let (sent, facts) = mpsc::channel(64);
        let (account, seen) = watch::channel(account);
        let (told, news) = mpsc::channel(1024);
        let (watchers, wanted) = watch::channel(watchers);
        let options = Options {
            desk: "front".into(),
            watchers: wanted,
            news: Some(told),
        };
        let task = spawn(received, sent, seen, options);
        Self {
            commands,
            facts,
            account,
            watchers,
            news,
            task,
            aside: Vec::new(),
            aside_news: Vec::new(),
        }
    }

    pub(crate) fn on(line: &Line) -> Self {
        Self::with(Some(account(&line.ready, &line.ready.secret)))
    }

    pub(crate) async fn tell(&self, command: LegCommand) {
        self.commands.send(command).await.unwrap();
    }

    /// The first fact, of those that came already or that come, of which `pick` makes something.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&Input) -> Option<T>,
    ) -> T {
        if let Some(at) = self.aside.iter().position(|input| pick(input).is_some()) {
            return pick(&self.aside.remove(at)).unwrap();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.facts.recv()).await {
                Ok(Some(input)) => match pick(&input) {
                    Some(found) => return found,
                    None => self.aside.push(input),
                },
                Ok(None) => panic!("the adapter ended while waiting for {what}"),
                Err(_) => panic!("{what} never came; there came {:#?}", self.aside),
            }
        }
    }

    /// The first news, of those that came already or that come, of which `pick` makes something.
    pub(crate) async fn news<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&WatcherNews) -> Option<T>,
    ) -> T {
        if let Some(at) = self.aside_news.iter().position(|news| pick(news).is_some()) {
            return pick(&self.aside_news.remove(at)).unwrap();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.news.recv()).await {
                Ok(Some(news)) => match pick(&news) {
                    Some(found) => return found,
                    None => self.aside_news.push(news),
                },
                Ok(None) => panic!("the watchers ended while waiting for {what}"),
                Err(_) => panic!("{what} never came; there came {:#?}", self.aside_news),
            }
        }
    }

    pub(crate) async fn leg_fact(&mut self, call: &CallId) -> LegFact {
        self.wait("a fact about a leg", |input| match input {
            Input::Leg { call: of, fact } if of == call => Some(fact.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn line_status(&mut self) -> LineStatus {
        self.wait("a state of the line", |input| match input {
            Input::Line(status) => Some(status.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn offer(&mut self) -> Offer {
        self.wait("an offer", |input| match input {
            Input::Watch(WatchFact::Offer(offer)) => Some(offer.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn withdrawn(&mut self) -> RoomName {
        self.wait("a withdrawal", |input| match input {
            Input::Watch(WatchFact::Withdrawn { room }) => Some(room.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ready(&mut self) {
        assert_eq!(self.line_status().await, LineStatus::Connecting);
        let status = self.line_status().await;
        assert!(matches!(status, LineStatus::Ready { .. }), "{status:?}");
    }

    pub(crate) async fn end(self) {
        drop(self.commands);
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("the adapter does not end")
            .unwrap();
    }
}

pub(crate) fn call(id: &str) -> CallId {
    CallId::parse(id).unwrap()
}

pub(crate) fn dial(id: &str, to: &str, ring_for: Duration) -> LegCommand {
    let call = call(id);
    LegCommand::Place {
        room: RoomName::outbound(&call),
        leg: Identity::leg(&call),
        call,
        to: to.into(),
        line: None,
        caller_id: None,
        ring_for,
    }
}

pub(crate) fn answered(id: &str) -> LegFact {
    LegFact::Answered {
        leg: Identity::leg(&call(id)),
    }
}

pub(crate) fn place_failed(id: &str, failure: PlaceFailure) -> LegFact {
    LegFact::PlaceFailed {
        leg: Identity::leg(&call(id)),
        failure,
    }
}

pub(crate) fn remove(id: &str) -> LegCommand {
    let call = call(id);
    LegCommand::Remove {
        room: RoomName::outbound(&call),
        identity: Identity::leg(&call),
        call,
    }
}

pub(crate) fn look(id: &str) -> LegCommand {
    let call = call(id);
    LegCommand::Look {
        room: RoomName::outbound(&call),
        leg: Identity::leg(&call),
        call,
    }
}

pub(crate) const RINGS: Duration = Duration::from_secs(30);

/// Signs as the server does, with the key of a line or another.
pub(crate) struct Signer {
    key: String,
    secret: String,
}

impl Signer {
    pub(crate) fn of(ready: &Ready) -> Self {
        Self {
            key: ready.key.clone(),
            secret: ready.secret.clone(),
        }
    }

    pub(crate) fn another() -> Self {
        Self {
            key: "another".into(),
            secret: "another-secret-of-thirty-two-characters".into(),
        }
    }

    /// A token for `body`, signed so many seconds from now.
    pub(crate) fn token(&self, body: &str, from_now: i64) -> String {
        self.sign(
            from_now,
            json!({ "sha256": STANDARD.encode(Sha256::digest(body)) }),
        )
    }

    fn sign(&self, from_now: i64, mut claims: Value) -> String {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let at = i64::try_from(now.as_secs()).unwrap() + from_now;
        for (name, value) in [
            ("iss", json!(self.key)),
            ("nbf", json!(at)),
            ("exp", json!(at + 300)),
        ] {
            claims[name] = value;
        }
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!(
            "{}.{}",
            part(&json!({"alg": "HS256", "typ": "JWT"})),
            part(&claims)
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    }
}

/// A web client.
pub(crate) fn http() -> reqwest::Client {
    // Fails when it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Asks the server for something that the adapter has no right to, and gives its answer.
async fn ask(ready: &Ready, method: &str, body: Value) -> Value {
    let grants = json!({
        "video": {"roomAdmin": true, "room": body["room"], "roomList": true},
        "sip": {"admin": true},
    });
    let account = account(ready, &ready.secret);
    let answer = http()
        .post(format!("{}/twirp/livekit.{method}", account.request_url()))
        .bearer_auth(Signer::of(ready).sign(0, grants))
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{method}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// From now on the dispatch rule offers each caller's room to workers of these names.
pub(crate) async fn worker_is_named(ready: &Ready, names: &[&str]) {
    let agents: Vec<_> = names
        .iter()
        .map(|name| json!({ "agent_name": name }))
        .collect();
    let rule = json!({
        "sip_dispatch_rule_id": ready.dispatch_rule,
        "replace": {
            "name": "Demo line",
            "trunk_ids": [ready.inbound_trunk],
            "rule": {"dispatch_rule_individual": {"room_prefix": "inbound-"}},
            "room_config": {"agents": agents},
        },
    });
    ask(ready, "SIP/UpdateSIPDispatchRule", rule).await;
}

/// What kinds of participants are in a room.
pub(crate) async fn kinds_in(ready: &Ready, room: &RoomName) -> Vec<String> {
    let answer = ask(
        ready,
        "RoomService/ListParticipants",
        json!({ "room": room.as_str() }),
    )
    .await;
    let participants = answer["participants"].as_array().unwrap();
    participants
        .iter()
        .map(|somebody| somebody["kind"].as_str().unwrap().to_owned())
        .collect()
}
