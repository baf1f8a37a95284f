//! The contacts, as the rest of the program sees them.

use call::number::Region;

use crate::contact_match::{self, ContactName};
use crate::contacts::{self, Checked, Contact, ContactDraft, ContactPage};
use crate::error::HistoryError;
use crate::store::{Store, immediate};

impl Store {
    /// Keeps a new contact and returns its name in this file. `region` is the country whose national form is typed here.
    ///
    /// # Errors
    /// `EmptyContact`, `NotANumber`, `TooManyNumbers`, `NoteTooLong`, or the file cannot be written.
    pub fn add_contact(&self, draft: &ContactDraft, region: Region) -> Result<i64, HistoryError> {
        let checked = Checked::new(draft, region)?;
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let id = checked.insert(&change, None)?;
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(id)
    }

    /// Writes a contact in place of what it was. The undo of an import no longer touches it.
    ///
    /// # Errors
    /// `NoSuchContact`, and as for [`Self::add_contact`].
    pub fn edit_contact(
        &self,
        id: i64,
        draft: &ContactDraft,
        region: Region,
    ) -> Result<(), HistoryError> {
        let checked = Checked::new(draft, region)?;
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        checked.update(&change, id)?;
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(())
    }

    /// Deletes a contact. Its calls stay.
    ///
    /// # Errors
    /// `NoSuchContact`, or the file cannot be written.
    pub fn delete_contact(&self, id: i64) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        contacts::delete(&change, id)?;
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(())
    }

    /// One contact.
    ///
    /// # Errors
    /// `NoSuchContact`, or the file cannot be read.
    pub fn contact(&self, id: i64) -> Result<Contact, HistoryError> {
        contacts::one(&self.reader(), id)
    }

    /// A page of the contacts that have every word of `text` in name, organisation, note or a number of any format, by name,
    /// at most 500. "": all of them. `cursor` is [`ContactPage::next`] of the page before it.
    ///
    /// # Errors
    /// [`HistoryError::BadCursor`], or the file cannot be read.
    pub fn contacts(
        &self,
        text: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<ContactPage, HistoryError> {
        contacts::page(&self.reader(), text, cursor, limit)
    }

    /// The contact of a number: by E.164, else by its last nine or eight digits if only one contact has them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn contact_of(&self, number: &str) -> Result<Option<ContactName>, HistoryError> {
        contact_match::of_number(&self.reader(), number)
    }
}
