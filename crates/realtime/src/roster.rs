//! Who is in the room, as far as this connection was told.

use std::collections::BTreeMap;

use call::Identity;
use call::state::{CallIds, LegStatus, Participant, ParticipantKind};

use crate::backend::{Person, Publication};

/// A phone leg says in this attribute how far it is.
const LEG_STATUS: &str = "sip.callStatus";
/// The bridge's name of the call, and that of the SIP dialogue (its `Call-ID`).
const BRIDGE_CALL: &str = "sip.callID";
const DIALOGUE: &str = "sip.callIDFull";
/// The provider's own name of the call, where the bridge passes one on: those that LiveKit's bridge documents.
const PROVIDER_CALLS: [&str; 3] = [
    "sip.twilio.callSid",
    "sip.telnyx.callLegID",
    "sip.amazon.contactId",
];
/// Bytes; a `Call-ID` of RFC 3261 has no limit of its own.
const NAME_LENGTH: usize = 256;
/// A desk that answers says so in this attribute.
pub(crate) const CLAIM: &str = "desk.claim";

#[derive(Debug, Default)]
pub(crate) struct Roster {
    people: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    person: Person,
    publications: Vec<Publication>,
}

impl Roster {
    /// Somebody came, or came again. `None` for an identity no participant can have.
    pub(crate) fn add(
        &mut self,
        person: Person,
        publications: Vec<Publication>,
    ) -> Option<Participant> {
        let participant = participant(&person)?;
        self.people.insert(
            person.identity.clone(),
            Entry {
                person,
                publications,
            },
        );
        Some(participant)
    }

    /// Somebody's attributes changed. `None` if that is no news for a telephone, or the person is unknown.
    pub(crate) fn change(
        &mut self,
        identity: &str,
        changed: BTreeMap<String, String>,
    ) -> Option<Participant> {
        let entry = self.people.get_mut(identity)?;
        let before = participant(&entry.person);
        for (key, value) in changed {
            if value.is_empty() {
                entry.person.attributes.remove(&key);
            } else {
                entry.person.attributes.insert(key, value);
            }
        }
        let after = participant(&entry.person);
        if after == before { None } else { after }
    }

    /// Somebody left.
    pub(crate) fn remove(&mut self, identity: &str) {
        self.people.remove(identity);
    }

    /// Is this a phone leg?
    pub(crate) fn is_leg(&self, identity: &str) -> bool {
        self.people
            .get(identity)
            .is_some_and(|entry| entry.person.kind == ParticipantKind::Sip)
    }

    /// Has a phone leg said that it hung up, and is it still here with a track?
    pub(crate) fn is_anybody_hanging_up(&self) -> bool {
        self.people.values().any(|entry| {
            !entry.publications.is_empty()
                && participant(&entry.person)
                    .is_some_and(|who| who.leg_status == Some(LegStatus::Hangup))
        })
    }

    /// Everybody but us.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &str> {
        self.people.keys().map(String::as_str)
    }

    /// Somebody offers a track. Its publisher may still be unknown: data overtakes the news of an arrival.
    pub(crate) fn publish(&mut self, identity: &str, publication: Publication) {
        if let Some(entry) = self.people.get_mut(identity) {
            entry
                .publications
                .retain(|known| known.sid != publication.sid);
            entry.publications.push(publication);
        }
    }

    pub(crate) fn unpublish(&mut self, identity: &str, sid: &str) {
        if let Some(entry) = self.people.get_mut(identity) {
            entry.publications.retain(|known| known.sid != sid);
        }
    }

    /// Of each phone leg the sound that it offered last: what a rebuilt connection may have left behind is older.
    pub(crate) fn newest_leg_sound(&self) -> impl Iterator<Item = &Publication> {
        self.people
            .values()
            .filter(|entry| entry.person.kind == ParticipantKind::Sip)
            .filter_map(|entry| entry.publications.iter().rfind(|one| one.is_audio))
    }

    /// The sound that phone legs offer.
    pub(crate) fn leg_sound(&self) -> impl Iterator<Item = &Publication> {
        self.people
            .values()
            .filter(|entry| entry.person.kind == ParticipantKind::Sip)
            .flat_map(|entry| &entry.publications)
            .filter(|publication| publication.is_audio)
    }
}

