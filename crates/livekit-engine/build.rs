//! Generates the message types from the committed descriptor set and hands the pins of
//! `engine.json` for the target platform to the crate. Nothing is downloaded and nothing outside
//! this folder is read.

use std::error::Error;
use std::{env, fs};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=engine.json");
    let pins: serde_json::Value = serde_json::from_str(&fs::read_to_string("engine.json")?)?;
    let text = |value: &serde_json::Value, key: &str| -> Result<String, Box<dyn Error>> {
        let found = value.get(key).and_then(|value| value.as_str());
        Ok(found
            .ok_or_else(|| format!("engine.json lacks `{key}`"))?
            .to_owned())
    };

    let descriptors = text(&pins, "descriptors")?;
    println!("cargo:rerun-if-changed={descriptors}");
    let set = prost_types::FileDescriptorSet::decode(fs::read(&descriptors)?.as_slice())?;
    prost_build::Config::new()
        .disable_comments(["."])
        .compile_fds(set)?;

    let platform = format!(
        "{}-{}",
        env::var("CARGO_CFG_TARGET_OS")?,
        env::var("CARGO_CFG_TARGET_ARCH")?
    );
    // A platform without a prebuilt engine still compiles; loading then says what is wrong.
    let (library, sum) = match pins.get("platforms").and_then(|list| list.get(&platform)) {
        Some(pin) => (text(pin, "library")?, text(pin, "library_sha256")?),
        None => (String::new(), String::new()),
    };
    println!("cargo:rustc-env=ENGINE_VERSION={}", text(&pins, "version")?);
    println!(
        "cargo:rustc-env=ENGINE_FFI_VERSION={}",
        text(&pins, "ffi_version")?
    );
    println!("cargo:rustc-env=ENGINE_PLATFORM={platform}");
    println!("cargo:rustc-env=ENGINE_LIBRARY={library}");
    println!("cargo:rustc-env=ENGINE_SHA256={sum}");
    Ok(())
}
