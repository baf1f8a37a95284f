//! Requests about the legs of a call: dial, hand over, part, remove, delete, look. The answers are facts; nothing here decides anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use call::ids::{Link, Role};
use call::input::{LegFact, PlaceFailure, TransferFailure};
use call::output::{LegCommand, TransferTarget};
use call::state::ParticipantKind;
use call::{CallId, Identity, RoomName};

use crate::outcome::{place_failure, transfer_failure};
use crate::server::{Attendant, OutboundTrunk, Server, choose};
use crate::twirp::RequestError;

/// A dial uses trunks that were looked up at most this long ago.
const TRUNKS_GOOD_FOR: Duration = Duration::from_secs(60);

/// The longest ringing: the server drops a waiting request after 80 s.
const LONGEST_RINGING: Duration = Duration::from_secs(75);
/// How the names of desks begin that follow a ringing hidden (see [`Identity::desk`]).
const HIDDEN: &str = "watch-";
/// How long after its answer a bridge begins to listen, at most: some 20 ms on one machine.
const LISTENS_WITHIN: Duration = Duration::from_millis(300);

/// The trunks as last looked up. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trunks(Arc<Mutex<Option<Known>>>);

#[derive(Debug)]
struct Known {
    at: Instant,
    trunks: Arc<[OutboundTrunk]>,
}

impl Trunks {
    /// As known, if that is not older than `age`; otherwise as the server says now.
    pub(crate) async fn get(
        &self,
        server: &Server,
        age: Duration,
    ) -> Result<Arc<[OutboundTrunk]>, RequestError> {
        if let Some(Known { at, trunks }) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < age
        {
            return Ok(trunks.clone());
        }
        let trunks: Arc<[_]> = server.trunks().await?.into();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            at: Instant::now(),
            trunks: trunks.clone(),
        });
        Ok(trunks)
    }

    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Dials and waits for the answer. `dropped` is set when the leg is not wanted any more: then, if nothing was sent yet,
/// nothing is. `None`: no command that dials.
pub(crate) async fn dial(
    server: &Server,
    trunks: &Trunks,
    command: &LegCommand,
    dropped: &AtomicBool,
) -> Option<LegFact> {
    Some(match command {
        LegCommand::Place {
            room,
            leg,
            to,
            line,
            caller_id,
            ring_for,
            ..
        } => {
            let over = Over {
                line: line.as_deref(),
                caller_id: caller_id.as_deref(),
            };
            match place(server, trunks, room, leg, (to, over), *ring_for, dropped).await {
                Ok(()) => LegFact::Answered { leg: leg.clone() },
                Err(failure) => LegFact::PlaceFailed {
                    leg: leg.clone(),
                    failure,
                },
            }
        }
        LegCommand::PlacePerson {
            room,
            leg,
            to,
            line,
            caller_id,
            ring_for,
            ..
        } => {
            let over = Over {
                line: line.as_deref(),
                caller_id: caller_id.as_deref(),
            };
            let leg = leg.clone();
            match place(server, trunks, room, &leg, (to, over), *ring_for, dropped).await {
                Ok(()) => LegFact::PersonAnswered { leg },
                Err(failure) => LegFact::PersonFailed { leg, failure },
            }
        }
        LegCommand::Transfer { .. }
        | LegCommand::Part { .. }
        | LegCommand::Remove { .. }
        | LegCommand::DeleteRoom { .. }
        | LegCommand::Look { .. }
        | LegCommand::RetryLine => return None,
    })
}

/// The line a dial goes over, and what it shows there.
#[derive(Clone, Copy)]
struct Over<'a> {
    /// Name, number or id of the trunk; `None`: the first.
    line: Option<&'a str>,
    /// `None`: as the trunk has it.
    caller_id: Option<&'a str>,
}

