//! The table of SIP codes: each outcome has its own words, its own word in the journal, and silences the ringback.

use std::collections::{BTreeMap, HashMap};

use call::EndReason;
use call::Role;
use call::input::PlaceFailure;
use call::state::{CallState, LeaveReason, LegStatus};

use crate::support::Desk;

/// Codes that people and providers really meet; each must be told apart in the journal.
const OWN_WORD: [(u16, &str); 25] = [
    (401, "line_password"),
    (402, "line_unpaid"),
    (403, "line_forbidden"),
    (404, "not_in_service"),
    (407, "line_proxy_password"),
    (408, "no_reply"),
    (410, "number_gone"),
    (415, "media_unknown"),
    (480, "unavailable"),
    (481, "line_lost_track"),
    (484, "number_incomplete"),
    (486, "busy"),
    (487, "line_stopped"),
    (488, "media_refused"),
    (500, "line_error"),
    (501, "line_unable"),
    (502, "line_gateway"),
    (503, "line_overloaded"),
    (504, "line_timeout"),
    (600, "busy_everywhere"),
    (603, "declined"),
    (604, "no_such_number"),
    (606, "media_refused_everywhere"),
    (607, "unwanted"),
    (608, "blocked"),
];

fn expected(code: u16) -> &'static str {
    let own = OWN_WORD.iter().find(|(of, _)| *of == code);
    match (own, code) {
        (Some((_, word)), _) => word,
        (None, 300..=399) => "moved",
        (None, 500..=599) => "line_failed",
        (None, _) => "line_refused",
    }
}

#[test]
fn every_final_code_has_its_reason_its_words_and_its_code_back() {
    let mut titles: BTreeMap<String, &str> = BTreeMap::new();
    for code in 300..700 {
        let reason = EndReason::from_sip_code(code);
        assert_eq!(reason.code(), expected(code), "{code}");
        assert_eq!(reason.sip_code(), Some(code));
        let (title, advice) = (reason.title(), reason.advice().unwrap_or_default());
        assert!(advice.ends_with('.'), "{code} says what to do next");
        assert!(!title.ends_with('.') && title.len() < 70, "{title}");
        assert!(
            !title.contains(char::is_numeric) && !advice.contains(&code.to_string()),
            "the code is never the headline: {title}"
        );
        let word = titles.entry(title.clone()).or_insert(reason.code());
        assert_eq!(*word, reason.code(), "two reasons say “{title}”");
    }
    assert_eq!(titles.len(), OWN_WORD.len() + 3);
}

#[test]
fn the_sentences_that_people_were_promised() {
    let busy = EndReason::from_sip_code(486);
    assert_eq!(busy.title(), "Busy");
    assert_eq!(busy.advice(), Some("Try again or leave a message later."));
    let refused = EndReason::from_sip_code(403);
    assert_eq!(refused.title(), "Your provider refused this call");
    assert!(refused.advice().unwrap().contains("outbound calling is on"));
}

/// Every final code, told while it rings and before, by the request first or by the room first.
#[test]
fn every_final_code_ends_the_call_and_its_ringback_at_once() {
    for code in 300..700 {
        for rang in [true, false] {
            for room_first in [true, false] {
                let mut d = if rang {
                    Desk::ringing()
                } else {
                    Desk::dialling()
                };
                let mut said = Vec::new();
                if room_first {
                    said.extend(d.leg_left(Role::Talk, LeaveReason::UserRejected));
                    assert_eq!(said.contains(&"ringback false".to_owned()), rang, "{code}");
                }
                said.extend(d.place_failed(PlaceFailure::Sip { code }));
                assert_eq!(said.contains(&"ringback false".to_owned()), rang, "{code}");
                assert_eq!(d.end().code(), expected(code));
                assert_eq!(
                    said.contains(&"busy tone".to_owned()),
                    code != 603,
                    "{code}"
                );
                d.wait_s(5);
                let finish = d.finish();
                assert_eq!(finish.facts.sip_code, Some(code));
                assert!(finish.leg_gone && finish.answered_unix_ms.is_none());
            }
        }
    }
}

#[test]
fn a_code_that_no_standard_knows_ends_the_call_all_the_same() {
    for code in [0, 99, 200, 299, 700, 999, u16::MAX] {
        let mut d = Desk::ringing();
        d.place_failed(PlaceFailure::Sip { code });
        assert_eq!(d.end().code(), "line_failed");
        assert_eq!(d.end().sip_code(), Some(code));
    }
}

