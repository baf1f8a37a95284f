//! Entering a room. A connect under way cannot be taken back: the engine makes the room whether or
//! not somebody still wants it, and then expects to be told that its events are being read. So the
//! answer is dealt with where it arrives, and a room nobody wants is left at once.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::Engine;
use crate::error::{ConnectError, ConnectErrorKind, RequestError};
use crate::event::Participant;
use crate::ffi::{self, Handle};
use crate::life;
use crate::proto::{self, connect_callback, ffi_event, ffi_request};
use crate::room::{Room, RoomEvents, RoomOptions};
use crate::router::{self, ROOM_QUEUE};
use crate::validate::{self, Invalid};

/// A server that is there answers within a second, so from then on the engine itself is asked whether it still lives.
const DOUBTED_AFTER: Duration = Duration::from_secs(3);

type Connected = (Room, RoomEvents, Vec<Participant>);

pub(crate) async fn connect(
    url: &str,
    token: &str,
    options: &RoomOptions,
) -> Result<Connected, ConnectError> {
    validate::address(url)?;
    validate::token(token)?;
    if !(Duration::from_millis(100)..=Duration::from_secs(30)).contains(&options.attempt_timeout) {
        return Err(Invalid::ConnectTimeout.into());
    }
    if options.retries > 10 {
        return Err(Invalid::JoinRetries.into());
    }
    Engine::load()?;

    let router = router::get();
    let id = router.fresh_id();
    let (sender, receiver) = oneshot::channel();
    router.expect(id, move |message| {
        // If nobody waits any more, the room comes back here and its drop leaves it.
        let _left = sender.send(answer(message));
    });
    let asked = ffi::request(ffi_request::Message::Connect(proto::ConnectRequest {
        url: url.to_owned(),
        token: token.to_owned(),
        options: proto::RoomOptions {
            auto_subscribe: Some(options.auto_subscribe),
            adaptive_stream: Some(false),
            dynacast: Some(false),
            join_retries: Some(options.retries),
            connect_timeout_ms: Some(options.attempt_timeout.as_millis() as u64),
            ..Default::default()
        },
        request_async_id: Some(id),
    }));
    if let Err(error) = asked {
        router.forget(id);
        return Err(ConnectError::new(
            ConnectErrorKind::Other,
            error.to_string(),
        ));
    }
    let answer = tokio::time::timeout(options.deadline, receiver);
    // Asked beside the wait. An engine that gives no sign of life is ended, and with it the wait.
    let doubt = async {
        tokio::time::sleep(DOUBTED_AFTER).await;
        life::examine().await;
        std::future::pending().await
    };
    let answer = tokio::select! {
        biased;
        answer = answer => answer,
        never = doubt => never,
    };
    match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ConnectError::new(
            ConnectErrorKind::Engine,
            RequestError::Stopped.to_string(),
        )),
        Err(_) => {
            life::examine().await;
            Err(if router.has_failed() {
                ConnectError::new(ConnectErrorKind::Engine, RequestError::Stopped.to_string())
            } else {
                ConnectError::new(
                    ConnectErrorKind::Timeout,
                    "the server did not answer in time",
                )
            })
        }
    }
}

/// On a thread of the library: takes the room over and asks for its events.
fn answer(message: ffi_event::Message) -> Result<Connected, ConnectError> {
    let ffi_event::Message::Connect(proto::ConnectCallback {
        message: Some(message),
        ..
    }) = message
    else {
        return Err(ConnectError::new(
            ConnectErrorKind::Other,
            "the engine gave an empty answer",
        ));
    };
    let result = match message {
        connect_callback::Message::Error(text) => return Err(ConnectError::from_text(&text)),
        connect_callback::Message::Result(result) => result,
    };
    #[cfg(debug_assertions)]
    if router::get().loses_room() {
        return Err(ConnectError::new(
            ConnectErrorKind::Other,
            "lost on purpose",
        ));
    }
    ffi::send_at_once();
    let handle = Handle::own(&result.room.handle);
    let number = handle.id();
    let local = Handle::own(&result.local_participant.handle);
    let participants = result
        .participants
        .into_iter()
        .map(|joined| Participant::from_proto(joined.participant, joined.publications))
        .collect();
    let (sender, receiver) = mpsc::channel(ROOM_QUEUE);
    router::get().add_room(number, sender);
    let room = Room::new(handle, local, result.local_participant.info.identity);
    ffi::request(ffi_request::Message::ReadyForRoomEvent(
        proto::ReadyForRoomEventRequest {
            room_handle: number,
        },
    ))
    .map_err(|error| ConnectError::new(ConnectErrorKind::Other, error.to_string()))?;
    Ok((room, RoomEvents::new(receiver), participants))
}
