//! Handing the far end over by SIP REFER: the provider connects it with somebody else, and we are out.
//!
//! ```text
//!          Transfer            Transferred, within 30 s          the leg ends by itself, within 5 s
//!  Live ------------> Asked --------------------------> Done ---------------------------------------> Ending
//!                       |  refused, no outcome
//!                       +-------------------------> Failed: the far end is still with us, as it was
//! ```
//! Providers refuse it often and may do so at any time, so nothing about the call changes before it worked.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::CallId;
use crate::input::TransferFailure;
use crate::output::LegCommand;
use crate::phone::Phone;
use crate::record::{Call, Shared, Timer};
use crate::state::{CallState, LegStatus};
use crate::target::{self, Target};
use crate::view::{TransferState, TransferView};

/// How long the third party's phone may ring.
const WITHIN: Duration = Duration::from_secs(30);
/// Beyond that: the answer was lost.
const LOST: Duration = Duration::from_secs(35);
/// The bridge ends the leg one second after a transfer that worked.
const LEAVES: Duration = Duration::from_secs(5);

impl Call {
    /// May the far end be handed over now? If not, why: one sentence.
    fn may_transfer(&self) -> Result<(), &'static str> {
        if self.state != CallState::Live || self.status < Some(LegStatus::Active) {
            return Err("A call can be transferred once it has been answered.");
        }
        if self.is_shaky() {
            return Err(
                "The connection is being rebuilt. Transfer the call when the other side is back.",
            );
        }
        if !self.party.is_empty() {
            return Err(
                "A call with several people cannot be transferred. Leave it instead: they talk on.",
            );
        }
        if self.is_being_transferred() {
            return Err("This call is being transferred already. Wait for the outcome.");
        }
        Ok(())
    }

    pub(crate) fn can_transfer(&self) -> bool {
        self.may_transfer().is_ok()
    }

    /// Is the outcome of a transfer awaited, or did it work?
    pub(crate) fn is_being_transferred(&self) -> bool {
        matches!(
            self.transfer.as_ref().map(|transfer| &transfer.state),
            Some(TransferState::Asked | TransferState::Done)
        )
    }

    /// Is the far end with somebody else?
    pub(crate) fn is_transferred(&self) -> bool {
        let state = self.transfer.as_ref().map(|transfer| &transfer.state);
        state == Some(&TransferState::Done)
    }

    fn transfer(&mut self, target: &Target, shared: &mut Shared) {
        self.transfer = Some(TransferView {
            to: target.shown().into(),
            state: TransferState::Asked,
        });
        self.wake(Timer::Transfer, LOST, shared.now);
        shared.changed = true;
        shared.leg(LegCommand::Transfer {
            call: self.id.clone(),
            room: self.room.clone(),
            leg: self.leg.clone(),
            to: target.to().clone(),
            within: WITHIN,
        });
    }

    /// It worked, even if we had given up waiting: the bridge ends the leg by itself.
    pub(crate) fn transferred(&mut self, shared: &mut Shared) {
        if let Some(transfer) = &mut self.transfer
            && transfer.state != TransferState::Done
        {
            transfer.state = TransferState::Done;
            self.wake(Timer::Transfer, LEAVES, shared.now);
            shared.changed = true;
        }
    }

    pub(crate) fn transfer_failed(&mut self, failure: &TransferFailure, shared: &mut Shared) {
        let what = self.transfer_refusal(failure);
        if let Some(transfer) = &mut self.transfer
            && transfer.state == TransferState::Asked
        {
            transfer.state = TransferState::Failed { what };
            self.cancel(Timer::Transfer);
            shared.changed = true;
        }
    }

    pub(crate) fn transfer_timer(&mut self, shared: &mut Shared) {
        match self.transfer.as_ref().map(|transfer| &transfer.state) {
            Some(TransferState::Asked) => self.transfer_failed(&TransferFailure::NoOutcome, shared),
            Some(TransferState::Done) => self.far_end_gone(EndReason::FarEndHungUp, shared),
            Some(TransferState::Failed { .. }) | None => {}
        }
    }

    /// However a call ends whose far end was handed over: it was handed over.
    pub(crate) fn name_transfer(&mut self, reason: EndReason) -> EndReason {
        if self.state == CallState::HandedOver && reason != EndReason::HungUp {
            return EndReason::Transferred {
                to: self.handed_to(),
            };
        }
        match &self.transfer {
            Some(TransferView {
                to,
                state: TransferState::Done,
            }) if self.state == CallState::Live => {
                self.facts.transferred_to = Some(to.clone());
                EndReason::Transferred { to: to.clone() }
            }
            Some(_) | None => reason,
        }
    }

    pub(crate) fn transfer_words(&self) -> Option<String> {
        let TransferView { to, state } = self.transfer.as_ref()?;
        match state {
            TransferState::Asked => Some(format!("Transferring to {to}")),
            TransferState::Done => Some(format!("Transferred to {to}")),
            TransferState::Failed { .. } => None,
        }
    }

    /// What went wrong, for a person: what, why, and that nobody was lost.
    fn transfer_refusal(&self, failure: &TransferFailure) -> String {
        let who = self.far_end();
        let what = match failure {
            TransferFailure::Sip { code } => match code {
                486 | 600 => "The phone you transferred to is busy.",
                603 | 607 => {
                    "Your provider refused to transfer the call: it was declined. Add the person to the call instead."
                }
                404 | 410 | 484 | 604 => {
                    "The number you transferred to is not in service. Check it."
                }
                408 | 480 | 487 => "The phone you transferred to did not answer.",
                401 | 403 | 405 | 407 | 420 | 501 => {
                    "Your provider refused to transfer the call: transfers are not switched on. Add the person to the call instead."
                }
                400..=499 | 606 => {
                    "Your provider refused to transfer the call. Add the person to the call instead."
                }
                _ => {
                    "Your provider could not transfer the call. Try again, or add the person to the call instead."
                }
            },
            TransferFailure::NoOutcome => {
                "Your provider did not say whether the transfer worked. Ask before you try again."
            }
            TransferFailure::NotUp => {
                "The call could not be transferred: the server does not see it as up."
            }
            TransferFailure::Unreachable { .. } => {
                "LiveKit could not be reached, so the call was not transferred. Try again."
            }
            TransferFailure::Other { .. } => {
                "LiveKit could not transfer the call. Try again, or add the person to the call instead."
            }
        };
        format!("{what} {who} is still with you.")
    }
}

impl Phone {
    pub(crate) fn transfer(&mut self, id: &CallId, typed: &str) {
        let region = self.shared.region;
        let Some((call, shared)) = self.find(id) else {
            return;
        };
        if call.end.is_some() {
            return;
        }
        if let Err(why) = call.may_transfer() {
            return shared.notify("no_transfer", why);
        }
        match target::parse(typed, region) {
            Ok(target) => call.transfer(&target, shared),
            Err(why) => shared.notify("bad_target", why.to_string()),
        }
    }
}
