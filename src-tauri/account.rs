//! Which LiveKit project this desk belongs to: address and key in the settings, the secret in the keychain.

use history::{HistoryError, Store};
use switchboard::{Account as Project, AccountError, ApiSecret};
use vault::{Secret, Vault, VaultError};

use crate::ipc::types::{AccountView, IpcError, KeychainState};
use crate::profile::Profile;

/// The program's name in the keychain.
const SERVICE: &str = "deskline";
const URL: &str = "account.url";
const KEY: &str = "account.key";

/// The account of one profile. Cheap to clone. Every method blocks (disk, keychain): keep it off async threads.
#[derive(Debug, Clone)]
pub struct Account {
    store: Result<Store, String>,
    vault: Vault,
    /// Tells the profiles of one computer apart in its keychain.
    profile: String,
}

/// Can this desk sign in?
#[derive(Debug)]
pub enum SignIn {
    /// With these.
    Ready(Project),
    /// No account.
    SignedOut,
    /// There is one, and its secret cannot be read: one sentence.
    Locked(String),
}

impl Account {
    /// The account of a profile whose journal is `store`, or cannot be opened for the reason given.
    #[must_use]
    pub fn new(profile: &Profile, store: Result<Store, String>, vault: Vault) -> Self {
        let profile = if profile.is_default() {
            "default".to_owned()
        } else {
            profile.path().display().to_string()
        };
        Self {
            store,
            vault,
            profile,
        }
    }

    /// The account of a profile whose journal nobody has opened yet, with the keychain of this computer.
    #[must_use]
    pub fn open(profile: &Profile) -> Self {
        let store = Store::open(profile.path()).map_err(|error| {
            tracing::error!(detail = %error.detail(), "the profile cannot be opened");
            error.to_string()
        });
        Self::new(profile, store, system_vault())
    }

    /// Everything needed to sign in, if it is there and can be read.
    #[must_use]
    pub fn sign_in(&self) -> SignIn {
        let (url, key) = match self.stored() {
            Ok(Some(stored)) => stored,
            Ok(None) => return SignIn::SignedOut,
            Err(what) => return SignIn::Locked(what.message),
        };
        match self.vault.get(&self.name(&url, &key)) {
            Ok(Some(secret)) => project(&url, &key, &secret).map_or_else(
                |error| SignIn::Locked(error.to_string()),
                SignIn::Ready,
            ),
            Ok(None) => SignIn::Locked(
                "The keychain of this computer has no secret for this account. Enter it again in Settings.".into(),
            ),
            Err(error) => SignIn::Locked(error.to_string()),
        }
    }

    /// The project, for changing its telephone settings.
    ///
    /// # Errors
    /// There is no account, or its secret cannot be read.
    pub(crate) fn project_of_lines(&self) -> Result<lines::Project, IpcError> {
        let Some((url, key)) = self.stored()? else {
            return Err(IpcError::new(
                "signed_out",
                "No LiveKit project is set up here. Sign in first: Settings, or `deskline account set`.",
            ));
        };
        let secret = self
            .vault
            .get(&self.name(&url, &key))
            .map_err(|error| vault_error(&error))?
            .ok_or_else(|| {
                IpcError::new(
                    "no_secret",
                    "The keychain of this computer has no secret for this account. Enter it again in Settings.",
                )
            })?;
        lines::Project::new(&url, &key, secret)
            .map_err(|error| IpcError::new("bad_address", error.to_string()))
    }

    /// This profile's name in the keychain.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// Where its secrets are.
    pub(crate) fn vault(&self) -> Vault {
        self.vault.clone()
    }

