//! Files of contacts as other programs write them.

use call::number::Region;

use super::*;

const GOOGLE_VCARD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dr. Anna Maria Oak\r\nN:Oak;Anna;Maria;Dr.;\r\nitem1.TEL:+1 212-555-0100\r\nitem1.X-ABLabel:Reception desk\r\nTEL;TYPE=CELL:(212) 555-0101\r\nTEL;TYPE=WORK,FAX:(212) 555-0109\r\nORG:Oak & Elm\\, Ltd.\r\nNOTE:Likes tea\\nno milk\r\nCATEGORIES:myContacts\r\nEND:VCARD\r\nBEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nobody's Number\r\nEMAIL:n@example.org\r\nEND:VCARD\r\n";

const APPLE_VCARD: &str = "BEGIN:VCARD\nVERSION:3.0\nPRODID:-//Apple Inc.//macOS//EN\nN:M\u{fc}ller;Zo\u{eb};;;\nFN:Zo\u{eb} M\u{fc}ller\nitem2.TEL;type=pref:+44 20 7946 0018\nitem2.X-ABLabel:_$!<Work>!$_\nTEL;type=HOME;type=VOICE:+44 20 7946 0019\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/\n 4AAQSkZJRgABAQAAAQAB\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nN:Team;;;;\nFN:Team\nX-ADDRESSBOOKSERVER-KIND:group\nEND:VCARD\n";

const OUTLOOK_VCARD: &str = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;LANGUAGE=de;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=A4ger;Ren=C3=A9\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Ren=C3=A9 =\r\nJ=C3=A4ger\r\nTEL;WORK;VOICE:+44 20 7946 0020\r\nTEL;CELL;VOICE:+1 (212) 555-0102\r\nEND:VCARD\r\n";

const FOUR_VCARD: &str = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bob Elm\r\nTEL;VALUE=uri;TYPE=\"voice,cell\":tel:+1-212-555-0103;ext=12\r\nEND:VCARD\r\n";

const GOOGLE_CSV: &str = "First Name,Middle Name,Last Name,Organization Name,Notes,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value\r\nAnna,,Oak,Oak & Elm,\"tea, no milk\",Mobile,+1 212-555-0100 ::: +1 212-555-0101,Work Fax,+1 212-555-0109\r\n,,,,,,,,\r\nNo,,Number,,,,,,\r\n";

const OUTLOOK_CSV: &[u8] = b"First Name;Last Name;Company;Business Fax;Business Phone;Home Phone 2;Mobile Phone;Notes\r\nZo\xeb;M\xfcller;Elm;+12125550109;(212) 555-0104;212 555 0105;call me;x\r\n";

fn store() -> (tempfile::TempDir, Store) {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    (profile, store)
}

fn take(store: &Store, bytes: &[u8]) -> ImportReport {
    store
        .import_contacts("contacts", bytes, Region::US, 7)
        .unwrap()
}

fn all(store: &Store) -> Vec<Contact> {
    store.contacts("", None, 100).unwrap().contacts
}

fn numbers(contact: &Contact) -> Vec<(&str, &str)> {
    contact
        .numbers
        .iter()
        .map(|number| (number.label.as_str(), number.e164.as_deref().unwrap_or("?")))
        .collect()
}

#[test]
fn vcards_of_google() {
    let (_profile, store) = store();
    let report = take(&store, GOOGLE_VCARD.as_bytes());
    assert_eq!((report.taken, report.skipped, report.duplicates), (1, 1, 0));
    assert_eq!(
        (report.remarks[0].place, report.remarks[0].name.as_str()),
        (2, "Nobody's Number")
    );
    assert_eq!(
        report.remarks[0].what,
        "Left out: there is no number in it."
    );
    let anna = &all(&store)[0];
    assert_eq!(
        (anna.name.as_str(), anna.organisation.as_str()),
        ("Dr. Anna Maria Oak", "Oak & Elm, Ltd.")
    );
    assert_eq!(anna.note, "Likes tea\nno milk");
    assert_eq!(
        numbers(anna),
        [("Reception desk", "+12125550100"), ("cell", "+12125550101")]
    );
}

#[test]
fn vcards_of_apple() {
    let (_profile, store) = store();
    let report = take(&store, APPLE_VCARD.as_bytes());
    assert_eq!((report.taken, report.skipped), (1, 1));
    assert!(
        report.remarks[0].what.contains("group"),
        "{:?}",
        report.remarks
    );
    let zoe = &all(&store)[0];
    assert_eq!(zoe.name, "Zo\u{eb} M\u{fc}ller");
    assert_eq!(
        numbers(zoe),
        [("Work", "+442079460018"), ("home", "+442079460019")]
    );
}

