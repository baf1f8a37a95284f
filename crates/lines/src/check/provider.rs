//! What the account at the provider says: the same questions at every provider.

use super::view::View;
use super::{Facts, Finding, Fix, Hop, Level, Say, pair};
use crate::found::ProviderExtras;
use crate::plan::listed;
use crate::plan_signalwire::address_name;
use crate::plan_telnyx::CALLED_FORMAT;
use crate::service::{Service, ServiceError};
use crate::wanted::{HandlerUrl, LiveKitSip, SipHost};

/// It did not tell.
pub(super) fn refused(error: &ServiceError, name: &str, findings: &mut Vec<Finding>) {
    let verdict = if super::livekit::is_refusal(error) {
        format!("{name} did not accept this sign-in.")
    } else {
        format!("The settings at {name} cannot be read. {error}")
    };
    Say {
        id: "D02",
        level: Level::Problem,
        verdict,
        evidence: vec![pair(&format!("{name} says"), error.to_string())],
        fix: Fix::ByHand(format!("Copy the sign-in from {name} again.")),
    }
    .to(findings);
}

/// Account, end of the line, password, numbers.
pub(super) fn objects(
    facts: &Facts,
    view: &View,
    extras: &ProviderExtras,
    findings: &mut Vec<Finding>,
) {
    let teller = Teller { view };
    teller.account(extras, findings);
    teller.network(extras, findings);
    teller.destinations(facts, findings);
    teller.sign_in(facts, findings);
    teller.numbers(facts, findings);
    teller.end(findings);
    teller.refused(extras, findings);
    if let Some(Err(instead)) = &extras.handler {
        teller.handler(facts, instead, findings);
    }
}

struct Teller<'a> {
    view: &'a View,
}

