//! Contacts as tables, with the headers of Google (old and new) and Outlook, or simple ones.

use super::Card;
use crate::contacts::ContactDraft;
use crate::error::HistoryError;
use crate::text::fold;

/// The most rows that are read.
const MOST_ROWS: usize = 1_000_000;

/// What a column is, by its header.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Name,
    /// A part of the name: its place in what people say.
    Part(usize),
    Organisation,
    Note,
    /// A number with a fixed label.
    Number(String),
    /// The label of the numbers in the column after it.
    Label,
    /// A number whose label is in the column before it.
    LabelledNumber,
    Other,
}

/// Every row of the table.
pub(super) fn read(text: &str) -> Result<Vec<Card>, HistoryError> {
    let mut table = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let headers = table
        .headers()
        .map_err(|_| HistoryError::NotContacts("it is neither a vCard nor a table."))?;
    let columns: Vec<Column> = headers.iter().map(column).collect();
    let has_number = |column: &Column| matches!(column, Column::Number(_) | Column::LabelledNumber);
    if !columns.iter().any(has_number) {
        return Err(HistoryError::NotContacts(
            "no column is headed as a phone number.",
        ));
    }
    let rows = table.records().take(MOST_ROWS).map(|record| match record {
        Ok(record) => contact_of(&columns, &record),
        Err(_) => Card {
            skip: Some("the row cannot be read."),
            ..Card::default()
        },
    });
    Ok(rows.collect())
}

/// The one that is most often in the first line.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let often = |delimiter: char| first.matches(delimiter).count();
    if often('\t') > often(',') && often('\t') > often(';') {
        b'\t'
    } else if often(';') > often(',') {
        b';'
    } else {
        b','
    }
}

fn column(header: &str) -> Column {
    let header = fold(header);
    match header.as_str() {
        "name" | "full name" | "display name" | "contact" => Column::Name,
        "name prefix" | "title" => Column::Part(0),
        "first name" | "given name" => Column::Part(1),
        "middle name" | "additional name" => Column::Part(2),
        "last name" | "family name" | "surname" => Column::Part(3),
        "name suffix" | "suffix" => Column::Part(4),
        "company"
        | "organization"
        | "organisation"
        | "organization name"
        | "organization 1 - name" => Column::Organisation,
        "notes" | "note" => Column::Note,
        "phone" | "phone number" | "telephone" | "number" | "tel" => Column::Number(String::new()),
        other => number_column(other),
    }
}

fn number_column(header: &str) -> Column {
    if let Some(what) = header
        .strip_prefix("phone ")
        .and_then(|rest| rest.split_once(" - "))
    {
        return match what.1 {
            "value" => Column::LabelledNumber,
            "type" | "label" => Column::Label,
            _ => Column::Other,
        };
    }
    if header.contains("fax") || header.contains("email") || header.contains("e-mail") {
        return Column::Other;
    }
    let is_number = header == "mobile"
        || header == "pager"
        || header.ends_with(" phone")
        || header.ends_with(" number")
        || header
            .rsplit_once(" phone ")
            .is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
    if is_number {
        Column::Number(header.replace(" phone", "").replace(" number", ""))
    } else {
        Column::Other
    }
}

fn contact_of(columns: &[Column], record: &csv::StringRecord) -> Card {
    let mut draft = ContactDraft::default();
    let mut parts: [&str; 5] = [""; 5];
    let mut label = String::new();
    for (column, value) in columns.iter().zip(record.iter()) {
        let value = value.trim();
        match column {
            Column::Name => draft.name = value.to_owned(),
            Column::Part(place) => {
                if let Some(part) = parts.get_mut(*place) {
                    *part = value;
                }
            }
            Column::Organisation if draft.organisation.is_empty() => {
                draft.organisation = value.to_owned()
            }
            Column::Note if draft.note.is_empty() => draft.note = value.to_owned(),
            Column::Label => label = value.trim_start_matches("* ").to_owned(),
            Column::Number(label) => add(&mut draft, label, value),
            Column::LabelledNumber => add(&mut draft, &std::mem::take(&mut label), value),
            Column::Organisation | Column::Note | Column::Other => {}
        }
    }
    if draft.name.is_empty() {
        let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        draft.name = said.join(" ");
    }
    let is_empty = draft == ContactDraft::default();
    Card {
        draft,
        skip: is_empty.then_some("the row is empty."),
    }
}

/// Google writes several numbers of one kind into one field.
fn add(draft: &mut ContactDraft, label: &str, value: &str) {
    if label.to_lowercase().contains("fax") {
        return;
    }
    let numbers = value
        .split(":::")
        .map(str::trim)
        .filter(|number| !number.is_empty());
    draft
        .numbers
        .extend(numbers.map(|number| (label.to_owned(), number.to_owned())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_other_programs_are_known() {
        for (header, expected) in [
            ("Phone 1 - Value", Column::LabelledNumber),
            ("Phone 2 - Type", Column::Label),
            ("Phone 1 - Label", Column::Label),
            ("Business Phone", Column::Number("business".into())),
            ("Home Phone 2", Column::Number("home 2".into())),
            ("Mobile", Column::Number("mobile".into())),
            ("Business Fax", Column::Other),
            ("E-mail Address", Column::Other),
            ("Organization 1 - Name", Column::Organisation),
            ("First Name", Column::Part(1)),
            ("Telephone", Column::Number(String::new())),
        ] {
            assert_eq!(column(header), expected, "{header}");
        }
    }

    #[test]
    fn the_delimiter_is_seen() {
        assert_eq!(delimiter("a,b,c"), b',');
        assert_eq!(delimiter("a;b;c,d"), b';');
        assert_eq!(delimiter("a\tb\tc"), b'\t');
        assert_eq!(delimiter(""), b',');
    }
}
