//! `deskline contacts`: the address book.

use ::history::{ContactDraft, HistoryError, Store, Wipe};
use anyhow::Context as _;
use call::number::Region;
use desk::unix_ms;
use serde_json::{Value, json};

use crate::ipc::convert;
use crate::ipc::records::ContactView;
use crate::profile::Profile;
use crate::settings;
use crate::terminal::complain;
use crate::terminal::outcome::{ANSWERED, WRONG_USE};
use crate::terminal::record_args::{ContactFields, Contacts, ContactsOrder};
use crate::terminal::report::Report;

/// Contacts asked of the file at once.
const PAGE: usize = 200;

/// Lists contacts, or does what was ordered.
///
/// # Errors
/// The file of the history, or one to import, cannot be opened or read.
pub(crate) fn run(profile: &Profile, asked: &Contacts) -> anyhow::Result<u8> {
    let store = Store::open(profile.path())?;
    let Some(order) = &asked.order else {
        return list(&store, asked);
    };
    let region = Region::parse(&settings::load(Some(&store)).region).unwrap_or_default();
    let done = match order {
        ContactsOrder::Import { file } => {
            let bytes = std::fs::read(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            import(&store, &name, &bytes, region)
        }
        ContactsOrder::Add(_)
        | ContactsOrder::Edit { .. }
        | ContactsOrder::Delete { .. }
        | ContactsOrder::UndoImport { .. }
        | ContactsOrder::Erase { .. } => obey(&store, order, region),
    };
    Ok(match done {
        Ok(text) => {
            Report::new(false).other(&Value::Null, &text);
            ANSWERED
        }
        Err(error) => {
            complain(&error.to_string());
            WRONG_USE
        }
    })
}

fn obey(store: &Store, order: &ContactsOrder, region: Region) -> Result<String, HistoryError> {
    match order {
        ContactsOrder::Add(fields) => {
            let id = store.add_contact(&with(ContactDraft::default(), fields), region)?;
            Ok(format!("Contact {id} is kept."))
        }
        ContactsOrder::Edit { id, fields } => {
            let was = store.contact(*id)?;
            let was = ContactDraft {
                name: was.name,
                organisation: was.organisation,
                note: was.note,
                numbers: was
                    .numbers
                    .into_iter()
                    .map(|of| (of.label, of.number))
                    .collect(),
            };
            store.edit_contact(*id, &with(was, fields), region)?;
            Ok(format!("Contact {id} is changed."))
        }
        ContactsOrder::Delete { id } => {
            store.delete_contact(*id)?;
            Ok(format!("Contact {id} is gone. Its calls stay."))
        }
        ContactsOrder::UndoImport {
            import: Some(import),
        } => {
            let gone = store.undo_import(*import)?;
            Ok(format!("The import is undone: {gone} contacts are gone."))
        }
        ContactsOrder::UndoImport { import: None } => {
            let imports = store.imports()?;
            if imports.is_empty() {
                return Ok("There is no import that could be undone.".to_owned());
            }
            let line = |of: &::history::ImportBatch| {
                format!("{}  {} contacts  {}", of.import, of.contacts, of.source)
            };
            Ok(imports.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        ContactsOrder::Erase { yes: false } => Ok(
            "Nothing was erased. There is no way back, so say: deskline contacts erase --yes"
                .to_owned(),
        ),
        ContactsOrder::Erase { yes: true } => {
            store.wipe(Wipe::Contacts)?;
            Ok("All contacts are gone from the file.".to_owned())
        }
        // read before it came here
        ContactsOrder::Import { .. } => Err(HistoryError::NotContacts("it was not read.")),
    }
}

/// What was given, in place of what was.
fn with(mut draft: ContactDraft, fields: &ContactFields) -> ContactDraft {
    let set = |into: &mut String, from: &Option<String>| {
        if let Some(from) = from {
            into.clone_from(from);
        }
    };
    set(&mut draft.name, &fields.name);
    set(&mut draft.organisation, &fields.organisation);
    set(&mut draft.note, &fields.note);
    if !fields.numbers.is_empty() {
        draft.numbers = fields.numbers.iter().map(|text| labelled(text)).collect();
    }
    draft
}

fn labelled(text: &str) -> (String, String) {
    match text.split_once('=') {
        Some((label, number)) => (label.trim().to_owned(), number.trim().to_owned()),
        None => (String::new(), text.trim().to_owned()),
    }
}

fn import(store: &Store, name: &str, bytes: &[u8], region: Region) -> Result<String, HistoryError> {
    let report = convert::import(store.import_contacts(name, bytes, region, unix_ms())?);
    let mut text = format!(
        "{} new, {} gained a number, {} were there, {} were left out.",
        report.taken, report.extended, report.duplicates, report.skipped
    );
    for remark in &report.remarks {
        text.push('\n');
        text.push_str(remark);
    }
    if let Some(import) = report.import {
        text.push_str(&format!(
            "\nThis undoes it: deskline contacts undo-import {import}"
        ));
    }
    Ok(text)
}

fn list(store: &Store, asked: &Contacts) -> anyhow::Result<u8> {
    let mut report = Report::new(asked.json);
    let mut cursor = None;
    let mut any = false;
    loop {
        let page = store.contacts(&asked.search, cursor.as_deref(), PAGE)?;
        let page = convert::contacts_page(page);
        for contact in &page.contacts {
            report.other(&json!(contact), &sentence(contact));
            any = true;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if !any && !asked.json {
        let none = if asked.search.is_empty() {
            "No contacts yet. Add one, or import a vCard or CSV file."
        } else {
            "No contact like that. Try fewer words, or part of the number."
        };
        report.other(&Value::Null, none);
    }
    Ok(ANSWERED)
}

fn sentence(contact: &ContactView) -> String {
    let number = |of: &crate::ipc::records::ContactNumberView| match of.label.as_str() {
        "" => of.number.clone(),
        label => format!("{label} {}", of.number),
    };
    let numbers: Vec<String> = contact.numbers.iter().map(number).collect();
    let more = [&contact.organisation, &contact.note];
    let more: String = more
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| format!("  {}", text.replace('\n', " ")))
        .collect();
    format!(
        "{:>5}  {:<28}  {}{more}",
        contact.id,
        contact.name,
        numbers.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_not_given_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let fields = |name: &str, numbers: &[&str]| ContactFields {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            organisation: None,
            note: None,
            numbers: numbers.iter().map(|&number| number.to_owned()).collect(),
        };
        let region = Region::default();
        let added = fields("Robin", &["Work=(212) 555-0100", "+12125550101"]);
        obey(&store, &ContactsOrder::Add(added), region).unwrap();
        let id = store.contacts("", None, 10).unwrap().contacts[0].id;
        let order = ContactsOrder::Edit {
            id,
            fields: fields("Robin Moss", &[]),
        };
        obey(&store, &order, region).unwrap();
        let kept = store.contact(id).unwrap();
        assert_eq!((kept.name.as_str(), kept.numbers.len()), ("Robin Moss", 2));
        assert_eq!(kept.numbers[0].label, "Work");
        assert_eq!(kept.numbers[0].e164.as_deref(), Some("+12125550100"));
        let order = ContactsOrder::Edit {
            id,
            fields: fields("", &["hello"]),
        };
        let refused = obey(&store, &order, region).unwrap_err().to_string();
        assert!(refused.contains("is not a number"), "{refused}");
        assert_eq!(store.contact(id).unwrap().numbers.len(), 2);
        obey(&store, &ContactsOrder::Erase { yes: false }, region).unwrap();
        assert!(store.contact(id).is_ok());
        obey(&store, &ContactsOrder::Erase { yes: true }, region).unwrap();
        assert!(store.contact(id).is_err());
    }

    #[test]
    fn an_import_says_what_it_took_and_what_takes_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let cards = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Robin\r\nTEL:+12125550100\r\nEND:VCARD\r\n";
        let said = import(&store, "people.vcf", cards, Region::default()).unwrap();
        assert!(said.starts_with("1 new"), "{said}");
        assert!(said.ends_with("contacts undo-import 1"), "{said}");
        let undo = |import| ContactsOrder::UndoImport { import };
        let listed = obey(&store, &undo(None), Region::default()).unwrap();
        assert!(listed.contains("people.vcf"), "{listed}");
        obey(&store, &undo(Some(1)), Region::default()).unwrap();
        assert!(store.contacts("", None, 10).unwrap().contacts.is_empty());
        let refused = import(&store, "page.html", b"<html>", Region::default());
        assert!(refused.is_err());
    }
}
