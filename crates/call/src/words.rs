//! How a call ended, in words for a person: what happened, and what to do next.

use std::borrow::Cow;

use crate::end::EndReason;

impl EndReason {
    /// What happened, as a headline without a full stop.
    #[must_use]
    pub fn title(&self) -> String {
        self.words().0.into_owned()
    }

    /// What to do next, where there is something to do: one or two sentences.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.words().1
    }

    fn words(&self) -> (Cow<'_, str>, Option<&'static str>) {
        let (title, advice) = match self {
            Self::NoSound { what } => {
                return (
                    what.into(),
                    Some("Connect a headset or check the sound settings, then try again."),
                );
            }
            Self::NoEngine { what: told } | Self::BadNumber { why: told } => {
                return (told.into(), None);
            }
            Self::Transferred { to } => return (format!("Transferred to {to}").into(), None),
            Self::AnsweredElsewhere { by } => return (format!("Answered by {by}").into(), None),
            Self::HungUp => ("You ended the call", None),
            Self::FarEndHungUp => ("They ended the call", None),
            Self::FarEndLost => (
                "The other side was cut off",
                Some("Call again: their phone or its network went silent."),
            ),
            Self::Cancelled => ("You cancelled the call", None),
            Self::Busy => ("Busy", Some("Try again or leave a message later.")),
            Self::BusyEverywhere => (
                "Busy on every phone",
                Some("Try again later: no phone of this number is free."),
            ),
            Self::Declined => (
                "They declined the call",
                Some("Try again later, or send a message."),
            ),
            Self::Unwanted => (
                "They do not take calls from your number",
                Some("Reach them in another way. Calling again will be refused too."),
            ),
            Self::Blocked => (
                "A filter on the way blocked the call",
                Some("Ask your provider how your number is rated by call filters."),
            ),
            Self::Rejected => (
                "The call was refused",
                Some("Busy, declined or not allowed: the network did not say. Try again later."),
            ),
            Self::NoAnswer => ("No answer", Some("Try again later.")),
            Self::NeverRang => (
                "The call did not get through: no phone rang",
                Some("Try again. If it stays, ask your provider about this number."),
            ),
            Self::NotInService => (
                "Number not in service",
                Some("Check the number and dial again."),
            ),
            Self::NumberGone => (
                "This number is no longer in use",
                Some("Look for a newer number."),
            ),
            Self::NumberIncomplete => (
                "The number is incomplete",
                Some("Add the missing digits, with the country code, and dial again."),
            ),
            Self::NoSuchNumber => (
                "No network knows this number",
                Some("Check the country code and every digit, then dial again."),
            ),
            Self::Unavailable => (
                "Phone cannot be reached",
                Some("The phone may be switched off. Try again later."),
            ),
            Self::NoReply => (
                "The other network did not reply",
                Some("Try again in a few minutes."),
            ),
            Self::Moved { .. } => (
                "The call was redirected, and LiveKit does not follow",
                Some("Dial the new number, or ask your provider to forward such calls."),
            ),
            Self::LinePassword => (
                "Your provider asked for a password",
                Some("Check user name and password of the trunk in your LiveKit project."),
            ),
            Self::LineProxyPassword => (
                "Your provider's proxy asked for a password",
                Some(
                    "Check user name and password of the trunk, and which address it dials through.",
                ),
            ),
            Self::LineUnpaid => (
                "Your provider asks for payment",
                Some("Check the balance of your account there."),
            ),
            Self::LineForbidden => (
                "Your provider refused this call",
                Some("Check that outbound calling is on, also to this country."),
            ),
            Self::MediaUnknown => (
                "The other side does not know our kind of sound",
                Some("Ask your provider to allow G.711 (PCMU or PCMA) on the trunk."),
            ),
            Self::MediaRefused => (
                "The other side did not accept our sound",
                Some("Check encryption and codecs of the trunk with your provider."),
            ),
            Self::MediaRefusedEverywhere => (
                "No phone of this number accepts our sound",
                Some("Ask your provider which codecs calls to this number need."),
            ),
            Self::LineLostTrack => ("Your provider lost track of this call", Some("Dial again.")),
            Self::LineStopped => (
                "The call was stopped on its way",
                Some("Dial again. If it stays, ask your provider who ends it."),
            ),
            Self::LineError => (
                "Your provider had an internal error",
                Some("Try again in a minute."),
            ),
            Self::LineUnable => (
                "Your provider cannot place this kind of call",
                Some("Ask your provider what the trunk is allowed to do."),
            ),
            Self::LineGateway => (
                "Your provider could not talk to the next network",
                Some("Try again in a few minutes."),
            ),
            Self::LineOverloaded => (
                "Your provider has no capacity just now",
                Some("Try again in a minute. If it stays, ask about the channels of your trunk."),
            ),
            Self::LineTimeout => (
                "The next network did not answer your provider",
                Some("Try again in a few minutes."),
            ),
            Self::LineRefused { .. } => (
                "Your provider did not accept this call",
                Some("Check with your provider that calls to this number are switched on."),
            ),
            Self::LineFailed { .. } => (
                "Your provider could not connect this call",
                Some("Try again. If it stays, check the line with your provider."),
            ),
            Self::NoLine => (
                "No line to call from",
                Some("Add an outbound trunk to your LiveKit project, then try again."),
            ),
            Self::NoBridge => (
                "LiveKit has no telephone service running",
                Some("Start LiveKit SIP, or ask who runs your LiveKit server."),
            ),
            Self::NotSignedIn => (
                "Not signed in",
                Some(
                    "Open Settings and enter the address, key and secret of your LiveKit project.",
                ),
            ),
            Self::SignInRefused => (
                "LiveKit refused the sign-in",
                Some("Open Settings and check the key and the secret."),
            ),
            Self::NoNetwork => (
                "LiveKit cannot be reached",
                Some("Check the network and the address in Settings, then try again."),
            ),
            Self::ConnectionLost => (
                "The connection was lost",
                Some("Call again when the network is back."),
            ),
            Self::EndedByServer => (
                "The call was ended on the LiveKit server",
                Some("Call again. If it stays, ask who else works on your LiveKit project."),
            ),
            Self::Missed => ("Missed call", Some("Call back from the history.")),
            Self::DeclinedHere => ("You declined the call", None),
            Self::TurnedAway => (
                "Turned away outside business hours",
                Some("Call back from the history."),
            ),
            Self::Duplicate => ("The same call, seen twice", None),
            Self::Interrupted => (
                "Interrupted: Deskline was closed during the call",
                Some("Call again if you were not finished."),
            ),
            Self::AlreadyInCall => (
                "You are already in a call",
                Some("End the present call first."),
            ),
        };
        (title.into(), advice)
    }
}
