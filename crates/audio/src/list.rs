//! The devices that there are, by names that a person recognises, and which of them a call uses.

use call::number::display_name;

use crate::host::{DeviceError, Part};
use crate::tones::{OwnRingtone, Ringtone, TonePlan};

/// One device that a person may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEntry {
    /// The system's own name: stays the same when the device leaves and comes back. For settings, not for people.
    pub id: String,
    /// What a person reads: never empty, no two alike in one list.
    pub name: String,
    /// Another one each time the device comes, where the system tells.
    pub(crate) serial: u32,
}

/// What the sound system has at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Present {
    /// Does the sound system answer at all?
    pub answers: bool,
    /// All microphones. What merely listens to a speaker is none.
    pub microphones: Vec<DeviceEntry>,
    /// All speakers.
    pub speakers: Vec<DeviceEntry>,
    /// Id of the one that the system prefers; always one of the list.
    pub default_microphone: Option<String>,
    /// Id of the one that the system prefers; always one of the list.
    pub default_speaker: Option<String>,
}

/// Which devices and tones the person wants. `None` follows the system, also when that changes its mind. A device that is
/// named but not there is replaced by the system's own until it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Id of a microphone.
    pub microphone: Option<String>,
    /// Id of the speaker for calls.
    pub speaker: Option<String>,
    /// Id of the speaker that rings; `None`: the one for calls.
    pub ring: Option<String>,
    /// How loud it rings, 0 (not at all) to 100 (as composed). Nothing makes it ring louder.
    pub ring_volume: u8,
    /// How it rings.
    pub ringtone: Ringtone,
    /// What [`Ringtone::Own`] is.
    pub own_ringtone: Option<OwnRingtone>,
    /// The country whose ringback and busy tone the person knows.
    pub tone_plan: TonePlan,
    /// What is done to the microphone.
    pub processing: Processing,
    /// Is the far end's last minute kept in memory, to be heard again?
    pub instant_replay: bool,
    /// Are microphone and speaker opened when it begins to ring, so that an answer need not wait for them? Nobody is sent
    /// what the microphone hears then.
    pub ready_while_ringing: bool,
}

/// What is done to the sound of the microphone before anybody gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Processing {
    /// What the speaker plays is taken out of it.
    pub echo_cancellation: bool,
    /// Steady noise is taken out of it.
    pub noise_suppression: bool,
    /// Soft voices are raised, loud ones lowered.
    pub gain: bool,
}

impl Processing {
    /// Is there anything to do?
    #[must_use]
    pub fn is_on(self) -> bool {
        self.echo_cancellation || self.noise_suppression || self.gain
    }

    /// What the engine's processing adds to the way of our voice, in milliseconds: the splitting into bands, and what
    /// each step keeps waiting (measured with a chirp through it, the same for every chirp).
    #[must_use]
    pub fn delay_ms(self) -> u8 {
        let bands = u8::from(self.echo_cancellation || self.noise_suppression);
        bands + 8 * u8::from(self.echo_cancellation) + 6 * u8::from(self.noise_suppression)
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            microphone: None,
            speaker: None,
            ring: None,
            ring_volume: 100,
            ringtone: Ringtone::default(),
            own_ringtone: None,
            tone_plan: TonePlan::default(),
            processing: Processing::default(),
            instant_replay: false,
            ready_while_ringing: false,
        }
    }
}

impl Choice {
    /// Gain of the ring tone, 0 … 1: what sounds half as loud to a person has a tenth of the power.
    pub(crate) fn ring_gain(&self) -> f32 {
        match self.ring_volume.min(100) {
            0 => 0.0,
            volume => 10f32.powf((f32::from(volume) - 100.0) / 50.0),
        }
    }
}

/// One device as it is there now. Pulled out and put back it is another: the server has moved our stream away meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) serial: u32,
}

/// What is to be open; `None`: there is no such device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Targets {
    pub(crate) microphone: Option<Target>,
    pub(crate) speaker: Option<Target>,
    /// Only where it is not the speaker.
    pub(crate) ring: Option<Target>,
}

