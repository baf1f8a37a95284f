//! LiveKit's engine library: fetched as the wheel LiveKit publishes, checked, unpacked.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::shell;

/// `crates/livekit-engine/engine.json`.
#[derive(Deserialize)]
struct Manifest {
    package: String,
    version: String,
    licence_in_wheel: String,
    platforms: BTreeMap<String, Platform>,
}

#[derive(Deserialize)]
struct Platform {
    wheel: String,
    pip_platform: String,
    wheel_sha256: String,
    library: String,
    library_in_wheel: String,
    library_sha256: String,
}

/// Whether the right library is in place already, and what would be fetched.
pub(crate) fn status() -> Result<(bool, String)> {
    let manifest = manifest()?;
    let platform = platform(&manifest)?;
    let place = place(&manifest).join(&platform.library);
    Ok((
        is_sound(&place, &platform.library_sha256)?,
        format!("{} {}", manifest.package, manifest.version),
    ))
}

/// Put the library in place unless it is there and unaltered; returns where it is.
pub(crate) fn ensure() -> Result<PathBuf> {
    let manifest = manifest()?;
    let platform = platform(&manifest)?;
    let folder = place(&manifest);
    let library = folder.join(&platform.library);
    if is_sound(&library, &platform.library_sha256)? {
        println!(
            "engine: {} {} is in place",
            manifest.package, manifest.version
        );
        return Ok(library);
    }
    let downloads = shell::target().join("engine").join("download");
    fs::create_dir_all(&downloads)
        .with_context(|| format!("cannot make the folder {}", downloads.display()))?;
    let wheel = downloads.join(&platform.wheel);
    if !wheel.is_file() {
        download(&manifest, platform, &downloads)?;
    }
    unpack(&wheel, platform, &manifest.licence_in_wheel, &folder)?;
    println!(
        "engine: {} {} fetched and verified",
        manifest.package, manifest.version
    );
    Ok(library)
}

/// LiveKit's licence, which came with the library.
pub(crate) fn licence() -> Result<PathBuf> {
    Ok(place(&manifest()?).join("LICENSE.md"))
}

fn manifest() -> Result<Manifest> {
    let path = shell::root()
        .join("crates")
        .join("livekit-engine")
        .join("engine.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is malformed", path.display()))
}

fn platform(manifest: &Manifest) -> Result<&Platform> {
    let name = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    manifest.platforms.get(&name).with_context(|| {
        let known: Vec<&str> = manifest.platforms.keys().map(String::as_str).collect();
        format!(
            "there is no prebuilt engine for {name}, only for {}",
            known.join(", ")
        )
    })
}

fn place(manifest: &Manifest) -> PathBuf {
    shell::target().join("engine").join(&manifest.version)
}

fn download(manifest: &Manifest, platform: &Platform, to: &Path) -> Result<()> {
    let wanted = format!("{}=={}", manifest.package, manifest.version);
    println!("engine: fetching {wanted} for {}", platform.pip_platform);
    let mut pip = shell::command(
        "python3",
        &[
            "-m",
            "pip",
            "download",
            "--disable-pip-version-check",
            "--quiet",
        ],
    );
    pip.args([
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        &platform.pip_platform,
        "--dest",
    ])
    .arg(to)
    .arg(&wanted);
    shell::run(&mut pip).with_context(|| {
        format!("the engine ({wanted}) cannot be fetched from the Python package index")
    })
}

