//! An empty LiveKit project on the real server, an account at the stand-ins, and a desk between them.
// No suite uses all of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::sync::{Arc, Mutex};

use call::number::Region;
use lines::{
    Approved, Credential, Desk, DeskError, Endpoints, LineName, LiveKitSip, Number, Prepared,
    Progress, Project, ProviderKeys, ProviderKind, RunReport, SignalWireKeys, SipHost, TelnyxKeys,
    Transport, TrunkDomain, TwilioKeys, Wanted, WantedProvider,
};
use serde_json::{Value, json};
use stage::{Door, Line, LineOptions, Providers};
use vault::{Secret, Vault};

pub(crate) const ACCOUNT: &str = "AC000000000000000000000000000000c1";
/// Looked for in every file afterwards.
pub(crate) const TOKEN: &str = "canary-twilio-token-51";
pub(crate) const TELNYX_KEY: &str = "KEYcanary-telnyx-53";
pub(crate) const SPACE: &str = "acme";
pub(crate) const PROJECT: &str = "0a1b2c3d-0000-4000-8000-0000000000c1";
pub(crate) const SIGNALWIRE_TOKEN: &str = "PTcanary-signalwire-54";
pub(crate) const PASSWORD: &str = "Canary-password-52";
pub(crate) const NUMBER: &str = "+12125550100";
pub(crate) const SECOND: &str = "+12125550101";

pub(crate) struct Place {
    pub(crate) line: Line,
    /// What Deskline asks of the server goes through it.
    pub(crate) door: Door,
    pub(crate) providers: Option<Providers>,
    pub(crate) desk: Desk,
    pub(crate) vault: Vault,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) progress: Arc<Mutex<Vec<Progress>>>,
}

impl Place {
    /// Without a provider.
    pub(crate) fn bare() -> Self {
        Self::with(None)
    }

    /// With Twilio.
    pub(crate) fn with_providers() -> Self {
        Self::with(Some(
            Providers::start().expect("`cargo xtask providers` builds them"),
        ))
    }

    fn with(providers: Option<Providers>) -> Self {
        let line = Line::start(LineOptions {
            seed: false,
            ..LineOptions::default()
        })
        .expect("these tests need the demo line; `make setup` builds it");
        let door = Door::before(&line.ready.url).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::memory();
        let progress: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let desk = desk(
            &line,
            &door,
            providers.as_ref(),
            folder.path(),
            &vault,
            &progress,
        );
        Self {
            line,
            door,
            providers,
            desk,
            vault,
            folder,
            progress,
        }
    }

    /// The same profile, as the next start of the program has it.
    pub(crate) fn restart(&mut self) {
        self.desk = desk(
            &self.line,
            &self.door,
            self.providers.as_ref(),
            self.folder.path(),
            &self.vault,
            &self.progress,
        );
    }

    /// Nothing of a line that was removed is left here: as on another computer, without the time that a new desk takes to read
    /// what the system trusts.
    pub(crate) fn empty_profile(&self) {
        match std::fs::remove_dir_all(self.folder.path().join("lines")) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
    }

    /// Another computer: the same project and account, an empty profile and keychain.
    pub(crate) fn another_computer(&mut self) {
        self.folder = tempfile::tempdir().unwrap();
        self.vault = Vault::memory();
        self.restart();
    }

    pub(crate) fn providers(&self) -> &Providers {
        self.providers.as_ref().unwrap()
    }

    /// An account with two numbers, before anything was set up.
    pub(crate) fn fresh_account(&self) {
        self.account(json!({}));
    }

    pub(crate) fn account(&self, more: Value) {
        let mut seed = json!({
            "account": ACCOUNT, "secret": TOKEN,
            "numbers": [{"number": NUMBER}, {"number": SECOND}],
            "telnyx": {"key": TELNYX_KEY, "numbers": [{"number": NUMBER, "emergency": true}, {"number": SECOND}]},
            "signalwire": space(),
        });
        seed.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.providers().reset(&seed).unwrap();
    }