/// What to use of what there is.
pub(crate) fn choose(present: &Present, choice: &Choice) -> Targets {
    let pick = |wish: &Option<String>, default: &Option<String>, list: &[DeviceEntry]| {
        let there = |id: &String| {
            let entry = list.iter().find(|entry| entry.id == *id)?;
            Some(Target {
                id: entry.id.clone(),
                serial: entry.serial,
            })
        };
        let pinned = wish.as_ref().and_then(there);
        pinned.or_else(|| default.as_ref().and_then(there))
    };
    let speaker = pick(&choice.speaker, &present.default_speaker, &present.speakers);
    let ring =
        pick(&choice.ring, &None, &present.speakers).filter(|ring| Some(ring) != speaker.as_ref());
    Targets {
        microphone: pick(
            &choice.microphone,
            &present.default_microphone,
            &present.microphones,
        ),
        speaker,
        ring,
    }
}

impl Present {
    /// From what the system lists: id, name as it came, whether it merely listens to a speaker.
    pub(crate) fn new(
        microphones: Vec<Listed>,
        speakers: Vec<Listed>,
        default_microphone: Option<String>,
        default_speaker: Option<String>,
    ) -> Self {
        let microphones = entries(microphones, "Microphone");
        let speakers = entries(speakers, "Speaker");
        Self {
            answers: true,
            default_microphone: known(default_microphone, &microphones),
            default_speaker: known(default_speaker, &speakers),
            microphones,
            speakers,
        }
    }

    /// One sentence when a call could not be made with these.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let missing = if !self.answers {
            DeviceError::NoServer
        } else if self.microphones.is_empty() {
            DeviceError::NotFound(Part::Microphone)
        } else if self.speakers.is_empty() {
            DeviceError::NotFound(Part::Speaker)
        } else {
            return None;
        };
        Some(missing.to_string())
    }

    /// The device that came as this number.
    pub(crate) fn by_serial(&self, part: Part, serial: u32) -> Option<Target> {
        let entry = self
            .list(part)
            .iter()
            .find(|entry| entry.serial == serial)?;
        Some(Target {
            id: entry.id.clone(),
            serial,
        })
    }

    fn list(&self, part: Part) -> &[DeviceEntry] {
        match part {
            Part::Microphone => &self.microphones,
            Part::Speaker => &self.speakers,
        }
    }

    /// The name of a device by its id.
    pub(crate) fn name(&self, part: Part, id: &str) -> Option<&str> {
        self.list(part)
            .iter()
            .find(|entry| entry.id == id)
            .map(|entry| entry.name.as_str())
    }
}

/// One device as the system lists it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) monitor: bool,
    pub(crate) serial: u32,
}

/// The system's favourite if it is one of ours, else the first.
fn known(favourite: Option<String>, list: &[DeviceEntry]) -> Option<String> {
    favourite
        .filter(|id| list.iter().any(|entry| entry.id == *id))
        .or_else(|| list.first().map(|entry| entry.id.clone()))
}

