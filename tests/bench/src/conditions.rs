//! Under which conditions something was measured. Nothing that names the machine.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Above this pressure (percent) the machine is busy with something else.
const QUIET: f64 = 10.0;
/// The kernel renews its pressure figures every two seconds.
const RENEWED: Duration = Duration::from_secs(2);

/// The state of the machine in one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conditions {
    /// Mean number of tasks that ran or wanted to, over one minute.
    pub(crate) load: Option<f64>,
    /// Share of the last 10 s in which some task waited for a processor, in percent.
    pub(crate) pressure: Option<f64>,
    /// Microseconds since boot in which some task waited for a processor.
    waited: Option<f64>,
    at: f64,
}

impl Conditions {
    /// As they are now. A kernel without pressure figures leaves those out.
    pub(crate) fn now() -> Self {
        let pressure = fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            load: load
                .split_whitespace()
                .next()
                .and_then(|load| load.parse().ok()),
            pressure: field(&pressure, "avg10"),
            waited: field(&pressure, "total"),
            at: crate::tap::now(),
        }
    }

    /// As they are once the machine is quiet, or after `within`. Nothing tells when that is: the figures are looked at
    /// as often as the kernel renews them.
    pub(crate) fn once_quiet(within: Duration) -> Self {
        let deadline = Instant::now() + within;
        loop {
            let now = Self::now();
            let left = deadline.saturating_duration_since(Instant::now());
            if !now.is_busy() || left.is_zero() {
                return now;
            }
            std::thread::sleep(left.min(RENEWED));
        }
    }

    /// Whether other programs use the processors so much that figures are not comparable.
    pub(crate) fn is_busy(&self) -> bool {
        self.pressure.is_some_and(|pressure| pressure > QUIET)
    }

    /// Share of the time from `self` to `later` in which some task waited for a processor, in percent.
    pub(crate) fn pressure_until(&self, later: &Self) -> Option<f64> {
        let waited = later.waited? - self.waited?;
        let time = (later.at - self.at) * 1e6;
        (time > 0.0).then(|| 100.0 * waited / time)
    }

    /// As text and as data.
    pub(crate) fn text(&self) -> String {
        let number = |value: Option<f64>| {
            value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1}"))
        };
        format!(
            "load {}, cpu pressure {} %",
            number(self.load),
            number(self.pressure)
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "load_1min": self.load, "cpu_pressure_avg10": self.pressure })
    }
}

/// `name=…` in the line "some" of a pressure file.
fn field(text: &str, name: &str) -> Option<f64> {
    let some = text.lines().find(|line| line.starts_with("some"))?;
    some.split_whitespace()
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?
        .parse()
        .ok()
}

/// What does not change during a run: (name, value).
pub(crate) fn fixed(app: &Path) -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(|| "unknown".to_owned(), |(_, model)| model.to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let pin = stage::workspace_root().join("crates/livekit-engine/engine.json");
    let engine = fs::read_to_string(pin)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .and_then(|pin| pin.get("version")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned());
    // Cargo names the folder after the way it builds.
    let build = ["release", "debug"]
        .into_iter()
        .find(|build| app.components().any(|part| part.as_os_str() == *build))
        .unwrap_or("unknown");
    vec![
        ("cores", cores.to_string()),
        ("processor", processor),
        ("kernel", kernel.trim().to_owned()),
        ("deskline", said(app, "--version")),
        ("build", build.to_owned()),
        ("engine", engine),
        ("sound", said(Path::new("pulseaudio"), "--version")),
        ("compiler", said(Path::new("rustc"), "--version")),
    ]
}

fn said(program: &Path, argument: &str) -> String {
    Command::new(program)
        .arg(argument)
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| {
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .next()
                .map(|line| line.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PRESSURE: &str = "some avg10=12.34 avg60=3.00 avg300=1.00 total=5000000\n\
                            full avg10=9.00 avg60=0.00 avg300=0.00 total=77\n";

    #[test]
    fn a_pressure_file_is_read() {
        assert_eq!(field(PRESSURE, "avg10"), Some(12.34));
        assert_eq!(field(PRESSURE, "total"), Some(5_000_000.0));
        assert_eq!(field("", "avg10"), None);
    }

    #[test]
    fn the_pressure_of_a_stretch_is_waiting_by_time() {
        let at = |waited, at| Conditions {
            load: None,
            pressure: None,
            waited,
            at,
        };
        let share = at(Some(1e6), 100.0).pressure_until(&at(Some(3e6), 104.0));
        assert!((share.unwrap() - 50.0).abs() < 1e-9);
        assert_eq!(at(None, 0.0).pressure_until(&at(Some(1.0), 1.0)), None);
        assert!(!at(None, 0.0).is_busy());
        assert_eq!(at(None, 0.0).text(), "load unknown, cpu pressure unknown %");
    }
}
