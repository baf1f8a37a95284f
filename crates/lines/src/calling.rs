//! How calls go out over a line: what a person sets of it. Which line a call takes is decided by `call::routing`.

use std::collections::HashSet;

use call::routing::{OutboundLine, Prefix, PrefixError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::registry::{KeptLine, Registry, RegistryError};
use crate::wanted::{LineId, Number, ProviderKind};

/// Prefixes of one line.
const MOST_PREFIXES: usize = 50;

/// What is set of the calls of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calling {
    /// Numbers that begin so go over it: `+` and digits.
    pub prefixes: Vec<String>,
    /// The one of its numbers that those who are called see; `None`: the first.
    pub caller_id: Option<Number>,
    /// Is it the line for everything else?
    pub is_default: bool,
    /// May a call that its provider refuses go over another line?
    pub fails_over: bool,
}

impl Default for Calling {
    fn default() -> Self {
        Self {
            prefixes: Vec::new(),
            caller_id: None,
            is_default: false,
            fails_over: true,
        }
    }
}

/// Why something cannot be set: one sentence.
#[derive(Debug, Error)]
pub enum CallingError {
    /// A prefix that is none.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// Two lines claim the same numbers.
    #[error("{prefix} is set for {line} already. Take it away there first.")]
    PrefixTaken {
        /// Which.
        prefix: Prefix,
        /// The other line.
        line: String,
    },
    /// More than anybody has.
    #[error("A line can have {MOST_PREFIXES} prefixes at most.")]
    TooManyPrefixes,
    /// Not one of its own.
    #[error("{number} is not a number of {line}. Choose one of its own: {own}.")]
    NotItsNumber {
        /// As asked for.
        number: String,
        /// The line.
        line: String,
        /// Its numbers.
        own: String,
    },
    /// It cannot call.
    #[error("{line} cannot call out: numbers of LiveKit only take calls.")]
    OnlyIncoming {
        /// The line.
        line: String,
    },
    /// The list, or there is no such line.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl KeptLine {
    /// Can it call out at all?
    #[must_use]
    pub fn calls_out(&self) -> bool {
        self.provider != ProviderKind::LiveKitNumbers
    }

    /// Does its provider show the first number to everybody who is called? SignalWire's script names it.
    #[must_use]
    pub fn shows_first(&self) -> bool {
        self.provider == ProviderKind::SignalWire
    }

    /// Those of its numbers that can be shown to whoever is called.
    #[must_use]
    pub fn caller_ids(&self) -> &[Number] {
        let count = if self.shows_first() {
            1
        } else {
            self.numbers.len()
        };
        self.numbers.get(..count).unwrap_or_default()
    }

    /// Its trunk for outgoing calls in LiveKit, if one was set up.
    #[must_use]
    pub fn outbound_trunk(&self) -> Option<&str> {
        self.objects.get("outbound_trunk").map(String::as_str)
    }

    /// The line as the rules of calling see it. `None`: nothing goes out over it.
    #[must_use]
    pub fn outbound(&self) -> Option<OutboundLine> {
        let trunk = self.outbound_trunk()?;
        let prefixes = self.calling.prefixes.iter();
        let caller_id = self.calling.caller_id.as_ref();
        Some(OutboundLine {
            trunk: trunk.to_owned(),
            aliases: vec![self.id.to_string()],
            name: self.name.to_string(),
            numbers: self
                .numbers
                .iter()
                .map(|number| number.as_str().to_owned())
                .collect(),
            caller_id: caller_id.map(|number| number.as_str().to_owned()),
            shows_first: self.shows_first(),
            // one that somebody wrote into the file by hand and that is none claims nothing
            prefixes: prefixes
                .filter_map(|text| Prefix::parse(text).ok())
                .collect(),
            is_default: self.calling.is_default,
            fails_over: self.calling.fails_over,
        })
    }
}

impl Registry {
    /// Sets how calls go out over a line. The default line is one: setting it takes it from the other.
    ///
    /// # Errors
    /// One sentence about the first thing that is wrong; nothing was changed.
    pub fn set_calling(&self, id: &LineId, calling: Calling) -> Result<(), CallingError> {
        self.change(|lines| set(lines, id, calling))
    }
}

