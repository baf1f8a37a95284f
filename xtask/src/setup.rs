//! Installs and builds what is missing, and says so first.

use std::io::{IsTerminal, Write};

use anyhow::{Result, bail};

use crate::{engine, line, packages, packages::Missing, providers, shell, ui};

/// Programs that must be there already, with the argument that makes them tell their version.
const GIVEN: [(&str, &str, &str); 4] = [
    ("go", "version", "Go 1.26"),
    ("node", "--version", "Node 20.19"),
    ("npm", "--version", "npm, which comes with Node"),
    ("python3", "--version", "Python 3.9"),
];

/// Say what is missing, then install and build it. Asks before system packages are installed, when there is somebody
/// to ask.
pub(crate) fn setup(yes: bool) -> Result<()> {
    let missing = plan()?;
    let may_ask = !yes && std::env::var_os("CI").is_none() && std::io::stdin().is_terminal();
    if !missing.is_empty() && may_ask && !ask("Install the system packages?")? {
        bail!(
            "nothing was installed. To do it by hand:\n  {}",
            missing.command_text()
        );
    }
    missing.install()?;
    engine::ensure()?;
    ui::ensure()?;
    line::ensure()?;
    providers::ensure()
}

/// Install system packages that only some command needs. Asks first, when there is somebody to ask.
pub(crate) fn more(missing: &Missing, what: &str) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    println!("{what}: install {}", missing.packages.join(" "));
    println!("  with: {}", missing.command_text());
    if std::env::var_os("CI").is_none()
        && std::io::stdin().is_terminal()
        && !ask("Install the system packages?")?
    {
        bail!(
            "nothing was installed. To do it by hand: {}",
            missing.command_text()
        );
    }
    missing.install()
}

/// Print in one screen what is about to happen.
fn plan() -> Result<Missing> {
    let absent: Vec<&str> = GIVEN
        .iter()
        .filter(|(program, argument, _)| shell::version(program, argument).is_none())
        .map(|(.., name)| *name)
        .collect();
    if !absent.is_empty() {
        bail!(
            "Deskline needs, besides Rust: {}. Install that first, then start again",
            absent.join(", ")
        );
    }
    let missing = packages::missing()?;
    let (engine_is_there, engine) = engine::status()?;
    let (packages_are_fresh, bundle_is_fresh) = ui::status()?;
    let system = if missing.is_empty() {
        "all there".to_owned()
    } else {
        format!("install: {}", missing.packages.join(" "))
    };
    println!("Deskline set-up:");
    println!("  system packages  {system}");
    if !missing.is_empty() {
        println!("                   with: {}", missing.command_text());
    }
    let state = |done: bool, there: String, else_do: String| if done { there } else { else_do };
    println!(
        "  LiveKit engine   {}",
        state(
            engine_is_there,
            format!("{engine}, in place"),
            format!("fetch {engine} (11 MB), check its sha256")
        )
    );
    println!(
        "  UI packages      {}",
        state(
            packages_are_fresh,
            "in place".into(),
            "install with `npm ci` into ui/node_modules".into()
        )
    );
    println!(
        "  UI bundle        {}",
        state(
            bundle_is_fresh,
            "up to date".into(),
            "build into ui/dist".into()
        )
    );
    println!("  demo line        build what changed into target/line (Go)");
    println!(
        "  stand-ins        {}",
        state(
            providers::descriptions_are_there(),
            "build what changed into target/providers (Go)".into(),
            "build into target/providers (Go); fetch Twilio's API description (0.7 MB, npm), check its sha256".into()
        )
    );
    println!();
    Ok(missing)
}

fn ask(question: &str) -> Result<bool> {
    print!("{question} [Y/n] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "" | "y" | "yes"
    ))
}
