//! Names of things: calls, rooms, participants, connections.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// Longer than the server would take.
    #[error("the name is longer than {0} characters")]
    TooLong(usize),
    /// A control character or, for calls, anything but letters, digits and dashes.
    #[error("the name contains a character that is not allowed")]
    BadCharacter,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses hostile text.
            ///
            /// # Errors
            /// Empty, too long, or with a character that is not allowed.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if text.is_empty() {
                    return Err(IdError::Empty);
                }
                if text.chars().count() > $max {
                    return Err(IdError::TooLong($max));
                }
                let ok: fn(char) -> bool = $ok;
                if !text.chars().all(ok) {
                    return Err(IdError::BadCharacter);
                }
                Ok(Self(text.into()))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

text_id!(
    /// Our own name for one call: letters, digits and dashes. Made by whoever starts the call (the phone has no randomness).
    CallId,
    64,
    |c| c.is_ascii_alphanumeric() || c == '-'
);
text_id!(
    /// A LiveKit room name, at most 256 characters.
    RoomName,
    256,
    |c| !c.is_control()
);
text_id!(
    /// A LiveKit participant identity, at most 256 characters.
    Identity,
    256,
    |c| !c.is_control()
);

impl RoomName {
    /// The prefix of rooms that the dispatch rule makes for callers.
    pub const INBOUND_PREFIX: &'static str = "inbound-";
    /// The prefix of rooms that a desk makes for a call it places.
    pub const OUTBOUND_PREFIX: &'static str = "outbound-";

    /// The room of a call that this desk places.
    #[must_use]
    pub fn outbound(call: &CallId) -> Self {
        Self(format!("{}{call}", Self::OUTBOUND_PREFIX).into())
    }

    /// Was this room made by the dispatch rule for a caller?
    #[must_use]
    pub fn is_inbound(&self) -> bool {
        self.0.starts_with(Self::INBOUND_PREFIX)
    }
}

impl Identity {
    /// The identity of the phone leg of a call that this desk places.
    #[must_use]
    pub fn leg(call: &CallId) -> Self {
        Self(format!("leg-{call}").into())
    }

    /// The identity of the leg with which a call is tried for the `n`th time (from 2), over another line.
    #[must_use]
    pub fn leg_of_try(call: &CallId, n: usize) -> Self {
        Self(format!("leg-{call}-{n}").into())
    }

    /// The identity of the leg of the `n`th further person whom this desk dials into a call.
    #[must_use]
    pub fn person(call: &CallId, n: u32) -> Self {
        Self(format!("leg-{call}-p{n}").into())
    }

    /// Which further person of this call has this identity?
    #[must_use]
    pub fn person_number(&self, call: &CallId) -> Option<u32> {
        let rest = self.0.strip_prefix("leg-")?.strip_prefix(call.as_str())?;
        let n = rest.strip_prefix("-p")?.parse().ok()?;
        (1..MOST_NAMED).contains(&n).then_some(n)
    }

    /// This desk in the room of a call, as it talks or watches. Every attempt has a name of its own, so that a second
    /// join never throws out the first.
    #[must_use]
    pub fn desk(desk: &str, link: &Link) -> Self {
        let role = match link.role {
            Role::Talk => "desk",
            Role::Watch => "watch",
        };
        let desk: String = desk.chars().filter(|c| !c.is_control()).take(120).collect();
        Self(format!("{role}-{desk}-{}", link.attempt).into())
    }
}

/// No call gives so many people a name; who claims to be one of more is a stranger.
const MOST_NAMED: u32 = 100_000;

/// What a connection to a room is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Hidden and without rights: sees the ringing leg, colleagues and every change, is seen by nobody.
    Watch,
    /// Visible: claims, publishes, listens. Always joined without automatic subscription.
    Talk,
}

/// One connection to a room. Facts of an older attempt are stale and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The call it belongs to.
    pub call: CallId,
    /// Watching or talking.
    pub role: Role,
    /// Counts up from 1 with every join of this role in this call.
    pub attempt: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        assert_eq!(CallId::parse(""), Err(IdError::Empty));
        assert_eq!(CallId::parse("a b"), Err(IdError::BadCharacter));
        assert_eq!(CallId::parse(&"a".repeat(65)), Err(IdError::TooLong(64)));
        assert_eq!(RoomName::parse("a\nb"), Err(IdError::BadCharacter));
        assert!(
            RoomName::parse("inbound-_+12125550100_x")
                .unwrap()
                .is_inbound()
        );
    }

    #[test]
    fn further_people_are_known_by_their_names() {
        let call = CallId::parse("c1").unwrap();
        let number = |name: &str| Identity::parse(name).unwrap().person_number(&call);
        assert_eq!(Identity::person(&call, 3).person_number(&call), Some(3));
        for stranger in [
            "leg-c1",
            "leg-c1-p",
            "leg-c1-p0",
            "leg-c1-px",
            "leg-c1-p-1",
            "leg-c1-p4294967295",
            "leg-c10-p1",
            "leg-c-p1",
            "c1-p1",
        ] {
            assert_eq!(number(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn every_attempt_has_its_own_identity() {
        let call = CallId::parse("c1").unwrap();
        let link = |role, attempt| Link {
            call: call.clone(),
            role,
            attempt,
        };
        let names = [
            Identity::desk("d", &link(Role::Talk, 1)),
            Identity::desk("d", &link(Role::Talk, 2)),
            Identity::desk("d", &link(Role::Watch, 1)),
        ];
        assert_ne!(names[0], names[1]);
        assert_ne!(names[0], names[2]);
    }
}
