//! Desks in every state, each by the shortest way.

use call::Role;
use call::input::RoomFact;
use call::state::{CallState, LegStatus};

use super::{Desk, person_of, phone_leg};

impl Desk {
    // ---- ladders: each stands on the one before ----

    /// dial -> row written -> joining
    pub fn joining() -> Self {
        let mut desk = Self::new();
        desk.dial();
        desk.logged();
        desk
    }

    /// ... -> joined -> devices open -> microphone announced -> leg placed
    pub fn dialling() -> Self {
        let mut desk = Self::joining();
        desk.joined(vec![]);
        desk.opened();
        desk.published();
        assert_eq!(desk.state(), CallState::Dialling);
        desk
    }

    /// ... -> the leg came -> the far end rings
    pub fn ringing() -> Self {
        let mut desk = Self::dialling();
        desk.status(Role::Talk, LegStatus::Dialing);
        desk.status(Role::Talk, LegStatus::Ringing);
        assert_eq!(desk.state(), CallState::RemoteRinging);
        desk
    }

    /// ... -> the far end answered
    pub fn live() -> Self {
        let mut desk = Self::ringing();
        desk.status(Role::Talk, LegStatus::Active);
        desk.place_answered();
        assert_eq!(desk.state(), CallState::Live);
        desk
    }

    /// ... -> somebody else is called into it and answers; `private`: and the far end waits
    pub fn several(private: bool) -> Self {
        let mut desk = Self::live();
        desk.add_person(private);
        desk.audience(true);
        desk.parted(true, true);
        desk.person(Role::Talk, 1, LegStatus::Active);
        desk.person_answered(1);
        desk.parted(true, true);
        let with = private.then(|| person_of("c1", 1));
        assert_eq!(desk.view().private_with, with);
        desk
    }

    /// a caller waits, and the hidden watch sees him
    pub fn offered() -> Self {
        let mut desk = Self::new();
        desk.offer();
        desk.logged();
        desk.watch_joined();
        assert_eq!(desk.state(), CallState::Offered);
        desk
    }

    pub fn watch_joined(&mut self) -> Vec<String> {
        let leg = phone_leg(&self.call.clone(), Some(LegStatus::Ringing));
        self.watch(RoomFact::Joined { present: vec![leg] })
    }

    /// ... -> Answer
    pub fn claiming() -> Self {
        let mut desk = Self::offered();
        desk.answer();
        assert_eq!(desk.state(), CallState::Claiming);
        desk
    }

    /// The join answer of a claim that is won.
    pub fn claim_won(&mut self) -> Vec<String> {
        let leg = phone_leg(&self.call.clone(), Some(LegStatus::Ringing));
        self.joined(vec![leg])
    }

    /// ... -> the claim is won; the devices are still being opened
    pub fn answering() -> Self {
        let mut desk = Self::claiming();
        desk.claim_won();
        assert_eq!(desk.state(), CallState::Answering);
        desk
    }

    /// ... -> microphone announced -> active
    pub fn talking() -> Self {
        let mut desk = Self::answering();
        desk.opened();
        desk.published();
        desk.status(Role::Talk, LegStatus::Active);
        desk.gone(Role::Watch);
        assert_eq!(desk.state(), CallState::Live);
        desk
    }
}
