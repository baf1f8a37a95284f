//! The command line. Wrong use ends with exit code 2, before anything is touched.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use call::number::{Region, parse, parse_keys};
use clap::{Args, Parser, Subcommand};

/// A desktop phone for LiveKit. Without a command: the window.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "deskline", version, max_term_width = 100)]
pub struct Arguments {
    /// Folder with the account, the settings and the calls [default: this system's folder for program data]
    #[arg(long, global = true, value_name = "DIR")]
    pub profile: Option<PathBuf>,
    /// How long a phone that is called may ring, 75s at most [default: 45s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub ring_for: Option<Duration>,
    /// How long a window that nobody sees is kept in memory [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub forget_window_after: Option<Duration>,
    /// Start in the tray, without a window: how the computer starts it
    #[arg(long)]
    pub hidden: bool,
    /// A phone link (tel:, callto:, sip:, deskline:). Its number is filled in; nothing is dialled
    #[arg(value_name = "LINK", value_parser = link)]
    pub links: Vec<String>,
    /// What to do instead of opening the window.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the terminal can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Call a number with this computer's microphone and speaker
    Dial(Dial),
    /// Wait for calls and ring; answers only if told to
    Wait(Wait),
    /// The whole telephone at a prompt: one order a line, `help` lists them
    Phone(Phone),
    /// List the calls, newest first; notes, deletes, exports, erases
    History(crate::terminal::record_args::History),
    /// List the contacts; adds, changes, imports, deletes
    Contacts(crate::terminal::record_args::Contacts),
    /// List the sound devices
    Devices(Devices),
    /// How callers are noticed: shows it, or changes it for the next start
    Watchers(Watchers),
    /// The LiveKit project this desk belongs to
    #[command(subcommand)]
    Account(Account),
    /// Phone lines: set up, prove, check, undo
    #[command(subcommand)]
    Line(crate::terminal::line_args::Line),
}