/// Ringing is ringing, whether the network said 180 or 183: early media is not passed on, so the tone is ours.
#[test]
fn ringing_is_our_own_tone_until_the_answer() {
    let mut d = Desk::dialling();
    let said = d.status(Role::Talk, LegStatus::Ringing);
    assert_eq!(said, ["ringback true"]);
    let said = d.status(Role::Talk, LegStatus::Active);
    assert!(said.contains(&"ringback false".to_owned()), "{said:?}");
}

#[test]
fn what_never_rang_was_not_left_unanswered() {
    for (mut d, outcome) in [
        (Desk::ringing(), "no_answer"),
        (Desk::dialling(), "never_rang"),
    ] {
        d.wait_s(53);
        assert_eq!(d.end().code(), outcome, "by the deadline");
    }
    for (mut d, outcome) in [
        (Desk::ringing(), "no_answer"),
        (Desk::dialling(), "never_rang"),
    ] {
        d.leg_left(Role::Talk, LeaveReason::UserUnavailable);
        d.place_failed(PlaceFailure::Cancelled);
        assert_eq!(d.end().code(), outcome, "by the server");
        assert_eq!(d.finish_later().facts.sip_code, None);
    }
    let title = EndReason::NeverRang.title();
    assert!(title.contains("no phone rang"), "{title}");
}

#[test]
fn ended_on_the_server_is_not_said_to_be_our_cancel() {
    for reason in [LeaveReason::ParticipantRemoved, LeaveReason::RoomDeleted] {
        let mut d = Desk::ringing();
        d.leg_left(Role::Talk, reason);
        d.wait_ms(300);
        assert_eq!(d.end().code(), "ended_by_server");
        let mut d = Desk::live();
        d.leg_left(Role::Talk, reason);
        assert_eq!(d.end().code(), "ended_by_server");
        let mut d = Desk::live();
        d.closed(Role::Talk, reason);
        assert_eq!(d.end().code(), "ended_by_server");
    }
}

/// Words are stable and unique, since journal and scripts live by them.
#[test]
fn no_two_reasons_share_a_word_or_a_headline() {
    let what = String::from("The microphone is missing.");
    let all = [
        EndReason::HungUp,
        EndReason::FarEndHungUp,
        EndReason::FarEndLost,
        EndReason::Cancelled,
        EndReason::Rejected,
        EndReason::NoAnswer,
        EndReason::NeverRang,
        EndReason::NoLine,
        EndReason::NoBridge,
        EndReason::NotSignedIn,
        EndReason::NoEngine { what: what.clone() },
        EndReason::SignInRefused,
        EndReason::NoNetwork,
        EndReason::ConnectionLost,
        EndReason::EndedByServer,
        EndReason::NoSound {
            what: "No headset.".into(),
        },
        EndReason::Missed,
        EndReason::DeclinedHere,
        EndReason::TurnedAway,
        EndReason::Duplicate,
        EndReason::Transferred { to: "Ada".into() },
        EndReason::AnsweredElsewhere { by: "Maria".into() },
        EndReason::Interrupted,
        EndReason::BadNumber {
            why: "There is no number.".into(),
        },
        EndReason::AlreadyInCall,
    ];
    let of_sip = [300, 400, 599]
        .into_iter()
        .chain(OWN_WORD.iter().map(|(code, _)| *code))
        .map(EndReason::from_sip_code);
    let mut seen = HashMap::new();
    for reason in all.into_iter().chain(of_sip) {
        assert!(
            seen.insert(reason.code(), reason.title()).is_none(),
            "{reason:?}"
        );
        assert!(
            reason
                .code()
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_')
        );
        assert_eq!(reason.is_missed(), reason == EndReason::Missed);
    }
    let headlines: std::collections::HashSet<_> = seen.values().collect();
    assert_eq!(headlines.len(), seen.len());
}

#[test]
fn a_refusal_while_the_far_end_answers_is_the_answer_that_came_first() {
    let mut d = Desk::ringing();
    d.status(Role::Talk, LegStatus::Active);
    d.place_failed(PlaceFailure::Sip { code: 486 });
    assert_eq!(d.state(), CallState::Live, "its room tells how it ends");
}
