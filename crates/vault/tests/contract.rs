//! What a vault promises, kept by the one in memory and by a real keychain.
//!
//! The Secret Service is found through the environment, which a running program must not change. Each test of a real one
//! therefore plays two parts: it prepares a private bus and starts itself again with that bus in the environment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Duration;

use vault::{Account, Secret, Vault, VaultError};

fn account(key: &str) -> Account {
    Account::new("profile", key, "ws://127.0.0.1:7880")
}

fn read(vault: &Vault, account: &Account) -> Option<String> {
    vault
        .get(account)
        .unwrap()
        .map(|secret| secret.expose().to_owned())
}

fn keeps_its_promises(vault: &Vault) {
    let (one, two) = (account("one"), account("two"));
    vault.check().unwrap();
    assert_eq!(read(vault, &one), None);
    assert!(!vault.delete(&one).unwrap());
    vault.set(&one, &Secret::new("first".into())).unwrap();
    vault
        .set(&two, &Secret::new("zwei ✓ {\"json\"}\n".into()))
        .unwrap();
    assert_eq!(read(vault, &one).as_deref(), Some("first"));
    assert_eq!(
        read(vault, &two).as_deref(),
        Some("zwei ✓ {\"json\"}\n"),
        "accounts are kept apart"
    );
    vault.set(&one, &Secret::new("second".into())).unwrap();
    assert_eq!(
        read(vault, &one).as_deref(),
        Some("second"),
        "a new secret takes the place of the old"
    );
    assert!(matches!(
        vault.set(&one, &Secret::new(String::new())),
        Err(VaultError::Unfit { .. })
    ));
    let long = "s".repeat(2_000);
    vault.set(&two, &Secret::new(long.clone())).unwrap();
    assert_eq!(read(&vault.clone(), &two), Some(long));
    assert!(vault.delete(&one).unwrap());
    assert_eq!(read(vault, &one), None);
    assert!(vault.delete(&two).unwrap());
}

#[test]
fn memory_keeps_its_promises() {
    keeps_its_promises(&Vault::memory());
}

#[test]
fn memory_can_be_locked_and_unlocked() {
    let vault = Vault::memory();
    vault
        .set(&account("one"), &Secret::new("first".into()))
        .unwrap();
    vault.fail(Some(VaultError::Locked));
    assert_eq!(vault.get(&account("one")).unwrap_err(), VaultError::Locked);
    assert_eq!(vault.check(), Err(VaultError::Locked));
    vault.fail(None);
    assert_eq!(read(&vault, &account("one")).as_deref(), Some("first"));
}

#[cfg(target_os = "linux")]
mod secret_service {
    use std::process::Command;

    use stage::{Bus, Keyring, Scratch};

    use super::*;

    const PART: &str = "DESKLINE_TEST_KEYCHAIN";

    fn system() -> Vault {
        Vault::system("deskline").with_patience(Duration::from_secs(20))
    }

    /// Is this process the second part of a test?
    fn is_second() -> bool {
        std::env::var_os(PART).is_some()
    }

    /// Runs the same test again, with a bus in its environment.
    fn again(test: &str, bus: Option<&Bus>) {
        let nowhere = Scratch::new("no-bus").unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", &format!("secret_service::{test}"), "--nocapture"])
            .env(PART, "1");
        command
            .env("XDG_RUNTIME_DIR", nowhere.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("DISPLAY");
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}/none", nowhere.path().display()),
        );
        if let Some(bus) = bus {
            bus.environment().apply(&mut command);
        }
        let run = command.output().unwrap();
        assert!(
            run.status.success(),
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
    }

    #[test]
    fn keychain_keeps_its_promises() {
        if is_second() {
            return keeps_its_promises(&system());
        }
        let bus = Bus::start().unwrap();
        let _keyring = Keyring::start(&bus).unwrap();
        again("keychain_keeps_its_promises", Some(&bus));
    }

