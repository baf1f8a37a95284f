//! The watch: the server is asked who calls, regularly and when a push says that somebody does, and with that whether it is
//! there at all.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use call::input::{LineStatus, WatchFact};
use call::{CallId, Input, RoomName};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::account::Account;
use crate::legs::Trunks;
use crate::server::{OutboundTrunk, Server, Servers};
use crate::twirp::RequestError;
use crate::watch::Watch;
use crate::watchers::{Watchers, changed};

/// The trunks are looked up again after this.
const TRUNKS_GOOD_FOR: Duration = Duration::from_secs(60);

/// No wish makes the watch a burden for the server.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two tries while the server does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The watch of one desk.
pub(crate) struct Poll {
    pub(crate) facts: mpsc::Sender<Input>,
    pub(crate) account: watch::Receiver<Option<Account>>,
    pub(crate) servers: Servers,
    pub(crate) watchers: watch::Receiver<Watchers>,
    /// Rooms that a push told of.
    pub(crate) hints: mpsc::Receiver<RoomName>,
    pub(crate) trunks: Trunks,
    pub(crate) retry: Arc<Notify>,
    pub(crate) told: Option<LineStatus>,
    pub(crate) watch: Watch,
}

/// Why a round ended: nobody listens to the facts any more.
struct Closed;

impl Poll {
    /// Runs until nobody listens any more, or the account can never change again and is none.
    pub(crate) async fn run(mut self) {
        // Only the end of the program ends the watch.
        let _ = self.watch_accounts().await;
    }

    async fn watch_accounts(&mut self) -> Result<(), Closed> {
        loop {
            let account = self.account.borrow_and_update().clone();
            self.trunks.forget();
            for fact in self.watch.forget() {
                self.tell(Input::Watch(fact)).await?;
            }
            match account {
                None => {
                    self.line(LineStatus::SignedOut).await?;
                    if self.account.changed().await.is_err() {
                        return Ok(());
                    }
                }
                Some(account) => {
                    self.line(LineStatus::Connecting).await?;
                    self.watch_one(&account.host()).await?;
                }
            }
        }
    }

