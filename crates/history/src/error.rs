//! What can go wrong with the journal, each in one sentence for a person.

use thiserror::Error;

/// Why the journal could not be opened, read or written. `Display` is a sentence for a person; the cause, where there
/// is one, is for the log.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The file was written by a newer program. Nothing was changed.
    #[error(
        "This history was written by a newer Deskline. Update Deskline or choose another profile."
    )]
    Newer {
        /// Version of the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The folder or the file cannot be written.
    #[error(
        "The profile folder cannot be written to, so calls cannot be kept. Allow writing to it or choose another profile."
    )]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No space is left.
    #[error(
        "The disk is full, so calls cannot be kept. Free some space; what is missing will be written then."
    )]
    DiskFull(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is not a history, or is damaged.
    #[error(
        "The history file is damaged. Move history.db out of the profile folder and start Deskline again; it then begins a new one."
    )]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another program kept the file locked for too long.
    #[error("Another program is holding the history. Close it and try again.")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The profile folder is a file, or cannot be made or entered.
    #[error(
        "The profile folder cannot be used. Check that it is a folder and that it may be entered, or choose another profile."
    )]
    Folder(#[source] std::io::Error),
    /// There is no row for this call.
    #[error("There is no such call in the history.")]
    NoSuchCall,
    /// The call is already in the journal.
    #[error("This call is already in the history.")]
    AlreadyThere,
    /// The call is not over, or something of it may still be up on the server.
    #[error("This call is not over yet. End it first; then it can be deleted.")]
    NotOver,
    /// The time to take a deletion back is over, or it was taken back already.
    #[error("This can no longer be undone.")]
    NothingToUndo,
    /// There is no such contact.
    #[error("There is no such contact. It may have been deleted in the meantime.")]
    NoSuchContact,
    /// Nothing to call the contact by.
    #[error("A contact needs a name or a number. Add one and save again.")]
    EmptyContact,
    /// A number of a contact has neither digits nor an address.
    #[error("“{0}” is not a number. Correct or remove it and save again.")]
    NotANumber(String),
    /// More numbers than a contact can have.
    #[error("A contact can have {0} numbers at most. Remove some and save again.")]
    TooManyNumbers(usize),
    /// Longer than a note can be.
    #[error("A note can have {0} characters at most. Shorten it and save again.")]
    NoteTooLong(usize),
    /// A file that is no list of contacts.
    #[error(
        "This file has no contacts that can be read: {0} Export them as vCard, or as CSV for Google or Outlook."
    )]
    NotContacts(&'static str),
    /// The place that an export goes to cannot be written.
    #[error(
        "The export could not be written. Check that there is space and that the place can be written to, and export again."
    )]
    Export(#[source] std::io::Error),
    /// A page was asked for with a cursor that this program did not give out.
    #[error("The place in the history is not known. Start again at the newest call.")]
    BadCursor,
    /// Anything else the database said.
    #[error(
        "The history could not be read or written. Start Deskline again; if it stays, choose another profile."
    )]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HistoryError {
    /// For the log: the sentence and its cause.
    #[must_use]
    pub fn detail(&self) -> String {
        std::error::Error::source(self)
            .map_or_else(|| self.to_string(), |cause| format!("{self} ({cause})"))
    }

    /// Worth writing again later: nothing is wrong with the entry itself.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::ReadOnly(_)
            | Self::DiskFull(_)
            | Self::Busy(_)
            | Self::Folder(_)
            | Self::Other(_) => true,
            Self::Newer { .. }
            | Self::Damaged(_)
            | Self::NoSuchCall
            | Self::AlreadyThere
            | Self::NotOver
            | Self::NothingToUndo
            | Self::NoSuchContact
            | Self::EmptyContact
            | Self::NotANumber(_)
            | Self::TooManyNumbers(_)
            | Self::NoteTooLong(_)
            | Self::NotContacts(_)
            | Self::Export(_)
            | Self::BadCursor => false,
        }
    }
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let code = error.sqlite_error_code();
        let extended = error.sqlite_error().map(|e| e.extended_code);
        // The only one of ours that can be said twice is the name of a call.
        if extended == Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) {
            return Self::AlreadyThere;
        }
        let cause = Box::new(error);
        match code {
            Some(
                Code::ReadOnly
                | Code::CannotOpen
                | Code::PermissionDenied
                | Code::AuthorizationForStatementDenied,
            ) => Self::ReadOnly(cause),
            Some(Code::DiskFull) => Self::DiskFull(cause),
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(cause),
            Some(Code::DatabaseBusy | Code::DatabaseLocked | Code::FileLockingProtocolFailed) => {
                Self::Busy(cause)
            }
            Some(_) | None => Self::Other(cause),
        }
    }
}

impl From<rusqlite_migration::Error> for HistoryError {
    fn from(error: rusqlite_migration::Error) -> Self {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            err.into()
        } else {
            Self::Other(Box::new(error))
        }
    }
}

/// A failure of the folder or of a file in it.
pub(crate) fn file_error(error: std::io::Error) -> HistoryError {
    use std::io::ErrorKind as Kind;
    if matches!(
        error.kind(),
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem
    ) {
        HistoryError::ReadOnly(Box::new(error))
    } else if matches!(error.kind(), Kind::StorageFull | Kind::QuotaExceeded) {
        HistoryError::DiskFull(Box::new(error))
    } else {
        HistoryError::Folder(error)
    }
}