/// Checks what is to be set, and sets it.
fn set(lines: &mut [KeptLine], id: &LineId, mut calling: Calling) -> Result<(), CallingError> {
    let line = lines.iter().find(|line| line.id == *id);
    let line = line.ok_or_else(|| RegistryError::NoSuchLine(id.to_string()))?;
    let asks_to_call = calling.is_default || !calling.prefixes.is_empty();
    if !line.calls_out() && asks_to_call {
        return Err(CallingError::OnlyIncoming {
            line: line.name.to_string(),
        });
    }
    if calling.prefixes.len() > MOST_PREFIXES {
        return Err(CallingError::TooManyPrefixes);
    }
    if let Some(number) = &calling.caller_id
        && !line.caller_ids().contains(number)
    {
        let own: Vec<&str> = line.caller_ids().iter().map(Number::as_str).collect();
        return Err(CallingError::NotItsNumber {
            number: number.as_str().to_owned(),
            line: line.name.to_string(),
            own: own.join(", "),
        });
    }
    let mut seen = HashSet::new();
    let mut prefixes = Vec::new();
    for text in &calling.prefixes {
        let prefix = Prefix::parse(text)?;
        let other = lines.iter().filter(|other| other.id != *id).find(|other| {
            let theirs = other.calling.prefixes.iter();
            theirs
                .filter_map(|theirs| Prefix::parse(theirs).ok())
                .any(|theirs| theirs == prefix)
        });
        if let Some(other) = other {
            return Err(CallingError::PrefixTaken {
                prefix,
                line: other.name.to_string(),
            });
        }
        if seen.insert(prefix.clone()) {
            prefixes.push(prefix.to_string());
        }
    }
    calling.prefixes = prefixes;
    for line in lines {
        if line.id == *id {
            line.calling = calling.clone();
        } else if calling.is_default {
            line.calling.is_default = false;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use super::*;
    use crate::wanted::{LineName, SipHost, Transport, Wanted, WantedProvider};

    fn number(text: &str) -> Number {
        Number::parse(text, Region::US).unwrap()
    }

    fn add(registry: &Registry, name: &str, numbers: &[&str], provider: WantedProvider) -> LineId {
        let numbers = numbers.iter().map(|text| number(text)).collect();
        let wanted = Wanted::new(LineName::parse(name).unwrap(), numbers, provider).unwrap();
        let mut line = KeptLine::of(&wanted, None);
        line.objects
            .insert("outbound_trunk".into(), format!("ST_{name}"));
        registry.keep(line).unwrap();
        wanted.id
    }

    fn other() -> WantedProvider {
        WantedProvider::Other {
            host: SipHost::parse("sip.example.com").unwrap(),
            transport: Transport::Tls,
        }
    }

    fn registry() -> (tempfile::TempDir, Registry) {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path());
        (folder, registry)
    }

    #[test]
    fn what_is_set_is_kept_in_one_form_and_given_to_the_rules() {
        let (_folder, registry) = registry();
        let desk = add(&registry, "Desk", &["2125550150", "2125550151"], other());
        let calling = Calling {
            prefixes: vec!["+49".into(), "+1 (212)".into(), "+4 9".into()],
            caller_id: Some(number("2125550151")),
            is_default: true,
            fails_over: false,
        };
        registry.set_calling(&desk, calling).unwrap();
        let line = registry.lines().unwrap().remove(0);
        assert_eq!(line.calling.prefixes, ["+49", "+1212"]);
        let outbound = line.outbound().unwrap();
        assert_eq!(outbound.trunk, "ST_Desk");
        assert_eq!(outbound.caller_id.as_deref(), Some("+12125550151"));
        assert!(outbound.is_default && !outbound.fails_over);
        assert_eq!(outbound.prefixes.len(), 2);
        // set up once more, it stays; a caller ID that the line lost goes
        add(&registry, "Desk", &["2125550150", "2125550151"], other());
        assert_eq!(registry.lines().unwrap()[0], line);
        add(&registry, "Desk", &["2125550150"], other());
        let line = registry.lines().unwrap().remove(0);
        assert_eq!(line.calling.caller_id, None);
        assert!(line.calling.is_default);
    }

    #[test]
    fn a_line_of_an_older_file_calls_as_it_did_and_may_fail_over() {
        let (folder, registry) = registry();
        add(&registry, "Desk", &["2125550150"], other());
        let file = folder.path().join("lines.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines: serde_json::Value = serde_json::from_str(&text).unwrap();
        lines[0].as_object_mut().unwrap().remove("calling");
        std::fs::write(&file, lines.to_string()).unwrap();
        assert_eq!(registry.lines().unwrap()[0].calling, Calling::default());
        assert!(Calling::default().fails_over);
    }

    #[test]
    fn there_is_one_default_line() {
        let (_folder, registry) = registry();
        let one = add(&registry, "One", &["2125550150"], other());
        let two = add(&registry, "Two", &["2125550151"], other());
        let default = || Calling {
            is_default: true,
            ..Calling::default()
        };
        registry.set_calling(&one, default()).unwrap();
        registry.set_calling(&two, default()).unwrap();
        let lines = registry.lines().unwrap();
        let defaults: Vec<bool> = lines.iter().map(|line| line.calling.is_default).collect();
        assert_eq!(defaults, [false, true]);
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_a_sentence_and_changes_nothing() {
        let (_folder, registry) = registry();
        let one = add(&registry, "One", &["2125550150"], other());
        let two = add(&registry, "Two", &["2125550151"], other());
        let rented = WantedProvider::LiveKitNumbers;
        let rented = add(&registry, "Rented", &["2125550152"], rented);
        let with = |prefixes: &[&str]| Calling {
            prefixes: prefixes.iter().map(|text| (*text).to_owned()).collect(),
            ..Calling::default()
        };
        registry.set_calling(&one, with(&["+49"])).unwrap();
        let before = registry.lines().unwrap();
        let many: Vec<String> = (100..160).map(|n| format!("+1{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let elsewhere = Calling {
            caller_id: Some(number("2125550150")),
            ..Calling::default()
        };
        let unknown = LineId::of(&LineName::parse("Nobody").unwrap());
        for (line, calling, says) in [
            (&two, with(&["+1", "+4-9"]), "+49 is set for One already."),
            (&two, with(&["49"]), "is not the beginning of a number"),
            (&two, with(&many), "50 prefixes at most"),
            (&two, elsewhere, "is not a number of Two"),
            (&rented, with(&["+33"]), "cannot call out"),
            (&unknown, with(&[]), "There is no line “nobody”"),
        ] {
            let said = registry.set_calling(line, calling).unwrap_err().to_string();
            assert!(said.contains(says) && said.ends_with('.'), "{said}");
        }
        assert_eq!(registry.lines().unwrap(), before);
    }
}
