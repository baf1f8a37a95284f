//! The command line of `deskline line`. There is no argument for a secret: secrets are read from standard input.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `deskline line …`
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Line {
    /// All lines, and what was proven of them
    List(List),
    /// Set a line up, or finish one: shows every change first
    Add(Box<Add>),
    /// Find out what is wrong with a line; changes nothing and calls nobody
    Check(Check),
    /// Do what the check proposes for one finding: shows the change first
    Fix(Fix),
    /// Prove a line with a call: `--to` calls out, `--incoming` waits to be called
    Test(Test),
    /// Set which calls go over a line, what number they show, and what happens if its provider refuses one
    Set(Set),
    /// Everything that is known of a line: addresses, names, ids, and the provider's own pages
    Show(Show),
    /// Every trunk and rule of the LiveKit project, whoever made them
    Objects(Objects),
    /// The numbers of an account at a provider, and what answers each now
    Numbers(Numbers),
    /// What lines are estimated to cost in a month, by the rates you give
    Costs(Costs),
    /// Take a line away: what Deskline made in LiveKit, each saved first
    Remove(Remove),
    /// Undo the last change of a line
    Undo(Undo),
    /// Say what Deskline would take from a .env file, and sign in with it if asked to
    Env(Env),
}

/// `deskline line list`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct List {
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line add`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Add {
    /// twilio, telnyx, signalwire, other (host, user and password), or livekit (a number rented from LiveKit)
    pub provider: String,
    /// Name of the line
    #[arg(long, default_value = "Main line")]
    pub name: String,
    /// A number that rings here; again for more
    #[arg(long = "number", required_unless_present = "env")]
    pub numbers: Vec<String>,
    /// Take from a .env file what is not given here: account, key, secret, trunk name, SIP URI, number
    #[arg(long, value_name = "FILE")]
    pub env: Option<PathBuf>,
    /// Twilio, Telnyx, SignalWire: SIP URI of the LiveKit project, from its settings. The API key of Telnyx and the API token of
    /// SignalWire are read from standard input
    #[arg(long, value_name = "URI")]
    pub sip: Option<String>,
    /// Twilio: account SID (AC…); its auth token is read from standard input
    #[arg(long, value_name = "SID")]
    pub account: Option<String>,
    /// Twilio: API key (SK…) to sign in with; its secret is read from standard input instead of the token
    #[arg(long, value_name = "SID")]
    pub key: Option<String>,
    /// Twilio: name of the trunk [default: made of the line's name]
    #[arg(long)]
    pub domain: Option<String>,
    /// SignalWire: the space, acme of acme.signalwire.com
    #[arg(long, conflicts_with = "account")]
    pub space: Option<String>,
    /// SignalWire: project ID
    #[arg(long, value_name = "ID", conflicts_with = "key")]
    pub project: Option<String>,
    /// SignalWire: a server of your own that answers callers with SWML [default: Deskline makes a script]
    #[arg(long, value_name = "URL")]
    pub handler: Option<String>,
    /// Another provider: the server that takes calls. SignalWire: the SIP address that you made there by hand
    #[arg(long, visible_alias = "sip-address")]
    pub host: Option<String>,
    /// Another provider, SignalWire by hand: user name; its password is read from standard input
    #[arg(long)]
    pub user: Option<String>,
    /// Another provider: auto, udp, tcp or tls
    #[arg(long, default_value = "auto")]
    pub transport: String,
    /// Encrypt calls between LiveKit and the provider
    #[arg(long)]
    pub secure: bool,
    /// Callers type a PIN first; it is read from standard input, after the password
    #[arg(long)]
    pub with_pin: bool,
    /// Do it without asking; the plan is shown all the same
    #[arg(long, short)]
    pub yes: bool,
    /// Only show the steps to do by hand, and commands to copy
    #[arg(long)]
    pub by_hand: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line check`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Check {
    /// Which line [default: all]
    pub line: Option<String>,
    /// Look at the provider too; its auth token, API key or API token is read from standard input
    #[arg(long)]
    pub provider: bool,
    /// Twilio: API key (SK…) to sign in with instead of the auth token
    #[arg(long, value_name = "SID")]
    pub key: Option<String>,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line fix`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Fix {
    /// Which line
    pub line: String,
    /// Which finding (D06 to D12, D15)
    pub finding: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line test`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Test {
    /// Which line
    pub line: String,
    /// Call this number over the line; answer it and listen
    #[arg(long, value_name = "NUMBER", required_unless_present = "incoming")]
    pub to: Option<String>,
    /// Wait until somebody calls the line, and answer
    #[arg(long, conflicts_with = "to")]
    pub incoming: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line set`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Set {
    /// Which line
    pub line: String,
    /// Numbers that begin so go over it (+49, +1212); again for more. Replaces those that are set
    #[arg(long = "prefix", value_name = "PREFIX")]
    pub prefixes: Vec<String>,
    /// No numbers by their beginning
    #[arg(long, conflicts_with = "prefixes")]
    pub no_prefixes: bool,
    /// Which of its numbers those who are called see: a number, or "first"
    #[arg(long, value_name = "NUMBER")]
    pub caller_id: Option<String>,
    /// The line for everything that no rule names another for
    #[arg(long, value_name = "ON|OFF", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub default: Option<OnOff>,
    /// A call that its provider refuses before anything rings goes over another line
    #[arg(long, value_name = "ON|OFF")]
    pub fail_over: Option<OnOff>,
    /// Calls to its numbers ring at this desk
    #[arg(long, value_name = "ON|OFF")]
    pub ring: Option<OnOff>,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line show`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Show {
    /// Which line
    pub line: String,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line objects`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Objects {
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line numbers`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Numbers {
    /// twilio, telnyx or signalwire; the auth token, API key or API token is read from standard input
    pub provider: String,
    /// Twilio: account SID (AC…)
    #[arg(long, value_name = "SID")]
    pub account: Option<String>,
    /// Twilio: API key (SK…) to sign in with instead of the auth token
    #[arg(long, value_name = "SID")]
    pub key: Option<String>,
    /// SignalWire: the space, acme of acme.signalwire.com
    #[arg(long, conflicts_with = "account")]
    pub space: Option<String>,
    /// SignalWire: project ID
    #[arg(long, value_name = "ID", conflicts_with = "key")]
    pub project: Option<String>,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line costs`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Costs {
    /// The line whose rates are given; without it all are only shown
    pub line: Option<String>,
    /// Which month, like 2026-11 [default: the present one]
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// One number, a month, like 1.15; "" for not known
    #[arg(long, value_name = "AMOUNT", requires = "line")]
    pub number_month: Option<String>,
    /// A minute of a call that comes in
    #[arg(long, value_name = "AMOUNT", requires = "line")]
    pub minute_in: Option<String>,
    /// A minute of a call that goes out
    #[arg(long, value_name = "AMOUNT", requires = "line")]
    pub minute_out: Option<String>,
    /// A minute through LiveKit's telephone bridge, either way
    #[arg(long, value_name = "AMOUNT", requires = "line")]
    pub livekit_minute: Option<String>,
    /// Of these rates, three letters
    #[arg(long, requires = "line")]
    pub currency: Option<String>,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// On
    On,
    /// Off
    Off,
}

/// `deskline line remove`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Remove {
    /// Which line
    pub line: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line undo`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Undo {
    /// Which line
    pub line: String,
    /// Twilio: account SID, SignalWire: space/project, if something there is undone and the line is gone already. The auth
    /// token, API key or API token is read from standard input
    #[arg(long, value_name = "SID")]
    pub account: Option<String>,
    /// Twilio: API key (SK…) to sign in with instead of the auth token
    #[arg(long, value_name = "SID", requires = "account")]
    pub key: Option<String>,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline line env`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Env {
    /// The file
    pub file: PathBuf,
    /// Sign in to the LiveKit project that the file names; the secret goes into the keychain
    #[arg(long)]
    pub sign_in: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}
