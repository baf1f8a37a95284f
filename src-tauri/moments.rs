//! When a call rings, is answered and ends, found by comparing views; the hooks of the person are done then.

use std::collections::HashMap;
use std::sync::Arc;

use call::CallId;
use call::state::{CallState, Direction};
use call::view::{CallView, PhoneView};
use tokio::sync::watch;
use tokio::task;

use crate::desktop::Desktop;
use crate::hooks::{self, Facts};
use crate::ipc;
use crate::ipc::desktop::HookMoment;

/// How far each call was.
#[derive(Debug, Default)]
struct Seen(HashMap<CallId, Far>);

#[derive(Debug, Clone, Copy, Default)]
struct Far {
    rang: bool,
    answered: bool,
    ended: bool,
}

impl Seen {
    /// What happened since the last view. A call that was there when the program began rang and was answered before.
    fn news(&mut self, view: &PhoneView) -> Vec<(HookMoment, CallId)> {
        let mut news = Vec::new();
        self.0.retain(|id, _| view.call(id).is_some());
        for call in &view.calls {
            let far = self.0.entry(call.id.clone()).or_insert_with(|| Far {
                rang: call.can_rejoin || call.state == CallState::Stranded,
                answered: call.can_rejoin || call.state == CallState::Stranded,
                ended: false,
            });
            let rings = call.direction == Direction::Inbound
                && call.state == CallState::Offered
                && !call.quiet;
            if rings && !std::mem::replace(&mut far.rang, true) {
                news.push((HookMoment::Ring, call.id.clone()));
            }
            let answered = call.answered_unix_ms.is_some() && call.state == CallState::Live;
            if answered && !std::mem::replace(&mut far.answered, true) {
                news.push((HookMoment::Answer, call.id.clone()));
            }
            if call.state == CallState::Ended && !std::mem::replace(&mut far.ended, true) {
                news.push((HookMoment::End, call.id.clone()));
            }
        }
        news
    }
}

/// Follows the calls until the phone ends.
pub(crate) async fn follow(mut phone: watch::Receiver<Arc<PhoneView>>, desktop: Desktop) {
    let mut seen = Seen::default();
    loop {
        let view = Arc::clone(&phone.borrow_and_update());
        for (moment, id) in seen.news(&view) {
            if let Some(call) = view.call(&id) {
                act(&desktop, moment, call);
            }
        }
        if phone.changed().await.is_err() {
            return;
        }
    }
}

fn act(desktop: &Desktop, moment: HookMoment, call: &CallView) {
    let direction = match call.direction {
        Direction::Inbound => ipc::types::Direction::Inbound,
        Direction::Outbound => ipc::types::Direction::Outbound,
    };
    for hook in desktop.settings().hooks {
        let wanted = hook.enabled
            && hook.moment == moment
            && hook.direction.is_none_or(|of| of == direction);
        if !wanted {
            continue;
        }
        let facts = Facts {
            moment,
            direction,
            number: call.number.clone(),
            name: call.name.clone().unwrap_or_default(),
            line: call.line.clone().unwrap_or_default(),
        };
        task::spawn_blocking(move || {
            let done = hooks::prepare(&hook.action, &facts).and_then(|ready| hooks::act(&ready));
            if let Err(error) = done {
                tracing::warn!(code = error.code, "a hook was not done: {}", error.message);
            }
        });
    }
}