    /// What may be shown of it.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub fn show(&self) -> Result<AccountView, IpcError> {
        let Some((url, key)) = self.stored()? else {
            let keychain = match self.vault.check() {
                Ok(()) => KeychainState::Ready,
                Err(error) => keychain_state(&error),
            };
            return Ok(AccountView {
                url: String::new(),
                key: String::new(),
                has_secret: false,
                keychain,
                words: match keychain {
                    KeychainState::Ready => {
                        "The secret goes into the keychain of this computer and nowhere else."
                            .into()
                    }
                    KeychainState::Locked => VaultError::Locked.to_string(),
                    KeychainState::Absent => VaultError::Absent {
                        detail: String::new(),
                    }
                    .to_string(),
                },
            });
        };
        let (has_secret, keychain, words) = match self.vault.get(&self.name(&url, &key)) {
            Ok(Some(_)) => (
                true,
                KeychainState::Ready,
                "The secret is in the keychain of this computer.".to_owned(),
            ),
            Ok(None) => (
                false,
                KeychainState::Ready,
                "The keychain of this computer has no secret for this account. Enter it again."
                    .to_owned(),
            ),
            Err(error) => (false, keychain_state(&error), error.to_string()),
        };
        Ok(AccountView {
            url,
            key,
            has_secret,
            keychain,
            words,
        })
    }

    /// Keeps address and key, and the secret if one is given; without one, the stored secret of the same key stays.
    ///
    /// # Errors
    /// Address, key or secret are wrong in form, or cannot be kept. Then nothing was changed.
    pub fn set(&self, url: &str, key: &str, secret: Option<Secret>) -> Result<(), IpcError> {
        // Form first, without the secret: what is wrong with address and key is said before the keychain asks anything.
        let form =
            Project::new(url, key, ApiSecret::new("unknown".into())).map_err(account_error)?;
        let (url, key) = (form.room_url(), form.key().to_owned());
        let before = self.stored()?;
        let secret = match secret {
            Some(secret) => {
                project(&url, &key, &secret).map_err(account_error)?;
                secret
            }
            None => {
                let kept = match &before {
                    // Another address may be a new name of the same project; another key never has the same secret.
                    Some((old_url, old_key)) if *old_key == key => self
                        .vault
                        .get(&self.name(old_url, old_key))
                        .map_err(|error| vault_error(&error))?,
                    Some(_) | None => None,
                };
                kept.ok_or_else(|| {
                    IpcError::new(
                        "no_secret",
                        "The secret is missing. Enter the API secret that belongs to this key.",
                    )
                })?
            }
        };
        let store = self.store()?;
        self.keep_secret(&self.name(&url, &key), &secret, || {
            store.set_settings(&[(URL, Some(&url)), (KEY, Some(&key))])
        })?;
        if let Some((old_url, old_key)) = before
            && (&old_url, &old_key) != (&url, &key)
            && let Err(error) = self.vault.delete(&self.name(&old_url, &old_key))
        {
            tracing::warn!(%error, "the secret of the former account stays in the keychain");
        }
        Ok(())
    }

    /// Keeps a secret if what belongs to it can be written too; else the keychain is as before.
    fn keep_secret(
        &self,
        name: &vault::Account,
        secret: &Secret,
        write: impl FnOnce() -> Result<(), HistoryError>,
    ) -> Result<(), IpcError> {
        let former = self.vault.get(name).map_err(|error| vault_error(&error))?;
        self.vault
            .set(name, secret)
            .map_err(|error| vault_error(&error))?;
        write().map_err(|error| {
            let put_back = match &former {
                Some(former) => self.vault.set(name, former),
                None => self.vault.delete(name).map(drop),
            };
            if let Err(error) = put_back {
                tracing::warn!(%error, "a secret that is not used stays in the keychain");
            }
            store_error(&error)
        })
    }

    /// Removes address, key and secret from this computer.
    ///
    /// # Errors
    /// The keychain or the settings cannot be written; what can be removed is, and what stayed is said.
    pub fn forget(&self) -> Result<(), IpcError> {
        let Some((url, key)) = self.stored()? else {
            return Ok(());
        };
        let store = self.store()?;
        let secret = self.vault.delete(&self.name(&url, &key));
        store
            .set_settings(&[(URL, None), (KEY, None)])
            .map_err(|error| store_error(&error))?;
        secret.map(drop).map_err(|error| {
            let IpcError { code, message } = vault_error(&error);
            IpcError::new(
                &code,
                format!(
                    "This desk is signed out, but the secret for {url} stays in the keychain, under {SERVICE}. {message} Or delete it there."
                ),
            )
        })
    }

    /// The secret of the key that webhooks are signed with, where that is not the account's.
    ///
    /// # Errors
    /// The keychain does not answer.
    pub fn webhook_secret(&self, key: &str) -> Result<Option<Secret>, IpcError> {
        self.vault
            .get(&self.webhook_name(key))
            .map_err(|error| vault_error(&error))
    }

    /// Keeps that secret.
    ///
    /// # Errors
    /// The keychain does not take it.
    pub fn keep_webhook_secret(&self, key: &str, secret: &Secret) -> Result<(), IpcError> {
        self.vault
            .set(&self.webhook_name(key), secret)
            .map_err(|error| vault_error(&error))
    }

    /// Removes that secret.
    pub fn forget_webhook_secret(&self, key: &str) {
        if let Err(error) = self.vault.delete(&self.webhook_name(key)) {
            tracing::warn!(%error, "the secret of a former key stays in the keychain");
        }
    }

    fn webhook_name(&self, key: &str) -> vault::Account {
        self.name("webhooks", key)
    }

    /// Is there an account? Whether its secret can be read is another question: the keychain is not asked.
    pub(crate) fn is_set(&self) -> bool {
        self.stored()
            .is_ok_and(|stored| stored.is_some_and(|(url, _)| !url.is_empty()))
    }

    fn stored(&self) -> Result<Option<(String, String)>, IpcError> {
        let store = self.store()?;
        let read = |name| store.setting(name).map_err(|error| store_error(&error));
        Ok(read(URL)?.zip(read(KEY)?))
    }

    fn store(&self) -> Result<&Store, IpcError> {
        self.store
            .as_ref()
            .map_err(|what| IpcError::new("profile", what.clone()))
    }

    fn name(&self, url: &str, key: &str) -> vault::Account {
        vault::Account::new(&self.profile, key, url)
    }
}

