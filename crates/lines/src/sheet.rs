//! Looking without planning: the sheet of one line, everything in the project, the numbers of an account.

use crate::credential::Credential;
use crate::desk::{Desk, DeskError};
use crate::found::{Found, OwnedNumber, ProviderFound};
use crate::livekit::{DispatchRule, InboundTrunk, LiveKitFound, OutboundTrunk};
use crate::plan::pick;
use crate::provider::ProviderKeys;
use crate::registry::KeptLine;
use crate::service::ServiceError;

/// Everything about a line that may be shown. No secret is in it.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// As it was set up.
    pub line: KeptLine,
    /// Where LiveKit calls out to.
    pub outbound: Option<OutboundTrunk>,
    /// What LiveKit takes calls by.
    pub inbound: Option<InboundTrunk>,
    /// What becomes of callers.
    pub rule: Option<DispatchRule>,
    /// Is its password for calling out in the keychain of this computer?
    pub has_password: bool,
    /// Why LiveKit did not tell its part.
    pub refusal: Option<ServiceError>,
}

impl Desk {
    /// The sheet of a line. What LiveKit does not tell is left out, and why is said.
    ///
    /// # Errors
    /// There is no such line, or list or keychain cannot be read.
    pub async fn sheet(&self, named: &str) -> Result<Sheet, DeskError> {
        let line = self.line(named)?;
        let wanted = line
            .wanted()
            .ok_or_else(|| DeskError::Damaged(line.name.to_string()))?;
        let has_password = self.vault.get(&self.password_of(&line.id))?.is_some();
        let mut sheet = Sheet {
            line,
            outbound: None,
            inbound: None,
            rule: None,
            has_password,
            refusal: None,
        };
        match self.everything().await {
            Ok(livekit) => {
                let found = Found {
                    livekit,
                    provider: ProviderFound::Nothing,
                };
                let picked = pick(&wanted, &found);
                sheet.outbound = picked.outbound.cloned();
                sheet.inbound = picked.inbound.cloned();
                sheet.rule = picked.rule.cloned();
            }
            Err(error) => sheet.refusal = Some(error),
        }
        Ok(sheet)
    }

    /// Every trunk and every rule of the project, whoever made them.
    ///
    /// # Errors
    /// LiveKit refuses or does not answer.
    pub async fn everything(&self) -> Result<LiveKitFound, ServiceError> {
        self.services(None).livekit.look().await
    }

    /// Every number of the account at a provider, in the order of its digits.
    ///
    /// # Errors
    /// The provider refuses or does not answer.
    pub async fn numbers(&self, keys: ProviderKeys) -> Result<Vec<OwnedNumber>, DeskError> {
        let Some(provider) = self.services(Some(keys)).provider else {
            return Ok(Vec::new());
        };
        let mut numbers = provider.numbers().await?;
        numbers.sort_by(|one, other| one.number.cmp(&other.number));
        Ok(numbers)
    }

    /// What LiveKit signs in with at the provider, from the keychain. Only for a person who asked for it at a press.
    ///
    /// # Errors
    /// There is no such line, or the keychain cannot be read.
    pub fn sign_in_of(&self, named: &str) -> Result<Option<Credential>, DeskError> {
        let line = self.line(named)?;
        let kept = self.vault.get(&self.password_of(&line.id))?;
        Ok(kept.as_ref().and_then(Credential::unpacked))
    }
}
