//! The door to the keychain, with a time limit, and its twin in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::VaultError;
use crate::keychain;
use crate::secret::Secret;

/// How long a keychain may show its question before the program goes on without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests that may hang in the keychain at one time; a further one is not even begun.
const AT_ONCE: usize = 4;

/// Whose secret: the user name under which the keychain keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account(String);

impl Account {
    /// The secret of API key `key` of the LiveKit project at `url`, for one profile.
    #[must_use]
    pub fn new(profile: &str, key: &str, url: &str) -> Self {
        Self(format!("{profile}:{key}@{url}"))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where secrets are kept. Cheap to clone. Every call but the constructors **blocks**, at worst for the time limit
/// (30 s, while the keychain asks the person): keep it off async threads. Safe to use from several threads.
#[derive(Debug, Clone)]
pub struct Vault {
    place: Place,
    patience: Duration,
    hanging: Arc<AtomicUsize>,
}

#[derive(Debug, Clone)]
enum Place {
    Keychain { service: Arc<str> },
    Memory(Arc<Mutex<Memory>>),
}

#[derive(Debug, Default)]
struct Memory {
    secrets: HashMap<String, Secret>,
    failing: Option<VaultError>,
}

impl Vault {
    /// The operating system's keychain; `service` is the program's name in it. Nothing is asked yet.
    #[must_use]
    pub fn system(service: &str) -> Self {
        Self::at(Place::Keychain {
            service: service.into(),
        })
    }

    /// Keeps secrets until the last clone is dropped. For tests.
    #[must_use]
    pub fn memory() -> Self {
        Self::at(Place::Memory(Arc::default()))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            patience: PATIENCE,
            hanging: Arc::default(),
        }
    }

    /// Another time limit.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes a vault in memory fail like a locked or absent keychain from now on, or work again with `None`. Does nothing
    /// to a real keychain.
    pub fn fail(&self, with: Option<VaultError>) {
        if let Place::Memory(memory) = &self.place {
            memory
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .failing = with;
        }
    }

    /// Asks whether there is a keychain at all. It may still be locked, or turn out to store nothing: only [`Vault::set`]
    /// proves that it works.
    ///
    /// # Errors
    /// [`VaultError::Absent`] or `Silent`.
    pub fn check(&self) -> Result<(), VaultError> {
        match &self.place {
            Place::Keychain { .. } => self.in_time(keychain::check),
            Place::Memory(memory) => with(memory, |_| ()),
        }
    }

    /// The secret of an account; `None` if there is none.
    ///
    /// # Errors
    /// [`VaultError::Locked`], `Absent`, `Silent`, or `Damaged`.
    pub fn get(&self, account: &Account) -> Result<Option<Secret>, VaultError> {
        match &self.place {
            Place::Keychain { service } => {
                let (service, user) = (service.clone(), account.0.clone());
                self.in_time(move || keychain::get(&service, &user))
            }
            Place::Memory(memory) => {
                with(memory, |secrets| secrets.get(&account.0).map(Secret::copy))
            }
        }
    }

    /// Keeps the secret of an account, in place of an earlier one.
    ///
    /// # Errors
    /// [`VaultError::Locked`], `Absent`, `Silent`, or `Unfit` (empty, for one).
    pub fn set(&self, account: &Account, secret: &Secret) -> Result<(), VaultError> {
        if secret.expose().is_empty() {
            return Err(VaultError::Unfit {
                why: "it is empty".into(),
            });
        }
        let secret = secret.copy();
        match &self.place {
            Place::Keychain { service } => {
                let (service, user) = (service.clone(), account.0.clone());
                self.in_time(move || keychain::set(&service, &user, &secret))
            }
            Place::Memory(memory) => with(memory, |secrets| {
                secrets.insert(account.0.clone(), secret);
            }),
        }
    }

    /// Forgets the secret of an account; was there one?
    ///
    /// # Errors
    /// [`VaultError::Locked`], `Absent`, or `Silent`.
    pub fn delete(&self, account: &Account) -> Result<bool, VaultError> {
        match &self.place {
            Place::Keychain { service } => {
                let (service, user) = (service.clone(), account.0.clone());
                self.in_time(move || keychain::delete(&service, &user))
            }
            Place::Memory(memory) => with(memory, |secrets| secrets.remove(&account.0).is_some()),
        }
    }

    /// A keychain has no time limit of its own and cannot be interrupted, so it is asked on a thread that may be left
    /// behind. When that answers late its answer is dropped (and a secret wiped); the next request finds it unlocked.
    fn in_time<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let silent = VaultError::Silent {
            within: self.patience,
        };
        let place = Hanging::begin(&self.hanging).ok_or_else(|| silent.clone())?;
        let (answer, answered) = mpsc::channel();
        thread::Builder::new()
            .name("keychain".into())
            .spawn(move || {
                let _place = place;
                // Nobody waits any more: the answer is dropped.
                let _ = answer.send(ask());
            })
            .map_err(|error| VaultError::Absent {
                detail: error.to_string(),
            })?;
        match answered.recv_timeout(self.patience) {
            Ok(result) => result
                .inspect_err(|error| tracing::debug!(?error, "the keychain did not do as asked")),
            Err(RecvTimeoutError::Timeout) => Err(silent),
            Err(RecvTimeoutError::Disconnected) => Err(VaultError::Absent {
                detail: "its client panicked".into(),
            }),
        }
    }
}

/// One request in the keychain.
struct Hanging(Arc<AtomicUsize>);

impl Hanging {
    fn begin(count: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(count.clone());
        (count.fetch_add(1, Ordering::AcqRel) < AT_ONCE).then_some(place)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn with<T>(
    memory: &Mutex<Memory>,
    ask: impl FnOnce(&mut HashMap<String, Secret>) -> T,
) -> Result<T, VaultError> {
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    match &memory.failing {
        Some(error) => Err(error.clone()),
        None => Ok(ask(&mut memory.secrets)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keychain_that_hangs_holds_nobody_up_for_long_and_few_threads() {
        let vault = Vault::system("deskline-test").with_patience(Duration::from_millis(20));
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let ask = || {
            let held = held.clone();
            vault.in_time(move || {
                let _ = held.lock().unwrap_or_else(PoisonError::into_inner).recv();
                Ok(())
            })
        };
        for _ in 0..AT_ONCE + 3 {
            assert_eq!(
                ask(),
                Err(VaultError::Silent {
                    within: Duration::from_millis(20)
                })
            );
        }
        assert!(vault.hanging.load(Ordering::Acquire) <= AT_ONCE);
        drop(release);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while vault.hanging.load(Ordering::Acquire) > 0 {
            assert!(
                std::time::Instant::now() < deadline,
                "the hanging requests never ended"
            );
            thread::yield_now();
        }
        assert_eq!(
            vault
                .with_patience(Duration::from_secs(10))
                .in_time(|| Ok(7)),
            Ok(7),
            "it works again"
        );
    }
}