impl Teller<'_> {
    fn by_hand(&self, words: &str) -> Fix {
        Fix::ByHand(format!("At {}, {words}", self.view.service))
    }

    fn account(&self, extras: &ProviderExtras, findings: &mut Vec<Finding>) {
        if self.view.is_trial {
            Say {
                id: "D03",
                level: Level::Advice,
                verdict: "This is a trial account. It can only call numbers you have verified."
                    .into(),
                evidence: vec![pair("Account", "trial")],
                fix: self.by_hand("upgrade the account."),
            }
            .to(findings);
        }
        let broke = extras.balance.is_some_and(|balance| balance <= 0.0);
        if self.view.suspended.is_some() || broke {
            Say {
                id: "D04",
                level: Level::Problem,
                verdict: "The account has run out of money or is suspended.".into(),
                evidence: vec![
                    pair(
                        "Account",
                        self.view.suspended.as_deref().unwrap_or("active"),
                    ),
                    pair(
                        "Balance",
                        extras.balance.map_or_else(
                            || "not told".into(),
                            |balance| format!("{balance:.2} {}", extras.currency),
                        ),
                    ),
                ],
                fix: self.by_hand("open the billing page."),
            }
            .to(findings);
        }
    }

    /// Where calls may go, and what stops a thief.
    fn network(&self, extras: &ProviderExtras, findings: &mut Vec<Finding>) {
        let listed_open = self
            .view
            .countries
            .as_ref()
            .filter(|_| !extras.home.is_empty())
            .map(|open| open.contains(&extras.home));
        self.not_told(extras, listed_open, findings);
        if listed_open.or(extras.home_open) == Some(false) {
            Say {
                id: "D27",
                level: Level::Problem,
                verdict: format!(
                    "Calls to {} are switched off at {}.",
                    extras.home, self.view.service
                ),
                evidence: vec![match &self.view.countries {
                    Some(open) => pair("Countries that may be called", open.join(", ")),
                    None => pair("Voice permissions", format!("{}: off", extras.home)),
                }],
                fix: self.by_hand("open the page with the countries that may be called. Deskline does not switch countries on by itself."),
            }
            .to(findings);
        }
        if self.view.has_limit.or(extras.is_guarded) == Some(false) {
            Say {
                id: "D28",
                level: Level::Advice,
                verdict: "Nothing stops a thief from running up a bill.".into(),
                evidence: vec![match self.view.has_limit {
                    Some(_) => pair("Limit for the money of a day", "none"),
                    None => pair("Numbers that thieves call", "allowed"),
                }],
                fix: match self.view.has_limit {
                    Some(_) => self.by_hand("set a daily spending limit on the voice profile."),
                    None => self.by_hand(
                        "switch high-risk numbers off under “Voice geographic permissions”.",
                    ),
                },
            }
            .to(findings);
        }
    }

    /// What this provider tells in general, and did not tell of this line: then it did not pass.
    fn not_told(
        &self,
        extras: &ProviderExtras,
        listed_open: Option<bool>,
        findings: &mut Vec<Finding>,
    ) {
        if self.view.service == Service::SignalWire {
            return; // The table says that it tells neither.
        }
        let service = self.view.service;
        let country = listed_open.or(extras.home_open).is_none();
        let guard = self.view.has_limit.or(extras.is_guarded).is_none();
        for (id, is_unknown, verdict) in [
            (
                "D27",
                country,
                format!(
                    "{service} was not asked which countries may be called: only for North American numbers is the country known, and the key may lack the right to ask."
                ),
            ),
            (
                "D28",
                guard,
                format!(
                    "{service} did not tell whether anything stops a thief from running up a bill."
                ),
            ),
        ] {
            if is_unknown {
                findings.push(Finding {
                    id,
                    hop: Hop::Network,
                    level: Level::NotRun,
                    verdict,
                    evidence: Vec::new(),
                    fix: None,
                });
            }
        }
    }

    fn destinations(&self, facts: &Facts, findings: &mut Vec<Finding>) {
        let service = self.view.service;
        let decided_elsewhere = self.view.sends_to.is_none();
        let sends_to = self.view.sends_to.as_deref().unwrap_or_default();
        let active: Vec<&str> = sends_to
            .iter()
            .filter(|(_, enabled)| *enabled)
            .map(|(url, _)| url.as_str())
            .collect();
        let end = self.view.end.as_ref().filter(|end| end.active);
        if end.is_none() || (active.is_empty() && !decided_elsewhere) {
            let at_rest: Vec<String> = sends_to
                .iter()
                .map(|(url, enabled)| {
                    if *enabled {
                        url.clone()
                    } else {
                        format!("{url}, off")
                    }
                })
                .collect();
            let end = self.view.end.as_ref().map_or_else(
                || "none".to_owned(),
                |end| {
                    let off = if end.active { "" } else { ", switched off" };
                    format!("{}{off}", end.name)
                },
            );
            Say {
                id: "D20",
                level: Level::Problem,
                verdict: format!("{service} has no active address to send calls to."),
                evidence: vec![
                    pair(&format!("The {} at {service}", self.view.kind), end),
                    pair("Addresses", at_rest.join("; ")),
                ],
                fix: Fix::SetUpAgain,
            }
            .to(findings);
            return;
        }
        let Some(own) = &facts.kept.livekit_sip else {
            return;
        };
        let is_own =
            |url: &str| SipHost::parse(url).is_ok_and(|host| host.host() == own.host().host());
        let elsewhere: Vec<&str> = active.iter().copied().filter(|url| !is_own(url)).collect();
        let unknown_region = active
            .iter()
            .any(|url| LiveKitSip::parse(url).is_err() && SipHost::parse(url).is_ok());
        if !elsewhere.is_empty() || unknown_region {
            Say {
                id: "D05",
                level: Level::Problem,
                verdict: "Calls are being sent to a different address than your LiveKit project."
                    .into(),
                evidence: vec![
                    pair(&format!("{service} sends calls to"), active.join(", ")),
                    pair("Your project", own.host().as_str()),
                ],
                fix: if elsewhere.len() == active.len() {
                    Fix::SetUpAgain
                } else {
                    self.by_hand("switch the other address off.")
                },
            }
            .to(findings);
        }
    }

    fn sign_in(&self, facts: &Facts, findings: &mut Vec<Finding>) {
        if self.view.end.is_none() {
            return;
        }
        let found = facts.found();
        let user = crate::plan::pick(&facts.wanted, &found)
            .outbound
            .map(|trunk| trunk.user.clone())
            .unwrap_or_default();
        let named = match self.view.service {
            Service::SignalWire => address_name(&facts.wanted, &user),
            Service::Twilio | Service::Telnyx | Service::LiveKit => user.clone(),
        };
        let knows = self.view.users.contains(&named);
        if facts.livekit.is_err() || (!user.is_empty() && self.view.asks && knows) {
            return;
        }
        let named = if user.is_empty() { user } else { named };
        let or_nobody = |text: String| {
            if text.is_empty() {
                "nobody".to_owned()
            } else {
                text
            }
        };
        Say {
            id: "D21",
            level: Level::Problem,
            verdict:
                "The phone company rejects the password: the two sides do not have the same one."
                    .into(),
            evidence: vec![
                pair("LiveKit signs in as", or_nobody(named)),
                pair(
                    &format!("{} knows", self.view.service),
                    or_nobody(self.view.users.join(", ")),
                ),
                pair(
                    &format!("The {} asks for it", self.view.kind),
                    if self.view.asks { "yes" } else { "no" },
                ),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
    }

    fn numbers(&self, facts: &Facts, findings: &mut Vec<Finding>) {
        let owned = &self.view.numbers;
        let lost: Vec<_> = facts
            .wanted
            .numbers
            .iter()
            .filter(|number| !owned.iter().any(|one| one.number == number.as_str()))
            .collect();
        if !lost.is_empty() {
            Say {
                id: "D25",
                level: Level::Problem,
                verdict: "The number you show is not one of yours.".into(),
                evidence: vec![
                    pair("Not in the account", listed(lost)),
                    pair(
                        "In the account",
                        listed(owned.iter().map(|owned| &owned.number)),
                    ),
                ],
                fix: self
                    .by_hand("see whether the number was given up, and leave it out of this line."),
            }
            .to(findings);
        }
        self.bindings(findings);
        let unregistered: Vec<_> = owned
            .iter()
            .filter(|owned| !owned.emergency.is_empty() && owned.emergency != "registered")
            .collect();
        if !unregistered.is_empty() {
            let states: Vec<&str> = unregistered
                .iter()
                .map(|owned| owned.emergency.as_str())
                .collect();
            Say {
                id: "D30",
                level: Level::Advice,
                verdict: "911 would not know where you are.".into(),
                evidence: vec![
                    pair("Numbers", listed(unregistered.iter().map(|owned| &owned.number))),
                    pair("Emergency address", states.join(", ")),
                ],
                fix: self.by_hand("enter the emergency address of each number. Deskline never fills it in for you."),
            }
            .to(findings);
        }
    }

    fn bindings(&self, findings: &mut Vec<Finding>) {
        let own = self.view.end.as_ref().map(|end| end.id.as_str());
        let kind = self.view.kind;
        let mut at: Vec<String> = self
            .view
            .numbers
            .iter()
            .filter(|owned| Some(owned.on.as_str()) != own)
            .map(
                |owned| match (owned.on.as_str(), owned.answered_by.as_str()) {
                    ("", "") => format!("{}: nothing", owned.number),
                    ("", url) => format!("{}: {url}", owned.number),
                    (other, _) => format!("{}: {kind} {other}", owned.number),
                },
            )
            .collect();
        let forwarded = self.view.forwarded.iter();
        at.extend(forwarded.map(|(number, to)| format!("{number}: sent on to {to}")));
        if !at.is_empty() {
            Say {
                id: "D19",
                level: Level::Problem,
                verdict: "Your number is not connected to this line.".into(),
                evidence: vec![
                    pair("Answered by", at.join("; ")),
                    pair("It should be", format!("the line's {kind}")),
                ],
                fix: if self.view.forwarded.is_empty() {
                    Fix::SetUpAgain
                } else {
                    self.by_hand("switch call forwarding of the number off.")
                },
            }
            .to(findings);
        }
    }

    /// Calls that LiveKit did not take, by the provider's log.
    fn refused(&self, extras: &ProviderExtras, findings: &mut Vec<Finding>) {
        let Some((code, words)) = extras.refused.as_ref().and_then(|all| all.first()) else {
            return;
        };
        let count = extras.refused.as_ref().map_or(0, Vec::len);
        let service = self.view.service;
        Say {
            id: "D13",
            level: Level::Advice,
            verdict: "LiveKit was busy, or your plan's limit was reached: it did not take every call since yesterday.".into(),
            evidence: vec![
                pair("Calls not taken since yesterday", count.to_string()),
                pair(&format!("{service} says"), format!("{code} {words}")),
            ],
            fix: Fix::ByHand("Call again. If it goes on, look at the limits of your plan at LiveKit.".into()),
        }
        .to(findings);
    }

    /// A server of the person's own decides what becomes of callers, and does not.
    fn handler(&self, facts: &Facts, instead: &str, findings: &mut Vec<Finding>) {
        let url = facts.kept.handler.as_ref().map_or("", HandlerUrl::as_str);
        Say {
            id: "X4",
            level: Level::Problem,
            verdict: "The server that is to tell SignalWire what to do with callers does not.".into(),
            evidence: vec![pair("It was asked", url), pair("It answered", instead)],
            fix: Fix::ByHand("Start that server, or set the line up again without it: then Deskline's own script answers.".into()),
        }
        .to(findings);
    }

    /// What the end of the line does beside.
    fn end(&self, findings: &mut Vec<Finding>) {
        let service = self.view.service;
        let format = self.view.called_format.as_deref();
        if let Some(format) = format.filter(|format| *format != CALLED_FORMAT) {
            Say {
                id: "D26",
                level: Level::Problem,
                verdict: format!(
                    "{service} sends the number in a form LiveKit does not recognise."
                ),
                evidence: vec![
                    pair("Called numbers are written", format),
                    pair("LiveKit needs", CALLED_FORMAT),
                ],
                fix: Fix::SetUpAgain,
            }
            .to(findings);
        }
        if let Some(recording) = &self.view.recording {
            Say {
                id: "X2",
                level: Level::Advice,
                verdict: format!(
                    "{service} records the calls of this line. Whoever is on the phone must know."
                ),
                evidence: vec![pair(&format!("Recording at {service}"), recording.clone())],
                fix: self.by_hand("switch recording off, if it is not meant."),
            }
            .to(findings);
        }
        if let Some(transfers) = &self.view.transfers_off {
            Say {
                id: "X6",
                level: Level::Advice,
                verdict: format!(
                    "Calls cannot be handed over by the network: {service} has transfers switched off."
                ),
                evidence: vec![pair(&format!("Transfers at {service}"), transfers.clone())],
                fix: self.by_hand("switch “Call Transfer (SIP REFER)” on."),
            }
            .to(findings);
        }
    }
}
