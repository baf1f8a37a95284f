//! A call of the same kind by a browser: livekit-client in Chromium, one browser for each side, on devices of their own.
//!
//! The page is served from here and tells what it has to tell by a request; nothing drives the browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stage::{Environment, Process, Scratch};

/// The browser of the system.
const BROWSER: &str = "chromium";
const PAGE: &str = include_str!("../chromium/page.html");
/// The client library, as its package brings it.
const CLIENT: &str = "node_modules/livekit-client/dist/livekit-client.umd.js";

/// Is there a browser, and its client library?
pub(crate) fn available() -> Result<PathBuf> {
    let folder = stage::workspace_root().join("tests/bench/chromium");
    let client = folder.join(CLIENT);
    if !client.is_file() {
        bail!(
            "livekit-client is not installed: run npm ci --ignore-scripts in tests/bench/chromium"
        );
    }
    let there = Command::new(BROWSER).arg("--version").output();
    if !there.is_ok_and(|there| there.status.success()) {
        bail!("there is no {BROWSER}: install it, or leave --peer out");
    }
    Ok(client)
}

/// What one side is told.
pub(crate) struct Order<'a> {
    pub(crate) url: &'a str,
    pub(crate) token: &'a str,
    /// Names as the browser shows them.
    pub(crate) microphone: &'a str,
    pub(crate) speaker: &'a str,
    /// Echo cancellation, noise suppression and gain, all or none.
    pub(crate) processing: bool,
}

/// One browser in a call.
pub(crate) struct Browser {
    process: Process,
    told: mpsc::Receiver<Value>,
    address: std::net::SocketAddr,
    _profile: Scratch,
}

impl Browser {
    /// Starts it; [`Browser::hears`] waits for the other side.
    pub(crate) fn start(
        client: &Path,
        order: &Order,
        environment: &Environment,
        logs: &Path,
    ) -> Result<Self> {
        let library = std::fs::read(client)?;
        let settings = json!({
            "url": order.url, "token": order.token, "microphone": order.microphone,
            "speaker": order.speaker, "processing": order.processing,
        });
        let page = PAGE.replace("SETTINGS", &settings.to_string());
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || serve(&listener, &page, &library, &tell));
        let profile = Scratch::new("browser")?;
        let mut command = Command::new(BROWSER);
        environment.apply(&mut command);
        command
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-quic",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-ui-for-media-stream",
                "--allow-loopback-in-peer-connection",
                "--disable-features=WebRtcHideLocalIpsWithMdns",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("http://{address}/"))
            .env("HOME", profile.path())
            .env("XDG_CONFIG_HOME", profile.path())
            .env("XDG_CACHE_HOME", profile.path());
        let process = Process::start(BROWSER, command, logs)?;
        Ok(Self {
            process,
            told,
            address,
            _profile: profile,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until the other side is heard.
    pub(crate) fn hears(&self, within: Duration) -> Result<Value> {
        self.next("hears", within)
    }

    /// What the browser counted.
    pub(crate) fn figures(&self, within: Duration) -> Result<Value> {
        // The page asks every half second whether it shall tell.
        let mut socket = TcpStream::connect(self.address)?;
        socket.write_all(b"GET /finish HTTP/1.0\r\n\r\n")?;
        self.next("figures", within)
    }

    fn next(&self, kind: &str, within: Duration) -> Result<Value> {
        loop {
            let said = self
                .told
                .recv_timeout(within)
                .with_context(|| format!("the browser did not say \"{kind}\""))?;
            if let Some(why) = said.get("failed") {
                bail!("the browser failed: {why}");
            }
            if let Some(value) = said.get(kind) {
                return Ok(value.clone());
            }
        }
    }

    pub(crate) fn stop(mut self) {
        self.process.stop();
    }
}

fn serve(listener: &TcpListener, page: &str, library: &[u8], tell: &mpsc::Sender<Value>) {
    let mut finish = false;
    for stream in listener.incoming().flatten() {
        let _broken = answer(stream, page, library, tell, &mut finish);
    }
}

fn answer(
    mut stream: TcpStream,
    page: &str,
    library: &[u8],
    tell: &mpsc::Sender<Value>,
    finish: &mut bool,
) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let (kind, body): (&str, &[u8]) = match request.split_whitespace().nth(1) {
        Some("/") => ("text/html", page.as_bytes()),
        Some("/client.js") => ("text/javascript", library),
        Some("/finish") => {
            *finish = true;
            ("text/plain", b"")
        }
        Some("/asked") => ("text/plain", if *finish { b"yes" } else { b"no" }),
        Some("/tell") => {
            let mut said = vec![0; length.min(1 << 20)];
            reader.read_exact(&mut said)?;
            tell.send(serde_json::from_slice(&said)?)?;
            ("text/plain", b"")
        }
        _ => ("text/plain", b""),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    Ok(())
}
