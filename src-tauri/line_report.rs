//! The last check of a line as text, for a mail to whoever runs the line.

use lines::check::{CheckReport, DIAGNOSTICS, Finding, Fix, Hop, SavedCheck};
use lines::{KeptLine, Registry};
use std::time::Duration;

use crate::calling::find;
use crate::clipboard::put_text;
use crate::core::{Core, blocking};
use crate::ipc::types::IpcError;
use crate::terminal::line_check::words;

/// The check as it was before it was kept. What is to be done stands in it as words.
fn report(line: KeptLine, saved: SavedCheck) -> CheckReport {
    let finding = |kept: lines::check::SavedFinding| {
        // A finding of a diagnostic that a newer version made says nothing to this one.
        let known = DIAGNOSTICS.iter().find(|known| known.id == kept.id)?;
        let hop: Hop = known.hop;
        Some(Finding {
            id: known.id,
            hop,
            level: kept.level,
            verdict: kept.verdict,
            evidence: kept.evidence.into_iter().collect(),
            fix: kept.fix.map(Fix::ByHand),
        })
    };
    CheckReport {
        line,
        at: saved.at,
        took: Duration::from_millis(saved.took_ms),
        findings: saved.findings.into_iter().filter_map(finding).collect(),
    }
}

/// What is copied.
fn text(line: KeptLine, saved: SavedCheck) -> String {
    let report = report(line, saved);
    let millis = report.took.as_millis();
    format!(
        "Line check by Deskline {}, {}, took {millis} ms\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        report.at,
        words(&report)
    )
}

impl Core {
    /// Copies the report of the last check of a line.
    ///
    /// # Errors
    /// There is no such line, it was never checked, or there is no clipboard.
    pub(crate) async fn line_report_copy(&self, line: String) -> Result<(), IpcError> {
        let (_, profile) = self.account_and_profile();
        let registry = Registry::new(&profile.path().join("lines"));
        blocking(move || {
            let kept = find(&registry, &line)?;
            let saved = registry.last_check(&kept.id).ok_or_else(|| {
                IpcError::new(
                    "no_check",
                    "There is no report of this line yet. Check it first.",
                )
            })?;
            put_text(&text(kept, saved))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use call::number::Region;
    use lines::check::{Level, SavedFinding};
    use lines::{LineName, Number, Wanted, WantedProvider};

    use super::*;

    fn line() -> KeptLine {
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let name = LineName::parse("Front desk").unwrap();
        KeptLine::of(
            &Wanted::new(name, vec![number], WantedProvider::LiveKitNumbers).unwrap(),
            None,
        )
    }

    fn finding(id: &str, level: Level, verdict: &str) -> SavedFinding {
        SavedFinding {
            id: id.to_owned(),
            level,
            verdict: verdict.to_owned(),
            ..SavedFinding::default()
        }
    }

    #[test]
    fn the_report_tells_way_findings_and_what_to_do_without_secrets() {
        let mut broken = finding(
            "D10",
            Level::Problem,
            "The rule lets in only these callers.",
        );
        broken.evidence = [
            ("Callers let in".to_owned(), "+1".to_owned()),
            ("password".to_owned(), "Canary".to_owned()),
            (
                "asked".to_owned(),
                "with eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl".to_owned(),
            ),
        ]
        .into();
        broken.fix = Some("Let everybody in.".to_owned());
        let saved = SavedCheck {
            line: "front-desk".to_owned(),
            at: "2026-11-30T08:00:00Z".to_owned(),
            took_ms: 412,
            healthy: false,
            findings: vec![
                finding("D01", Level::Passed, "LiveKit takes the key."),
                broken,
                finding("Z99", Level::Problem, "From a newer version."),
            ],
        };
        let text = text(line(), saved);
        for part in [
            "2026-11-30T08:00:00Z, took 412 ms",
            "Front desk ((212) 555-0100): 1 problems, 0 advice, 1 passed, 0 not looked at.",
            "Trunk [ok] – Rule [BROKEN] – Room [not reached]",
            "D10  The rule lets in only these callers.",
            "Callers let in: +1",
            "what to do: Let everybody in.",
            "password: [masked]",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        for secret in ["Canary", "eyJ", "Z99"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
