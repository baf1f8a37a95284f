//! What the check compares, the same for every provider.

use crate::found::{OwnedNumber, ProviderFound};
use crate::service::Service;
use crate::signalwire::{SignalWireFound, SipAddress};

/// What a provider makes of encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// It insists on it.
    Always,
    /// It has none.
    Never,
    /// As LiveKit wishes.
    Either,
}

impl Encryption {
    pub(crate) fn of(secure: bool) -> Self {
        if secure { Self::Always } else { Self::Never }
    }
}

/// The line's end at the provider.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) encryption: Encryption,
    /// Is it in use?
    pub(crate) active: bool,
}

/// One account as far as the line needs it. What a provider does not tell is empty or `None`.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) service: Service,
    /// What such an end is called there.
    pub(crate) kind: &'static str,
    /// What the account is called when it is not in order.
    pub(crate) suspended: Option<String>,
    pub(crate) is_trial: bool,
    pub(crate) end: Option<End>,
    /// Where calls are sent, and whether that is in use; `None`: somebody else decides that.
    pub(crate) sends_to: Option<Vec<(String, bool)>>,
    /// Where calls to the outside are taken, if that differs from line to line.
    pub(crate) takes_at: Option<Vec<String>>,
    /// User names it knows.
    pub(crate) users: Vec<String>,
    /// Does it ask for one of them?
    pub(crate) asks: bool,
    pub(crate) numbers: Vec<OwnedNumber>,
    /// Numbers whose calls go on elsewhere, and where.
    pub(crate) forwarded: Vec<(String, String)>,
    /// What it records, `None` for nothing.
    pub(crate) recording: Option<String>,
    /// What becomes of transfers, if they are switched off.
    pub(crate) transfers_off: Option<String>,
    /// How it writes the called number.
    pub(crate) called_format: Option<String>,
    /// Countries that may be called.
    pub(crate) countries: Option<Vec<String>>,
    /// Is there a limit for the money of a day?
    pub(crate) has_limit: Option<bool>,
}

impl View {
    fn empty(service: Service, kind: &'static str) -> Self {
        Self {
            service,
            kind,
            suspended: None,
            is_trial: false,
            end: None,
            sends_to: Some(Vec::new()),
            takes_at: None,
            users: Vec::new(),
            asks: false,
            numbers: Vec::new(),
            forwarded: Vec::new(),
            recording: None,
            transfers_off: None,
            called_format: None,
            countries: None,
            has_limit: None,
        }
    }

    fn of_signalwire(found: &SignalWireFound) -> Self {
        let mut view = Self::empty(Service::SignalWire, "handler");
        let script = found.dial_out.as_ref();
        let own = |one: &&SipAddress| script.is_some_and(|script| script.id == one.handler);
        let own: Vec<&SipAddress> = found.addresses.iter().filter(own).collect();
        view.takes_at = Some(own.iter().map(|one| one.host.clone()).collect());
        // An address does not tell its password; its name stands for the user name that has it.
        view.users = own.iter().map(|one| one.name.clone()).collect();
        view.asks = !own.is_empty();
        view.numbers = found.numbers.clone();
        let handler = found.handler.as_ref();
        view.sends_to = match handler {
            Some(handler) if !handler.url.is_empty() => None,
            Some(handler) => {
                let connect = handler.connect.iter();
                Some(connect.map(|one| (one.to.clone(), true)).collect())
            }
            None => Some(Vec::new()),
        };
        let records = [script, handler]
            .into_iter()
            .flatten()
            .find(|one| one.records);
        view.recording = records.map(|one| format!("by “{}”", one.name));
        view.end = handler.map(|handler| End {
            id: handler.id.clone(),
            name: handler.name.clone(),
            encryption: if own.iter().any(|one| one.encryption == "required") {
                Encryption::Always
            } else {
                Encryption::Either
            },
            active: true,
        });
        view
    }

    /// Of what was found; `None` where nobody looks.
    pub(crate) fn of(found: &ProviderFound) -> Option<Self> {
        Some(match found {
            ProviderFound::Nothing => return None,
            ProviderFound::Twilio(found) => {
                let mut view = Self::empty(Service::Twilio, "trunk");
                let status = &found.status;
                view.suspended = (!status.is_empty() && status != "active").then(|| status.clone());
                view.is_trial = found.kind == "Trial";
                let destinations = found.destinations.iter();
                view.sends_to = Some(
                    destinations
                        .map(|one| (one.url.clone(), one.enabled))
                        .collect(),
                );
                view.users = found.users.iter().map(|user| user.name.clone()).collect();
                view.asks = found
                    .list
                    .as_ref()
                    .is_some_and(|list| found.asked_lists.iter().any(|asked| asked.id == list.id));
                view.numbers = found.numbers.clone();
                if let Some(trunk) = &found.trunk {
                    let records = !["", "do-not-record"].contains(&trunk.recording.as_str());
                    view.recording = records.then(|| trunk.recording.clone());
                    view.transfers_off =
                        (trunk.transfer == "disable-all").then(|| trunk.transfer.clone());
                    view.end = Some(End {
                        id: trunk.sid.clone(),
                        name: trunk.name.clone(),
                        encryption: Encryption::of(trunk.secure),
                        active: true,
                    });
                }
                view
            }
            ProviderFound::Telnyx(found) => {
                let mut view = Self::empty(Service::Telnyx, "connection");
                let fqdns = found.fqdns.iter();
                view.sends_to = Some(fqdns.map(|one| (one.shown(), true)).collect());
                let user = &found.sign_in.user;
                view.users = Some(user.clone())
                    .filter(|user| !user.is_empty())
                    .into_iter()
                    .collect();
                view.asks = found.sign_in.method == crate::plan_telnyx::BY_PASSWORD;
                view.numbers = found.numbers.clone();
                view.forwarded = found.forwarded.clone();
                if let Some(profile) = &found.profile {
                    view.countries = Some(profile.countries.clone());
                    view.has_limit = Some(profile.has_limit);
                    let records = !["", "none"].contains(&profile.recording.as_str());
                    view.recording = records.then(|| profile.recording.clone());
                }
                if let Some(connection) = &found.connection {
                    view.called_format = Some(connection.called_format.clone());
                    view.end = Some(End {
                        id: connection.id.clone(),
                        name: connection.name.clone(),
                        encryption: Encryption::of(connection.transport == "TLS"),
                        active: connection.active,
                    });
                }
                view
            }
            ProviderFound::SignalWire(found) => Self::of_signalwire(found),
        })
    }
}
