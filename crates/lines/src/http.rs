//! One request to a service: HTTP, a JSON answer, or one of the errors of [`ServiceError`].
//!
//! What only reads is asked again after a short pause. What changes something is asked again only when the service said
//! that it did not do it (429): after an unclear answer the executor looks instead of repeating.

use std::error::Error as _;
use std::sync::{Arc, Once};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;
use vault::Secret;
use zeroize::Zeroizing;

use crate::service::{Service, ServiceError, words};

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(15);
/// The largest answer that is read, in bytes: a page of a thousand numbers is about one million.
const LARGEST: usize = 4 << 20;
/// The longest pause that is waited through; a longer one is said and left to the person.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// First pause, when the service names none.
const PAUSE: Duration = Duration::from_millis(300);
/// How often a request is sent again.
const AGAIN: usize = 3;

/// Who is told of pauses: the service, how long.
pub(crate) type OnPause = Arc<dyn Fn(Service, Duration) + Send + Sync>;

/// What goes with a request.
#[derive(Clone)]
pub(crate) enum Body {
    None,
    Json(Value),
    /// Name and value, as `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, String)>),
}

/// The value of the `Authorization` header. Wiped when dropped, never shown.
pub(crate) type Authorization = Zeroizing<String>;

/// The header of a service that knows a user name and a secret (RFC 7617).
pub(crate) fn basic(user: &str, secret: &Secret) -> Authorization {
    let pair = Zeroizing::new(format!("{user}:{}", secret.expose()));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

/// Was more than the secret copied? None of a provider's has a blank or a quote in it.
pub(crate) fn has_blank_or_quote(secret: &str) -> bool {
    secret
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '"')
}

/// The shared client. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    on_pause: OnPause,
    answer: Duration,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The system gives no TLS.
    pub(crate) fn new(on_pause: OnPause) -> Result<Self, ServiceError> {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            // Fails when the program already chose one, which will do as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            // A key must not follow a redirect to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ServiceError::Unreachable {
                service: Service::LiveKit,
                detail: chain(&error),
            })?;
        Ok(Self {
            client,
            on_pause,
            answer: ANSWER,
        })
    }

    /// Another limit for one answer.
    #[cfg(test)]
    pub(crate) fn with_answer_within(mut self, answer: Duration) -> Self {
        self.answer = answer;
        self
    }

    /// Asks, and asks again where that can do no harm. An empty answer is `null`.
    pub(crate) async fn ask(
        &self,
        service: Service,
        method: Method,
        url: Url,
        authorization: &Authorization,
        body: Body,
    ) -> Result<Value, ServiceError> {
        let reads = method == Method::GET;
        self.asking(service, method, url, authorization, body, reads)
            .await
    }

    /// The same for a POST that only reads, as all of LiveKit's requests are POSTs.
    pub(crate) async fn read_by_post(
        &self,
        service: Service,
        url: Url,
        authorization: &Authorization,
        body: Body,
    ) -> Result<Value, ServiceError> {
        self.asking(service, Method::POST, url, authorization, body, true)
            .await
    }

    /// Asks a server of the person's own as SignalWire would, with an empty object and without any sign-in: status and text, or
    /// why there was none.
    pub(crate) async fn post_openly(&self, url: &Url) -> Result<(u16, String), String> {
        let request = self.client.post(url.clone()).timeout(self.answer);
        let request = request.header(CONTENT_TYPE, "application/json").body("{}");
        let mut response = request.send().await.map_err(|error| chain(&error))?;
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| chain(&error))? {
            if bytes.len() + part.len() > LARGEST {
                return Err(format!("an answer of more than {} MB", LARGEST >> 20));
            }
            bytes.extend_from_slice(&part);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok((response.status().as_u16(), text))
    }

    async fn asking(
        &self,
        service: Service,
        method: Method,
        url: Url,
        authorization: &Authorization,
        body: Body,
        reads: bool,
    ) -> Result<Value, ServiceError> {
        let again = ExponentialBuilder::default()
            .with_min_delay(PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(AGAIN)
            .with_jitter();
        (|| self.once(service, method.clone(), url.clone(), authorization, &body))
            .retry(again)
            .when(|error| {
                if let ServiceError::Busy { wait, .. } = error {
                    wait.is_none_or(|wait| wait <= LONGEST_PAUSE)
                } else {
                    reads && error.may_pass()
                }
            })
            .adjust(|error, pause| {
                if let ServiceError::Busy {
                    wait: Some(wait), ..
                } = error
                {
                    pause.map(|_| *wait)
                } else {
                    pause
                }
            })
            .notify(|error, pause| {
                tracing::info!(%service, code = error.code(), ?pause, "asking again");
                (self.on_pause)(service, pause);
            })
            .await
    }

    async fn once(
        &self,
        service: Service,
        method: Method,
        url: Url,
        authorization: &Authorization,
        body: &Body,
    ) -> Result<Value, ServiceError> {
        let mut headers = HeaderMap::new();
        let mut signed =
            HeaderValue::from_str(authorization).map_err(|_| ServiceError::SignIn {
                service,
                words: "the key has a character that cannot be sent".into(),
            })?;
        signed.set_sensitive(true);
        headers.insert(AUTHORIZATION, signed);
        let mut request = self.client.request(method, url).timeout(self.answer);
        match body {
            Body::None => {}
            Body::Json(value) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                request = request.body(value.to_string());
            }
            Body::Form(fields) => {
                headers.insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                );
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, value);
                }
                request = request.body(form.finish());
            }
        }
        let mut response = request
            .headers(headers)
            .send()
            .await
            .map_err(|error| transport(service, &error))?;
        let status = response.status();
        let wait = pause_asked(response.headers());
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| ServiceError::Cut {
            service,
            detail: chain(&error),
        })? {
            if bytes.len() + part.len() > LARGEST {
                return Err(ServiceError::Garbage {
                    service,
                    detail: format!("an answer of more than {} MB", LARGEST >> 20),
                });
            }
            bytes.extend_from_slice(&part);
        }
        answer(service, status, wait, &bytes)
    }
}

