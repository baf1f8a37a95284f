//! vCards, as Google, Apple and Outlook write them.

use calcard::common::IanaString;
use calcard::vcard::{VCard, VCardParameterValue, VCardProperty, VCardType, VCardValue};
use calcard::{Entry, Parser};

use super::Card;
use crate::contacts::ContactDraft;
use crate::error::HistoryError;
use crate::text::fold;

const BEGIN: &str = "BEGIN:VCARD";

/// Does the text begin as a vCard does?
pub(super) fn is_one(text: &str) -> bool {
    text.trim_start()
        .get(..BEGIN.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(BEGIN))
}

/// Every card of the file. Each is parsed for itself: one that is broken costs only itself.
pub(super) fn read(text: &str) -> Result<Vec<Card>, HistoryError> {
    Ok(cards_of(text).map(card_of).collect())
}

/// The file in pieces of one card each.
fn cards_of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = line_that_is(rest, BEGIN, 0)?;
        let after = begin + BEGIN.len();
        let end = line_that_is(rest, BEGIN, after).unwrap_or(rest.len());
        let card = rest.get(begin..end)?;
        rest = rest.get(end..).unwrap_or_default();
        Some(card)
    })
}

/// Where a line begins with this, whatever its case.
fn line_that_is(text: &str, what: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for line in text.get(from..)?.split_inclusive(['\n', '\r']) {
        let is_it = line
            .get(..what.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(what));
        if is_it && (at == 0 || at > from) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn card_of(text: &str) -> Card {
    if let Entry::VCard(vcard) = Parser::new(text).entry() {
        return contact_of(&vcard);
    }
    // A card that was cut off, and anything else that a parser may say of one.
    Card {
        skip: Some("the card is damaged."),
        ..Card::default()
    }
}

fn contact_of(vcard: &VCard) -> Card {
    let mut draft = ContactDraft::default();
    let (mut formatted, mut structured) = (String::new(), String::new());
    let mut skip = None;
    for entry in &vcard.entries {
        let text = || entry.values.iter().find_map(value_text).unwrap_or_default();
        if entry.name == VCardProperty::Fn && formatted.is_empty() {
            formatted = text();
        } else if entry.name == VCardProperty::N && structured.is_empty() {
            structured = full_name(&entry.values);
        } else if entry.name == VCardProperty::Org && draft.organisation.is_empty() {
            draft.organisation = parts(&entry.values).join(" ").trim().to_owned();
        } else if entry.name == VCardProperty::Note && draft.note.is_empty() {
            draft.note = text();
        } else if entry.name == VCardProperty::Tel {
            let number = text();
            let label =
                label_of(vcard, entry.group.as_deref()).unwrap_or_else(|| types_of(&entry.params));
            if !is_fax(&entry.params) {
                draft.numbers.push((label, number));
            }
        } else if is_group(&entry.name, &text()) {
            skip = Some("it is a group of contacts, not one.");
        }
    }
    draft.name = if fold(&formatted).is_empty() {
        structured
    } else {
        formatted
    };
    Card { draft, skip }
}

fn is_group(name: &VCardProperty, value: &str) -> bool {
    let is_kind = *name == VCardProperty::Kind
        || matches!(name, VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ADDRESSBOOKSERVER-KIND"));
    is_kind && value.eq_ignore_ascii_case("group")
}

fn value_text(value: &VCardValue) -> Option<String> {
    if let VCardValue::Text(text) = value {
        Some(text.clone())
    } else if let VCardValue::Component(parts) = value {
        Some(parts.join(" "))
    } else if let VCardValue::Kind(kind) = value {
        Some(kind.as_str().to_owned())
    } else if let VCardValue::Integer(number) = value {
        Some(number.to_string())
    } else {
        None
    }
}

fn parts(values: &[VCardValue]) -> Vec<String> {
    values
        .iter()
        .map(|value| value_text(value).unwrap_or_default())
        .collect()
}

/// Family, given, additional, prefix, suffix: in the order in which people say them.
fn full_name(values: &[VCardValue]) -> String {
    let parts = parts(values);
    let said = [3, 1, 2, 0, 4]
        .into_iter()
        .filter_map(|place| parts.get(place))
        .filter(|part| !part.trim().is_empty());
    said.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The label that Apple keeps in a line of its own, tied by a group: `item1.X-ABLabel:_$!<Work>!$_`.
fn label_of(vcard: &VCard, group: Option<&str>) -> Option<String> {
    let group = group?;
    let entry = vcard.entries.iter().find(|entry| {
        entry.group.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(group))
            && matches!(&entry.name, VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABLABEL"))
    })?;
    let label = entry.values.iter().find_map(value_text)?;
    let bare = label
        .strip_prefix("_$!<")
        .and_then(|label| label.strip_suffix(">!$_"))
        .unwrap_or(&label);
    Some(bare.to_owned())
}

fn types(params: &[calcard::vcard::VCardParameter]) -> impl Iterator<Item = String> {
    params.iter().filter_map(|param| {
        if let VCardParameterValue::Type(kind) = &param.value {
            Some(kind.as_str().to_ascii_lowercase())
        } else {
            None
        }
    })
}

fn is_fax(params: &[calcard::vcard::VCardParameter]) -> bool {
    let only_fax = |kind: String| kind == VCardType::Fax.as_str().to_ascii_lowercase();
    types(params).any(only_fax)
}

fn types_of(params: &[calcard::vcard::VCardParameter]) -> String {
    types(params)
        .find(|kind| !matches!(kind.as_str(), "voice" | "pref" | "text"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_ends_where_the_next_begins() {
        let text = "BEGIN:VCARD\r\nFN:One\r\nbegin:vcard\r\nFN:Two\r\nEND:VCARD\r\n\r\nBEGIN:VCARD\nFN:Three";
        let cards: Vec<_> = cards_of(text).collect();
        assert_eq!(cards.len(), 3);
        assert!(cards[0].contains("One") && cards[1].contains("Two") && cards[2].contains("Three"));
        assert_eq!(cards_of("no card").count(), 0);
    }
}
