//! A desk for tests: a phone, a clock that only the test moves, and outputs as short words.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

mod ladders;
pub mod reached;
pub mod samples;

pub use samples::looked;

use std::collections::HashMap;
use std::time::Duration;

use call::input::{
    AudioFact, Intent, JoinFailure, LegFact, LineStatus, LogFact, Offer, Orphan, OtherCall,
    PlaceFailure, RoomFact, Trunk, WatchFact,
};
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand, ShellCommand};
use call::routing::Way;
use call::state::{
    CallState, Direction, LeaveReason, LegStatus, MediaReport, Participant, ParticipantKind,
};
use call::view::CallView;
use call::{
    CallId, DeskSettings, EndReason, Identity, Input, Link, Now, Output, Phone, Role, RoomName,
};

/// Where the wall clock of every test starts.
pub const START_MS: i64 = 1_800_000_000_000;
/// A number that can be dialled.
pub const NUMBER: &str = "+12125550100";
/// The caller of every offer.
pub const CALLER: &str = "+13125550142";
/// Somebody who is added to a call.
pub const OTHER: &str = "+13125550188";

pub fn id(name: &str) -> CallId {
    CallId::parse(name).unwrap()
}

pub fn leg_of(call: &str) -> Identity {
    Identity::parse(&format!("leg-{call}")).unwrap()
}

/// The `n`th further person of a call.
pub fn person_of(call: &str, n: u32) -> Identity {
    Identity::parse(&format!("leg-{call}-p{n}")).unwrap()
}

pub fn inbound_room(call: &str) -> RoomName {
    RoomName::parse(&format!("inbound-_{CALLER}_{call}")).unwrap()
}

pub fn offer_of(call: &str) -> Offer {
    Offer {
        call: id(call),
        room: inbound_room(call),
        leg: leg_of(call),
        from: CALLER.into(),
        name: Some("Ada".into()),
        to: NUMBER.into(),
        created_unix_ms: START_MS,
    }
}

pub fn ready() -> LineStatus {
    LineStatus::Ready {
        trunks: vec![Trunk {
            id: "ST_main".into(),
            name: "main".into(),
            numbers: vec!["+12125550199".into()],
        }],
    }
}

pub fn phone_leg(call: &str, status: Option<LegStatus>) -> Participant {
    Participant {
        identity: leg_of(call),
        name: String::new(),
        kind: ParticipantKind::Sip,
        leg_status: status,
        claims: false,
        call_ids: call::state::CallIds::default(),
    }
}

pub fn colleague(name: &str, claims: bool) -> Participant {
    Participant {
        identity: Identity::parse(&format!("desk-{name}-1")).unwrap(),
        name: name.into(),
        kind: ParticipantKind::Standard,
        leg_status: None,
        claims,
        call_ids: call::state::CallIds::default(),
    }
}

/// A line whose calls may go over another.
pub fn way(name: &str) -> Way {
    Way {
        trunk: format!("ST_{name}"),
        name: name.into(),
        caller_id: Some("+12025550150".into()),
        fails_over: true,
    }
}

