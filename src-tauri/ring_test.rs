//! "Ring me now": a caller of our own is put into a real inbound room, and what a real call goes through is gone
//! through: server, watch, ring, overlay, answer. It rings at this desk and at no other. Whoever answers hears an echo of what they say.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::Duration;

use call::media::{FRAME_SAMPLES, Frame};
use call::state::CallState;
use call::view::PhoneView;
use call::{Identity, RoomName};
use desk::unix_ms;
use realtime::Access;
use realtime::backend::{Backend, Connection, Event, Events, Listening, MicrophoneSource};
use switchboard::practice_token;
use tokio::time::{Instant, timeout_at};

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::desktop::{RingTestState, RingTestView};
use crate::ipc::types::IpcError;

/// The name of the caller.
const NAME: &str = "Test ring";
/// A call that has not begun to ring here by then does not: the watch looks every second.
const RINGS_WITHIN: Duration = Duration::from_secs(10);
/// How long it rings.
const RINGS_FOR: Duration = Duration::from_secs(30);
/// How long the echo is up.
const TALKS_FOR: Duration = Duration::from_secs(60);
/// The echo comes so much later, in frames of 10 ms: long enough not to be taken for a fault of the line.
const ECHO_FRAMES: usize = 100;
/// The phone's own attribute for how far a leg is.
const STATUS: &str = "sip.callStatus";

/// Begins a test ring.
///
/// # Errors
/// There is nothing to ring through, or one is under way.
pub(crate) fn begin(core: &Core, desktop: &Desktop) -> Result<(), IpcError> {
    let readiness = desktop.readiness();
    let under_way =
        readiness.borrow().test.as_ref().is_some_and(|test| {
            matches!(test.state, RingTestState::Placing | RingTestState::Ringing)
        });
    if under_way {
        return Err(IpcError::new("test_under_way", core.words().test_under_way));
    }
    let Some(project) = core.project() else {
        return Err(IpcError::new("not_ready", core.words().test_not_signed_in));
    };
    let name = format!("inbound-test-{}", uuid::Uuid::now_v7().simple());
    let fault = || IpcError::new("shell", "The test cannot be set up. Start Deskline again.");
    let room = RoomName::parse(&name).map_err(|_| fault())?;
    let leg = Identity::parse(&format!("sip_{name}")).map_err(|_| fault())?;
    let token = practice_token(&project, &room, &leg, NAME, core.desk())
        .map_err(|error| IpcError::new("not_ready", error.to_string()))?;
    let access = Access::new(project.room_url(), token.expose());
    tell(
        desktop,
        RingTestState::Placing,
        core.words().test_on_the_way,
    );
    tokio::spawn(run(core.clone(), desktop.clone(), access));
    Ok(())
}

async fn run(core: Core, desktop: Desktop, access: Access) {
    let mut view = core.view();
    let before = rings(&view.borrow());
    let joined = match Backend::default().connect(&access).await {
        Ok(joined) => joined,
        Err(error) => {
            tracing::info!(%error, "the test caller could not enter");
            let words = core.words().test_no_way;
            return tell(&desktop, RingTestState::Failed, words);
        }
    };
    tell(&desktop, RingTestState::Ringing, core.words().test_waits);
    let rang = tokio::time::timeout(RINGS_WITHIN, view.wait_for(|view| rings(view) > before))
        .await
        .is_ok_and(|found| found.is_ok());
    if rang {
        tell(&desktop, RingTestState::Passed, core.words().test_passed);
    } else {
        let words = core.words().test_failed;
        tell(&desktop, RingTestState::Failed, words);
    }
    let mut caller = Caller {
        connection: joined.connection,
        events: joined.events,
        echo: None,
    };
    if rang {
        caller.stay().await;
    }
    caller.hang_up().await;
}

/// Calls of ours that ring and are not kept quiet.
fn rings(view: &PhoneView) -> usize {
    view.calls
        .iter()
        .filter(|call| call.name.as_deref() == Some(NAME))
        .filter(|call| call.state == CallState::Offered && !call.quiet)
        .count()
}

fn tell(desktop: &Desktop, state: RingTestState, words: &str) {
    desktop.tell_readiness(|view| {
        view.test = Some(RingTestView {
            state,
            at_ms: unix_ms(),
            words: words.to_owned(),
        });
    });
}

struct Caller {
    connection: Connection,
    events: Events,
    echo: Option<Echo>,
}

/// Keeps the echo going.
struct Echo {
    _microphone: realtime::backend::Microphone,
    _listening: Option<Listening>,
}

impl Caller {
    /// Rings until somebody announces a microphone, which is the answer; then echoes until they leave.
    #[allow(clippy::wildcard_enum_match_arm)] // most news of a room do not concern a caller
    async fn stay(&mut self) {
        let mut until = Instant::now() + RINGS_FOR;
        while let Ok(Some(event)) = timeout_at(until, self.events.recv()).await {
            match event {
                Event::Published { publication, .. } if publication.is_audio => {
                    if let Err(error) = self.connection.subscribe(&publication) {
                        tracing::debug!(%error, "the test caller does not hear");
                    }
                    if self.echo.is_none() {
                        until = Instant::now() + TALKS_FOR;
                        self.answer().await;
                    }
                }
                Event::Subscribed { track, .. } => {
                    if let Some(echo) = &mut self.echo {
                        let (frames, heard) = mpsc::sync_channel(ECHO_FRAMES);
                        let listening = track.listen(move |frame| {
                            // Too slow to send it back: an echo with a gap.
                            let _full = frames.try_send(*frame);
                        });
                        echo._listening = listening.ok();
                        let source = echo._microphone.source();
                        std::thread::spawn(move || send_back(&heard, &source));
                    }
                }
                Event::Left { .. } if self.echo.is_some() => return,
                Event::Closed { .. } => return,
                _ => {}
            }
        }
    }

    async fn answer(&mut self) {
        let told = self.connection.set_attribute(STATUS, "active").await;
        match (told, self.connection.publish_microphone().await) {
            (Ok(()), Ok(microphone)) => {
                self.echo = Some(Echo {
                    _microphone: microphone,
                    _listening: None,
                });
            }
            (told, spoke) => {
                let spoke = spoke.err();
                tracing::warn!(?told, ?spoke, "the test caller cannot speak");
            }
        }
    }

    async fn hang_up(self) {
        if let Err(error) = self.connection.set_attribute(STATUS, "hangup").await {
            tracing::debug!(%error, "the test caller leaves without a word");
        }
        self.connection.leave().await;
    }
}

/// What was heard a second ago, until nothing is heard any more.
fn send_back(heard: &mpsc::Receiver<Frame>, source: &MicrophoneSource) {
    let mut late: VecDeque<Frame> = std::iter::repeat_n([0; FRAME_SAMPLES], ECHO_FRAMES).collect();
    while let Ok(frame) = heard.recv() {
        late.push_back(frame);
        if late.pop_front().is_some_and(|frame| !source.push(&frame)) {
            return;
        }
    }
}