    pub(crate) async fn prepare(&self, wanted: &Wanted) -> Result<Prepared, DeskError> {
        let kind = wanted.provider.kind();
        let signs_in = wanted.provider.signs_in();
        let keys = signs_in.then(|| keys_of(kind));
        let given = (!signs_in && kind != ProviderKind::LiveKitNumbers).then(given);
        self.desk.prepare(wanted.clone(), keys, given).await
    }

    /// Plans, says yes to everything, carries out.
    pub(crate) async fn set_up(&self, wanted: &Wanted) -> Result<RunReport, DeskError> {
        let prepared = self.prepare(wanted).await?;
        let approved = Approved::all(&prepared.plan);
        self.desk.carry_out(&prepared, &approved, &|| false).await
    }

    /// Everything in LiveKit as the server has it, ids aside.
    pub(crate) async fn livekit(&self) -> Value {
        let found = self.look().await;
        let mut outbound: Vec<Value> = found
            .livekit
            .outbound
            .iter()
            .map(|trunk| {
                json!({"name": trunk.name, "address": trunk.address, "transport": trunk.transport,
                    "numbers": trunk.numbers, "user": trunk.user.len(), "password": trunk.password.as_ref().map_or(0, |password| password.expose().len()),
                    "encryption": trunk.encryption, "marked": trunk.mark.is_some()})
            })
            .collect();
        outbound.sort_by_key(Value::to_string);
        let inbound: Vec<Value> = found
            .livekit
            .inbound
            .iter()
            .map(|trunk| json!({"name": trunk.name, "numbers": trunk.numbers, "marked": trunk.mark.is_some()}))
            .collect();
        let rules: Vec<Value> = found
            .livekit
            .rules
            .iter()
            .map(|rule| {
                let own = found.livekit.inbound.iter().filter(|trunk| rule.trunks.contains(&trunk.id)).count();
                json!({"name": rule.name, "kind": format!("{:?}", rule.kind), "own_trunks": own, "trunks": rule.trunks.len(),
                    "numbers": rule.numbers, "callers": rule.callers, "pin": rule.has_pin(), "marked": rule.mark.is_some()})
            })
            .collect();
        json!({"outbound": outbound, "inbound": inbound, "rules": rules})
    }

    /// What a plan without a provider finds.
    pub(crate) async fn look(&self) -> lines::Found {
        let prepared = self.desk.prepare(other(), None, None).await.unwrap();
        prepared.found
    }

    /// What is wrong with secrets: every file of the profile is read.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                let own = self.line.ready.secret.as_str();
                for secret in [TOKEN, TELNYX_KEY, SIGNALWIRE_TOKEN, PASSWORD, own] {
                    if text.contains(secret) {
                        found.push(format!("{secret} in {}", path.display()));
                    }
                }
            }
        }
        found
    }
}

