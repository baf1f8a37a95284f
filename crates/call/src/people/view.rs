//! How the people of a call are shown.

use super::{Face, Person};
use crate::end::EndReason;
use crate::ids::Identity;
use crate::output::LogPerson;
use crate::record::Call;
use crate::state::{CallState, LegStatus};
use crate::view::{PersonState, PersonView};

impl Call {
    /// Is the phone of the one we talk to alone ringing?
    pub(crate) fn hears_ringback(&self) -> bool {
        let with = self.private_with().filter(|_| !self.held);
        let rings = |person: &Person| {
            person.is_here()
                && person.status == Some(LegStatus::Ringing)
                && Some(&person.leg) == with
        };
        self.party.people.iter().any(rings)
    }

    pub(crate) fn people_words(&self) -> Option<String> {
        if let Some(person) = self.party.people.iter().find(|person| person.is_called()) {
            let rings = person.status == Some(LegStatus::Ringing);
            let shown = &person.face.shown;
            return Some(if rings {
                format!("{shown} is ringing")
            } else {
                format!("Calling {shown}")
            });
        }
        if let Some(with) = self.private_with() {
            let far = self.far_face();
            let all = self.party.people.iter().map(|p| (&p.leg, &p.face));
            let (_, face) = all
                .chain(std::iter::once((&self.leg, &far)))
                .find(|(leg, _)| *leg == with)?;
            let who = face.name.as_ref().unwrap_or(&face.shown);
            return Some(format!("Alone with {who}"));
        }
        if self.circle.only.is_some() {
            return Some("Putting the others aside".into());
        }
        let others = self.party.up();
        (others > 0).then(|| format!("In call with {} people", others + 1))
    }

    /// Everybody who was on the phone, for the row of a call that is over.
    pub(crate) fn people_of_row(&self) -> Vec<LogPerson> {
        if self.party.people.is_empty() {
            return Vec::new();
        }
        let end = self.end.as_ref().unwrap_or(&EndReason::Interrupted);
        let far = (self.far_face(), self.answered_ms.is_some(), end);
        let others = self.party.people.iter().map(|person| {
            let gone = person.gone.as_ref().unwrap_or(end);
            (person.face.clone(), person.answered, gone)
        });
        let mut faces: Vec<_> = std::iter::once(far).chain(others).collect();
        faces.sort_by_key(|(face, ..)| face.n);
        let person = |(face, answered, reason): (Face, bool, &EndReason)| LogPerson {
            number: face.number,
            name: face.name,
            answered,
            reason: reason.clone(),
        };
        faces.into_iter().map(person).collect()
    }

    pub(crate) fn people(&self) -> Vec<PersonView> {
        if self.party.people.is_empty() {
            return Vec::new();
        }
        let over = |end: &Option<EndReason>| match end {
            Some(end) => PersonState::Gone { end: end.clone() },
            None => PersonState::Up,
        };
        let here = |leg: &Identity| {
            let waits = self.held || self.circle.only.as_ref().is_some_and(|only| only != leg);
            if self.state == CallState::Live && waits {
                PersonState::Waiting
            } else {
                over(&self.end)
            }
        };
        let mut faces = vec![(self.far_face(), self.leg.clone(), here(&self.leg))];
        for person in &self.party.people {
            let state = match (&person.gone, person.status) {
                (Some(_), _) => over(&person.gone),
                (None, _) if self.end.is_some() => over(&self.end),
                (None, _) if person.answered => here(&person.leg),
                (None, Some(LegStatus::Ringing)) => PersonState::Ringing,
                (None, _) => PersonState::Dialling,
            };
            faces.push((person.face.clone(), person.leg.clone(), state));
        }
        faces.sort_by_key(|(face, ..)| face.n);
        faces
            .into_iter()
            .map(|(face, leg, state)| PersonView {
                leg,
                number: face.number,
                number_shown: face.shown,
                name: face.name,
                state,
            })
            .collect()
    }
}
