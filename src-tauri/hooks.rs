//! What a person wants done when somebody calls, when a call is answered, or when it is over: an address is opened or a
//! program started, with the facts of the call. Never by default, never through a shell.

use std::path::Path;
use std::process::{Command, Stdio};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::ipc::desktop::{HookAction, HookMoment, HookTested};
use crate::ipc::types::{Direction, IpcError};
use crate::links;

/// Longest template, program or argument.
const LONGEST: usize = 2_000;
/// Most arguments.
const MOST_ARGUMENTS: usize = 40;
/// Schemes that run or read something on this computer.
const NEVER: [&str; 10] = [
    "file",
    "javascript",
    "data",
    "vbscript",
    "about",
    "blob",
    "ftp",
    "smb",
    "view-source",
    "ms-msdt",
];
/// RFC 3986, unreserved: everything else is encoded, so that a name can be nothing but a value.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The facts that are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) moment: HookMoment,
    pub(crate) direction: Direction,
    /// E.164 where it is one, "" if withheld.
    pub(crate) number: String,
    /// "" if unknown.
    pub(crate) name: String,
    /// Our number or trunk, "" if unknown.
    pub(crate) line: String,
}

impl Facts {
    /// What a hook is tried with: an invented caller.
    pub(crate) fn sample(moment: HookMoment) -> Self {
        Self {
            moment,
            direction: Direction::Inbound,
            number: "+12125550100".into(),
            name: "Test caller".into(),
            line: "+12025550150".into(),
        }
    }

    fn named(&self) -> [(&'static str, &str); 5] {
        [
            ("{number}", &self.number),
            ("{name}", &self.name),
            ("{line}", &self.line),
            (
                "{direction}",
                match self.direction {
                    Direction::Inbound => "inbound",
                    Direction::Outbound => "outbound",
                },
            ),
            (
                "{moment}",
                match self.moment {
                    HookMoment::Ring => "ring",
                    HookMoment::Answer => "answer",
                    HookMoment::End => "end",
                },
            ),
        ]
    }
}

/// Something ready to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Prepared {
    Open(String),
    Run(String, Vec<String>),
}

/// Is it something that may be done?
///
/// # Errors
/// One sentence: what, why, what next.
pub(crate) fn check(action: &HookAction) -> Result<(), IpcError> {
    match action {
        HookAction::OpenUrl { template } => check_template(template),
        HookAction::Run { program, arguments } => {
            if !Path::new(program).is_absolute()
                || program.len() > LONGEST
                || program.chars().any(char::is_control)
            {
                return refused("The program needs its whole path, such as /usr/bin/notify-send.");
            }
            if arguments.len() > MOST_ARGUMENTS
                || arguments
                    .iter()
                    .any(|of| of.len() > LONGEST || of.contains('\0'))
            {
                return refused("There are too many arguments, or one is too long. Shorten them.");
            }
            Ok(())
        }
    }
}

fn check_template(template: &str) -> Result<(), IpcError> {
    if template.len() > LONGEST || template.chars().any(|c| c.is_control() || c == ' ') {
        return refused(
            "The address is too long or has blanks in it. Copy it from the program it belongs to.",
        );
    }
    let Some((scheme, rest)) = template.split_once(':') else {
        return refused("The address needs a beginning such as https://.");
    };
    let scheme = scheme.to_ascii_lowercase();
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_scheme || NEVER.contains(&scheme.as_str()) {
        return refused(
            "Only addresses that begin with https://, http:// or the name of an installed program can be opened.",
        );
    }
    if links::SCHEMES.contains(&scheme.as_str()) {
        return refused("A hook cannot open phone links: they would lead back here.");
    }
    if scheme == "http" || scheme == "https" {
        let host = rest
            .trim_start_matches('/')
            .split(['/', '?', '#'])
            .next()
            .unwrap_or_default();
        // Whoever calls chooses the name: it must not choose where it is sent.
        if host.is_empty() || host.contains(['{', '}']) || !rest.starts_with("//") {
            return refused("The address needs the name of a server, and no {…} in it.");
        }
    }
    Ok(())
}

fn refused(what: &str) -> Result<(), IpcError> {
    Err(IpcError::new("bad_hook", what))
}

/// Fills the facts in. In an address they are percent-encoded; an argument stays one argument whatever is in it.
///
/// # Errors
/// See [`check`].
pub(crate) fn prepare(action: &HookAction, facts: &Facts) -> Result<Prepared, IpcError> {
    check(action)?;
    Ok(match action {
        HookAction::OpenUrl { template } => Prepared::Open(fill(template, facts, |value| {
            utf8_percent_encode(value, ENCODED).to_string()
        })),
        HookAction::Run { program, arguments } => Prepared::Run(
            program.clone(),
            arguments
                .iter()
                .map(|of| fill(of, facts, |value| value.replace('\0', "")))
                .collect(),
        ),
    })
}