/// An output in a few words; the call is named unless it is `c1`.
pub fn words(output: &Output) -> String {
    let named = |what: String, call: &CallId| {
        if call.as_str() == "c1" {
            what
        } else {
            format!("{what} [{call}]")
        }
    };
    match output {
        Output::Log(command) => match command {
            LogCommand::Start(start) => named("start".into(), &start.call),
            LogCommand::Answered { call, .. } => named("log answered".into(), call),
            LogCommand::WentOver { call, refusal, .. } => {
                named(format!("log over, {} refused", refusal.line), call)
            }
            LogCommand::Alive { call, .. } => named("alive".into(), call),
            LogCommand::Finish(finish) => {
                let kept = if finish.leg_gone { "" } else { ", leg loose" };
                named(
                    format!("finish {}{kept}", finish.reason.code()),
                    &finish.call,
                )
            }
            LogCommand::FinishOrphan { call } => named("finish orphan".into(), call),
            LogCommand::HandedOver { call, .. } => named("handed over".into(), call),
            LogCommand::LegGone { call } => named("leg gone".into(), call),
        },
        Output::Room(command) => {
            let link = command.link();
            let role = match link.role {
                Role::Talk => "talk",
                Role::Watch => "watch",
            };
            let what = match command {
                RoomCommand::Join { .. } => format!("join {role} {}", link.attempt),
                RoomCommand::Claim { .. } => "claim".into(),
                RoomCommand::PublishMicrophone { .. } => "publish".into(),
                RoomCommand::Listen { .. } => "listen".into(),
                RoomCommand::SetMuted { muted, .. } => format!("muted {muted}"),
                RoomCommand::SetHeld { held, .. } => format!("held {held}"),
                RoomCommand::SetAudience {
                    only: Some(leg), ..
                } => format!("only {leg}"),
                RoomCommand::SetAudience { only: None, .. } => "everybody".into(),
                RoomCommand::SendKeys { keys, .. } => format!("keys {keys}"),
                RoomCommand::EndLeg { .. } => "end leg".into(),
                RoomCommand::Leave { .. } => format!("leave {role} {}", link.attempt),
            };
            named(what, &link.call)
        }
        Output::Leg(command) => match command {
            LegCommand::Place { call, leg, .. } if *leg != leg_of(call.as_str()) => {
                named(format!("place {leg}"), call)
            }
            LegCommand::Place { call, .. } => named("place".into(), call),
            LegCommand::Remove { call, identity, .. } => {
                let whom = if *identity == leg_of(call.as_str()) {
                    "leg"
                } else {
                    identity.as_str()
                };
                named(format!("remove {whom}"), call)
            }
            LegCommand::DeleteRoom { call, .. } => named("delete room".into(), call),
            LegCommand::Look { call, .. } => named("look".into(), call),
            LegCommand::PlacePerson { call, leg, .. } => named(format!("place {leg}"), call),
            LegCommand::Transfer { call, .. } => named("transfer".into(), call),
            LegCommand::Part { call, apart, .. } => named(format!("part {apart}"), call),
            LegCommand::RetryLine => "retry line".into(),
        },
        Output::Audio(command) => match command {
            AudioCommand::Open => "open".into(),
            AudioCommand::Close => "close".into(),
            AudioCommand::Ring(on) => format!("ring {on}"),
            AudioCommand::Ringback(on) => format!("ringback {on}"),
            AudioCommand::BusyTone => "busy tone".into(),
            AudioCommand::EndTone => "end tone".into(),
            AudioCommand::Beep => "beep".into(),
            AudioCommand::KeyTone(key) => format!("key tone {key}"),
        },
        Output::Shell(command) => match command {
            ShellCommand::ShowOverlay => "show overlay".into(),
            ShellCommand::HideOverlay => "hide overlay".into(),
            ShellCommand::NotifyIncoming { call } => named("notify incoming".into(), call),
            ShellCommand::NotifyMissed { call } => named("notify missed".into(), call),
            ShellCommand::Refused { call, reason } => {
                named(format!("refused {}", reason.code()), call)
            }
            ShellCommand::MayQuit => "may quit".into(),
        },
    }
}

/// A phone and the moment it lives in. Facts are about the call in hand (`c1` unless [`Desk::hold`] took another).
#[derive(Clone)]
pub struct Desk {
    pub phone: Phone,
    pub now: Duration,
    /// Added to the wall clock: the clock was set.
    pub wall_shift_ms: i64,
    pub deadline: Option<Duration>,
    pub outputs: Vec<Output>,
    links: HashMap<(CallId, Role), Link>,
    call: String,
}

impl Desk {
    /// A phone whose line is ready.
    pub fn new() -> Self {
        let mut desk = Self {
            phone: Phone::new(DeskSettings::default()),
            now: Duration::from_secs(1_000),
            wall_shift_ms: 0,
            deadline: None,
            outputs: Vec::new(),
            links: HashMap::new(),
            call: "c1".into(),
        };
        desk.tell(Input::Line(ready()));
        desk
    }

    /// The call that facts are about from here on.
    pub fn hold(&mut self, call: &str) -> &mut Self {
        self.call = call.into();
        self
    }

    pub fn unix_ms(&self) -> i64 {
        START_MS + self.now.as_millis() as i64 - 1_000_000 + self.wall_shift_ms
    }

