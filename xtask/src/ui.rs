//! The UI: packages installed and bundle built, when stale.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// The most the windows may weigh, compressed, in bytes.
const LARGEST_BUNDLE: usize = 250_000;

fn folder() -> PathBuf {
    shell::root().join("ui")
}

/// How the files begin that the main window reads before its first picture, in English.
const FIRST: [&str; 6] = ["index-", "svelte-", "shared-", "App-", "en-", "tauri-"];

/// Whether packages and bundle are up to date.
pub(crate) fn status() -> Result<(bool, bool)> {
    Ok((packages_are_fresh(&folder())?, bundle_is_fresh(&folder())))
}

/// Install packages and build the bundle, when stale.
pub(crate) fn ensure() -> Result<()> {
    packages()?;
    if bundle_is_fresh(&folder()) {
        println!("ui: the bundle is up to date");
        return Ok(());
    }
    build()
}

/// Install the packages unless the installed ones are those of the lock file.
pub(crate) fn packages() -> Result<()> {
    if packages_are_fresh(&folder())? {
        println!("ui: the packages are up to date");
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund"])
        .context("the UI packages cannot be installed; this needs Node 20.19 or newer")
}

/// Build the bundle.
pub(crate) fn build() -> Result<()> {
    npm(&["run", "build"])
}

/// Print how large the bundle is as it is sent, and what of it the first picture waits for; refuse one that is too large.
pub(crate) fn bundle_size() -> Result<()> {
    ensure()?;
    let (mut total, mut first) = (0, 0);
    for entry in
        fs::read_dir(folder().join("dist").join("assets")).context("the bundle is not there")?
    {
        let path = entry?.path();
        let size = gzipped(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        total += size;
        if FIRST.iter().any(|part| name.starts_with(part)) {
            first += size;
        }
        println!("ui: {:>8.1} kB  {name}", kilobytes(size));
    }
    println!("ui: {:>8.1} kB  until the first picture", kilobytes(first));
    println!(
        "ui: {:>8.1} kB  in all, compressed; at most {:.0}",
        kilobytes(total),
        kilobytes(LARGEST_BUNDLE)
    );
    if total > LARGEST_BUNDLE {
        bail!(
            "the bundle of the windows has grown beyond {:.0} kB compressed",
            kilobytes(LARGEST_BUNDLE)
        );
    }
    Ok(())
}

/// Bytes of a file once compressed.
fn gzipped(path: &Path) -> Result<usize> {
    let output = Command::new("gzip")
        .args(["--best", "--stdout"])
        .arg(path)
        .output()
        .context("cannot run `gzip`")?;
    if !output.status.success() {
        bail!("gzip refuses {}", path.display());
    }
    Ok(output.stdout.len())
}

#[allow(clippy::cast_precision_loss)] // a size for reading
fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}

/// Run npm in `ui/` with a variable set.
pub(crate) fn npm_with(arguments: &[&str], variables: &[(&str, &Path)]) -> Result<()> {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    shell::run(
        npm.args(arguments)
            .current_dir(folder())
            .envs(variables.iter().copied()),
    )
}

/// Run npm in `ui/`.
pub(crate) fn npm(arguments: &[&str]) -> Result<()> {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    shell::run(npm.args(arguments).current_dir(folder()))
}

/// npm notes what it installed in `node_modules/.package-lock.json`: every package of the lock file must be there in
/// the same version, but for those meant for other systems.
fn packages_are_fresh(ui: &Path) -> Result<bool> {
    let read = |path: PathBuf| -> Result<Option<Value>> {
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_str(&text).with_context(|| {
            format!("{} is malformed", path.display())
        })?))
    };
    let lock = read(ui.join("package-lock.json"))?.context("ui/package-lock.json is missing")?;
    let Some(installed) = read(ui.join("node_modules").join(".package-lock.json"))? else {
        return Ok(false);
    };
    let no_packages = serde_json::Map::new();
    let packages = |value: &'_ Value| value.get("packages").and_then(Value::as_object).cloned();
    let (lock, installed) = (
        packages(&lock).unwrap_or_default(),
        packages(&installed).unwrap_or(no_packages),
    );
    let version = |value: Option<&Value>| value.and_then(|package| package.get("version")).cloned();
    Ok(lock
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .all(|(name, package)| {
            let found = installed.get(name);
            let is_optional = package
                .get("optional")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            (found.is_none() && is_optional) || version(found) == version(Some(package))
        }))
}

/// The bundle is newer than everything it is made of.
fn bundle_is_fresh(ui: &Path) -> bool {
    let Some(built) = changed(&ui.join("dist").join("index.html")) else {
        return false;
    };
    newest_source(ui).is_none_or(|source| source <= built)
}

fn newest_source(ui: &Path) -> Option<SystemTime> {
    let mut newest = newest_under(&ui.join("src")).max(newest_under(&ui.join("public")));
    for entry in fs::read_dir(ui).ok()?.flatten() {
        if entry.path().is_file() {
            newest = newest.max(changed(&entry.path()));
        }
    }
    newest
}

fn newest_under(folder: &Path) -> Option<SystemTime> {
    let mut newest = changed(folder);
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        newest = newest.max(if path.is_dir() {
            newest_under(&path)
        } else {
            changed(&path)
        });
    }
    newest
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs::File, time::Duration};

    use super::*;

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn packages_are_stale_when_missing_or_of_another_version() {
        let folder = tempfile::tempdir().unwrap();
        let ui = folder.path();
        let lock = |version: &str| {
            format!(
                r#"{{"packages":{{"":{{}},"node_modules/a":{{"version":"{version}"}},
                "node_modules/other-system":{{"version":"1.0.0","optional":true}}}}}}"#
            )
        };
        write(ui.join("package-lock.json"), &lock("1.0.0"));
        assert!(!packages_are_fresh(ui).unwrap());
        let installed = r#"{"packages":{"node_modules/a":{"version":"1.0.0"}}}"#;
        write(ui.join("node_modules/.package-lock.json"), installed);
        assert!(packages_are_fresh(ui).unwrap());
        write(ui.join("package-lock.json"), &lock("1.0.1"));
        assert!(!packages_are_fresh(ui).unwrap());
    }

    #[test]
    fn the_bundle_is_stale_when_missing_or_older_than_a_source() {
        let folder = tempfile::tempdir().unwrap();
        let ui = folder.path();
        write(ui.join("src/lib/deep/part.ts"), "");
        assert!(!bundle_is_fresh(ui));
        write(ui.join("dist/index.html"), "");
        let later = SystemTime::now() + Duration::from_secs(60);
        File::options()
            .write(true)
            .open(ui.join("dist/index.html"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert!(bundle_is_fresh(ui));
        let latest = later + Duration::from_secs(1);
        File::options()
            .write(true)
            .open(ui.join("src/lib/deep/part.ts"))
            .unwrap()
            .set_modified(latest)
            .unwrap();
        assert!(!bundle_is_fresh(ui));
    }
}
