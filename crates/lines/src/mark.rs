//! How Deskline knows its own objects again: a few words of JSON in their metadata.

use serde::{Deserialize, Serialize};

use crate::wanted::{LineId, ProviderKind, Wanted};

/// What is written into the metadata of trunks and rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Always `deskline`.
    pub app: String,
    /// Whose object it is.
    pub line: LineId,
    /// Who carries the line.
    pub provider: ProviderKind,
}

impl Mark {
    const APP: &str = "deskline";

    /// The mark of a line's objects.
    #[must_use]
    pub fn of(wanted: &Wanted) -> Self {
        Self {
            app: Self::APP.into(),
            line: wanted.id.clone(),
            provider: wanted.provider.kind(),
        }
    }

    /// Reads metadata; whatever is not our mark is nobody's.
    #[must_use]
    pub fn read(metadata: &str) -> Option<Self> {
        serde_json::from_str::<Self>(metadata)
            .ok()
            .filter(|mark| mark.app == Self::APP)
    }

    /// As metadata.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wanted::LineName;

    #[test]
    fn only_our_own_marks_are_known_again() {
        let mark = Mark {
            app: "deskline".into(),
            line: LineId::of(&LineName::parse("Front desk").unwrap()),
            provider: ProviderKind::LiveKitNumbers,
        };
        assert_eq!(
            mark.text(),
            r#"{"app":"deskline","line":"front-desk","provider":"livekit"}"#
        );
        assert_eq!(Mark::read(&mark.text()), Some(mark));
        for other in [
            "",
            "{}",
            r#"{"app":"other","line":"x","provider":"twilio"}"#,
            "[1",
        ] {
            assert_eq!(Mark::read(other), None, "{other}");
        }
    }
}