fn pause_asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn transport(service: Service, error: &reqwest::Error) -> ServiceError {
    let detail = chain(error);
    if error.is_connect() {
        if detail.to_lowercase().contains("certificate") {
            return ServiceError::Certificate { service, detail };
        }
        return ServiceError::Unreachable { service, detail };
    }
    let detail = if error.is_timeout() {
        "no answer in time".into()
    } else {
        detail
    };
    ServiceError::Cut { service, detail }
}

/// The innermost words: the outer ones repeat the address.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    words(&text)
}

/// What an answer means.
fn answer(
    service: Service,
    status: StatusCode,
    wait: Option<Duration>,
    bytes: &[u8],
) -> Result<Value, ServiceError> {
    let json: Option<Value> = if bytes.is_empty() {
        Some(Value::Null)
    } else {
        serde_json::from_slice(bytes).ok()
    };
    if status.is_success() {
        return json.ok_or_else(|| ServiceError::Garbage {
            service,
            detail: kind_of(bytes).into(),
        });
    }
    let (said, code) = json.as_ref().map_or((String::new(), 0), stated);
    Err(match status.as_u16() {
        // LiveKit answers a refused token in plain text that repeats the token.
        401 if service == Service::LiveKit => {
            let text = String::from_utf8_lossy(bytes);
            if text.contains("token is expired") || text.contains("token is not valid yet") {
                ServiceError::Clock { service }
            } else {
                ServiceError::SignIn {
                    service,
                    words: said,
                }
            }
        }
        401 => ServiceError::SignIn {
            service,
            words: said,
        },
        403 => ServiceError::Forbidden {
            service,
            words: said,
        },
        404 => ServiceError::NotFound {
            service,
            words: said,
        },
        409 => ServiceError::Conflict {
            service,
            words: said,
        },
        429 => ServiceError::Busy { service, wait },
        status @ 500.. => ServiceError::Broken {
            service,
            status,
            words: said,
        },
        status @ 300..=399 => ServiceError::Garbage {
            service,
            detail: format!("a redirect, status {status}"),
        },
        _ if json.is_none() => ServiceError::Garbage {
            service,
            detail: kind_of(bytes).into(),
        },
        _ => ServiceError::Invalid {
            service,
            words: said,
            code,
        },
    })
}

fn kind_of(bytes: &[u8]) -> &'static str {
    let start = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).to_lowercase();
    if start.contains("<html") || start.contains("<!doctype") {
        "a web page instead of data"
    } else {
        "data that is not JSON"
    }
}

