//! The receiver for webhooks: a small web server that takes one thing only. Off unless wanted, on this computer unless told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::account::Account;
use crate::event::{Known, check_token};
use crate::watchers::{
    Hints, News, ReceivedEvent, Refusal, Source, WatcherNews, WebhookOptions, kind_of,
};

/// The only path.
const PATH: &str = "/livekit";

/// The only content type (LiveKit protocol).
const TYPE: &str = "application/webhook+json";

/// The largest body, bytes. Room metadata may be large; a caller's events are some 2 kB.
const LARGEST: usize = 256 << 10;

/// Connections at a time; others wait.
const CONNECTIONS: usize = 32;

/// One connection carries one request and is then closed, after this at the latest.
const LONGEST: Duration = Duration::from_secs(5);

/// Room for the head of a request, bytes.
const HEAD: usize = 16 << 10;

/// A port that is taken is tried again after this.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Listens until it is dropped.
pub(crate) async fn run(account: Account, options: WebhookOptions, hints: Hints, news: News) {
    let at = options.bind;
    if !at.ip().is_loopback() && !options.beyond_this_computer {
        let what = format!(
            "Webhooks are not received: {at} can be reached from other computers. Allow that in Settings, or listen on 127.0.0.1."
        );
        news.tell(WatcherNews::NotListening { what });
        return;
    }
    let account = match &options.signer {
        None => account,
        Some(signer) => match account.with_key(&signer.key, signer.secret.clone()) {
            Ok(account) => account,
            Err(error) => {
                let what = format!("Webhooks are not received. {error}");
                news.tell(WatcherNews::NotListening { what });
                return;
            }
        },
    };
    let listener = listen(at, &news).await;
    match listener.local_addr() {
        Ok(at) => news.tell(WatcherNews::Listening { at }),
        Err(error) => tracing::warn!("the webhook receiver has no address: {error}"),
    }
    let receiver = Arc::new(Receiver {
        account,
        hints,
        news,
        known: Mutex::default(),
        refused: Mutex::default(),
    });
    serve(listener, receiver).await;
}

async fn listen(at: SocketAddr, news: &News) -> TcpListener {
    let mut told = false;
    loop {
        match TcpListener::bind(at).await {
            Ok(listener) => return listener,
            Err(error) if told => tracing::debug!("{at} is still not free: {error}"),
            Err(error) => {
                told = true;
                let what = format!(
                    "Webhooks are not received: Deskline cannot listen on {at} ({error}). Choose another port in Settings."
                );
                news.tell(WatcherNews::NotListening { what });
            }
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn serve(listener: TcpListener, receiver: Arc<Receiver>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, or a peer that was gone at once.
                tracing::debug!("a connection could not be taken: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let receiver = receiver.clone();
        connections.spawn(async move {
            let _slot = slot;
            let service = service_fn(move |request| {
                let receiver = receiver.clone();
                async move { Ok::<_, Infallible>(receiver.answer(request).await) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .keep_alive(false)
                .max_buf_size(HEAD)
                .serve_connection(TokioIo::new(stream), service);
            match tokio::time::timeout(LONGEST, served).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("a webhook connection broke: {error}"),
                Err(_) => tracing::debug!("a webhook connection took too long"),
            }
        });
    }
}

struct Receiver {
    account: Account,
    hints: Hints,
    news: News,
    known: Mutex<Known>,
    refused: Mutex<HashMap<Refusal, u64>>,
}

impl Receiver {
    async fn answer(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
        let status = match self.take(request).await {
            Ok(()) => StatusCode::OK,
            Err(why) => {
                self.refuse(why);
                status(why)
            }
        };
        let mut response = Response::new(Empty::new());
        *response.status_mut() = status;
        response
    }

    async fn take(&self, request: Request<Incoming>) -> Result<(), Refusal> {
        if request.method() != Method::POST || request.uri().path() != PATH {
            return Err(Refusal::NotAWebhook);
        }
        let header = |name: HeaderName| request.headers().get(name)?.to_str().ok();
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case(TYPE) {
            return Err(Refusal::WrongType);
        }
        // What says nothing of its length is stopped while it comes.
        let length = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| length > LARGEST) {
            return Err(Refusal::TooLarge);
        }
        let token = header(AUTHORIZATION).ok_or(Refusal::NotSigned)?;
        let vouched = check_token(&self.account, token, now_unix())?;
        let body = Limited::new(request.into_body(), LARGEST).collect();
        let body = tokio::time::timeout(LONGEST / 2, body)
            .await
            .map_err(|_| Refusal::TooSlow)?
            .map_err(|_| Refusal::TooLarge)?
            .to_bytes();
        let webhook = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(&vouched, &body, now_unix())?;
        if let Some(room) = webhook.look {
            self.hints.look(room);
        }
        self.news.tell(WatcherNews::Received(ReceivedEvent {
            source: Source::Webhook,
            kind: kind_of(&webhook.kind),
            payload: String::from_utf8_lossy(&body).into_owned(),
        }));
        Ok(())
    }

    fn refuse(&self, why: Refusal) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refused.entry(why).or_default();
        *count = count.saturating_add(1);
        self.news.refused(Source::Webhook, why, *count);
    }
}

/// What the sender is told. What came before is settled: an error would make the server send it again.
fn status(why: Refusal) -> StatusCode {
    match why {
        Refusal::NotAWebhook => StatusCode::NOT_FOUND,
        Refusal::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::NotSigned
        | Refusal::Forged
        | Refusal::Old
        | Refusal::Future
        | Refusal::WrongHash => StatusCode::UNAUTHORIZED,
        Refusal::Duplicate => StatusCode::OK,
        Refusal::Garbage => StatusCode::BAD_REQUEST,
    }
}

fn now_unix() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