/// Asks the server something behind Deskline's back.
pub(crate) async fn behind_our_back(place: &Place, method: &str, body: Value) -> Value {
    let ready = &place.line.ready;
    let http = reqwest::Client::new();
    let token = livekit_api::access_token::AccessToken::with_api_key(&ready.key, &ready.secret)
        .with_sip_grants(livekit_api::access_token::SIPGrants {
            admin: true,
            call: false,
        })
        .to_jwt()
        .unwrap();
    let answer = http
        .post(format!(
            "{}/twirp/livekit.SIP/{method}",
            ready.url.replace("ws://", "http://")
        ))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{method}");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

fn desk(
    line: &Line,
    door: &Door,
    providers: Option<&Providers>,
    folder: &std::path::Path,
    vault: &Vault,
    progress: &Arc<Mutex<Vec<Progress>>>,
) -> Desk {
    let ready = &line.ready;
    let project = Project::new(&door.url(), &ready.key, Secret::new(ready.secret.clone())).unwrap();
    let endpoints = match providers {
        Some(providers) => Endpoints::stand_ins(providers.url()).unwrap(),
        // Nobody listens there: a test that asks by mistake fails.
        None => Endpoints::stand_ins("http://127.0.0.1:9").unwrap(),
    };
    let told = progress.clone();
    Desk::new(
        folder,
        "test",
        vault.clone(),
        project,
        endpoints,
        Arc::new(move |news| told.lock().unwrap().push(news)),
    )
    .unwrap()
}

pub(crate) fn keys(token: &str) -> ProviderKeys {
    ProviderKeys::Twilio(TwilioKeys::parse(ACCOUNT, "", Secret::new(token.into())).unwrap())
}

/// A space at SignalWire with two numbers.
pub(crate) fn space() -> Value {
    json!({"space": SPACE, "project": PROJECT, "token": SIGNALWIRE_TOKEN,
        "numbers": [{"number": NUMBER, "emergency": true}, {"number": SECOND}]})
}

/// The right sign-in at a provider.
pub(crate) fn keys_of(kind: ProviderKind) -> ProviderKeys {
    match kind {
        ProviderKind::Twilio => keys(TOKEN),
        ProviderKind::Telnyx => telnyx_keys(TELNYX_KEY),
        ProviderKind::SignalWire => signalwire_keys(SIGNALWIRE_TOKEN),
        ProviderKind::Other | ProviderKind::LiveKitNumbers => panic!("nobody to sign in at"),
    }
}

pub(crate) fn telnyx_keys(key: &str) -> ProviderKeys {
    ProviderKeys::Telnyx(TelnyxKeys::parse(Secret::new(key.into())).unwrap())
}

pub(crate) fn signalwire_keys(token: &str) -> ProviderKeys {
    let keys = SignalWireKeys::parse(SPACE, PROJECT, Secret::new(token.into()));
    ProviderKeys::SignalWire(keys.unwrap())
}

pub(crate) fn given() -> Credential {
    Credential::new("front-desk".into(), Secret::new(PASSWORD.into()))
}

pub(crate) fn number(text: &str) -> Number {
    Number::parse(text, Region::US).unwrap()
}

/// A line of another provider.
pub(crate) fn other() -> Wanted {
    let provider = WantedProvider::Other {
        host: SipHost::parse("sip.example.com").unwrap(),
        transport: Transport::Tls,
    };
    Wanted::new(
        LineName::parse("Front desk").unwrap(),
        vec![number(NUMBER)],
        provider,
    )
    .unwrap()
}

/// A line at Twilio.
pub(crate) fn twilio() -> Wanted {
    let provider = WantedProvider::Twilio {
        livekit: LiveKitSip::parse("abc123.sip.livekit.cloud").unwrap(),
        domain: TrunkDomain::parse("front-desk").unwrap(),
    };
    Wanted::new(
        LineName::parse("Front desk").unwrap(),
        vec![number(NUMBER)],
        provider,
    )
    .unwrap()
}

/// A line at Telnyx.
pub(crate) fn telnyx() -> Wanted {
    let provider = WantedProvider::Telnyx {
        livekit: LiveKitSip::parse("abc123.sip.livekit.cloud").unwrap(),
    };
    Wanted::new(
        LineName::parse("Front desk").unwrap(),
        vec![number(NUMBER)],
        provider,
    )
    .unwrap()
}

/// A line at SignalWire.
pub(crate) fn signalwire() -> Wanted {
    let provider = WantedProvider::SignalWire {
        livekit: LiveKitSip::parse("abc123.sip.livekit.cloud").unwrap(),
        handler: None,
        by_hand: None,
    };
    Wanted::new(
        LineName::parse("Front desk").unwrap(),
        vec![number(NUMBER)],
        provider,
    )
    .unwrap()
}

/// A number of LiveKit's own.
pub(crate) fn livekit_number() -> Wanted {
    Wanted::new(
        LineName::parse("Front desk").unwrap(),
        vec![number(NUMBER)],
        WantedProvider::LiveKitNumbers,
    )
    .unwrap()
}