/// The keychain of this computer, under the program's name.
#[must_use]
pub fn system_vault() -> Vault {
    Vault::system(SERVICE)
}

fn project(url: &str, key: &str, secret: &Secret) -> Result<Project, AccountError> {
    Project::new(url, key, ApiSecret::new(secret.expose().to_owned()))
}

fn account_error(error: AccountError) -> IpcError {
    let code = match error {
        AccountError::NoAddress
        | AccountError::BadAddress
        | AccountError::BadScheme
        | AccountError::TooMuch => "bad_address",
        AccountError::NoKey | AccountError::BadKey => "bad_key",
        AccountError::NoSecret => "bad_secret",
    };
    IpcError::new(code, error.to_string())
}

fn keychain_state(error: &VaultError) -> KeychainState {
    match error {
        VaultError::Absent { .. } => KeychainState::Absent,
        VaultError::Locked | VaultError::Silent { .. } => KeychainState::Locked,
        VaultError::Damaged | VaultError::Unfit { .. } => KeychainState::Ready,
    }
}

fn vault_error(error: &VaultError) -> IpcError {
    let code = match error {
        VaultError::Locked | VaultError::Silent { .. } => "keychain_locked",
        VaultError::Absent { .. } => "keychain_absent",
        VaultError::Damaged | VaultError::Unfit { .. } => "bad_secret",
    };
    IpcError::new(code, error.to_string())
}