/// The words and the number of an error, in the forms that the services use.
fn stated(json: &Value) -> (String, i64) {
    // Telnyx and SignalWire tell a list of them; the first says enough.
    let json = json.pointer("/errors/0").unwrap_or(json);
    let text = ["detail", "message", "msg", "error", "title"]
        .iter()
        .find_map(|name| json.get(name)?.as_str());
    let code = json.get("code");
    let code = code
        .and_then(Value::as_i64)
        .or_else(|| code?.as_str()?.parse().ok())
        .unwrap_or(0);
    (words(text.unwrap_or_default()), code)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TWILIO: Service = Service::Twilio;

    fn meaning(status: u16, body: &str) -> ServiceError {
        answer(
            TWILIO,
            StatusCode::from_u16(status).unwrap(),
            None,
            body.as_bytes(),
        )
        .unwrap_err()
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        let page = meaning(200, "<!DOCTYPE html><html>…");
        assert!(
            page.to_string().contains("a web page instead of data"),
            "{page}"
        );
        assert!(matches!(
            meaning(200, "{\"a\":"),
            ServiceError::Garbage { .. }
        ));
        assert!(matches!(meaning(302, ""), ServiceError::Garbage { .. }));
        assert!(matches!(
            meaning(400, "<html>"),
            ServiceError::Garbage { .. }
        ));
        assert!(matches!(
            meaning(502, "<html>"),
            ServiceError::Broken { status: 502, .. }
        ));
        assert_eq!(
            meaning(400, r#"{"code":21247,"message":"Domain\u202e in use."}"#),
            ServiceError::Invalid {
                service: TWILIO,
                words: "Domain in use".into(),
                code: 21247
            }
        );
    }

    #[test]
    fn a_refused_token_is_not_repeated() {
        let refused = answer(
            Service::LiveKit,
            StatusCode::UNAUTHORIZED,
            None,
            b"invalid token: eyJhbGciOi, error: token signature is invalid",
        );
        let said = refused.unwrap_err().to_string();
        assert!(!said.contains("eyJ"), "{said}");
        let clock = answer(
            Service::LiveKit,
            StatusCode::UNAUTHORIZED,
            None,
            b"invalid token: eyJ, error: token is expired",
        );
        assert_eq!(
            clock,
            Err(ServiceError::Clock {
                service: Service::LiveKit
            })
        );
    }

    /// Answers each connection with the next text, then closes it.
    async fn server(answers: Vec<String>) -> (Url, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let task = tokio::spawn(async move {
            let mut served = 0;
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await.unwrap();
                // The other side may have had enough before the end.
                let _ = stream.write_all(answer.as_bytes()).await;
                served += 1;
            }
            served
        });
        (url, task)
    }

    fn http() -> (Http, Arc<Mutex<Vec<Duration>>>) {
        let pauses = Arc::new(Mutex::new(Vec::new()));
        let told = pauses.clone();
        let http = Http::new(Arc::new(move |_, pause| told.lock().unwrap().push(pause))).unwrap();
        (http, pauses)
    }

    async fn ask(http: &Http, method: Method, url: &Url) -> Result<Value, ServiceError> {
        let authorization = Zeroizing::new("Basic x".to_owned());
        http.ask(TWILIO, method, url.clone(), &authorization, Body::None)
            .await
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

    #[tokio::test]
    async fn a_pause_that_is_asked_for_is_kept_and_told() {
        let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (url, task) = server(vec![busy.into(), OK.into()]).await;
        let (http, pauses) = http();
        assert_eq!(
            ask(&http, Method::POST, &url).await,
            Ok(serde_json::json!({}))
        );
        assert_eq!(*pauses.lock().unwrap(), [Duration::from_secs(1)]);
        assert_eq!(task.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_pause_of_an_hour_is_left_to_the_person() {
        let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (url, task) = server(vec![busy.into()]).await;
        let (http, pauses) = http();
        let error = ask(&http, Method::GET, &url).await.unwrap_err();
        assert_eq!(
            error,
            ServiceError::Busy {
                service: TWILIO,
                wait: Some(Duration::from_secs(3600))
            }
        );
        assert!(pauses.lock().unwrap().is_empty());
        task.await.unwrap();
    }

    #[tokio::test]
    async fn reading_is_repeated_and_changing_is_not() {
        let broken = "HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (url, task) = server(vec![broken.into(), OK.into()]).await;
        let (http, _) = http();
        assert_eq!(
            ask(&http, Method::GET, &url).await,
            Ok(serde_json::json!({}))
        );
        task.await.unwrap();
        let (url, task) = server(vec![broken.into()]).await;
        assert!(
            ask(&http, Method::POST, &url)
                .await
                .unwrap_err()
                .is_unclear()
        );
        assert_eq!(task.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_or_never_ends_is_unclear() {
        let half =
            "HTTP/1.1 201 Created\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{\"sid\":";
        let (url, _task) = server(vec![half.into()]).await;
        let (http, _) = http();
        assert!(matches!(
            ask(&http, Method::POST, &url).await,
            Err(ServiceError::Cut { .. })
        ));
        let huge = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n{}",
            "x".repeat(LARGEST + 65_536)
        );
        let (url, _task) = server(vec![huge]).await;
        let error = ask(&http, Method::POST, &url).await.unwrap_err();
        assert!(error.to_string().contains("more than 4 MB"), "{error}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let impatient = http.with_answer_within(Duration::from_millis(50));
        let error = ask(&impatient, Method::POST, &url).await.unwrap_err();
        assert!(error.to_string().contains("no answer in time"), "{error}");
    }

    #[tokio::test]
    async fn nobody_listening_is_a_matter_of_the_network() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let (http, _) = http();
        assert!(matches!(
            ask(&http, Method::POST, &url).await,
            Err(ServiceError::Unreachable { .. })
        ));
    }
}