    /// Until the account changes.
    async fn watch_one(&mut self, host: &str) -> Result<(), Closed> {
        let mut failures = 0_u32;
        loop {
            let round = match self.servers.get() {
                Ok(Some(server)) => self.round(&server).await?,
                Ok(None) => return Ok(()),
                Err(error) => Err(error),
            };
            let pause = match round {
                Ok(()) => {
                    failures = 0;
                    self.watchers.borrow_and_update().poll.max(SHORTEST_PAUSE)
                }
                Err(error) => {
                    tracing::debug!("the server did not answer the watch: {}", error.detail());
                    let pause = pause_after(failures);
                    failures = failures.saturating_add(1);
                    self.line(trouble(&error, host, pause)).await?;
                    pause
                }
            };
            let next = Instant::now() + pause;
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => break,
                    () = self.retry.notified() => {
                        self.trunks.forget();
                        break;
                    }
                    () = changed(&mut self.watchers) => break,
                    Some(room) = self.hints.recv() => self.hinted(room).await?,
                    changed = self.account.changed() => {
                        if changed.is_err() {
                            // Whoever signs in and out is gone: the program ends.
                            return Err(Closed);
                        }
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Looks into the rooms that were told of by now, into each once.
    async fn hinted(&mut self, room: RoomName) -> Result<(), Closed> {
        let mut rooms = vec![room];
        while let Ok(room) = self.hints.try_recv() {
            if !rooms.contains(&room) {
                rooms.push(room);
            }
        }
        let Ok(Some(server)) = self.servers.get() else {
            return Ok(());
        };
        for room in rooms {
            match server.attendants(&room).await {
                Ok(attendants) => {
                    if let Some(fact) = self.watch.hinted(&room, &attendants, fresh_call) {
                        self.tell(Input::Watch(fact)).await?;
                    }
                }
                Err(error) => {
                    // The regular look finds who calls, and says what is wrong with the server.
                    tracing::debug!("a room cannot be looked into: {}", error.detail());
                    if !matches!(error, RequestError::Said(_)) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// One look. The outer failure ends the watch, the inner one is the server's.
    async fn round(&mut self, server: &Server) -> Result<Result<(), RequestError>, Closed> {
        let trunks = match self.trunks.get(server, TRUNKS_GOOD_FOR).await {
            Ok(trunks) => trunks.iter().map(OutboundTrunk::shown).collect(),
            // A server without a SIP part can still be reached; it just cannot dial.
            Err(RequestError::Said(said)) => {
                tracing::debug!("the trunks cannot be listed: {}: {}", said.code, said.msg);
                Vec::new()
            }
            Err(error) => return Ok(Err(error)),
        };
        let rooms = match server.inbound_rooms().await {
            Ok(rooms) => rooms,
            Err(error) => return Ok(Err(error)),
        };
        self.line(LineStatus::Ready { trunks }).await?;
        let (facts, look) = self.watch.listed(rooms);
        for fact in facts {
            self.tell(Input::Watch(fact)).await?;
        }
        for room in look {
            match server.attendants(&room).await {
                Ok(attendants) => {
                    if let Some(fact) = self.watch.looked(&room, &attendants, fresh_call) {
                        self.tell(Input::Watch(fact)).await?;
                    }
                }
                // One room, one right: the others may still be looked into.
                Err(error @ RequestError::Said(_)) => {
                    tracing::debug!("a room cannot be looked into: {}", error.detail())
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    async fn line(&mut self, status: LineStatus) -> Result<(), Closed> {
        if self.told.as_ref() == Some(&status) {
            return Ok(());
        }
        self.told = Some(status.clone());
        self.tell(Input::Line(status)).await
    }

    async fn tell(&self, input: Input) -> Result<(), Closed> {
        if let Input::Watch(WatchFact::Offer(offer)) = &input {
            tracing::debug!(call = %offer.call, room = %offer.room, "a caller waits");
        }
        self.facts.send(input).await.map_err(|_| Closed)
    }
}

fn fresh_call() -> Option<CallId> {
    CallId::parse(&uuid::Uuid::now_v7().to_string()).ok()
}

/// 1, 2, 4, 8, 10, 10 … seconds.
fn pause_after(failures: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(failures.min(6)).unwrap_or(64)).min(LONGEST_PAUSE)
}

fn trouble(error: &RequestError, host: &str, pause: Duration) -> LineStatus {
    let unreachable = |what: String| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        LineStatus::Unreachable {
            what,
            next_try_unix_ms: i64::try_from((now + pause).as_millis()).unwrap_or(i64::MAX),
        }
    };
    match error {
        RequestError::Refused { clock: false } => LineStatus::Refused {
            what: format!(
                "LiveKit at {host} refuses the key or the secret. Check them in Settings."
            ),
        },
        RequestError::Refused { clock: true } => LineStatus::Refused {
            what: format!(
                "LiveKit at {host} says that the time is wrong. Set the clock of this computer."
            ),
        },
        RequestError::Unreachable { .. } => unreachable(format!(
            "LiveKit at {host} cannot be reached. Check the network and the address in Settings; Deskline keeps trying."
        )),
        RequestError::NotLiveKit { .. } => unreachable(format!(
            "Something answers at {host}, but it is not LiveKit. Check the address in Settings."
        )),
        RequestError::Said(said) => unreachable(format!(
            "LiveKit at {host} is in trouble ({}). Deskline keeps trying.",
            call::number::display_name(&said.code).unwrap_or_else(|| "no reason".into())
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_seconds() {
        let pauses: Vec<_> = (0..7).map(|n| pause_after(n).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 10, 10, 10]);
        assert_eq!(pause_after(u32::MAX).as_secs(), 10);
    }

    #[test]
    fn every_trouble_has_its_sentence() {
        let status = |error| trouble(&error, "project.example", Duration::from_secs(2));
        let LineStatus::Refused { what } = status(RequestError::Refused { clock: false }) else {
            panic!()
        };
        assert_eq!(
            what,
            "LiveKit at project.example refuses the key or the secret. Check them in Settings."
        );
        let LineStatus::Unreachable {
            next_try_unix_ms, ..
        } = status(RequestError::Unreachable {
            detail: "secret".into(),
        })
        else {
            panic!()
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        assert!(i128::from(next_try_unix_ms) - i128::try_from(now).unwrap() <= 2_000);
    }
}