    /// One input at the present moment; the outputs in words.
    pub fn tell(&mut self, input: Input) -> Vec<String> {
        let before = self.phone.view();
        reached::note(&before, &input);
        let now = Now {
            mono: self.now,
            unix_ms: self.unix_ms(),
        };
        let step = self.phone.handle(input, now);
        let after = self.phone.view();
        assert!(
            step.deadline.is_none_or(|deadline| deadline > self.now),
            "a deadline in the past keeps the loop spinning"
        );
        assert_eq!(step.changed, after.rev == before.rev + 1);
        if !step.changed {
            assert_eq!(before, after, "changed without a word");
        }
        self.deadline = step.deadline;
        for output in &step.outputs {
            if let Output::Room(RoomCommand::Join { link, .. }) = output {
                self.links
                    .insert((link.call.clone(), link.role), link.clone());
            }
        }
        let said = step.outputs.iter().map(words).collect();
        self.outputs.extend(step.outputs);
        said
    }

    /// Lets time pass, waking the phone whenever it asked for it.
    pub fn wait(&mut self, time: Duration) -> Vec<String> {
        let until = self.now + time;
        let mut said = Vec::new();
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= until) {
            self.now = deadline;
            said.extend(self.tell(Input::Tick));
        }
        self.now = until;
        said
    }

    pub fn wait_ms(&mut self, ms: u64) -> Vec<String> {
        self.wait(Duration::from_millis(ms))
    }

    pub fn wait_s(&mut self, seconds: u64) -> Vec<String> {
        self.wait(Duration::from_secs(seconds))
    }

    /// The computer slept: time passed, and nobody woke the phone.
    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
    }

    // ---- what is seen ----

    pub fn view(&self) -> CallView {
        let view = self.phone.view();
        view.call(&id(&self.call))
            .expect("the call is shown")
            .clone()
    }

    pub fn state(&self) -> CallState {
        self.view().state
    }

    pub fn end(&self) -> EndReason {
        self.view().end.expect("the call has an outcome")
    }

    pub fn notice_text(&self) -> String {
        let notice = self.phone.view().notice;
        notice.map(|notice| notice.text).unwrap_or_default()
    }

    pub fn notice(&self) -> Option<&'static str> {
        self.phone.view().notice.map(|notice| notice.code)
    }

    pub fn said(&self, what: &str) -> usize {
        self.outputs.iter().filter(|o| words(o) == what).count()
    }

    pub fn finish(&self) -> call::output::LogFinish {
        let all: Vec<_> = self
            .outputs
            .iter()
            .filter_map(|output| match output {
                Output::Log(LogCommand::Finish(finish)) if finish.call == id(&self.call) => {
                    Some(finish.clone())
                }
                _ => None,
            })
            .collect();
        assert_eq!(all.len(), 1, "one start, one finish");
        all[0].clone()
    }

    /// Lets the taking-down come to its end, whatever the server says or not.
    pub fn finish_later(&mut self) -> call::output::LogFinish {
        self.wait_s(30);
        self.finish()
    }

    pub fn finish_after_hang_up(&mut self) -> call::output::LogFinish {
        self.hang_up();
        self.finish_later()
    }

    // ---- intents ----

    pub fn intent(&mut self, intent: Intent) -> Vec<String> {
        self.tell(Input::Intent(intent))
    }

    pub fn dial_number(&mut self, number: &str) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Dial {
            call,
            number: number.into(),
            ways: Vec::new(),
        })
    }

    /// Dials over the first of these lines.
    pub fn dial_over(&mut self, number: &str, ways: Vec<Way>) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Dial {
            call,
            number: number.into(),
            ways,
        })
    }

    pub fn dial(&mut self) -> Vec<String> {
        self.dial_number(NUMBER)
    }

    pub fn answer(&mut self) -> Vec<String> {
        self.answer_and(OtherCall::Hold)
    }

    pub fn answer_and(&mut self, other: OtherCall) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Answer { call, other })
    }

    pub fn add_person(&mut self, private: bool) -> Vec<String> {
        let call = id(&self.call);
        let number = OTHER.into();
        self.intent(Intent::AddPerson {
            call,
            number,
            private,
        })
    }

    pub fn merge(&mut self) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Merge { call })
    }

    pub fn talk_privately(&mut self, with: Identity) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::TalkPrivately { call, with })
    }

    pub fn hand_over(&mut self) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::HandOver { call })
    }

    pub fn drop_person(&mut self, leg: Identity) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::DropPerson { call, leg })
    }

    /// The `n`th further person tells a status on the connection of this role.
    pub fn person(&mut self, role: Role, n: u32, status: LegStatus) -> Vec<String> {
        let link = self.link(role);
        let leg = Participant {
            identity: person_of(&self.call, n),
            ..phone_leg(&self.call, Some(status))
        };
        self.at(link, RoomFact::Present(leg))
    }

    pub fn person_failed(&mut self, n: u32, failure: PlaceFailure) -> Vec<String> {
        let leg = person_of(&self.call, n);
        self.server(LegFact::PersonFailed { leg, failure })
    }

    pub fn person_answered(&mut self, n: u32) -> Vec<String> {
        let leg = person_of(&self.call, n);
        self.server(LegFact::PersonAnswered { leg })
    }

    pub fn audience(&mut self, done: bool) -> Vec<String> {
        self.talk(if done {
            RoomFact::AudienceSet
        } else {
            let detail = "refused".into();
            RoomFact::AudienceFailed { detail }
        })
    }

    pub fn parted(&mut self, apart: bool, done: bool) -> Vec<String> {
        self.server(LegFact::Parted { apart, done })
    }

    pub fn transfer(&mut self, to: &str) -> Vec<String> {
        let (call, to) = (id(&self.call), to.into());
        self.intent(Intent::Transfer { call, to })
    }

    pub fn set_held(&mut self, held: bool) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::SetHeld { call, held })
    }

    /// As people do: not within the moment in which it began to ring.
    pub fn decline(&mut self) -> Vec<String> {
        self.sleep(Duration::from_millis(1_500));
        self.decline_at_once()
    }

    pub fn decline_at_once(&mut self) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Decline { call })
    }

    pub fn silence(&mut self) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Silence { call })
    }

    pub fn hang_up(&mut self) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::HangUp { call })
    }

    pub fn mute(&mut self, muted: bool) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::SetMuted { call, muted })
    }

    pub fn keys(&mut self, keys: &str) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::SendKeys {
            call,
            keys: keys.into(),
        })
    }

    pub fn dismiss(&mut self) -> Vec<String> {
        let call = id(&self.call);
        self.intent(Intent::Dismiss { call })
    }

    pub fn quit(&mut self) -> Vec<String> {
        self.intent(Intent::Quit)
    }

    // ---- facts ----

    pub fn link(&self, role: Role) -> Link {
        self.links[&(id(&self.call), role)].clone()
    }

    pub fn known_link(&self, role: Role) -> Option<Link> {
        self.links.get(&(id(&self.call), role)).cloned()
    }

    pub fn at(&mut self, link: Link, fact: RoomFact) -> Vec<String> {
        self.tell(Input::Room { link, fact })
    }

    pub fn talk(&mut self, fact: RoomFact) -> Vec<String> {
        let link = self.link(Role::Talk);
        self.at(link, fact)
    }

    pub fn watch(&mut self, fact: RoomFact) -> Vec<String> {
        let link = self.link(Role::Watch);
        self.at(link, fact)
    }

    pub fn joined(&mut self, present: Vec<Participant>) -> Vec<String> {
        self.talk(RoomFact::Joined { present })
    }

    pub fn join_failed(&mut self, role: Role, why: JoinFailure) -> Vec<String> {
        let link = self.link(role);
        let detail = "detail".into();
        self.at(link, RoomFact::JoinFailed { why, detail })
    }

    pub fn published(&mut self) -> Vec<String> {
        self.talk(RoomFact::Published)
    }

    /// The leg tells its status on the connection of this role.
    pub fn status(&mut self, role: Role, status: LegStatus) -> Vec<String> {
        let link = self.link(role);
        let leg = Participant {
            identity: self.placed_leg(),
            ..phone_leg(&self.call, Some(status))
        };
        self.at(link, RoomFact::Present(leg))
    }

    /// The leg leaves, seen on the connection of this role.
    pub fn leg_left(&mut self, role: Role, reason: LeaveReason) -> Vec<String> {
        self.somebody_left(role, self.placed_leg(), reason, false)
    }

    pub fn somebody_left(
        &mut self,
        role: Role,
        identity: Identity,
        reason: LeaveReason,
        reconnecting: bool,
    ) -> Vec<String> {
        let link = self.link(role);
        self.at(
            link,
            RoomFact::Left {
                identity,
                reason,
                reconnecting,
            },
        )
    }

    pub fn closed(&mut self, role: Role, reason: LeaveReason) -> Vec<String> {
        let link = self.link(role);
        self.at(link, RoomFact::Closed { reason })
    }

    /// Our own leave is done.
    pub fn gone(&mut self, role: Role) -> Vec<String> {
        self.closed(role, LeaveReason::ClientInitiated)
    }

    pub fn media(&mut self, stalled_seconds: u64) -> Vec<String> {
        self.talk(RoomFact::Media(MediaReport {
            packets: 100,
            stalled: Duration::from_secs(stalled_seconds),
            heard_seconds: 1.5,
            heard_dbfs: Some(-20.0),
            lost: 0,
            jitter_ms: 0.0,
            round_trip_ms: 0.0,
            sent_lost_percent: 0.0,
        }))
    }

    pub fn server(&mut self, fact: LegFact) -> Vec<String> {
        let call = id(&self.call);
        self.tell(Input::Leg { call, fact })
    }

    /// The leg that was placed last for the call in hand; else the one it would have.
    pub fn placed_leg(&self) -> Identity {
        let placed = self.outputs.iter().rev().find_map(|output| match output {
            Output::Leg(LegCommand::Place { call, leg, .. }) if *call == id(&self.call) => {
                Some(leg.clone())
            }
            _ => None,
        });
        placed.unwrap_or_else(|| leg_of(&self.call))
    }

    pub fn place_answered(&mut self) -> Vec<String> {
        let leg = self.placed_leg();
        self.server(LegFact::Answered { leg })
    }

    pub fn place_failed(&mut self, failure: PlaceFailure) -> Vec<String> {
        let leg = self.placed_leg();
        self.server(LegFact::PlaceFailed { leg, failure })
    }

    pub fn removed(&mut self, found: bool) -> Vec<String> {
        self.server(LegFact::Removed { found })
    }

    pub fn room_deleted(&mut self) -> Vec<String> {
        self.server(LegFact::RoomDeleted { found: true })
    }

    pub fn drop_failed(&mut self) -> Vec<String> {
        let detail = "no answer".into();
        self.server(LegFact::DropFailed { detail })
    }

    pub fn looked(&mut self, leg: Option<LegStatus>, other_desks: u32) -> Vec<String> {
        self.server(looked(leg, other_desks))
    }

    pub fn logged(&mut self) -> Vec<String> {
        let call = id(&self.call);
        let fact = LogFact::Logged;
        self.tell(Input::Log { call, fact })
    }

    pub fn opened(&mut self) -> Vec<String> {
        self.tell(Input::Audio(AudioFact::Opened))
    }

    pub fn sound_failed(&mut self) -> Vec<String> {
        let what = "No microphone was found.".into();
        self.tell(Input::Audio(AudioFact::Failed { what }))
    }

    pub fn withdrawn(&mut self) -> Vec<String> {
        let room = inbound_room(&self.call);
        self.tell(Input::Watch(WatchFact::Withdrawn { room }))
    }

    pub fn offer(&mut self) -> Vec<String> {
        let offer = offer_of(&self.call);
        self.tell(Input::Watch(WatchFact::Offer(offer)))
    }

    pub fn orphan(&mut self, direction: Direction, answered: bool) -> Vec<String> {
        let call = self.call.clone();
        self.tell(Input::Orphan(Orphan {
            call: id(&call),
            direction,
            room: RoomName::outbound(&id(&call)),
            leg: leg_of(&call),
            answered,
            age: Duration::from_secs(9),
            handed_over: false,
            number: NUMBER.into(),
            name: None,
            line: None,
            started_unix_ms: START_MS,
            answered_unix_ms: None,
            muted: false,
        }))
    }
}
