//! Contacts, and whose number it is.

use call::number::Region;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    (profile, store)
}

fn draft(name: &str, numbers: &[&str]) -> ContactDraft {
    ContactDraft {
        name: name.into(),
        numbers: numbers
            .iter()
            .map(|number| ("Work".to_owned(), (*number).to_owned()))
            .collect(),
        ..ContactDraft::default()
    }
}

fn names(store: &Store, text: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.contacts(text, cursor.as_deref(), 2).unwrap();
        found.extend(page.contacts.into_iter().map(|contact| contact.name));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

#[test]
fn a_contact_is_kept_changed_and_deleted() {
    let (_profile, store) = store();
    let gb = Region::parse("GB").unwrap();
    let anna = store
        .add_contact(
            &draft(
                "Anna Oak",
                &["020 7946 0018", "+1 212 555 0100", "(212) 555 0100 "],
            ),
            gb,
        )
        .unwrap();
    let kept = store.contact(anna).unwrap();
    assert_eq!(kept.numbers.len(), 2, "the last one ends as the second");
    assert_eq!(kept.numbers[0].e164.as_deref(), Some("+442079460018"));
    assert_eq!(
        (
            kept.numbers[0].number.as_str(),
            kept.numbers[0].label.as_str()
        ),
        ("020 7946 0018", "Work")
    );
    store
        .edit_contact(
            anna,
            &ContactDraft {
                note: "tea\nno milk".into(),
                ..draft("Anna Elm", &["+12125550101"])
            },
            Region::US,
        )
        .unwrap();
    assert_eq!(names(&store, "oak"), [""; 0]);
    assert_eq!(names(&store, "elm milk"), ["Anna Elm"]);
    assert_eq!(names(&store, "555-0101"), ["Anna Elm"]);
    assert_eq!(store.contact_of("+442079460018").unwrap(), None);
    store.delete_contact(anna).unwrap();
    assert!(matches!(
        store.contact(anna),
        Err(HistoryError::NoSuchContact)
    ));
    assert!(matches!(
        store.delete_contact(anna),
        Err(HistoryError::NoSuchContact)
    ));
    assert!(matches!(
        store.edit_contact(anna, &draft("x", &[]), Region::US),
        Err(HistoryError::NoSuchContact)
    ));
    assert_eq!(names(&store, "elm"), [""; 0]);
}

#[test]
fn what_is_no_contact_is_refused() {
    let (_profile, store) = store();
    let refused = |draft: &ContactDraft| store.add_contact(draft, Region::US).unwrap_err();
    assert!(matches!(
        refused(&ContactDraft::default()),
        HistoryError::EmptyContact
    ));
    assert!(matches!(
        refused(&draft("\u{202e}\0", &[])),
        HistoryError::EmptyContact
    ));
    assert!(matches!(
        refused(&draft("x", &["--"])),
        HistoryError::NotANumber(_)
    ));
    let many: Vec<String> = (0..60).map(|n| format!("+1212555{:04}", 100 + n)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(
        refused(&draft("x", &many)),
        HistoryError::TooManyNumbers(50)
    ));
    assert_eq!(names(&store, ""), [""; 0]);
    let only_number = store
        .add_contact(&draft("", &["+12125550100"]), Region::US)
        .unwrap();
    assert_eq!(store.contact(only_number).unwrap().name, "+12125550100");
}

#[test]
fn they_are_listed_by_name_in_pages() {
    let (_profile, store) = store();
    for name in ["Zo\u{eb}", "anna", "Bob", "Anna", "\u{c9}mile", "Bob"] {
        store
            .add_contact(&draft(name, &["+12125550100"]), Region::US)
            .unwrap();
    }
    assert_eq!(
        names(&store, ""),
        ["anna", "Anna", "Bob", "Bob", "\u{c9}mile", "Zo\u{eb}"]
    );
    assert_eq!(names(&store, "an"), ["anna", "Anna"], "two letters will do");
    assert_eq!(names(&store, "bob"), ["Bob", "Bob"]);
    assert!(matches!(
        store.contacts("", Some("x"), 1),
        Err(HistoryError::BadCursor)
    ));
}

#[test]
fn a_number_finds_its_contact() {
    let (_profile, store) = store();
    let us = Region::US;
    store
        .add_contact(&draft("Exact", &["+442079460018"]), us)
        .unwrap();
    store
        .add_contact(&draft("Local", &["020 7946 0019"]), us)
        .unwrap(); // no country: not E.164
    store
        .add_contact(&draft("Twin one", &["079460 0777 11"]), us)
        .unwrap();
    store
        .add_contact(&draft("Twin two", &["0 79460077711"]), us)
        .unwrap();
    store.add_contact(&draft("Short", &["100"]), us).unwrap();
    store
        .add_contact(&draft("Address", &["sip:eve@example.org"]), us)
        .unwrap();
    let who = |number: &str| {
        store
            .contact_of(number)
            .unwrap()
            .map(|contact| contact.name)
    };
    assert_eq!(who("+442079460018").as_deref(), Some("Exact"));
    assert_eq!(
        who("02079460018").as_deref(),
        Some("Exact"),
        "it came without a country"
    );
    assert_eq!(who("+442079460019").as_deref(), Some("Local"));
    assert_eq!(
        who("+99979460018"),
        None,
        "another country's number that ends alike"
    );
    assert_eq!(who("+99979460077711"), None, "two could be meant");
    assert_eq!(who("100").as_deref(), Some("Short"));
    assert_eq!(who("+1212555010"), None);
    assert_eq!(who("EVE@example.org").as_deref(), Some("Address"));
    assert_eq!((who(""), who("\0"), who("private")), (None, None, None));
}

#[test]
fn calls_carry_and_are_found_by_their_contact() {
    let (_profile, store) = store();
    for (call, number, at) in [
        ("c1", "+12125550100", 1),
        ("c2", "+12125550101", 2),
        ("c3", "+12125550100", 3),
    ] {
        store
            .start(&LogStart {
                number: number.into(),
                ..start(call, at)
            })
            .unwrap();
    }
    store.set_note("c3", "invoice").unwrap();
    let found = |text: &str| {
        let query = Query {
            text: text.into(),
            ..Query::default()
        };
        store
            .find(&query, None, 5)
            .unwrap()
            .entries
            .into_iter()
            .map(|entry| entry.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(found("clara"), [""; 0]);
    let clara = store
        .add_contact(&draft("Clara", &["212 555 0100"]), Region::US)
        .unwrap();
    assert_eq!(found("clara"), ["c3", "c1"]);
    assert_eq!(found("clara invoice"), ["c3"]);
    assert_eq!(
        store.page(None, 1).unwrap().entries[0]
            .contact
            .as_ref()
            .unwrap()
            .name,
        "Clara"
    );
    assert_eq!(store.entry("c1").unwrap().contact.unwrap().id, clara);
    assert_eq!(store.entry("c2").unwrap().contact, None);
    store
        .edit_contact(clara, &draft("Dora", &["212 555 0101"]), Region::US)
        .unwrap();
    assert_eq!(
        (found("clara"), found("dora")),
        (vec![], vec!["c2".to_owned()])
    );
}
