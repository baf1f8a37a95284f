//! One surrounding for all paths: it takes a second to start, and nothing that a path leaves behind may disturb the next.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use stage::line::{BridgeFault, Heard, Report, ServerFault, State};
use stage::{Inbound, LineOptions, Listening, Phones, Playing};

use crate::support::{OUR_TONE, PATIENCE, Place};

/// The surrounding between two paths. Its processes end with this one.
static KEPT: Mutex<Option<Parts>> = Mutex::new(None);

struct Parts {
    _voice: Playing,
    place: Place,
}

/// The surrounding of one path: a line whose parts can fail, our tone in the microphone.
pub(crate) struct Scene(Option<Parts>);

impl Scene {
    /// Sets it, or takes over the one of the path before.
    pub(crate) fn set() -> Self {
        let kept = KEPT.lock().unwrap_or_else(|kept| kept.into_inner()).take();
        let scene = Self(Some(kept.unwrap_or_else(|| {
            let place = Place::signed_out(
                "telephone",
                LineOptions {
                    child: true,
                    ..LineOptions::default()
                },
            );
            let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
            Parts { _voice, place }
        })));
        scene.phones().reset_numbers().unwrap();
        scene
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0.as_ref().unwrap().place
    }

    pub(crate) fn phones(&self) -> &Phones {
        &self.place().line.phones
    }

    /// An ear at our speaker.
    pub(crate) fn ear(&self) -> Listening {
        self.place().stage.sound.listen().unwrap()
    }

    /// Somebody rings in.
    pub(crate) fn ring(&self, caller: &Inbound) -> Report {
        self.phones().place_inbound(caller).unwrap()
    }

    /// The phone that is or was called last at this number.
    pub(crate) fn phone(&self, number: &str) -> Report {
        let fits = |report: &Report| report.to == number && !report.over;
        self.phones().wait_for_call(fits, PATIENCE).unwrap()
    }

    /// A phone is over: who ended it.
    pub(crate) fn over(&self, call: &Report) -> Report {
        self.over_within(call, PATIENCE)
    }

    pub(crate) fn over_within(&self, call: &Report, within: Duration) -> Report {
        self.phones()
            .wait_until(&call.id, State::Over, within)
            .unwrap()
    }

    pub(crate) fn is_up(&self, call: &Report) -> bool {
        let report = self.phones().call(&call.id).unwrap();
        report.answered && !report.over
    }

    /// Waits until what a phone hears fits; from now on, not since its call began.
    pub(crate) fn until_heard(&self, call: &Report, what: &str, fits: impl Fn(&Heard) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let heard = self
                .phones()
                .listen(&call.id, Duration::from_millis(500))
                .unwrap()
                .heard;
            if fits(&heard) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "the phone never heard {what}: {heard:?}"
            );
        }
    }

    /// No phone is up that nobody knows.
    pub(crate) fn no_leg_left(&self) {
        let left = self.phones().wait_for_call(|_| true, Duration::ZERO);
        if left.is_err() {
            return; // nobody ever called
        }
        crate::support::eventually("every phone is over", PATIENCE, || {
            let calls = self.phones().calls().unwrap();
            calls.iter().all(|call| call.over).then_some(())
        });
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // its logs are kept, and the next path has a new one
        }
        let phones = self.phones().clone();
        let faults = phones.faults().unwrap();
        if faults.server == "frozen" {
            phones.server(ServerFault::Thaw).unwrap();
        }
        if faults.server == "stopped" {
            phones.server(ServerFault::Start).unwrap();
        }
        if faults.bridge == "stopped" {
            phones.bridge(BridgeFault::Start).unwrap();
        }
        for call in phones.calls().unwrap() {
            if !call.over {
                drop(phones.hang_up(&call.id)); // may be over by now
            }
        }
        *KEPT.lock().unwrap() = self.0.take();
    }
}

/// Are times to be judged, and not only printed? Not in a run of everything, on whatever machine.
pub(crate) fn judges_times() -> bool {
    std::env::var_os("DESKLINE_TIMES").is_some()
}

/// Our microphone is heard.
pub(crate) fn hears_us(heard: &Heard) -> bool {
    heard.tone(f64::from(OUR_TONE)).is_some()
}

/// Nothing loud, although packets come.
pub(crate) fn hears_nothing(heard: &Heard) -> bool {
    heard.seconds < 0.05 && heard.packets > 10
}

/// Music has sound, but not our tone.
pub(crate) fn hears_music(heard: &Heard) -> bool {
    heard.seconds > 0.15 && !hears_us(heard)
}
