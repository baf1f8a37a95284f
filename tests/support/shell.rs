//! The shell as its windows meet it: real core, empty profile, mocked web view.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used)]

use std::time::Instant;

use deskline_app::app;
use deskline_app::core::{Core, Purpose};
use deskline_app::desktop::Desktop;
use deskline_app::ipc::commands;
use deskline_app::pages::Pages;
use deskline_app::profile::Profile;
use deskline_app::windows::PutAway;
use serde_json::Value;
use tauri::ipc::{CallbackFn, InvokeBody, InvokeResponseBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The shell with a real core on an empty profile.
pub struct Shell {
    app: App<MockRuntime>,
    _runtime: tokio::runtime::Runtime,
    profile: tempfile::TempDir,
}

impl Shell {
    pub fn open() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    /// One whose profile cannot be opened: there is nothing behind the commands but the phone, and no keychain is asked.
    pub fn without_store() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("history.db")).unwrap();
        Self::in_folder(folder)
    }

    fn in_folder(folder: tempfile::TempDir) -> Self {
        let profile = Profile::open(Some(folder.path())).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let core = {
            let _inside = runtime.enter();
            Core::start(&profile, Purpose::Desk, None).unwrap().0
        };
        let app = mock_builder()
            .invoke_handler(commands::handler())
            .manage(Desktop::of(&core))
            .manage(core)
            .manage(Pages::new(Instant::now()))
            .manage(PutAway::new(None))
            .manage(commands::Meters::default())
            .build(app::context())
            .unwrap();
        Self {
            app,
            _runtime: runtime,
            profile: folder,
        }
    }

    /// Where its profile is.
    pub fn folder(&self) -> &std::path::Path {
        self.profile.path()
    }

    pub fn window(&self, label: &str) -> WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(&self.app, label, WebviewUrl::App("index.html".into()))
            .build()
            .unwrap()
    }
}

/// Asks as a page would.
pub fn ask(
    window: &WebviewWindow<MockRuntime>,
    command: &str,
    arguments: Value,
) -> Result<Value, Value> {
    send(window, command, arguments).map(|body| body.deserialize::<Value>().unwrap())
}

/// The same, with the answer as it would go to the page.
pub fn send(
    window: &WebviewWindow<MockRuntime>,
    command: &str,
    arguments: Value,
) -> Result<InvokeResponseBody, Value> {
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: window.url().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_string(),
    };
    get_ipc_response(window, request)
}
