//! Calls that are over and come from elsewhere, many at once.

use call::output::{LogFinish, LogStart};

use crate::details::{self, Details};
use crate::error::HistoryError;
use crate::store::{Store, close, immediate, insert};
use crate::text;

/// A call that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct PastCall {
    /// Who and when.
    pub start: LogStart,
    /// How it ended.
    pub finish: LogFinish,
    /// What else is known.
    pub details: Details,
    /// What a person wrote about it.
    pub note: String,
    /// A missed call that somebody has looked at.
    pub seen: bool,
}

impl Store {
    /// Writes calls of an older history in one transaction: a thousand cost little more than one. All or none are written.
    /// A journal entry waits until they are: pass some hundred at once while the phone is in use.
    ///
    /// # Errors
    /// [`HistoryError::AlreadyThere`] if one of them is in the journal, or the file cannot be written.
    pub fn load(&self, calls: &[PastCall]) -> Result<(), HistoryError> {
        let session = self.session_id()?;
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        for call in calls {
            let note: String = text::clean_lines(&call.note)
                .chars()
                .take(text::LONGEST_NOTE)
                .collect();
            let details = Details {
                dialled: call
                    .details
                    .dialled
                    .clone()
                    .or_else(|| Details::of_start(&call.start).dialled),
                ..call.details.clone()
            };
            insert(&change, &session, &call.start, &details, &note)?;
            close(&change, &call.finish)?;
            details::write(&change, &call.start.call, &call.details)?;
            if call.seen {
                change
                    .prepare_cached("UPDATE calls SET seen = 1 WHERE id = ?1")?
                    .execute([call.start.call.as_str()])?;
            }
        }
        change.commit()?;
        Self::let_pass(writer);
        self.bump();
        self.merge_now();
        Ok(())
    }
}