#[test]
fn vcards_of_outlook_and_of_version_4() {
    let (_profile, store) = store();
    assert_eq!(take(&store, OUTLOOK_VCARD.as_bytes()).taken, 1);
    assert_eq!(take(&store, FOUR_VCARD.as_bytes()).taken, 1);
    let contacts = all(&store);
    assert_eq!(numbers(&contacts[0]), [("cell", "+12125550103")]);
    assert_eq!(contacts[1].name, "Ren\u{e9} J\u{e4}ger");
    assert_eq!(
        numbers(&contacts[1]),
        [("work", "+442079460020"), ("cell", "+12125550102")]
    );
}

#[test]
fn tables_of_google_and_outlook() {
    let (_profile, store) = store();
    let report = take(&store, GOOGLE_CSV.as_bytes());
    assert_eq!((report.taken, report.skipped), (1, 2));
    let report = take(&store, OUTLOOK_CSV);
    assert_eq!(report.taken, 1);
    assert_eq!(
        report.remarks[0].what,
        "“call me” is not a number and was left out."
    );
    let contacts = all(&store);
    assert_eq!(
        (contacts[0].name.as_str(), contacts[0].note.as_str()),
        ("Anna Oak", "tea, no milk")
    );
    assert_eq!(
        numbers(&contacts[0]),
        [("Mobile", "+12125550100"), ("Mobile", "+12125550101")]
    );
    assert_eq!(contacts[1].name, "Zo\u{eb} M\u{fc}ller");
    assert_eq!(
        numbers(&contacts[1]),
        [("business", "+12125550104"), ("home 2", "+12125550105")]
    );
}

#[test]
fn who_is_there_already_is_not_doubled() {
    let (_profile, store) = store();
    take(&store, GOOGLE_VCARD.as_bytes());
    let again = take(&store, GOOGLE_VCARD.as_bytes());
    assert_eq!(
        (again.import, again.taken, again.duplicates, again.skipped),
        (None, 0, 1, 1)
    );
    assert_eq!(again.remarks[0].what, "Already in your contacts.");
    let more = "BEGIN:VCARD\nVERSION:3.0\nFN:dr. anna maria OAK\nTEL:2125550100\nTEL:2125550155\nEND:VCARD\n";
    let report = take(&store, more.as_bytes());
    assert_eq!((report.taken, report.extended), (0, 1));
    assert_eq!(all(&store).len(), 1);
    assert_eq!(all(&store)[0].numbers.len(), 3);
    assert_eq!(store.contacts("0155", None, 5).unwrap().contacts.len(), 1);
    let namesake = "BEGIN:VCARD\nVERSION:3.0\nFN:Dr. Anna Maria Oak\nTEL:2125550177\nEND:VCARD\n";
    assert_eq!(
        take(&store, namesake.as_bytes()).taken,
        1,
        "another person of that name"
    );
    assert_eq!(store.undo_import(report.import.unwrap()).unwrap(), 0);
    assert_eq!(
        all(&store)[0].numbers.len(),
        2,
        "the number it added is gone"
    );
    assert_eq!(store.contacts("0155", None, 5).unwrap().contacts.len(), 0);
}

#[test]
fn an_import_is_taken_back_but_for_what_was_changed() {
    let (_profile, store) = store();
    let mut file = String::new();
    for n in 0..120 {
        file.push_str(&format!(
            "BEGIN:VCARD\nFN:Person {n}\nTEL:+1212555{:04}\nEND:VCARD\n",
            100 + n
        ));
    }
    let report = take(&store, file.as_bytes());
    assert_eq!(report.taken, 120);
    let import = report.import.unwrap();
    assert_eq!(
        store.imports().unwrap(),
        [ImportBatch {
            import,
            at_unix_ms: 7,
            source: "contacts".into(),
            contacts: 120
        }]
    );
    let kept = store
        .contacts("Person 77", None, 1)
        .unwrap()
        .contacts
        .remove(0);
    let draft = ContactDraft {
        name: "Mine now".into(),
        ..ContactDraft::default()
    };
    store.edit_contact(kept.id, &draft, Region::US).unwrap();
    assert_eq!(store.undo_import(import).unwrap(), 119);
    let left: Vec<_> = all(&store)
        .into_iter()
        .map(|contact| contact.name)
        .collect();
    assert_eq!(left, ["Mine now"]);
    assert!(matches!(
        store.undo_import(import),
        Err(HistoryError::NothingToUndo)
    ));
    assert_eq!(store.imports().unwrap(), []);
}

#[test]
fn a_file_that_has_no_contacts_is_named_as_such() {
    let (_profile, store) = store();
    for (bytes, word) in [
        (&b"a,b\r\n1,2\r\n"[..], "headed as a phone"),
        (b"", "phone"),
        (b"\x89PNG\r\n", "phone"),
    ] {
        let error = store
            .import_contacts("x", bytes, Region::US, 1)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("This file has no contacts") && error.contains(word),
            "{error}"
        );
    }
    let broken = "BEGIN:VCARD\nFN:Good\nTEL:+12125550100\nEND:VCARD\nBEGIN:VCARD\nFN:Cut o";
    let report = take(&store, broken.as_bytes());
    assert_eq!((report.taken, report.skipped), (1, 1), "{report:?}");
}
