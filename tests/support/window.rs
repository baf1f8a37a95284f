//! The real window through WebDriver.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use stage::{Driver, Environment};

use super::{PATIENCE, Place, eventually};

/// Deskline's window under WebDriver.
pub struct Window {
    pub client: Client,
    driver: Driver,
    profile: String,
}

impl Window {
    /// Starts the app in the place's profile and waits for its main window.
    pub async fn open(place: &Place) -> Self {
        Self::open_with(place, &[]).await
    }

    pub async fn open_with(place: &Place, more: &[&str]) -> Self {
        Self::open_in(place, more, Environment::new()).await
    }

    /// The app gets `environment` besides that of the place.
    pub async fn open_in(place: &Place, more: &[&str], environment: Environment) -> Self {
        let driver = place
            .stage
            .driver_with(environment)
            .expect("tauri-driver (from `make e2e`)");
        let profile = place.app.profile().display().to_string();
        let mut wanted = Driver::capabilities(&place.app);
        if let Some(Value::Array(arguments)) = wanted
            .get_mut("tauri:options")
            .and_then(|o| o.get_mut("args"))
        {
            arguments.extend(more.iter().map(|text| json!(text)));
        }
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        let attempt = tokio::time::timeout(PATIENCE, builder.connect(&driver.url())).await;
        let client = attempt
            .expect("the app opens its window in time (its log is kept)")
            .expect("a WebDriver session");
        let window = Self {
            client,
            driver,
            profile,
        };
        window.main().await;
        window.past_the_first_run().await;
        window.wait("nav-phone").await;
        window
    }

