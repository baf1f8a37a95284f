//! Is the engine alive? It is asked for something that takes it no time and needs no network.

use std::time::Duration;

use crate::error::RequestError;
use crate::ffi;
use crate::proto::{self, ffi_request};
use crate::router;

/// A healthy engine gives the sign within milliseconds, also on a busy computer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// Where no server can be: the engine is refused by its own computer, and says so by way of all its parts.
const NOWHERE: &str = "ws://127.0.0.1:0";

/// Waits for a sign of life. If none comes, the engine counts as failed: everybody who waits for it is told.
pub(crate) async fn examine() {
    let router = router::get();
    let sign = router
        .ask(SIGN_OF_LIFE, |id| {
            ffi::request(ffi_request::Message::Connect(proto::ConnectRequest {
                url: NOWHERE.to_owned(),
                token: "none".to_owned(),
                options: proto::RoomOptions {
                    join_retries: Some(0),
                    connect_timeout_ms: Some(100),
                    ..Default::default()
                },
                request_async_id: Some(id),
            }))
            .map(drop)
        })
        .await;
    // That it was stopped meanwhile says nothing about the one that may have been started since.
    if sign.is_err_and(|error| error != RequestError::Stopped) {
        router.fail("it gave no sign of life");
    }
}
