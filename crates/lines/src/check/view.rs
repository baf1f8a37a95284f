//! What the check compares, the same for every provider.

use crate::found::{OwnedNumber, ProviderFound};
use crate::service::Service;

/// The line's end at the provider.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Does it insist on encryption?
    pub(crate) secure: bool,
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
    /// Where calls are sent, and whether that is in use.
    pub(crate) sends_to: Vec<(String, bool)>,
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
            sends_to: Vec::new(),
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

    /// Of what was found; `None` where nobody looks.
    pub(crate) fn of(found: &ProviderFound) -> Option<Self> {
        Some(match found {
            ProviderFound::Nothing => return None,
            ProviderFound::Twilio(found) => {
                let mut view = Self::empty(Service::Twilio, "trunk");
                let status = &found.status;
                view.suspended = (!status.is_empty() && status != "active").then(|| status.clone());
                view.is_trial = found.kind == "Trial";
                view.sends_to = found
                    .destinations
                    .iter()
                    .map(|one| (one.url.clone(), one.enabled))
                    .collect();
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
                        secure: trunk.secure,
                        active: true,
                    });
                }
                view
            }
            ProviderFound::Telnyx(found) => {
                let mut view = Self::empty(Service::Telnyx, "connection");
                view.sends_to = found.fqdns.iter().map(|one| (one.shown(), true)).collect();
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
                        secure: connection.transport == "TLS",
                        active: connection.active,
                    });
                }
                view
            }
        })
    }
}
