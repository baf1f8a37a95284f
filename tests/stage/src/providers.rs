//! The stand-ins of the providers of phone numbers: stateful, each held against the provider's own description.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Process, Scratch, target_folder};

/// Running stand-ins, one account of each provider. Ends when it is dropped.
#[derive(Debug)]
pub struct Providers {
    url: String,
    _process: Process,
    _scratch: Scratch,
}

/// What goes wrong with the next requests that fit.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderFault {
    /// `400` … `500`, `slow`, `cut` (done, then the answer breaks off), `drop` (not done, no answer), `garbage`, `huge`.
    pub fault: String,
    /// Only this method; `CHANGE` for all but GET, empty for any.
    pub method: String,
    /// Only paths with this in them.
    pub path: String,
    /// How often; -1 for ever.
    pub times: i32,
    /// After so many that fit.
    pub skip: i32,
}

impl ProviderFault {
    /// Once, with the next request that changes something under `path`.
    #[must_use]
    pub fn once(fault: &str, path: &str) -> Self {
        Self {
            fault: fault.into(),
            method: "CHANGE".into(),
            path: path.into(),
            times: 1,
            skip: 0,
        }
    }
}

impl Providers {
    /// Starts them on a free port of this computer.
    ///
    /// # Errors
    /// They are not built, or do not come up.
    pub fn start() -> Result<Self> {
        let scratch = Scratch::new("providers")?;
        let mut command = Command::new(binary());
        command.arg("-descriptions").arg(descriptions());
        let mut process = Process::start_talking("providers", command, scratch.path())
            .context("the stand-ins are not built; `cargo xtask providers` builds them")?;
        let text = process.line(Duration::from_secs(60))?;
        let ready: Value = serde_json::from_str(&text).context("this is no ready line")?;
        let url = ready
            .get("url")
            .and_then(Value::as_str)
            .context("a ready line without address")?;
        Ok(Self {
            url: url.to_owned(),
            _process: process,
            _scratch: scratch,
        })
    }

    /// Their common address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Begins again with an account as described (see `seed` in the stand-ins).
    ///
    /// # Errors
    /// They do not answer.
    pub fn reset(&self, seed: &Value) -> Result<()> {
        self.post("reset", seed)
    }

    /// From now on something goes wrong.
    ///
    /// # Errors
    /// They do not answer.
    pub fn fail(&self, fault: &ProviderFault) -> Result<()> {
        self.post("faults", &json!(fault))
    }

    /// Nothing goes wrong any more.
    ///
    /// # Errors
    /// They do not answer.
    pub fn heal(&self) -> Result<()> {
        ureq::delete(format!("{}/control/faults", self.url)).call()?;
        Ok(())
    }

    /// Everything there is at a provider (`twilio`, `telnyx`), without ids.
    ///
    /// # Errors
    /// They do not answer.
    pub fn state(&self, provider: &str) -> Result<Value> {
        self.get(&format!("state/{provider}"))
    }

    /// How many requests changed something since the last count. Fails when any request or answer so far did not keep to
    /// the description.
    ///
    /// # Errors
    /// They do not answer, or say what did not keep to it.
    pub fn count_changes(&self) -> Result<usize> {
        let seen = self.get("requests")?;
        let listed = |name: &str| seen.get(name).and_then(Value::as_array).cloned();
        if let Some(wrong) = listed("violations").filter(|all| !all.is_empty()) {
            bail!("not by the description: {wrong:#?}");
        }
        ureq::delete(format!("{}/control/requests", self.url)).call()?;
        let requests = listed("requests").unwrap_or_default();
        let changes = |request: &&Value| request.get("changes") == Some(&Value::Bool(true));
        Ok(requests.iter().filter(changes).count())
    }

    fn get(&self, what: &str) -> Result<Value> {
        let mut answer = ureq::get(format!("{}/control/{what}", self.url)).call()?;
        Ok(answer.body_mut().read_json()?)
    }

    fn post(&self, what: &str, body: &Value) -> Result<()> {
        ureq::post(format!("{}/control/{what}", self.url)).send_json(body)?;
        Ok(())
    }
}

/// Where `cargo xtask providers` puts the stand-ins.
#[must_use]
pub fn binary() -> PathBuf {
    folder()
        .join("providers")
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// Where it puts the providers' descriptions.
#[must_use]
pub fn descriptions() -> PathBuf {
    folder().join("descriptions")
}

fn folder() -> PathBuf {
    target_folder().join("providers")
}
