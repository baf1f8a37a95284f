//! Who is in the room, as far as this connection was told.

use std::collections::BTreeMap;

use call::Identity;
use call::state::{CallIds, LegStatus, Participant, ParticipantKind};

use crate::backend::{Person, Publication};

/// A phone leg says in this attribute how far it is.
const LEG_STATUS: &str = "sip.callStatus";
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
        call_ids: CallIds {
            bridge: person.attributes.get("sip.callID").cloned(),
            dialogue: person.attributes.get("sip.callIDFull").cloned(),
            provider: None,
        },
    })
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
    fn an_identity_that_is_none_is_ignored() {
        let mut roster = Roster::default();
        assert_eq!(
            roster.add(person("", ParticipantKind::Sip), Vec::new()),
            None
        );
        assert!(!roster.is_leg(""));
    }
}
