//! SWML: the short programs by which SignalWire connects a call. Writing the two that a line needs, and reading what others are.
//!
//! Source: SignalWire's two guides for LiveKit. A program is JSON, or YAML with the same names.

use serde_json::{Value, json};

use crate::wanted::{LiveKitSip, Number};

/// The dialled number out of the address that LiveKit calls.
const DIALLED: &str = "%{call.to.replace(/^sip:/i,'').replace(/@.*/,'')}";

/// One `connect` of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connect {
    /// Who is called.
    pub to: String,
    /// The number that is shown; empty for the caller's own.
    pub from: String,
    /// Does the caller's side stay unanswered until somebody answers?
    pub on_bridge: bool,
    /// `mandatory`, `optional`, `forbidden`; empty for SignalWire's choice.
    pub encryption: String,
}

/// What is known of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Program {
    pub(crate) connect: Option<Connect>,
    pub(crate) records: bool,
}

/// Sends callers to LiveKit.
pub(crate) fn to_livekit(livekit: &LiveKitSip, secure: bool) -> Connect {
    let uri = livekit.uri(secure);
    let uri = uri.strip_prefix("sip:").unwrap_or(&uri);
    Connect {
        to: format!("sip:%{{call.to}}@{uri}"),
        on_bridge: true,
        encryption: if secure { "mandatory" } else { "" }.into(),
        ..Connect::default()
    }
}

/// Calls phones, showing `from`. The caller's side is LiveKit's: "answered" there means that the person answered.
pub(crate) fn to_phones(from: &Number) -> Connect {
    Connect {
        to: DIALLED.into(),
        from: from.as_str().into(),
        on_bridge: true,
        ..Connect::default()
    }
}

impl Connect {
    /// A program that does this and nothing else.
    pub(crate) fn program(&self) -> Value {
        let mut connect = json!({ "to": self.to, "answer_on_bridge": self.on_bridge });
        if let Value::Object(connect) = &mut connect {
            for (name, value) in [("from", &self.from), ("encryption", &self.encryption)] {
                if !value.is_empty() {
                    connect.insert(name.into(), json!(value));
                }
            }
        }
        json!({ "version": "1.0.0", "sections": { "main": [{ "connect": connect }] } })
    }
}

/// Reads the contents of a script: an object, or one as text. Of YAML nothing is known.
pub(crate) fn read(contents: &Value) -> Program {
    let parsed = contents
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let contents = parsed.as_ref().unwrap_or(contents);
    let sections = contents.get("sections").and_then(Value::as_object);
    let steps = || {
        let sections = sections.into_iter().flat_map(|all| all.values());
        sections.filter_map(Value::as_array).flatten()
    };
    let text = |of: &Value, name: &str| crate::json::text(of, name);
    Program {
        connect: steps()
            .find_map(|step| step.get("connect"))
            .map(|of| Connect {
                to: text(of, "to"),
                from: text(of, "from"),
                on_bridge: crate::json::flag(of, "answer_on_bridge"),
                encryption: text(of, "encryption"),
            }),
        records: steps().any(|step| step.get("record_call").is_some()),
    }
}

/// Is this an answer that SignalWire can run?
pub(crate) fn is_program(text: &str) -> bool {
    match serde_json::from_str::<Value>(text) {
        Ok(json) => json.pointer("/sections/main").is_some_and(Value::is_array),
        // YAML: the names stand at the beginning of lines.
        Err(_) => {
            let has = |name: &str| text.lines().any(|line| line.trim_start() == name);
            has("sections:") && has("main:")
        }
    }
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use super::*;

    #[test]
    fn the_programs_are_those_of_the_guides_and_are_read_back() {
        let livekit = LiveKitSip::parse("abc.sip.livekit.cloud").unwrap();
        let inward = to_livekit(&livekit, false);
        assert_eq!(
            inward.program(),
            json!({"version": "1.0.0", "sections": {"main": [{"connect": {
                "to": "sip:%{call.to}@abc.sip.livekit.cloud;transport=tcp", "answer_on_bridge": true}}]}})
        );
        let secure = to_livekit(&livekit, true);
        assert!(secure.to.ends_with(";transport=tls") && secure.encryption == "mandatory");
        let outward = to_phones(&Number::parse("+12125550100", Region::US).unwrap());
        assert_eq!(
            outward.program()["sections"]["main"][0]["connect"],
            json!({"answer_on_bridge": true, "from": "+12125550100",
                "to": "%{call.to.replace(/^sip:/i,'').replace(/@.*/,'')}"})
        );
        for connect in [inward, secure, outward] {
            let whole = connect.program();
            assert_eq!(read(&whole).connect.as_ref(), Some(&connect));
            let as_text = json!(whole.to_string());
            assert_eq!(read(&as_text).connect, Some(connect));
        }
    }

    #[test]
    fn what_is_no_program_is_known() {
        let recorded = json!({"sections": {"main": ["answer", {"record_call": {}}, {"connect": {"to": "x"}}]}});
        assert!(read(&recorded).records);
        assert_eq!(read(&json!("sections:\n  main:\n")), Program::default());
        assert_eq!(read(&Value::Null), Program::default());
        assert!(is_program(r#"{"sections":{"main":[]}}"#));
        assert!(is_program(
            "version: 1.0.0\nsections:\n  main:\n    - hangup\n"
        ));
        for other in [
            "",
            "{}",
            "<html>sections: main:</html>",
            r#"{"sections":{}}"#,
        ] {
            assert!(!is_program(other), "{other}");
        }
    }
}
