//! Signing in: reads the account off the threads of the phone, starts the switchboard once there is something to say,
//! and reads again when asked.

use std::sync::Arc;

use call::Input;
use call::Role;
use call::input::{JoinFailure, LineStatus};
use call::output::LegCommand;
use realtime::{Access, Backend, JoinRefused, TokenRequest, TokenSource};
use switchboard::{Account as Project, WatcherNews, Watchers, talk_token, watch_token};
use tokio::sync::{mpsc, watch};

use crate::account::{Account, SignIn};

/// What a phone is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To place and receive calls.
    Desk,
    /// To place calls only: whoever calls in is left to the desks.
    Outbound,
}

/// Who colleagues see: the person who is logged in to this computer.
pub(crate) fn desk_name() -> String {
    ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find_map(|name| call::number::display_name(&name))
        .unwrap_or_else(|| "Desk".to_owned())
}

/// What the line can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Look again now: a person pressed "Try again".
    Retry,
    /// The account was changed.
    Changed,
}

/// The task that keeps this desk signed in.
pub(crate) struct Line {
    pub(crate) account: Account,
    pub(crate) backend: Backend,
    pub(crate) desk: String,
    pub(crate) facts: mpsc::Sender<Input>,
    pub(crate) purpose: Purpose,
    pub(crate) project: watch::Sender<Option<Project>>,
    /// How it learns of callers; may change at any time.
    pub(crate) watchers: watch::Receiver<Watchers>,
    /// Who hears what the watchers and the server say.
    pub(crate) news: mpsc::Sender<WatcherNews>,
    pub(crate) leg: mpsc::Sender<LegCommand>,
    /// Taken by the switchboard when it starts; until then commands wait in the queue.
    pub(crate) leg_commands: Option<mpsc::Receiver<LegCommand>>,
}

impl Line {
    /// Runs until nobody can ask any more.
    pub(crate) async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        let mut ask = Ask::Changed;
        let mut ready = false;
        loop {
            if ready && ask == Ask::Retry {
                if self.leg.send(LegCommand::RetryLine).await.is_err() {
                    return;
                }
            } else {
                ready = self.sign_in().await;
            }
            ask = match asks.recv().await {
                Some(ask) => ask,
                None => return,
            };
        }
    }

    /// Reads the account. While its secret cannot be read the switchboard is not started (it would say "signed out");
    /// what is asked of it meanwhile is done later.
    async fn sign_in(&mut self) -> bool {
        let account = self.account.clone();
        let backend = self.backend.clone();
        let read = tokio::task::spawn_blocking(move || {
            let sign_in = account.sign_in();
            // The engine is loaded here too, so that neither the window nor the first call waits for it.
            match (sign_in, backend.prepare()) {
                (SignIn::Ready(_), Err(what)) => Err(what),
                (sign_in, _) => Ok(sign_in),
            }
        });
        let Ok(sign_in) = read.await else {
            return false; // the program ends
        };
        let sign_in = match sign_in {
            Ok(sign_in) => sign_in,
            Err(what) => {
                tracing::error!(%what, "there is no engine");
                self.tell(LineStatus::Broken { what }).await;
                return false;
            }
        };
        match sign_in {
            SignIn::Ready(project) => {
                tracing::info!(host = %project.host(), "signing in");
                self.project.send_replace(Some(project));
                self.start_switchboard();
                true
            }
            SignIn::SignedOut => {
                self.project.send_replace(None);
                self.start_switchboard();
                false
            }
            SignIn::Locked(what) => {
                tracing::info!(%what, "this desk cannot sign in");
                self.tell(LineStatus::Locked { what }).await;
                false
            }
        }
    }

    async fn tell(&self, status: LineStatus) {
        if self.facts.send(Input::Line(status)).await.is_err() {
            tracing::debug!("the phone has ended");
        }
    }

    fn start_switchboard(&mut self) {
        if let Some(commands) = self.leg_commands.take() {
            let options = switchboard::Options {
                desk: self.desk.clone(),
                watchers: self.watchers.clone(),
                news: Some(self.news.clone()),
            };
            let facts = match self.purpose {
                Purpose::Desk => self.facts.clone(),
                Purpose::Outbound => without_callers(self.facts.clone()),
            };
            // Ends with its queue.
            drop(switchboard::spawn(
                commands,
                facts,
                self.project.subscribe(),
                options,
            ));
        }
    }
}

/// Passes everything on but news of callers.
fn without_callers(facts: mpsc::Sender<Input>) -> mpsc::Sender<Input> {
    let (sender, mut receiver) = mpsc::channel(desk::COMMANDS);
    tokio::spawn(async move {
        while let Some(fact) = receiver.recv().await {
            if !matches!(fact, Input::Watch(_)) && facts.send(fact).await.is_err() {
                return;
            }
        }
    });
    sender
}

/// Signs the rights of single connections. The secret stays in the switchboard's hands.
pub(crate) fn tokens(project: watch::Receiver<Option<Project>>, name: String) -> TokenSource {
    Arc::new(move |request: TokenRequest| {
        let access = access(project.borrow().as_ref(), &request, &name);
        Box::pin(std::future::ready(access))
    })
}

fn access(
    project: Option<&Project>,
    request: &TokenRequest,
    name: &str,
) -> Result<Access, JoinRefused> {
    let project = project.ok_or_else(|| JoinRefused {
        why: JoinFailure::NotSignedIn,
        detail: "no account, or its secret cannot be read".into(),
    })?;
    let token = match request.role {
        Role::Talk => talk_token(project, &request.room, &request.identity, name),
        Role::Watch => watch_token(project, &request.room, &request.identity, name),
    };
    token
        .map(|token| Access::new(project.room_url(), token.expose()))
        .map_err(|error| JoinRefused {
            why: JoinFailure::Refused,
            detail: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use call::{Identity, RoomName};
    use switchboard::ApiSecret;

    use super::*;

    fn request(role: Role) -> TokenRequest {
        TokenRequest {
            room: RoomName::parse("outbound-c1").unwrap(),
            identity: Identity::parse("desk-d-1").unwrap(),
            role,
        }
    }

    #[test]
    fn without_an_account_there_is_no_right() {
        let refused = access(None, &request(Role::Talk), "Desk").unwrap_err();
        assert_eq!(refused.why, JoinFailure::NotSignedIn);
    }

    #[test]
    fn both_roles_get_a_token_that_is_not_shown() {
        let secret = ApiSecret::new("a-secret-of-thirty-two-characters".into());
        let project = Project::new("wss://front-desk.example", "key", secret).unwrap();
        for role in [Role::Talk, Role::Watch] {
            let access = access(Some(&project), &request(role), "Desk").unwrap();
            assert_eq!(access.url, "wss://front-desk.example");
            assert!(!format!("{access:?}").contains("eyJ"));
        }
    }
}
