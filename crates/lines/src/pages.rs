//! Pages of the provider and of LiveKit that a person may have to open. Nothing is asked there by Deskline: the browser opens
//! them, at a press.
//!
//! They are entrances (all trunks, all numbers) and not single objects: those survive a change of the provider's site, and ids
//! of an account stay out of addresses.

use crate::registry::KeptLine;
use crate::wanted::ProviderKind;

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageKind {
    /// The account.
    Account,
    /// Trunks, connections.
    Trunks,
    /// Phone numbers, and the emergency address of each.
    Numbers,
    /// Errors of calls.
    Log,
    /// Countries that may be called.
    Countries,
    /// Money.
    Billing,
    /// LiveKit: trunks and rules.
    LiveKitTrunks,
    /// LiveKit: rooms and calls.
    LiveKitSessions,
}

impl PageKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Account,
        Self::Trunks,
        Self::Numbers,
        Self::Log,
        Self::Countries,
        Self::Billing,
        Self::LiveKitTrunks,
        Self::LiveKitSessions,
    ];

    /// A word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Trunks => "trunks",
            Self::Numbers => "numbers",
            Self::Log => "log",
            Self::Countries => "countries",
            Self::Billing => "billing",
            Self::LiveKitTrunks => "livekit_trunks",
            Self::LiveKitSessions => "livekit_sessions",
        }
    }
}

/// The page of this kind for a line; `None`: there is none, or nobody knows where. `project_host` is the LiveKit project's.
#[must_use]
pub fn page(line: &KeptLine, project_host: &str, kind: PageKind) -> Option<String> {
    match kind {
        PageKind::LiveKitTrunks => livekit(project_host, "telephony/trunks"),
        PageKind::LiveKitSessions => livekit(project_host, "sessions"),
        PageKind::Account
        | PageKind::Trunks
        | PageKind::Numbers
        | PageKind::Log
        | PageKind::Countries
        | PageKind::Billing => match line.provider {
            ProviderKind::Twilio => twilio(kind),
            ProviderKind::Telnyx => telnyx(kind),
            ProviderKind::SignalWire => signalwire(line.account.as_deref()?, kind),
            ProviderKind::Other | ProviderKind::LiveKitNumbers => None,
        },
    }
}

/// Those there are, in the order in which they are shown.
#[must_use]
pub fn pages(line: &KeptLine, project_host: &str) -> Vec<PageKind> {
    let there = |kind: &PageKind| page(line, project_host, *kind).is_some();
    PageKind::ALL.into_iter().filter(there).collect()
}

fn twilio(kind: PageKind) -> Option<String> {
    let path = match kind {
        PageKind::Trunks => "develop/sip-trunking/manage/trunks",
        PageKind::Numbers => "develop/phone-numbers/manage/incoming",
        PageKind::Log => "monitor/logs/debugger/errors",
        PageKind::Countries => "develop/voice/settings/geo-permissions",
        PageKind::Billing => "billing/manage-billing/billing-overview",
        PageKind::Account | PageKind::LiveKitTrunks | PageKind::LiveKitSessions => return None,
    };
    Some(format!("https://console.twilio.com/us1/{path}"))
}

fn telnyx(kind: PageKind) -> Option<String> {
    let path = match kind {
        PageKind::Trunks => "connections",
        PageKind::Numbers => "numbers/my-numbers",
        PageKind::Countries => "outbound-profiles",
        PageKind::Billing => "billing",
        PageKind::Account | PageKind::Log | PageKind::LiveKitTrunks | PageKind::LiveKitSessions => {
            return None;
        }
    };
    Some(format!("https://portal.telnyx.com/#/app/{path}"))
}

/// A space has a site of its own. `account` is `acme/project`, from a file: nothing but a name may become part of an address.
fn signalwire(account: &str, kind: PageKind) -> Option<String> {
    let space = account.split('/').next()?;
    let is_name = !space.is_empty() && space.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (is_name && kind == PageKind::Account).then(|| format!("https://{space}.signalwire.com/"))
}