    #[test]
    fn no_bus_is_an_absent_keychain() {
        if is_second() {
            assert!(matches!(system().check(), Err(VaultError::Absent { .. })));
            assert!(matches!(
                system().get(&account("one")),
                Err(VaultError::Absent { .. })
            ));
            let set = system().set(&account("one"), &Secret::new("first".into()));
            assert!(matches!(set, Err(VaultError::Absent { .. })), "{set:?}");
            return;
        }
        again("no_bus_is_an_absent_keychain", None);
    }

    #[test]
    fn a_keychain_that_is_started_later_is_found() {
        if !is_second() {
            return again(
                "a_keychain_that_is_started_later_is_found",
                Some(&Bus::start().unwrap()),
            );
        }
        let vault = system();
        let get = vault.get(&account("one"));
        assert!(matches!(get, Err(VaultError::Absent { .. })), "{get:?}");
        // The bus of this process, reached a second time.
        let address = std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap();
        let keyring = PrivateKeyring::start(&address, true);
        keeps_its_promises(&vault);
        drop(keyring);
        let get = vault.get(&account("one"));
        assert!(matches!(get, Err(VaultError::Absent { .. })), "{get:?}");
    }

    #[test]
    fn a_keychain_without_a_collection_stores_nothing() {
        if !is_second() {
            return again(
                "a_keychain_without_a_collection_stores_nothing",
                Some(&Bus::start().unwrap()),
            );
        }
        let _keyring =
            PrivateKeyring::start(&std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap(), false);
        let set = system().set(&account("one"), &Secret::new("first".into()));
        assert!(matches!(set, Err(VaultError::Absent { .. })), "{set:?}");
    }

    #[test]
    fn a_locked_keychain_is_named_as_such() {
        if !is_second() {
            return again(
                "a_locked_keychain_is_named_as_such",
                Some(&Bus::start().unwrap()),
            );
        }
        let address = std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap();
        let _keyring = PrivateKeyring::start(&address, true);
        system()
            .set(&account("one"), &Secret::new("first".into()))
            .unwrap();
        let locked = Command::new("gdbus")
            .args([
                "call",
                "--session",
                "--dest=org.freedesktop.secrets",
                "--object-path=/org/freedesktop/secrets",
            ])
            .args([
                "--method=org.freedesktop.Secret.Service.Lock",
                "['/org/freedesktop/secrets/collection/login']",
            ])
            .output()
            .unwrap();
        assert!(
            locked.status.success(),
            "{}",
            String::from_utf8_lossy(&locked.stderr)
        );
        let get = system().get(&account("one"));
        assert!(matches!(get, Err(VaultError::Locked)), "{get:?}");
    }

    /// A keyring on a bus that only its address is known of.
    struct PrivateKeyring {
        daemon: std::process::Child,
        _home: Scratch,
    }

    impl PrivateKeyring {
        fn start(address: &str, unlocked: bool) -> Self {
            use std::io::Write;
            let home = Scratch::new("keyring").unwrap();
            let mut command = Command::new("gnome-keyring-daemon");
            command.args(["--foreground", "--components=secrets"]);
            if unlocked {
                command.arg("--unlock");
            }
            let mut daemon = command
                .env("DBUS_SESSION_BUS_ADDRESS", address)
                .env("HOME", home.path())
                .env("XDG_RUNTIME_DIR", home.folder("run").unwrap())
                .env("XDG_DATA_HOME", home.folder("data").unwrap())
                .env_remove("GNOME_KEYRING_CONTROL")
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            daemon
                .stdin
                .take()
                .unwrap()
                .write_all(b"throw-away")
                .unwrap();
            let up = Command::new("gdbus")
                .args([
                    "wait",
                    "--session",
                    "--timeout",
                    "10",
                    "org.freedesktop.secrets",
                ])
                .env("DBUS_SESSION_BUS_ADDRESS", address)
                .status()
                .unwrap();
            assert!(up.success(), "the private keyring does not answer");
            Self {
                daemon,
                _home: home,
            }
        }
    }

    impl Drop for PrivateKeyring {
        fn drop(&mut self) {
            let _ = self.daemon.kill();
            let _ = self.daemon.wait();
        }
    }
}
