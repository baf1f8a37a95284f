//! What a call adds to its row besides who and when: how long it rang, what the network named it, how well it was heard.

use crate::input::{LegFact, PlaceFailure};
use crate::output::CallFacts;
use crate::record::{Call, Devices, Shared};
use crate::state::{CallIds, MediaReport, Now};

/// Longest name of a call that is kept, in bytes; SIP allows more, nobody uses it.
const LONGEST_ID: usize = 256;

impl Call {
    /// A phone rings, there or here. Only the first time counts.
    pub(crate) fn rings(&mut self, now: Now) {
        self.ringing_since.get_or_insert(now.mono);
    }

    /// Answered or over: nothing rings any more.
    pub(crate) fn rang_until(&mut self, now: Now) {
        if let Some(since) = self.ringing_since
            && self.answered_ms.is_none()
        {
            self.rang = now.mono.saturating_sub(since);
        }
    }

    /// The names of the leg come piece by piece, and from a server in trouble not at all: what was told stays.
    pub(crate) fn note_ids(&mut self, ids: &CallIds) {
        for (told, kept) in [
            (&ids.bridge, &mut self.facts.sip_call_id),
            (&ids.dialogue, &mut self.facts.sip_call_id_full),
            (&ids.provider, &mut self.facts.provider_call_id),
        ] {
            let sound = |id: &&String| {
                !id.is_empty() && id.len() <= LONGEST_ID && !id.contains(char::is_control)
            };
            if let Some(id) = told.as_ref().filter(sound) {
                *kept = Some(id.clone());
            }
        }
    }

    pub(crate) fn note_sip_code(&mut self, fact: &LegFact) {
        match fact {
            LegFact::PlaceFailed {
                failure: PlaceFailure::Sip { code },
                ..
            } => self.facts.sip_code = Some(*code),
            // the bridge was asked for a password: it says so without the code
            LegFact::PlaceFailed {
                failure: PlaceFailure::TrunkNeedsPassword,
                ..
            } => {
                self.facts.sip_code = Some(401);
            }
            LegFact::PlaceFailed { .. }
            | LegFact::Answered { .. }
            | LegFact::Removed { .. }
            | LegFact::RoomDeleted { .. }
            | LegFact::DropFailed { .. }
            | LegFact::Looked { .. }
            | LegFact::LookFailed
            | LegFact::PersonAnswered { .. }
            | LegFact::PersonFailed { .. }
            | LegFact::Transferred
            | LegFact::TransferFailed(_)
            | LegFact::Parted { .. } => {}
        }
    }

    /// Adds up reports that begin at nothing again whenever the far end's track is a new one. Returns the sum.
    pub(crate) fn add_up(&mut self, report: MediaReport) -> MediaReport {
        // a report that was overtaken by the next one is a little behind, that of a new track far
        if report.packets < self.last_report.packets / 2 {
            self.media_before = self.media;
        }
        self.last_report = report;
        let before = &self.media_before;
        let sum = MediaReport {
            packets: before.packets.saturating_add(report.packets),
            lost: before.lost.saturating_add(report.lost),
            heard_seconds: before.heard_seconds + report.heard_seconds,
            heard_dbfs: report.heard_dbfs.or(before.heard_dbfs),
            ..report
        };
        self.facts.packets_received = sum.packets;
        self.facts.packets_lost = sum.lost;
        if report.jitter_ms.is_finite() {
            self.reports = self.reports.saturating_add(1);
            let off = report.jitter_ms - self.facts.jitter_mean_ms;
            self.facts.jitter_mean_ms += off / f64::from(self.reports);
            self.facts.jitter_max_ms = self.facts.jitter_max_ms.max(report.jitter_ms);
        }
        sum
    }

    /// All of it, once the call is over. The devices are named if sound of ours went out.
    pub(crate) fn row_facts(&self, shared: &Shared) -> CallFacts {
        let Devices {
            microphone,
            speaker,
        } = &shared.devices;
        // Outwards the microphone is announced before the leg is placed.
        let spoke = self.announced || self.placed;
        let used = |name: &Option<String>| name.clone().filter(|_| spoke);
        CallFacts {
            microphone: used(microphone),
            speaker: used(speaker),
            people: self.people_of_row(),
            ..self.facts.clone()
        }
    }
}