    /// A profile without an account is led through the first run; these stories are about what comes after it.
    async fn past_the_first_run(&self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.is_there("nav-phone").await {
            if self.is_there("first-later").await {
                self.click("first-later").await;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the window shows nothing"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Turns to the main window.
    pub async fn main(&self) {
        self.turn_to(|url| !url.contains("overlay")).await;
    }

    /// Turns to the overlay.
    pub async fn overlay(&self) {
        self.turn_to(|url| url.contains("overlay")).await;
    }

    async fn turn_to(&self, fits: impl Fn(&str) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            for handle in self.client.windows().await.expect("the list of windows") {
                if self.client.switch_to_window(handle).await.is_ok()
                    && let Ok(url) = self.client.current_url().await
                    && fits(url.as_str())
                {
                    return;
                }
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the window did not open"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The element with this test id, once it is there.
    pub async fn wait(&self, id: &str) -> Element {
        let css = format!("[data-testid=\"{id}\"]");
        match self
            .client
            .wait()
            .at_most(PATIENCE)
            .every(Duration::from_millis(25))
            .for_element(Locator::Css(&css))
            .await
        {
            Ok(element) => element,
            Err(error) => panic!(
                "{id} did not appear: {error}; the page says: {}",
                self.page().await
            ),
        }
    }

    /// Everything the page says.
    pub async fn page(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => format!("({error})"),
        }
    }

    pub async fn is_there(&self, id: &str) -> bool {
        let css = format!("[data-testid=\"{id}\"]");
        self.client.find(Locator::Css(&css)).await.is_ok()
    }

    pub async fn text(&self, id: &str) -> String {
        self.wait(id).await.text().await.unwrap_or_default()
    }

    /// Presses it. The driver refuses a press while the page moves the thing under it; a person presses again.
    pub async fn click(&self, id: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut pressed = self.wait(id).await.click().await;
        while let Err(error) = pressed {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{id} cannot be pressed: {error:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
            // A press that was reported as failed may have done its work all the same.
            if !self.is_there(id).await {
                return;
            }
            pressed = self.wait(id).await.click().await;
        }
    }

    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.wait(id).await;
        field.clear().await.expect("it can be emptied");
        field.send_keys(text).await.expect("it takes text");
    }

    /// Waits until the text of an element fits.
    pub async fn until_text(&self, id: &str, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let css = format!("[data-testid=\"{id}\"]");
        self.until(&format!("{id} says {what}"), async || {
            let element = self.client.find(Locator::Css(&css)).await.ok()?;
            let text = element.text().await.ok()?;
            fits(&text).then_some(text)
        })
        .await
    }

    /// Waits until the live call is in this state.
    pub async fn until_state(&self, state: &str) {
        let css = format!("[data-testid=\"call-panel\"][data-state=\"{state}\"]");
        self.until(&format!("the call is {state}"), async || {
            self.client.find(Locator::Css(&css)).await.ok().map(drop)
        })
        .await;
    }

    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "waited in vain until {what}; the page says: {}",
                self.page().await
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Types a number into the field and presses Call.
    pub async fn dial(&self, number: &str) {
        self.click("nav-phone").await;
        self.fill("dial-input", number).await;
        self.click("dial-call").await;
    }

    /// Pastes from the real clipboard.
    pub async fn paste(&self, place: &Place, id: &str, text: &str) {
        let mut clip = place.stage.app_command("xclip");
        clip.args(["-selection", "clipboard", "-in"]);
        clip.stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null());
        let mut clip = clip.spawn().expect("xclip (from `make setup`)");
        std::io::Write::write_all(&mut clip.stdin.take().expect("a pipe"), text.as_bytes())
            .expect("it reads");
        clip.wait().expect("it hands the text over");
        let field = self.wait(id).await;
        field.click().await.expect("it takes the focus");
        field
            .send_keys(&format!(
                "{}v{}",
                char::from(Key::Control),
                char::from(Key::Null)
            ))
            .await
            .expect("it takes keys");
    }

    /// A command of the core, as the page itself would send it.
    pub async fn invoke(&self, command: &str, arguments: Value) -> Result<Value> {
        let script = "const done = arguments[arguments.length - 1];\
            window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])\
                .then(value => done({ok: value === undefined ? null : value}), error => done({error}));";
        let answer = self
            .client
            .execute_async(script, vec![json!(command), arguments])
            .await?;
        answer
            .get("ok")
            .cloned()
            .with_context(|| format!("{command}: {answer}"))
    }

    /// The rows that the history shows, newest first: outcome, words, seconds.
    pub async fn history(&self) -> Vec<(String, String, Option<f64>)> {
        self.click("nav-history").await;
        self.wait("history-list").await;
        let script = "return [...document.querySelectorAll('[data-testid=history-row]')].map(row => [\
            row.dataset.outcome,\
            row.querySelector('[data-testid=history-row-words]')?.textContent.trim() ?? '',\
            row.querySelector('[data-testid=history-row-duration]')?.dataset.seconds ?? null])";
        let rows = self.client.execute(script, vec![]).await.expect("the rows");
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| {
                let text = |n: usize| row[n].as_str().unwrap_or_default().to_owned();
                (
                    text(0),
                    text(1),
                    row[2].as_str().and_then(|s| s.parse().ok()),
                )
            })
            .collect()
    }

    /// Waits until the newest row has this outcome.
    pub async fn until_outcome(&self, outcome: &str) {
        self.until(&format!("the newest row is {outcome}"), async || {
            self.history()
                .await
                .first()
                .is_some_and(|row| row.0 == outcome)
                .then_some(())
        })
        .await;
        self.click("nav-phone").await;
    }

    /// The process id of the app itself.
    pub fn pid(&self) -> u32 {
        self.running().expect("the app runs")
    }

    fn running(&self) -> Option<u32> {
        let app = stage::app_binary();
        for entry in std::fs::read_dir("/proc")
            .expect("a list of processes")
            .flatten()
        {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let Ok(line) = std::fs::read(entry.path().join("cmdline")) else {
                continue;
            };
            let words: Vec<String> = line
                .split(|byte| *byte == 0)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
            if words
                .first()
                .is_some_and(|program| *program == app.display().to_string())
                && words.contains(&self.profile)
            {
                return Some(pid);
            }
        }
        None
    }

    /// Kills the app as a crash would.
    pub fn kill(mut self) {
        let pid = self.pid().to_string();
        let status = Command::new("kill")
            .args(["-KILL", &pid])
            .status()
            .expect("kill is there");
        assert!(status.success());
        self.driver.stop();
    }

    /// Quits the app as a person would: closing its window would leave it in the tray.
    pub async fn close(mut self) {
        if let Some(pid) = self.running() {
            // It ends while it answers: the driver may drop the connection instead.
            let quit = self.invoke("quit", json!({}));
            drop(tokio::time::timeout(Duration::from_secs(2), quit).await);
            eventually("the app ends", PATIENCE, || {
                (!Path::new(&format!("/proc/{pid}/environ")).exists() || self.running().is_none())
                    .then_some(())
            });
        }
        drop(tokio::time::timeout(Duration::from_secs(2), self.client.clone().close()).await);
        self.driver.stop();
    }

    /// Does its window stand on the screen, and not only in the task bar?
    pub async fn is_visible(&self, place: &Place) -> bool {
        let windows = place.stage.display.windows_named("^Deskline$");
        !windows.expect("a list of windows").is_empty()
    }
}