/// `p_` stands for the project that the browser had open last.
fn livekit(project_host: &str, path: &str) -> Option<String> {
    let host = project_host.split(':').next()?;
    host.ends_with(".livekit.cloud")
        .then(|| format!("https://cloud.livekit.io/projects/p_/{path}"))
}

#[cfg(test)]
mod tests {
    use call::number::Region;
    use url::Url;

    use super::*;
    use crate::wanted::{LineName, LiveKitSip, Number, TrunkDomain, Wanted, WantedProvider};

    const CLOUD: &str = "acme.livekit.cloud";

    fn line(provider: WantedProvider, account: Option<&str>) -> KeptLine {
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let name = LineName::parse("Desk").unwrap();
        KeptLine::of(&Wanted::new(name, vec![number], provider).unwrap(), account)
    }

    fn sip() -> LiveKitSip {
        LiveKitSip::parse("abc.sip.livekit.cloud").unwrap()
    }

    fn twilio() -> WantedProvider {
        WantedProvider::Twilio {
            livekit: sip(),
            domain: TrunkDomain::parse("front-desk").unwrap(),
        }
    }

    fn signalwire() -> WantedProvider {
        WantedProvider::SignalWire {
            livekit: sip(),
            handler: None,
            by_hand: None,
        }
    }

    #[test]
    fn every_page_is_at_its_own_service_over_tls_and_names_no_account() {
        let telnyx = WantedProvider::Telnyx { livekit: sip() };
        for (line, count, host) in [
            (line(twilio(), Some("AC7")), 7, "twilio.com"),
            (line(telnyx, None), 6, "telnyx.com"),
            (
                line(signalwire(), Some("acme/0a1b")),
                3,
                "acme.signalwire.com",
            ),
            (line(WantedProvider::LiveKitNumbers, None), 2, "livekit.io"),
        ] {
            let kinds = pages(&line, CLOUD);
            assert_eq!(kinds.len(), count, "{host}");
            for kind in kinds {
                let text = page(&line, CLOUD, kind).unwrap();
                let url = Url::parse(&text).unwrap();
                let at = url.host_str().unwrap();
                assert_eq!(url.scheme(), "https");
                assert!(at.ends_with(host) || at == "cloud.livekit.io", "{url}");
                assert!(!text.contains("AC7") && !text.contains("0a1b"), "{text}");
            }
        }
    }

    #[test]
    fn a_page_is_where_the_provider_has_it() {
        let telnyx = line(WantedProvider::Telnyx { livekit: sip() }, None);
        for (line, kind, address) in [
            (
                &line(twilio(), Some("AC7")),
                PageKind::Log,
                "https://console.twilio.com/us1/monitor/logs/debugger/errors",
            ),
            (
                &telnyx,
                PageKind::Billing,
                "https://portal.telnyx.com/#/app/billing",
            ),
            (
                &line(signalwire(), Some("acme/0a1b")),
                PageKind::Account,
                "https://acme.signalwire.com/",
            ),
            (
                &telnyx,
                PageKind::LiveKitSessions,
                "https://cloud.livekit.io/projects/p_/sessions",
            ),
        ] {
            assert_eq!(page(line, CLOUD, kind).as_deref(), Some(address));
        }
    }

    #[test]
    fn a_server_of_ones_own_and_a_space_that_is_none_have_no_pages() {
        let with = |account: &str| line(signalwire(), Some(account));
        for account in [
            "evil.example/x",
            "acme.signalwire.com.evil/x",
            "a b/x",
            "/x",
            "",
            "acme:80/x",
            "u@acme/x",
        ] {
            assert_eq!(pages(&with(account), "localhost:7880"), [], "{account}");
        }
        for host in [
            "localhost:7880",
            "livekit.example.com",
            "x.livekit.cloud.example.com",
        ] {
            assert_eq!(pages(&line(WantedProvider::LiveKitNumbers, None), host), []);
        }
    }
}