fn store_error(error: &HistoryError) -> IpcError {
    tracing::warn!(detail = %error.detail(), "the profile cannot be read or written");
    IpcError::new("profile", error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn scratch() -> (tempfile::TempDir, Account, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(folder.path())).unwrap();
        let store = Store::open(profile.path()).unwrap();
        let vault = Vault::memory();
        let account = Account::new(&profile, Ok(store), vault.clone());
        (folder, account, vault)
    }

    fn secret() -> Option<Secret> {
        Some(Secret::new("quiet-secret".into()))
    }

    #[test]
    fn an_account_is_kept_and_forgotten() {
        let (folder, account, _) = scratch();
        assert!(matches!(account.sign_in(), SignIn::SignedOut));
        account
            .set("wss://front-desk.example/ ", " key ", secret())
            .unwrap();
        match account.sign_in() {
            SignIn::Ready(found) => {
                assert_eq!(
                    (found.room_url().as_str(), found.key()),
                    ("wss://front-desk.example", "key")
                );
                let expected = Project::new(
                    "wss://front-desk.example",
                    "key",
                    ApiSecret::new("quiet-secret".into()),
                );
                assert_eq!(Ok(found), expected);
            }
            other @ (SignIn::SignedOut | SignIn::Locked(_)) => panic!("{other:?}"),
        }
        let shown = account.show().unwrap();
        assert!(shown.has_secret && shown.keychain == KeychainState::Ready);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                assert!(
                    !bytes.windows(12).any(|part| part == b"quiet-secret"),
                    "{path:?}"
                );
            }
        }
        account.forget().unwrap();
        assert!(matches!(account.sign_in(), SignIn::SignedOut));
        account.forget().unwrap();
    }

    #[test]
    fn a_changed_address_keeps_the_secret_and_a_changed_key_does_not() {
        let (_folder, account, vault) = scratch();
        account.set("wss://a.example", "key", secret()).unwrap();
        account.set("wss://b.example", "key", None).unwrap();
        assert!(
            matches!(account.sign_in(), SignIn::Ready(found) if found.room_url() == "wss://b.example")
        );
        assert!(
            vault
                .get(&account.name("wss://a.example", "key"))
                .unwrap()
                .is_none()
        );
        assert_eq!(
            account
                .set("wss://b.example", "other", None)
                .unwrap_err()
                .code,
            "no_secret"
        );
        assert!(matches!(account.sign_in(), SignIn::Ready(found) if found.key() == "key"));
    }

    #[test]
    fn a_locked_keychain_is_said_and_asked_again() {
        let (_folder, account, vault) = scratch();
        account.set("wss://a.example", "key", secret()).unwrap();
        vault.fail(Some(VaultError::Locked));
        assert!(matches!(account.sign_in(), SignIn::Locked(what) if what.contains("locked")));
        assert_eq!(account.show().unwrap().keychain, KeychainState::Locked);
        assert_eq!(
            account
                .set("wss://a.example", "key", secret())
                .unwrap_err()
                .code,
            "keychain_locked"
        );
        vault.fail(None);
        assert!(matches!(account.sign_in(), SignIn::Ready(_)));
    }

    #[test]
    fn what_cannot_be_kept_whole_changes_nothing() {
        let (_folder, account, vault) = scratch();
        account.set("wss://a.example", "key", secret()).unwrap();
        let names = ["wss://a.example", "wss://b.example"].map(|url| account.name(url, "key"));
        for name in &names {
            let other = Secret::new("another-secret".into());
            let refused = account.keep_secret(name, &other, || Err(HistoryError::NoSuchCall));
            assert_eq!(refused.unwrap_err().code, "profile");
        }
        let kept = names.map(|name| vault.get(&name).unwrap());
        let kept = kept
            .each_ref()
            .map(|kept| kept.as_ref().map(Secret::expose));
        assert_eq!(kept, [Some("quiet-secret"), None]);
    }

    #[test]
    fn a_locked_keychain_keeps_nobody_signed_in() {
        let (_folder, account, vault) = scratch();
        account.set("wss://a.example", "key", secret()).unwrap();
        vault.fail(Some(VaultError::Locked));
        let said = account.forget().unwrap_err();
        assert_eq!(said.code, "keychain_locked");
        assert!(said.message.contains("signed out"), "{}", said.message);
        assert!(matches!(account.sign_in(), SignIn::SignedOut));
    }

    #[test]
    fn wrong_addresses_and_keys_are_refused_with_a_sentence() {
        let (_folder, account, _) = scratch();
        for url in [
            "",
            "   ",
            "ftp://a.example",
            "wss://",
            "wss://u:p@a.example",
            "wss://a.example?x=1",
            "https://",
            "wss://a b",
            "a.example",
        ] {
            let error = account.set(url, "key", secret()).unwrap_err();
            assert_eq!(error.code, "bad_address", "{url}");
            assert!(error.message.ends_with('.'));
        }
        for key in ["", "two words", "a\nb"] {
            assert_eq!(
                account
                    .set("wss://a.example", key, secret())
                    .unwrap_err()
                    .code,
                "bad_key",
                "{key}"
            );
        }
        assert_eq!(
            account
                .set("wss://a.example", "key", Some(Secret::new(String::new())))
                .unwrap_err()
                .code,
            "bad_secret"
        );
        assert!(matches!(account.sign_in(), SignIn::SignedOut));
    }

    #[test]
    fn without_a_journal_nothing_panics() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(folder.path())).unwrap();
        let account = Account::new(&profile, Err("The disk is full.".into()), Vault::memory());
        assert!(matches!(account.sign_in(), SignIn::Locked(what) if what == "The disk is full."));
        assert_eq!(account.show().unwrap_err().message, "The disk is full.");
    }
}
