//! The command lines of `deskline history` and `deskline contacts`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `deskline history`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct History {
    /// Which calls, and where to.
    #[command(flatten)]
    pub list: HistoryList,
    /// What to do instead of listing them.
    #[command(subcommand)]
    pub order: Option<HistoryOrder>,
}

/// `deskline history` without an order
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HistoryList {
    /// How many calls
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Only calls with these words in name, number, note or contact
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub search: String,
    /// Only missed calls
    #[arg(long)]
    pub missed: bool,
    /// Only missed calls that nobody has looked at
    #[arg(long)]
    pub unseen: bool,
    /// Only calls in this direction
    #[arg(long, value_name = "in|out")]
    pub direction: Option<Way>,
    /// Only calls over this number of ours, as it is in the list
    #[arg(long, value_name = "NUMBER")]
    pub line: Option<String>,
    /// Write all of them to a new file; its ending, .csv or .json, chooses the format
    #[arg(long, value_name = "FILE", conflicts_with = "limit")]
    pub export: Option<PathBuf>,
    /// The columns of an export: both sets of names and what only Deskline has, or one set alone
    #[arg(long, value_enum, default_value_t = Names::Both, requires = "export")]
    pub names: Names,
    /// Write what the server said of calls to a new file, .csv or .json, instead of listing them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["limit", "search", "export", "missed", "unseen", "direction", "line"])]
    pub events: Option<PathBuf>,
    /// Begin each line with the id of its call, for note, seen and delete
    #[arg(long)]
    pub ids: bool,
    /// One JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
}

/// A direction, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Somebody called here.
    In,
    /// Called from here.
    Out,
}

/// Names of the columns of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// Both, and the rest
    Both,
    /// direction, status, ended_at, duration_seconds, recording_url, egress_id, transcript
    VoiceCalls,
    /// livekit_room_id, contact_phone, service_number, status, direction, started_at, ended_at, duration, recording_url
    CallRecords,
}

/// `deskline history …`
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HistoryOrder {
    /// Write a note about a call; an empty one takes it away
    Note {
        /// Its id (`history --ids`), or "last"
        call: String,
        /// What is to be remembered
        text: String,
    },
    /// Mark a missed call as seen; without a call, all of them
    Seen {
        /// Its id, or "last"
        call: Option<String>,
    },
    /// Delete calls; says what undoes it for fifteen seconds
    Delete {
        /// Their ids, or "last"
        #[arg(required = true)]
        calls: Vec<String>,
    },
    /// Undo a deletion
    Undelete {
        /// What `delete` said
        token: String,
    },
    /// Say how long calls are kept, or set it
    Keep {
        /// Days (1 to 3650), or "forever"
        #[arg(value_parser = days)]
        days: Option<Keep>,
    },
    /// Take all calls and events out of the file for good, so that not even their bytes are left
    Erase {
        /// Needed: there is no way back
        #[arg(long)]
        yes: bool,
    },
}

/// How long calls are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep(
    /// Days; `None`: for ever.
    pub Option<u16>,
);

/// `deskline contacts`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Contacts {
    /// Only contacts with these words in name, organisation, note or number
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub search: String,
    /// One JSON object a line instead of a list
    #[arg(long)]
    pub json: bool,
    /// What to do instead of listing them.
    #[command(subcommand)]
    pub order: Option<ContactsOrder>,
}

/// `deskline contacts …`
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ContactsOrder {
    /// Save a new contact
    Add(ContactFields),
    /// Write a contact in place of what it was; what is not given stays
    Edit {
        /// Its id, as it is in the list
        id: i64,
        /// What is to be changed.
        #[command(flatten)]
        fields: ContactFields,
    },
    /// Delete a contact; its calls stay
    Delete {
        /// Its id, as it is in the list
        id: i64,
    },
    /// Import contacts from a vCard or CSV file; says what undoes it
    Import {
        /// The file
        file: PathBuf,
    },
    /// Undo an import; without a number the imports are listed
    UndoImport {
        /// Its number
        import: Option<i64>,
    },
    /// Take all contacts out of the file for good, so that not even their bytes are left
    Erase {
        /// Needed: there is no way back
        #[arg(long)]
        yes: bool,
    },
}

/// What is known of a person.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ContactFields {
    /// What you call them
    #[arg(long)]
    pub name: Option<String>,
    /// Where they work
    #[arg(long)]
    pub organisation: Option<String>,
    /// Anything
    #[arg(long)]
    pub note: Option<String>,
    /// A number, with its label before it if it has one ("Work=+1 212 555 0100"); again for more
    #[arg(long = "number", value_name = "[LABEL=]NUMBER")]
    pub numbers: Vec<String>,
}

fn days(text: &str) -> Result<Keep, String> {
    if text.eq_ignore_ascii_case("forever") {
        return Ok(Keep(None));
    }
    text.parse()
        .ok()
        .filter(|days| (1..=3650).contains(days))
        .map(|days| Keep(Some(days)))
        .ok_or_else(|| format!("“{text}” is no number of days from 1 to 3650, and not “forever”"))
}
