//! A door before a LiveKit server: every request to its API can be counted, and can go wrong in every way that the network
//! and the server know. One request for each connection; signalling (WebSockets) does not fit through it.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::ProviderFault;

/// The largest request that is passed on, bytes.
const LARGEST: usize = 1 << 20;
/// How long either side may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a slow server takes to say nothing.
const SLOW: Duration = Duration::from_secs(1);

/// Wraps a connection that came in, for encryption; `None`: it did not come about.
pub type Wrap = Box<dyn Fn(TcpStream) -> Option<Box<dyn ReadWrite>> + Send + Sync>;

/// Something to read from and to write to.
pub trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// An open door. It closes when it is dropped.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: String,
    faults: Mutex<Vec<ProviderFault>>,
    wrap: Option<Wrap>,
    changes: AtomicUsize,
    requests: AtomicUsize,
    closed: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({})", self.to)
    }
}

impl Door {
    /// Opens one on a free port of this computer, before the server at `url` (`ws://127.0.0.1:PORT`).
    ///
    /// # Errors
    /// There is no free port.
    pub fn before(url: &str) -> Result<Self> {
        Self::open(url, None)
    }

    /// The same, with everything that comes in going through `wrap` first.
    ///
    /// # Errors
    /// There is no free port.
    pub fn wrapped(url: &str, wrap: Wrap) -> Result<Self> {
        Self::open(url, Some(wrap))
    }

    fn open(url: &str, wrap: Option<Wrap>) -> Result<Self> {
        let (_, to) = url.split_once("://").context("an address with ://")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to: to.trim_end_matches('/').to_owned(),
            faults: Mutex::default(),
            wrap,
            changes: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let own = shared.clone();
        thread::Builder::new().name("door".into()).spawn(move || {
            for came in listener.incoming() {
                if own.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(came), shared) = (came, own.clone()) else {
                    continue;
                };
                // Whoever sees a broken connection is the client, and says so.
                let one = thread::Builder::new().name("door, one".into());
                let _ = one.spawn(move || shared.pass(came));
            }
        })?;
        Ok(Self { address, shared })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where to knock: `ws://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// From now on something goes wrong with the requests that fit. `CHANGE` is every method that makes, changes or deletes
    /// something; other methods are not told apart.
    pub fn fail(&self, fault: &ProviderFault) {
        self.faults().push(fault.clone());
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.faults().clear();
    }

    /// How many requests changed something since the last count.
    #[must_use]
    pub fn count_changes(&self) -> usize {
        self.shared.changes.swap(0, Ordering::SeqCst)
    }

    /// How many requests could be read since the last count.
    #[must_use]
    pub fn count_requests(&self) -> usize {
        self.shared.requests.swap(0, Ordering::SeqCst)
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Vec<ProviderFault>> {
        let faults = self.shared.faults.lock();
        faults.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes whoever waits for the next visitor.
        drop(TcpStream::connect(self.address));
    }
}

/// A request: its path, and all of it as it goes on.
struct Request {
    path: String,
    whole: Vec<u8>,
}

impl Request {
    fn changes(&self) -> bool {
        let method = self.path.rsplit('/').next().unwrap_or_default();
        ["Create", "Update", "Delete"]
            .iter()
            .any(|verb| method.starts_with(verb))
    }
}

impl Shared {
    /// Passes one request on, or does to it what is to go wrong. `None`: the connection just ends.
    fn pass(&self, came: TcpStream) -> Option<()> {
        came.set_read_timeout(Some(SILENCE)).ok()?;
        let plain = came.try_clone().ok()?;
        let mut client: Box<dyn ReadWrite> = match &self.wrap {
            Some(wrap) => wrap(came)?,
            None => Box::new(came),
        };
        let request = read(client.as_mut())?;
        self.requests.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault(&request);
        match fault.as_str() {
            "" => client.write_all(&self.ask(&request)?).ok()?,
            "cut" => {
                let answer = self.ask(&request)?;
                let length = answer.len();
                client.write_all(answer.get(..length - 4)?).ok()?;
            }
            "slow" => {
                thread::sleep(SLOW);
                return None;
            }
            "garbage" => {
                let page = "<!DOCTYPE html><html><body>Sign in to the guest network</body></html>";
                client
                    .write_all(answer("200 OK", "text/html", "", page).as_bytes())
                    .ok()?;
            }
            "huge" => {
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\nConnection: close\r\n\r\n";
                client.write_all(head.as_bytes()).ok()?;
                for _ in 0..50 {
                    client.write_all(&[b' '; 1 << 20]).ok()?;
                }
            }
            status if status.parse::<u16>().is_ok() => {
                let more = if status == "429" {
                    "Retry-After: 1\r\n"
                } else {
                    ""
                };
                let body = r#"{"code":"refused","msg":"refused for a test"}"#;
                let status = format!("{status} Refused");
                client
                    .write_all(answer(&status, "application/json", more, body).as_bytes())
                    .ok()?;
            }
            // `drop`: not done, no answer.
            _ => return None,
        }
        client.flush().ok()?;
        plain.shutdown(Shutdown::Write).ok()
    }

    /// The first fault that fits, "" for none.
    fn fault(&self, request: &Request) -> String {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in faults.iter_mut() {
            let fits = fault.method != "CHANGE" || request.changes();
            if !fits || !request.path.contains(&fault.path) || fault.times == 0 {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            return fault.fault.clone();
        }
        String::new()
    }

    /// The whole answer of the server.
    fn ask(&self, request: &Request) -> Option<Vec<u8>> {
        let mut server = TcpStream::connect(&self.to).ok()?;
        server.set_read_timeout(Some(SILENCE)).ok()?;
        server.write_all(&request.whole).ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).ok()?;
        if request.changes() && answer.starts_with(b"HTTP/1.1 200") {
            self.changes.fetch_add(1, Ordering::SeqCst);
        }
        Some(answer)
    }
}

fn answer(status: &str, kind: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Reads one request, and says in it that the connection ends with it.
fn read(client: &mut dyn ReadWrite) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let head_ends = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let count = client.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(part.get(..count)?);
        if bytes.len() > LARGEST {
            return None;
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..head_ends)?).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let whole_length = head_ends + 4 + length.unwrap_or(0).min(LARGEST);
    while bytes.len() < whole_length {
        let count = client.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(part.get(..count)?);
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let mut whole = format!("{head}\r\nConnection: close\r\n\r\n").into_bytes();
    whole.extend_from_slice(bytes.get(head_ends + 4..whole_length)?);
    Some(Request { path, whole })
}
