//! A server that answers under another's name: LiveKit over TLS with certificates that do not fit, before a line is set up and
//! in the middle of it.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use stage::{Door, LineOptions, ReadWrite};

use super::{NUMBER, event};
use crate::support::{Done, Place, exit};

const SIP_PASSWORD: &str = "Canary-password-82";

/// Somebody whom the program is told to trust.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn found(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let file = folder.join("authority.pem");
        let text = STANDARD.encode(certificate.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        std::fs::write(&file, pem).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            file,
        }
    }

    /// A server that has its certificate for `name`.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let chain = vec![certificate.der().clone()];
        let config = config.with_no_client_auth().with_single_cert(chain, key);
        Arc::new(config.unwrap())
    }
}

/// Who answers: one certificate for so many connections, then the other.
struct Answering {
    first: Arc<ServerConfig>,
    then: Arc<ServerConfig>,
    left: AtomicUsize,
}

impl Answering {
    fn wrap(&self, socket: TcpStream) -> Option<Box<dyn ReadWrite>> {
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        let config = if left.is_ok() {
            &self.first
        } else {
            &self.then
        };
        let connection = ServerConnection::new(config.clone()).ok()?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).ok()?;
        }
        Some(Box::new(stream))
    }
}

struct Office {
    place: Place,
    door: Door,
    answering: Arc<Mutex<Arc<Answering>>>,
    authority: Authority,
    other: Authority,
    _folder: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let options = LineOptions {
            seed: false,
            ..LineOptions::default()
        };
        let place = Place::signed_out("lines-certificate", options);
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::found(folder.path());
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        let other = Authority::found(&elsewhere);
        let answering = Arc::new(Mutex::new(Arc::new(Answering {
            first: authority.server("localhost"),
            then: authority.server("localhost"),
            left: AtomicUsize::new(0),
        })));
        let own = answering.clone();
        let wrap = move |socket| own.lock().unwrap().clone().wrap(socket);
        let door = Door::wrapped(&place.line.ready.url, Box::new(wrap)).unwrap();
        let url = format!("wss://localhost:{}", door.port());
        let ready = &place.line.ready;
        // Whether the first look succeeds is no matter here: it is kept.
        let kept = place.sign_in(&url, &ready.key, &ready.secret);
        assert_ne!(kept.code, exit::WRONG_USE, "{kept:?}");
        let _ = door.count_requests();
        Self {
            place,
            door,
            answering,
            authority,
            other,
            _folder: folder,
        }
    }

    fn answers(&self, first: Arc<ServerConfig>, times: usize, then: Arc<ServerConfig>) {
        *self.answering.lock().unwrap() = Arc::new(Answering {
            first,
            then,
            left: AtomicUsize::new(times),
        });
    }

    fn add(&self) -> Done {
        let arguments = [
            "line",
            "add",
            "other",
            "--number",
            NUMBER,
            "--host",
            "sip.example.com",
            "--user",
            "desk",
            "--yes",
            "--json",
        ];
        let mut command = self.place.deskline(&arguments);
        command.env("SSL_CERT_FILE", &self.authority.file);
        command.env_remove("SSL_CERT_DIR");
        self.place.run_in(command, Some(SIP_PASSWORD))
    }
}

/// What it says: that the certificate is not the server's, in one line, with a next step.
fn refusal(done: &Done) -> Value {
    assert_eq!(done.code, exit::NO_NETWORK, "{done:?}");
    let lines = done.json();
    let error = event(&lines, "error").clone();
    assert_eq!(error["code"], "certificate", "{error}");
    let words = error["words"].as_str().unwrap();
    assert!(
        words.contains(
            "Something else answers in the place of LiveKit: its certificate does not fit"
        )
    );
    assert!(
        words.ends_with("Check the address and the network.") && !words.contains('\n'),
        "{words}"
    );
    error
}

#[test]
fn a_server_with_anothers_certificate_is_told_nothing_and_nothing_is_half_done() {
    let office = Office::open();
    let ours = || office.authority.server("localhost");
    let anothers = || office.authority.server("phones.example");
    // A right one of somebody who is not trusted, and a trusted one for another name: to neither a word is said.
    for wrong in [office.other.server("localhost"), anothers()] {
        office.answers(wrong.clone(), usize::MAX, wrong);
        let refused = office.add();
        assert_eq!(refusal(&refused)["done"], Value::Null, "{refused:?}");
        assert_eq!(office.door.count_requests(), 0, "nothing was sent");
    }
    // In the middle: three lists for the plan, three before the first step, the step; then somebody else answers.
    office.answers(ours(), 7, anothers());
    let cut = office.add();
    assert_eq!(refusal(&cut)["done"], json!(["LiveKit's way out"]));
    assert_eq!(office.door.count_changes(), 1);
    // The right one again: what is missing is made, and nothing twice.
    office.answers(ours(), usize::MAX, ours());
    let finished = office.add();
    assert_eq!(finished.code, 0, "{finished:?}");
    assert_eq!(
        event(&finished.json(), "plan")["steps"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(office.door.count_changes(), 2);
}