/// Check the wheel and take library and licence out of it. A wheel or library with another sum is deleted.
fn unpack(wheel: &Path, platform: &Platform, licence_in_wheel: &str, to: &Path) -> Result<()> {
    check(wheel, &platform.wheel_sha256)?;
    let archive = File::open(wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(archive)
        .with_context(|| format!("{} is no wheel", wheel.display()))?;
    fs::create_dir_all(to).with_context(|| format!("cannot make the folder {}", to.display()))?;
    let library = to.join(&platform.library);
    for (inside, outside) in [
        (licence_in_wheel, to.join("LICENSE.md")),
        (&platform.library_in_wheel, library.clone()),
    ] {
        let mut entry = archive
            .by_name(inside)
            .with_context(|| format!("the wheel has no {inside}"))?;
        // Written beside and renamed: a half-written library never has the right name.
        let partial = outside.with_extension("partial");
        let mut file = File::create(&partial)
            .with_context(|| format!("cannot write {}", partial.display()))?;
        io::copy(&mut entry, &mut file).with_context(|| format!("cannot unpack {inside}"))?;
        fs::rename(&partial, &outside)
            .with_context(|| format!("cannot write {}", outside.display()))?;
    }
    check(&library, &platform.library_sha256)
}

fn is_sound(library: &Path, sum: &str) -> Result<bool> {
    if !library.is_file() {
        return Ok(false);
    }
    if sha256(library)? != sum {
        println!(
            "engine: {} was altered; it is fetched again",
            library.display()
        );
        return Ok(false);
    }
    Ok(true)
}

fn check(file: &Path, wanted: &str) -> Result<()> {
    let found = sha256(file)?;
    if found != wanted {
        fs::remove_file(file).with_context(|| {
            format!(
                "{} is not the file we know, and cannot be deleted",
                file.display()
            )
        })?;
        bail!(
            "{} is not the file we know and was deleted: its sha256 is {found}, not {wanted}. Start again; if this \
             happens twice, do not trust the package index you use",
            file.file_name().unwrap_or_default().to_string_lossy()
        );
    }
    Ok(())
}

fn sha256(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    io::copy(&mut opened, &mut hasher)
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;

    const INSIDE: &str = "livekit/rtc/resources/engine.so";

    fn wheel(folder: &Path) -> (PathBuf, Platform) {
        let path = folder.join("engine.whl");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for (name, content) in [(INSIDE, "the library"), ("LICENSE", "the licence")] {
            archive.start_file(name, options).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        let text = folder.join("text");
        fs::write(&text, "the library").unwrap();
        let platform = Platform {
            wheel: "engine.whl".to_owned(),
            pip_platform: "any".to_owned(),
            wheel_sha256: sha256(&path).unwrap(),
            library: "engine.so".to_owned(),
            library_in_wheel: INSIDE.to_owned(),
            library_sha256: sha256(&text).unwrap(),
        };
        (path, platform)
    }

    #[test]
    fn the_right_wheel_gives_library_and_licence() {
        let folder = tempfile::tempdir().unwrap();
        let (path, platform) = wheel(folder.path());
        let to = folder.path().join("out");
        unpack(&path, &platform, "LICENSE", &to).unwrap();
        assert_eq!(
            fs::read_to_string(to.join("engine.so")).unwrap(),
            "the library"
        );
        assert_eq!(
            fs::read_to_string(to.join("LICENSE.md")).unwrap(),
            "the licence"
        );
        assert!(is_sound(&to.join("engine.so"), &platform.library_sha256).unwrap());
        assert!(path.is_file());
    }

    #[test]
    fn a_wheel_with_another_sum_is_refused_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut platform) = wheel(folder.path());
        platform.wheel_sha256 = "0".repeat(64);
        let to = folder.path().join("out");
        let error = unpack(&path, &platform, "LICENSE", &to)
            .unwrap_err()
            .to_string();
        assert!(error.contains("was deleted"), "{error}");
        assert!(!path.exists() && !to.join("engine.so").exists());
    }

    #[test]
    fn a_library_with_another_sum_is_refused_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut platform) = wheel(folder.path());
        platform.library_sha256 = "0".repeat(64);
        let to = folder.path().join("out");
        assert!(unpack(&path, &platform, "LICENSE", &to).is_err());
        assert!(!to.join("engine.so").exists());
    }

    #[test]
    fn the_manifest_knows_this_platform_and_every_sum_is_a_sha256() {
        let manifest = manifest().unwrap();
        assert!(platform(&manifest).is_ok());
        for platform in manifest.platforms.values() {
            for sum in [&platform.wheel_sha256, &platform.library_sha256] {
                assert!(
                    sum.len() == 64 && sum.chars().all(|digit| digit.is_ascii_hexdigit()),
                    "{sum}"
                );
            }
        }
    }
}