/// Without monitors and repetitions; two that are named alike are counted.
fn entries(listed: Vec<Listed>, nameless: &str) -> Vec<DeviceEntry> {
    let mut entries: Vec<DeviceEntry> = Vec::with_capacity(listed.len());
    for device in listed {
        let known = entries.iter().any(|entry| entry.id == device.id);
        if device.monitor || device.id.is_empty() || known {
            continue;
        }
        let plain = display_name(&device.name).unwrap_or_else(|| nameless.to_owned());
        let taken = |name: &str| entries.iter().any(|entry| entry.name == name);
        let mut name = plain.clone();
        let mut count = 2;
        while taken(&name) {
            name = format!("{plain} ({count})");
            count += 1;
        }
        entries.push(DeviceEntry {
            id: device.id,
            name,
            serial: device.serial,
        });
    }
    entries
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use super::*;

    fn listed(id: &str, name: &str) -> Listed {
        Listed {
            id: id.into(),
            name: name.into(),
            monitor: id.ends_with(".monitor"),
            serial: 0,
        }
    }

    fn desk() -> Present {
        Present::new(
            vec![listed("cam", "Webcam"), listed("usb", "Headset")],
            vec![listed("hdmi", "Screen"), listed("usb", "Headset")],
            Some("cam".into()),
            Some("hdmi".into()),
        )
    }

    fn id(target: Option<Target>) -> Option<String> {
        target.map(|target| target.id)
    }

    fn wish(id: &str) -> Option<String> {
        Some(id.to_owned())
    }

    #[test]
    fn names_are_readable_and_never_twice() {
        let present = Present::new(
            vec![
                listed("a", "Headset"),
                listed("spk.monitor", "Monitor of Speaker"),
                listed("b", "Headset"),
                listed("a", "Headset"),
                listed("c", "  \u{202e}Evil\u{0}\n name "),
                listed("d", "\u{200b}"),
                listed("e", "Headset (2)"),
                listed("", "No id"),
            ],
            Vec::new(),
            Some("spk.monitor".into()),
            Some("gone".into()),
        );
        let names: Vec<&str> = present
            .microphones
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "Headset",
                "Headset (2)",
                "Evil name",
                "Microphone",
                "Headset (2) (2)"
            ]
        );
        assert_eq!(
            present.default_microphone,
            wish("a"),
            "a monitor is nobody's microphone"
        );
        assert_eq!(present.default_speaker, None);
        assert!(present.problem().unwrap().starts_with("No speaker"));
        assert_eq!(present.name(Part::Microphone, "b"), Some("Headset (2)"));
    }

    #[test]
    fn the_system_is_followed_until_a_device_is_pinned() {
        let present = desk();
        let follows = choose(&present, &Choice::default());
        assert_eq!(
            (id(follows.microphone), id(follows.speaker), follows.ring),
            (wish("cam"), wish("hdmi"), None)
        );
        let pinned = Choice {
            microphone: wish("usb"),
            speaker: wish("usb"),
            ring: wish("hdmi"),
            ..Choice::default()
        };
        let targets = choose(&present, &pinned);
        assert_eq!(
            (
                id(targets.microphone),
                id(targets.speaker),
                id(targets.ring)
            ),
            (wish("usb"), wish("usb"), wish("hdmi"))
        );
    }

    #[test]
    fn a_pinned_device_that_leaves_is_replaced_and_taken_again() {
        let pinned = Choice {
            microphone: wish("usb"),
            speaker: wish("usb"),
            ring: wish("usb"),
            ..Choice::default()
        };
        let mut present = desk();
        assert_eq!(choose(&present, &pinned).ring, None, "one stream is enough");
        let all = present.clone();
        present.microphones.retain(|entry| entry.id != "usb");
        present.speakers.retain(|entry| entry.id != "usb");
        let without = choose(&present, &pinned);
        assert_eq!(
            (id(without.microphone), id(without.speaker), without.ring),
            (wish("cam"), wish("hdmi"), None)
        );
        assert_eq!(id(choose(&all, &pinned).speaker), wish("usb"));
        let before = choose(&all, &pinned);
        let mut again = all.clone();
        again.speakers[1].serial = 7;
        assert_ne!(choose(&again, &pinned), before, "put back it is another");
        assert_eq!(
            choose(&Present::default(), &pinned),
            Targets::default(),
            "nothing there, nothing opened"
        );
        assert!(Present::default().problem().unwrap().contains("server"));
        assert_eq!(all.problem(), None);
    }

    #[test]
    fn the_ring_is_never_louder_than_composed() {
        let gain = |ring_volume| {
            Choice {
                ring_volume,
                ..Choice::default()
            }
            .ring_gain()
        };
        assert_eq!((gain(0), gain(100), gain(255)), (0.0, 1.0, 1.0));
        assert!((gain(50) - 0.1).abs() < 1e-6);
        assert!((1..=100).all(|volume| gain(volume) > gain(volume - 1)));
    }
}
