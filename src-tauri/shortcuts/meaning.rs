//! What a key means for the calls there are just now. The caller is the one that overlay and window show, who is named by
//! the core.

use call::input::{Intent, OtherCall};
use call::state::CallState;
use call::view::{CallView, PhoneView};

use crate::ipc::desktop::ShortcutAction;

/// What to ask of the phone; `None`: nothing, or nothing of the phone.
pub(crate) fn intent(action: ShortcutAction, view: &PhoneView) -> Option<Intent> {
    let newest = |state: CallState| view.calls.iter().rfind(|call| call.state == state);
    let caller = view.rings.as_ref().and_then(|id| view.call(id));
    let live = || {
        let talked = |call: &&CallView| call.state == CallState::Live && !call.held;
        view.calls
            .iter()
            .rfind(talked)
            .or_else(|| newest(CallState::Live))
    };
    match action {
        ShortcutAction::Answer => caller.map(|call| Intent::Answer {
            call: call.id.clone(),
            other: OtherCall::Hold,
        }),
        ShortcutAction::DeclineOrEnd => {
            // nobody turns a caller away whom nothing announced while there is a call to end
            let announced = caller.filter(|call| !call.quiet);
            let up = || live().or_else(|| view.calls.iter().rfind(|call| is_dialled(call)));
            announced.or_else(up).or(caller).map(refuse_or_end)
        }
        ShortcutAction::Silence => caller.map(|call| Intent::Silence {
            call: call.id.clone(),
        }),
        ShortcutAction::Mute => live().map(|call| Intent::SetMuted {
            call: call.id.clone(),
            muted: !call.muted,
        }),
        ShortcutAction::Hold => live().map(|call| Intent::SetHeld {
            call: call.id.clone(),
            held: !call.held,
        }),
        ShortcutAction::Find
        | ShortcutAction::Show
        | ShortcutAction::Keypad
        | ShortcutAction::Transfer
        | ShortcutAction::AddPerson
        | ShortcutAction::Swap
        | ShortcutAction::Search => None,
    }
}

fn refuse_or_end(call: &CallView) -> Intent {
    let call_id = call.id.clone();
    if call.state == CallState::Offered {
        Intent::Decline { call: call_id }
    } else {
        Intent::HangUp { call: call_id }
    }
}

fn is_dialled(call: &CallView) -> bool {
    matches!(
        call.state,
        CallState::Preparing | CallState::Joining | CallState::Dialling | CallState::RemoteRinging
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use call::input::{LineStatus, Offer, WatchFact};
    use call::settings::Availability;
    use call::{CallId, DeskSettings, Identity, Input, Now, Phone, RoomName};

    use super::*;

    const FRIEND: &str = "+12125550142";

    fn tell(phone: &mut Phone, input: Input) {
        let mono = Duration::from_secs(1);
        let unix_ms = 1_800_000_000_000;
        let _ = phone.handle(input, Now { mono, unix_ms });
    }

    fn calls_in(phone: &mut Phone, call: &str, from: &str) {
        let offer = Offer {
            call: CallId::parse(call).unwrap(),
            room: RoomName::parse(&format!("inbound-{call}")).unwrap(),
            leg: Identity::parse(&format!("leg-{call}")).unwrap(),
            from: from.into(),
            name: None,
            to: String::new(),
            created_unix_ms: 1_800_000_000_000,
        };
        tell(phone, Input::Watch(WatchFact::Offer(offer)));
    }

    /// On do-not-disturb, where one number rings all the same.
    fn undisturbed() -> Phone {
        let mut phone = Phone::new(DeskSettings {
            always_ring: vec![FRIEND.into()],
            ..DeskSettings::default()
        });
        let until_unix_ms = None;
        tell(
            &mut phone,
            Input::Intent(Intent::SetAvailability(Availability::DoNotDisturb {
                until_unix_ms,
            })),
        );
        let trunks = Vec::new();
        tell(&mut phone, Input::Line(LineStatus::Ready { trunks }));
        phone
    }

    fn means(phone: &Phone, action: ShortcutAction) -> Option<Intent> {
        intent(action, &phone.view())
    }

    #[test]
    fn the_keys_are_about_the_friend_who_rings_not_the_stranger_who_waits_quietly() {
        for order in [["stranger", "friend"], ["friend", "stranger"]] {
            let mut phone = undisturbed();
            for who in order {
                let from = if who == "friend" {
                    FRIEND
                } else {
                    "+13125550188"
                };
                calls_in(&mut phone, who, from);
            }
            let call = CallId::parse("friend").unwrap();
            let other = OtherCall::Hold;
            assert_eq!(
                means(&phone, ShortcutAction::Answer),
                Some(Intent::Answer {
                    call: call.clone(),
                    other
                })
            );
            assert_eq!(
                means(&phone, ShortcutAction::Silence),
                Some(Intent::Silence { call: call.clone() })
            );
            assert_eq!(
                means(&phone, ShortcutAction::DeclineOrEnd),
                Some(Intent::Decline { call })
            );
        }
    }

    #[test]
    fn in_a_call_the_key_ends_it_and_turns_nobody_away_who_waits_quietly() {
        let mut phone = undisturbed();
        let up = CallId::parse("up").unwrap();
        tell(
            &mut phone,
            Input::Intent(Intent::Dial {
                call: up.clone(),
                number: FRIEND.into(),
                ways: Vec::new(),
            }),
        );
        calls_in(&mut phone, "stranger", "+13125550188");
        assert_eq!(
            means(&phone, ShortcutAction::DeclineOrEnd),
            Some(Intent::HangUp { call: up.clone() })
        );
        calls_in(&mut phone, "friend", FRIEND);
        let call = CallId::parse("friend").unwrap();
        assert_eq!(
            means(&phone, ShortcutAction::DeclineOrEnd),
            Some(Intent::Decline { call })
        );
    }

    #[test]
    fn without_a_call_who_waits_quietly_can_be_turned_away() {
        let mut phone = undisturbed();
        assert_eq!(means(&phone, ShortcutAction::DeclineOrEnd), None);
        calls_in(&mut phone, "stranger", "+13125550188");
        let call = CallId::parse("stranger").unwrap();
        assert_eq!(
            means(&phone, ShortcutAction::DeclineOrEnd),
            Some(Intent::Decline { call })
        );
    }
}