/// One pass from left to right: what was filled in is never looked at again.
fn fill(template: &str, facts: &Facts, encode: impl Fn(&str) -> String) -> String {
    let named = facts.named();
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        match named.iter().find(|(name, _)| from.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(&encode(value));
                rest = from.get(name.len()..).unwrap_or_default();
            }
            None => {
                out.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// Does it. Blocks for as long as the system takes to start a program.
///
/// # Errors
/// One sentence: what, why, what next.
pub(crate) fn act(prepared: &Prepared) -> Result<(), IpcError> {
    match prepared {
        Prepared::Open(url) => {
            if let Some((scheme, _)) = url.split_once(':')
                && !matches!(scheme, "http" | "https")
                && !has_program_for(scheme)
            {
                return refused(
                    "No program on this computer opens this kind of address. Install it, or use https://.",
                );
            }
            open::that_detached(url).map_err(|error| {
                IpcError::new(
                    "hook",
                    format!("The address cannot be opened: {error}. Check the address and the default browser."),
                )
            })
        }
        Prepared::Run(program, arguments) => {
            let child = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            match child {
                Ok(mut child) => {
                    // Somebody has to take note of its end.
                    std::thread::spawn(move || child.wait());
                    Ok(())
                }
                Err(error) => Err(IpcError::new(
                    "hook",
                    format!(
                        "{program} cannot be started: {error}. Check its path and its permissions."
                    ),
                )),
            }
        }
    }
}

/// Is there a program for addresses of this kind? Where the system has no way to ask, opening itself will tell.
fn has_program_for(scheme: &str) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    Command::new("xdg-mime")
        .args(["query", "default", &format!("x-scheme-handler/{scheme}")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| !output.stdout.trim_ascii().is_empty())
}

/// Tries a hook with an invented caller.
///
/// # Errors
/// See [`check`] and [`act`].
pub(crate) fn test(action: &HookAction, moment: HookMoment) -> Result<HookTested, IpcError> {
    let prepared = prepare(action, &Facts::sample(moment))?;
    act(&prepared)?;
    Ok(HookTested {
        words: match prepared {
            Prepared::Open(url) => format!("Opened {url}"),
            Prepared::Run(program, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(|of| format!("“{of}”")).collect();
                format!("Started {program} {}", arguments.join(" "))
                    .trim()
                    .to_owned()
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(template: &str) -> HookAction {
        HookAction::OpenUrl {
            template: template.into(),
        }
    }

    fn run(program: &str, arguments: &[&str]) -> HookAction {
        HookAction::Run {
            program: program.into(),
            arguments: arguments.iter().map(|of| (*of).to_owned()).collect(),
        }
    }

    fn hostile() -> Facts {
        Facts {
            name: "a&b=c/../\"'; rm -rf ~ {number} #\u{202e}é".into(),
            ..Facts::sample(HookMoment::Ring)
        }
    }

    #[test]
    fn only_addresses_of_servers_and_installed_programs_are_taken() {
        for good in [
            "https://crm.example/search?phone={number}",
            "http://intranet/{name}",
            "crm+app://call?n={number}",
        ] {
            assert!(check(&url(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "crm.example",
            "file:///etc/passwd",
            "JavaScript:alert(1)",
            "tel:{number}",
            "deskline:{number}",
            "https://{name}/",
            "https://",
            "https:crm.example",
            "https://crm.example/ x",
            "-x:y",
        ] {
            let said = check(&url(bad)).unwrap_err().message;
            assert!(said.ends_with('.'), "{bad}: {said}");
        }
        assert!(check(&run("notify-send", &[])).is_err());
        assert!(check(&run("/usr/bin/true", &["{name}"])).is_ok());
    }

    #[test]
    fn what_is_filled_in_is_only_a_value() {
        let Prepared::Open(opened) = prepare(
            &url("https://crm.example/?n={name}&p={number}&x={y}"),
            &hostile(),
        )
        .unwrap() else {
            panic!("an address")
        };
        assert_eq!(
            opened,
            "https://crm.example/?n=a%26b%3Dc%2F..%2F%22%27%3B%20rm%20-rf%20~%20%7Bnumber%7D%20%23%E2%80%AE%C3%A9&p=%2B12125550100&x={y}"
        );
        let Prepared::Run(_, arguments) = prepare(
            &run("/bin/true", &["{name}", "{direction}-{moment}", "{line}"]),
            &hostile(),
        )
        .unwrap() else {
            panic!("a program")
        };
        assert_eq!(
            arguments,
            [
                hostile().name,
                "inbound-ring".to_owned(),
                "+12025550150".to_owned()
            ]
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_program_gets_its_arguments_without_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let witness = folder.path().join("witness");
        let facts = Facts {
            name: format!("$(touch {0}); `touch {0}`", witness.display()),
            ..hostile()
        };
        let heard = folder.path().join("heard");
        // `cp` is given one argument that is no file; nothing else must come of it.
        let copy = run(
            "/bin/cp",
            &["--", "/dev/null", &heard.display().to_string()],
        );
        act(&prepare(&copy, &facts).unwrap()).unwrap();
        act(&prepare(&run("/bin/echo", &["{name}"]), &facts).unwrap()).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !heard.exists() {
            assert!(std::time::Instant::now() < deadline, "it was not started");
            std::thread::yield_now();
        }
        assert!(!witness.exists());
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        let said = test(&run("/nowhere/at-all", &[]), HookMoment::End)
            .unwrap_err()
            .message;
        assert!(
            said.contains("/nowhere/at-all") && said.ends_with('.'),
            "{said}"
        );
    }
}
