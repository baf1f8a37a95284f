//! What a caller's network can send that no decent one does: it is shown clean, beside the number, and believed in nothing.

use history::{ContactDraft, Store};
use stage::Inbound;

use crate::desk::{Desk, text};
use crate::in_call::CALLER;
use crate::scene::Scene;

/// Somebody we know.
const FRIEND: &str = "+12025550143";

/// What takes long: a caller after another, each learnt of by a look.
mod slow {
    use super::*;

    #[test]
    fn hostile_callers_are_shown_clean_beside_their_number_and_are_no_contact() {
        let scene = Scene::set();
        let mut desk = Desk::open(&scene, "hostile");
        let friend = ContactDraft {
            name: "Elena Marchetti".into(),
            numbers: vec![("Work".into(), FRIEND.into())],
            ..ContactDraft::default()
        };
        let book = Store::open(desk.app.profile()).unwrap();
        book.add_contact(&friend, call::number::Region::default())
            .unwrap();
        drop(book);

        // who it is on the line, which number comes with it, and what of it is shown
        let ours = scene.phones().inbound_number().to_owned();
        let long: String = "e\u{301}\u{302}".repeat(40) + &"N".repeat(99_000);
        let hostile = [
            ("\u{202e}<b>\u{0}gnp.exe\u{feff}", Some("<b> gnp.exe")),
            (long.as_str(), None),
            (ours.as_str(), Some(ours.as_str())),
            (FRIEND, Some(FRIEND)),
            ("Elena Marchetti", Some("Elena Marchetti")),
            ("\u{2066}\u{200b}\u{0}\n", None),
        ];
        for (name, shown) in hostile {
            let call = scene.ring(&Inbound::from(CALLER).raw().named(name));
            let offered = desk.until_state(CALLER, "offered");
            assert_eq!(offered["number_shown"], "(312) 555-0142", "{offered}");
            let cleaned = text(&offered["name"]);
            if let Some(shown) = shown {
                assert_eq!(cleaned, shown);
            }
            // what a person sees as characters: marks above and below belong to the letter before them
            let seen = |c: &char| !('\u{300}'..='\u{36f}').contains(c);
            assert!(cleaned.chars().filter(seen).count() <= 64, "{cleaned}");
            assert!(!cleaned.chars().any(char::is_control), "{cleaned:?}");
            scene.phones().hang_up(&call.id).unwrap();
            assert_eq!(desk.until_end(CALLER), "missed");
            let row = desk.newest_row();
            assert_eq!(
                (&row["number"], text(&row["name"])),
                (&CALLER.into(), cleaned)
            );
            assert!(row["contact"].is_null(), "a name makes no contact: {row}");
            desk.order("dismiss");
            desk.until("it is put away", |view| {
                crate::desk::call(view, CALLER).is_none().then_some(())
            });
        }
        // the number does
        let call = scene.ring(&Inbound::from(FRIEND).named("Somebody else"));
        desk.until_state(FRIEND, "offered");
        scene.phones().hang_up(&call.id).unwrap();
        assert_eq!(desk.until_end(FRIEND), "missed");
        assert_eq!(desk.newest_row()["contact"], "Elena Marchetti");

        // no room of its own, no ringing leg, no number; and one who really calls
        scene.ring(&Inbound::from("+13125550151").in_room("meeting"));
        scene.ring(&Inbound::from("+13125550152").attribute("sip.callStatus", "nonsense"));
        let nobody =
            scene.ring(&Inbound::from("+13125550153").without_attribute("sip.phoneNumber"));
        let twice = scene.ring(&Inbound::from("+13125550154").also_in("inbound-second"));
        let private = desk.until_state("", "offered");
        assert!(private["contact"].is_null(), "{private}");
        desk.until_state("+13125550154", "offered");
        let decent = scene.ring(&Inbound::from("+13125550155"));
        desk.until_state("+13125550155", "offered");
        let calls = desk.view["calls"].as_array().unwrap().clone();
        let rings = |number: &str| calls.iter().filter(|call| call["number"] == number).count();
        assert_eq!(
            ["+13125550151", "+13125550152", "+13125550154"].map(rings),
            [0, 0, 1],
            "{calls:#?}"
        );
        for call in [&nobody, &twice, &decent] {
            scene.phones().hang_up(&call.id).unwrap();
        }
        for number in ["", "+13125550154", "+13125550155"] {
            assert_eq!(desk.until_end(number), "missed");
        }
        desk.close();
    }
}