fn participant(person: &Person) -> Option<Participant> {
    let identity = Identity::parse(&person.identity).ok()?;
    Some(Participant {
        identity,
        name: person.name.clone(),
        kind: person.kind,
        leg_status: match person.kind {
            ParticipantKind::Sip => person
                .attributes
                .get(LEG_STATUS)
                .and_then(|text| LegStatus::parse(text)),
            ParticipantKind::Standard | ParticipantKind::Agent | ParticipantKind::Other => None,
        },
        claims: person.attributes.contains_key(CLAIM),
        call_ids: match person.kind {
            ParticipantKind::Sip => CallIds {
                bridge: name(person, BRIDGE_CALL),
                dialogue: name(person, DIALOGUE),
                provider: PROVIDER_CALLS.iter().find_map(|key| name(person, key)),
            },
            ParticipantKind::Standard | ParticipantKind::Agent | ParticipantKind::Other => {
                CallIds::default()
            }
        },
    })
}

/// An attribute that names something: not empty, printable and of a sensible length, or it is none.
fn name(person: &Person, key: &str) -> Option<String> {
    person
        .attributes
        .get(key)
        .filter(|name| {
            !name.is_empty() && name.len() <= NAME_LENGTH && !name.chars().any(char::is_control)
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(identity: &str, kind: ParticipantKind) -> Person {
        Person {
            identity: identity.into(),
            name: String::new(),
            kind,
            attributes: BTreeMap::new(),
        }
    }

    fn change(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn only_what_a_telephone_needs_is_news() {
        let mut roster = Roster::default();
        roster.add(person("leg", ParticipantKind::Sip), Vec::new());
        assert_eq!(roster.change("leg", change("sip.callTag", "x")), None);
        let ringing = roster.change("leg", change(LEG_STATUS, "ringing")).unwrap();
        assert_eq!(ringing.leg_status, Some(LegStatus::Ringing));
        assert_eq!(roster.change("leg", change(LEG_STATUS, "ringing")), None);
        assert_eq!(
            roster.change("stranger", change(LEG_STATUS, "active")),
            None
        );
    }

    #[test]
    fn a_status_is_believed_from_a_leg_only() {
        let mut roster = Roster::default();
        roster.add(person("mallory", ParticipantKind::Standard), Vec::new());
        assert_eq!(roster.change("mallory", change(LEG_STATUS, "hangup")), None);
        assert!(roster.change("mallory", change(CLAIM, "1")).unwrap().claims);
    }

    #[test]
    fn the_names_of_a_call_are_those_of_a_leg_and_what_is_none_is_left_out() {
        let mut roster = Roster::default();
        let mut leg = person("leg", ParticipantKind::Sip);
        leg.attributes.insert(BRIDGE_CALL.into(), "SCL_1".into());
        leg.attributes.insert(DIALOGUE.into(), "a\u{0}b".into());
        let seen = roster.add(leg, Vec::new()).unwrap().call_ids;
        assert_eq!(
            (seen.bridge.as_deref(), seen.dialogue),
            (Some("SCL_1"), None)
        );
        let later = [
            ("sip.telnyx.callLegID", "leg-9", Some("leg-9")),
            ("sip.twilio.callSid", "CA1", Some("CA1")),
        ];
        for (key, value, expected) in later {
            let seen = roster.change("leg", change(key, value)).unwrap().call_ids;
            assert_eq!(seen.provider.as_deref(), expected);
        }
        let long = "x".repeat(NAME_LENGTH + 1);
        let gone = roster.change("leg", change("sip.twilio.callSid", &long));
        assert_eq!(gone.unwrap().call_ids.provider.as_deref(), Some("leg-9"));
        roster.add(person("mallory", ParticipantKind::Standard), Vec::new());
        assert_eq!(
            roster.change("mallory", change("sip.twilio.callSid", "CA2")),
            None
        );
    }

    #[test]
    fn an_identity_that_is_none_is_ignored() {
        let mut roster = Roster::default();
        assert_eq!(
            roster.add(person("", ParticipantKind::Sip), Vec::new()),
            None
        );
        assert!(!roster.is_leg(""));
    }
}