/// One dial, to a number and over a line.
async fn place(
    server: &Server,
    trunks: &Trunks,
    room: &RoomName,
    leg: &Identity,
    (to, over): (&str, Over<'_>),
    ring_for: Duration,
    dropped: &AtomicBool,
) -> Result<(), PlaceFailure> {
    let failed = |error: RequestError| {
        tracing::debug!("a dial failed: {}", error.detail());
        place_failure(&error)
    };
    let mut known = trunks.get(server, TRUNKS_GOOD_FOR).await.map_err(failed)?;
    if choose(&known, over.line).is_none() {
        // It may have been made a moment ago.
        known = trunks.get(server, Duration::ZERO).await.map_err(failed)?;
    }
    let trunk = choose(&known, over.line).ok_or(PlaceFailure::NoLine)?;
    if dropped.load(Ordering::Acquire) {
        return Err(PlaceFailure::Cancelled);
    }
    let answer = server
        .dial(
            (&trunk.id, trunk.shows(over.caller_id)),
            to,
            room,
            leg,
            ring_for.min(LONGEST_RINGING),
        )
        .await
        .map_err(failed);
    if answer == Err(PlaceFailure::NoLine) {
        trunks.forget();
    }
    answer
}

/// Hands a leg over and waits for the outcome. `None`: no transfer.
pub(crate) async fn transfer(server: &Server, command: &LegCommand) -> Option<LegFact> {
    let LegCommand::Transfer {
        room,
        leg,
        to,
        within,
        ..
    } = command
    else {
        return None;
    };
    let to = match to {
        TransferTarget::Number(number) => format!("tel:{number}"),
        TransferTarget::Address(address) => address.clone(),
    };
    let within = (*within).min(LONGEST_RINGING);
    Some(match server.transfer(room, leg, &to, within).await {
        Ok(()) => LegFact::Transferred,
        Err(error) => {
            tracing::debug!("a transfer failed: {}", error.detail());
            LegFact::TransferFailed(transfer_failure(&error))
        }
    })
}

/// Stops the legs hearing each other, or lets them again. Asking twice does no harm. They are told to be apart only if
/// every one of them was listed with its sound and the server did as asked: whoever is not listed may be there all the
/// same.
async fn part(server: &Server, room: &RoomName, legs: &[Identity], apart: bool) -> bool {
    let (done, several) = part_once(server, room, legs, apart).await;
    if !(done && apart && several) {
        return done;
    }
    // A bridge listens to the room after it has said that its phone is up: a leg that has just answered would undo it.
    tokio::time::sleep(LISTENS_WITHIN).await;
    part_once(server, room, legs, apart).await.0
}

/// Says whether it was done, and whether there were at least two sounds to be parted.
async fn part_once(
    server: &Server,
    room: &RoomName,
    legs: &[Identity],
    apart: bool,
) -> (bool, bool) {
    let failed = |error: &RequestError| {
        tracing::debug!("legs could not be parted: {}", error.detail());
    };
    let heard = match server.sounds(room).await {
        Ok(heard) => heard,
        Err(error) => {
            failed(&error);
            return (false, false);
        }
    };
    let sounds_of = |leg: &Identity| {
        let found = heard.iter().find(|(identity, _)| identity == leg);
        found.map(|(_, tracks)| tracks.as_slice())
    };
    let mut done = !apart
        || legs
            .iter()
            .all(|leg| sounds_of(leg).is_some_and(|tracks| !tracks.is_empty()));
    let mut several = false;
    for leg in legs.iter().filter(|leg| sounds_of(leg).is_some()) {
        let others = legs.iter().filter(|other| *other != leg);
        let tracks: Vec<String> = others.filter_map(sounds_of).flatten().cloned().collect();
        if tracks.is_empty() {
            continue;
        }
        several = true;
        match server.subscribe(room, leg, tracks, !apart).await {
            Ok(()) => {}
            // Gone in between: nothing is heard there.
            Err(error) if error.is_not_found() && !apart => {}
            Err(error) => {
                failed(&error);
                done = false;
            }
        }
    }
    (done, several)
}

/// Everything that the server answers at once: all but dials and transfers.
pub(crate) async fn carry_out(
    server: &Server,
    desk: &str,
    command: &LegCommand,
) -> Option<LegFact> {
    let dropped = |result: Result<LegFact, RequestError>| {
        result.unwrap_or_else(|error| LegFact::DropFailed {
            detail: error.detail(),
        })
    };
    match command {
        LegCommand::Remove { room, identity, .. } => Some(dropped(
            server
                .remove(room, identity)
                .await
                .map(|found| LegFact::Removed { found }),
        )),
        LegCommand::DeleteRoom { room, .. } => Some(dropped(
            server
                .delete_room(room)
                .await
                .map(|found| LegFact::RoomDeleted { found }),
        )),
        LegCommand::Look { room, leg, .. } => Some(match server.attendants(room).await {
            Ok(attendants) => looked(&attendants, leg, desk),
            Err(error) => {
                tracing::debug!("a look into a room failed: {}", error.detail());
                LegFact::LookFailed
            }
        }),
        LegCommand::Part {
            room, legs, apart, ..
        } => Some(LegFact::Parted {
            apart: *apart,
            done: part(server, room, legs, *apart).await,
        }),
        LegCommand::Place { .. }
        | LegCommand::PlacePerson { .. }
        | LegCommand::Transfer { .. }
        | LegCommand::RetryLine => None,
    }
}

/// What is answered when there is no account.
pub(crate) fn not_signed_in(command: &LegCommand) -> Option<LegFact> {
    match command {
        LegCommand::Place { leg, .. } => Some(LegFact::PlaceFailed {
            leg: leg.clone(),
            failure: PlaceFailure::NotSignedIn,
        }),
        LegCommand::Remove { .. } | LegCommand::DeleteRoom { .. } => Some(LegFact::DropFailed {
            detail: "not signed in".into(),
        }),
        LegCommand::Look { .. } => Some(LegFact::LookFailed),
        LegCommand::PlacePerson { leg, .. } => Some(LegFact::PersonFailed {
            leg: leg.clone(),
            failure: PlaceFailure::NotSignedIn,
        }),
        LegCommand::Transfer { .. } => Some(LegFact::TransferFailed(TransferFailure::Other {
            detail: "not signed in".into(),
        })),
        LegCommand::Part { apart, .. } => Some(LegFact::Parted {
            apart: *apart,
            done: false,
        }),
        LegCommand::RetryLine => None,
    }
}

/// For whom a command is.
pub(crate) fn call_of(command: &LegCommand) -> Option<&CallId> {
    match command {
        LegCommand::Place { call, .. }
        | LegCommand::Remove { call, .. }
        | LegCommand::DeleteRoom { call, .. }
        | LegCommand::PlacePerson { call, .. }
        | LegCommand::Transfer { call, .. }
        | LegCommand::Part { call, .. }
        | LegCommand::Look { call, .. } => Some(call),
        LegCommand::RetryLine => None,
    }
}

fn looked(attendants: &[Attendant], leg: &Identity, desk: &str) -> LegFact {
    let desks = || {
        attendants
            .iter()
            .filter(|a| a.kind == ParticipantKind::Standard)
    };
    let others = || desks().filter(|a| !is_ours(&a.identity, desk));
    let count = |some: usize| u32::try_from(some).unwrap_or(u32::MAX);
    // Many join within one millisecond: the names decide, for every desk alike.
    let turn = |a: &Attendant| (a.joined_unix_ms, a.identity.clone());
    let ours = desks()
        .filter(|a| is_ours(&a.identity, desk))
        .map(turn)
        .min();
    let ahead = others().filter(|a| ours.as_ref().is_none_or(|ours| turn(a) < *ours));
    let visible = |a: &&Attendant| !a.identity.as_str().starts_with(HIDDEN);
    let found = attendants.iter().find(|a| a.identity == *leg);
    LegFact::Looked {
        // A leg without a status it could be known by is there all the same: it has not got further than this.
        leg: found.map(|a| a.status.unwrap_or(call::state::LegStatus::Dialing)),
        other_desks: count(others().count()),
        desks_ahead: count(ahead.count()),
        taken_by: others().find(visible).map(|a| a.name.clone()),
    }
}

/// Is this one of the names this desk joins under?
fn is_ours(identity: &Identity, desk: &str) -> bool {
    let Some((Ok(attempt), Ok(call))) = identity
        .as_str()
        .rsplit_once('-')
        .map(|(_, attempt)| (attempt.parse(), CallId::parse("any")))
    else {
        return false;
    };
    [Role::Talk, Role::Watch].into_iter().any(|role| {
        Identity::desk(
            desk,
            &Link {
                call: call.clone(),
                role,
                attempt,
            },
        ) == *identity
    })
}

#[cfg(test)]
mod tests {
    use call::state::LegStatus;

    use super::*;

    fn somebody(identity: &str, kind: ParticipantKind, status: Option<LegStatus>) -> Attendant {
        Attendant {
            identity: Identity::parse(identity).unwrap(),
            kind,
            name: format!("Desk {identity}"),
            status,
            sip_call: String::new(),
            number: String::new(),
            trunk_number: String::new(),
            rings_at: String::new(),
            joined_unix_ms: 0,
        }
    }

    #[test]
    fn other_desks_are_counted_without_this_one() {
        let leg = Identity::parse("sip_1").unwrap();
        let everybody = [
            somebody("sip_1", ParticipantKind::Sip, Some(LegStatus::Ringing)),
            somebody("desk-front-1", ParticipantKind::Standard, None),
            somebody("watch-front-2", ParticipantKind::Standard, None),
            Attendant {
                joined_unix_ms: -1,
                ..somebody("watch-back-1", ParticipantKind::Standard, None)
            },
            somebody("desk-front-x-1", ParticipantKind::Standard, None),
            somebody("desk-front", ParticipantKind::Standard, None),
            somebody("recorder", ParticipantKind::Agent, None),
        ];
        let fact = looked(&everybody, &leg, "front");
        assert_eq!(
            fact,
            LegFact::Looked {
                leg: Some(LegStatus::Ringing),
                other_desks: 3,
                desks_ahead: 2,
                taken_by: Some("Desk desk-front-x-1".into()),
            }
        );
        assert_eq!(
            looked(&everybody[1..3], &leg, "front"),
            LegFact::Looked {
                leg: None,
                other_desks: 0,
                desks_ahead: 0,
                taken_by: None,
            }
        );
        let LegFact::Looked { desks_ahead, .. } = looked(&everybody, &leg, "elsewhere") else {
            panic!("a look is answered by what was seen");
        };
        assert_eq!(desks_ahead, 5, "who is not there comes after all");
    }
}
