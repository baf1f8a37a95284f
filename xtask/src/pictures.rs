//! Pictures: every screen with the fake phone in a browser, and the real windows for the README on a private stage.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use stage::{Inbound, LineOptions, MAIN_WINDOW, OVERLAY_WINDOW, Stage, line::State};

use crate::{run, setup, shell, ui};

/// Who rings in the pictures.
const CALLER: &str = "+13125550142";
/// What our microphone hears meanwhile.
const VOICE_HZ: f32 = 1_013.0;
/// How long a step may take before something is wrong.
const SOON: Duration = Duration::from_secs(20);

/// `cargo xtask pictures`.
pub(crate) fn pictures(screens_only: bool, design: Option<&Path>) -> Result<()> {
    setup::setup(false)?;
    let to = shell::root().join("docs").join("pictures");
    screens(&to.join("screens"), design)?;
    if screens_only {
        return Ok(());
    }
    real_windows(&to)
}

/// Every screen in both themes, and a contact sheet of each theme. With the design's pictures beside ours the sheets are
/// for looking only: they go below `target/`, since the design's pictures are not part of the repository.
fn screens(to: &Path, design: Option<&Path>) -> Result<()> {
    ui::packages()?;
    // The browser is driven from another folder.
    let design = design
        .map(|folder| {
            std::fs::canonicalize(folder)
                .with_context(|| format!("{} is not there", folder.display()))
        })
        .transpose()?;
    let compared = shell::target().join("pictures");
    let folder: &Path = if design.is_some() { &compared } else { to };
    let mut variables = vec![("PICTURES_TO", folder)];
    if let Some(design) = &design {
        variables.push(("PICTURES_DESIGN", design.as_path()));
    }
    ui::npm_with(&["run", "pictures"], &variables)?;
    println!("pictures: {}", folder.join("sheet-light.png").display());
    if design.is_none() {
        make_small(folder)?;
    }
    Ok(())
}

/// A palette of few colours keeps them readable and the repository small.
fn make_small(folder: &Path) -> Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).context("there are no pictures")? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "png") {
            names.push(path);
        }
    }
    let mut mogrify = shell::command(
        "mogrify",
        &[
            "-strip",
            "-dither",
            "None",
            "-colors",
            "64",
            "-define",
            "png:compression-level=9",
        ],
    );
    shell::run(mogrify.args(names))
}

fn real_windows(to: &Path) -> Result<()> {
    run::build(false)?;
    let stage = Stage::start("pictures")?;
    let line = stage.line(LineOptions::default())?;
    let app = stage.app("pictures")?;
    // A microphone that hears nothing is told about in the window.
    let _voice = stage.sound.speak_tone(VOICE_HZ, 0.5)?;
    app.sign_in(&line.ready)?;

    // Something to see in the history.
    for (number, time) in [
        ("+1 212 555 0111", "1s"),
        ("+1 415 555 0100", "2s"),
        ("+1 646 555 0102", "4s"),
    ] {
        app.terminal_to_end(&["dial", number, "--for", time], SOON)
            .with_context(|| format!("the call to {number}"))?;
    }
    let window = app.open_usable(Duration::from_secs(60))?;
    take(&stage, MAIN_WINDOW, &to.join("phone.png"))?;

    let ring = line
        .phones
        .place_inbound(&Inbound::from(CALLER).says("greeting"))?;
    stage
        .display
        .wait_for_window(OVERLAY_WINDOW, SOON)
        .context("the overlay does not appear")?;
    take(&stage, OVERLAY_WINDOW, &to.join("ring.png"))?;
    line.phones.hang_up(&ring.id)?;
    line.phones.wait_until(&ring.id, State::Over, SOON)?;

    let main = stage.display.wait_for_window(MAIN_WINDOW, SOON)?;
    stage
        .display
        .xdotool(&["windowactivate", "--sync", &main])?;
    stage
        .display
        .xdotool(&["type", "--delay", "40", "2125550101"])?;
    stage.display.xdotool(&["key", "Return"])?;
    let talks = line.phones.wait_for_call(
        |call| call.to.ends_with("2125550101") && call.state == State::Active,
        SOON,
    )?;
    line.phones
        .wait_for(&talks.id, |call| call.heard.seconds_total > 2.0, SOON)?;
    take(&stage, MAIN_WINDOW, &to.join("call.png"))?;
    drop(window);
    Ok(())
}

fn take(stage: &Stage, title: &str, to: &Path) -> Result<()> {
    // A notification would lie over the corner of the window.
    stage.notifications.close_all()?;
    stage.display.settled_screenshot_of(title, to)?;
    println!("pictures: {}", to.display());
    Ok(())
}