/// `deskline dial`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Dial {
    /// Whom to call, in any usual writing ("+1 212 555 0100")
    #[arg(value_parser = number)]
    pub number: String,
    /// Hang up so long after the answer (10s, 500ms, 2m)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub talk_for: Option<Duration>,
    /// Name or number of the line to call over [default: the one used last with this number, else by its rules]
    #[arg(long, value_name = "NAME")]
    pub line: Option<String>,
    /// Which of the line's numbers the other side sees
    #[arg(long, value_name = "NUMBER")]
    pub caller_id: Option<String>,
    /// Keys to send after the answer: 0-9 * # A-D, w waits half a second
    #[arg(long, value_parser = keys)]
    pub keys: Option<String>,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline wait`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Wait {
    /// Answer so long after it began to ring (0s: at once)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub answer_after: Option<Duration>,
    /// Hang up so long after the answer
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub talk_for: Option<Duration>,
    /// End after the first call, with its exit code
    #[arg(long)]
    pub once: bool,
    /// Receive LiveKit's webhooks at this address (8787, 127.0.0.1:8787), for this run only
    #[arg(long, value_name = "ADDRESS", value_parser = listen_at)]
    pub webhook: Option<SocketAddr>,
    /// Be registered as a worker of this name, for this run only
    #[arg(long, value_name = "NAME")]
    pub worker: Option<String>,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// `deskline phone`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Phone {
    /// One JSON object a line instead of sentences: every change as a whole view
    #[arg(long)]
    pub json: bool,
}

/// `deskline watchers`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Watchers {
    /// Seconds between two looks for callers
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=60))]
    pub look_every: Option<u16>,
    /// Receive LiveKit's webhooks at this address (8787, 127.0.0.1:8787), or "off"
    #[arg(long, value_name = "ADDRESS", value_parser = listen_at_or_off)]
    pub webhook: Option<Switch<SocketAddr>>,
    /// Be registered as a worker of this name, or "off"
    #[arg(long, value_name = "NAME", value_parser = name_or_off)]
    pub worker: Option<Switch<String>>,
    /// One JSON object instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// On, with what it takes, or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch<T> {
    /// Not wanted.
    Off,
    /// Wanted.
    On(T),
}

/// `deskline devices`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Devices {
    /// One JSON object instead of a list
    #[arg(long)]
    pub json: bool,
}

/// `deskline account …`
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Account {
    /// Sign in; the API secret is read from standard input
    Set(AccountSet),
    /// Which project, and whether its secret can be read; never the secret
    Show(AccountShow),
    /// Remove address, key and secret from this computer; the calls stay
    Forget,
}

/// `deskline account set`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AccountSet {
    /// Address of the project, wss://…
    #[arg(long)]
    pub url: String,
    /// API key of the project
    #[arg(long)]
    pub key: String,
}

/// `deskline account show`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AccountShow {
    /// One JSON object instead of sentences
    #[arg(long)]
    pub json: bool,
}

/// Longest duration that can be asked for.
const MAX_DURATION: Duration = Duration::from_secs(24 * 3_600);

/// Parses `500ms`, `10s`, `2m`, `1h`, or a bare number of seconds; at most a day.
///
/// # Errors
/// One sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    let value: f64 = value
        .parse()
        .map_err(|_| format!("“{text}” is not a duration; write 10s, 500ms or 2m"))?;
    let unit_seconds = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        other => {
            return Err(format!(
                "“{other}” is not a unit of time; use ms, s, m or h"
            ));
        }
    };
    Duration::try_from_secs_f64(value * unit_seconds)
        .ok()
        .filter(|duration| *duration <= MAX_DURATION)
        .ok_or_else(|| "a duration can be at most 24 h".to_owned())
}

/// A number that cannot be dialled is wrong use. The text goes on as typed: the region is known later.
fn number(text: &str) -> Result<String, String> {
    parse(text, Region::default())
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

/// What is in the link is read later, where there is a window to say what is wrong with it.
fn link(text: &str) -> Result<String, String> {
    if crate::links::is_ours(text) {
        Ok(text.to_owned())
    } else {
        Err("this is no phone link; write tel:+12125550100, or deskline dial for a call".to_owned())
    }
}

/// A port alone is one of this computer; another address was meant as it was written.
fn listen_at(text: &str) -> Result<SocketAddr, String> {
    let port = text
        .parse()
        .map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|_| text.parse())
        .map_err(|_| format!("“{text}” is no address to listen at; write 8787 or 127.0.0.1:8787"))
}

fn listen_at_or_off(text: &str) -> Result<Switch<SocketAddr>, String> {
    if text == "off" {
        return Ok(Switch::Off);
    }
    listen_at(text).map(Switch::On)
}

#[allow(clippy::unnecessary_wraps)] // the shape of a value parser
fn name_or_off(text: &str) -> Result<Switch<String>, String> {
    Ok(match text {
        "off" => Switch::Off,
        name => Switch::On(name.to_owned()),
    })
}

fn keys(text: &str) -> Result<String, String> {
    parse_keys(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn arguments(line: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("deskline").chain(line.iter().copied()))
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration(" 2 m "), Ok(Duration::from_secs(120)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_a_sentence() {
        for text in [
            "",
            "s",
            "-3s",
            "1.2.3s",
            "9e9",
            "5 weeks",
            "25h",
            "99999999999999999999999h",
            "٣s",
        ] {
            let said = duration(text).unwrap_err();
            assert!(!said.is_empty(), "{text}");
        }
    }

    #[test]
    fn without_a_command_the_window_opens() {
        let parsed = arguments(&[]).unwrap();
        assert_eq!(parsed.command, None);
        assert_eq!(parsed.profile, None);
        assert!(!parsed.hidden && parsed.links.is_empty());
    }

    #[test]
    fn links_are_taken_as_they_are() {
        for link in [
            "tel:+12125550100",
            "SIP:a@b.example",
            "deskline:",
            "tel:--profile=/x",
        ] {
            let parsed = arguments(&["--profile", "p", link]).unwrap();
            assert_eq!(parsed.links, [link]);
            assert_eq!(parsed.command, None);
            assert_eq!(parsed.profile, Some("p".into()));
        }
        assert!(arguments(&["--hidden"]).unwrap().hidden);
        assert!(arguments(&["https://example.com"]).is_err());
        assert!(arguments(&["+12125550100"]).is_err());
    }

    #[test]
    fn the_profile_may_stand_before_or_after_the_command() {
        for line in [["--profile", "p", "devices"], ["devices", "--profile", "p"]] {
            assert_eq!(arguments(&line).unwrap().profile, Some("p".into()));
        }
    }

    #[test]
    fn dial_takes_everything_in_one_line() {
        let parsed = arguments(&[
            "dial",
            "+1 212 555 0100",
            "--for",
            "3s",
            "--line",
            "Demo line",
            "--keys",
            "12#",
            "--json",
        ])
        .unwrap();
        assert_eq!(
            parsed.command,
            Some(Command::Dial(Dial {
                number: "+1 212 555 0100".into(),
                talk_for: Some(Duration::from_secs(3)),
                line: Some("Demo line".into()),
                caller_id: None,
                keys: Some("12#".into()),
                json: true,
            }))
        );
    }

    #[test]
    fn a_port_alone_is_one_of_this_computer() {
        for (text, at) in [
            ("8787", "127.0.0.1:8787"),
            ("0", "127.0.0.1:0"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(listen_at(text), Ok(at.parse().unwrap()), "{text}");
        }
        for text in ["", "65536", "localhost", "127.0.0.1"] {
            assert!(listen_at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn wrong_use_is_exit_code_two() {
        for line in [
            &["dial"][..],
            &["dial", "hello there"],
            &["dial", ""],
            &["dial", "+1 212 555 0100", "--for", "soon"],
            &["dial", "+1 212 555 0100", "--keys", "x"],
            &["call", "+1 212 555 0100"],
            &["account"],
            &["account", "set", "--url", "wss://front-desk.example"],
            &["history", "--limit", "0"],
            &["history", "--names", "voice-calls"],
            &["history", "delete"],
            &["history", "keep", "0"],
            &["contacts", "add", "--phone", "1"],
        ] {
            let Err(error) = arguments(line) else {
                panic!("{line:?} was accepted")
            };
            assert_eq!(error.exit_code(), 2, "{line:?}");
        }
    }

    #[test]
    fn there_is_no_argument_for_a_secret() {
        assert!(
            arguments(&[
                "account",
                "set",
                "--url",
                "wss://front-desk.example",
                "--key",
                "k",
                "--secret",
                "s"
            ])
            .is_err()
        );
    }
}
