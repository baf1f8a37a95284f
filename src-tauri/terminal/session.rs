//! A terminal command with a phone in it: follows the views, reports what changed, keeps the timers, ends properly.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use call::input::{Intent, LineStatus};
use call::output::ShellCommand;
use call::state::CallState;
use call::view::{CallView, PhoneView};
use call::{CallId, EndReason};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::core::{Core, MAY_QUIT_WITHIN};
use crate::ipc::watchers::WatchersView;
use crate::signals::Signals;
use crate::terminal::report::Report;

/// What a command reacts to.
#[derive(Debug)]
pub(crate) enum News {
    /// The line is known, or changed.
    Line(LineStatus),
    /// A caller waits.
    Offered(CallId),
    /// Both sides talk.
    Live(CallId),
    /// A call is over.
    Ended(Box<CallView>, EndReason),
    /// A dial was refused before anything was done.
    Refused(CallId, EndReason),
    /// A timer of the command itself came.
    Due,
    /// A line was typed; `None`: no more will be.
    Typed(Option<String>),
    /// Nothing is left to end, or it took too long, or a second signal came: go.
    Over,
}

/// What a timer does.
#[derive(Debug)]
enum Timer {
    Send(Intent),
    Tell,
}

pub(crate) struct Session<W: Write> {
    core: Core,
    view: watch::Receiver<Arc<PhoneView>>,
    watchers: watch::Receiver<WatchersView>,
    shell: mpsc::Receiver<ShellCommand>,
    signals: Signals,
    pub(crate) report: Report<W>,
    follower: Follower,
    timers: Vec<(Instant, Timer)>,
    news: Vec<News>,
    quit_at: Option<Instant>,
    orders: Option<mpsc::Receiver<Option<String>>>,
}

impl<W: Write> Session<W> {
    pub(crate) fn begin(
        core: Core,
        shell: mpsc::Receiver<ShellCommand>,
        report: Report<W>,
    ) -> io::Result<Self> {
        let mut view = core.view();
        view.mark_changed(); // the first picture is news too
        let mut watchers = core.watchers();
        watchers.mark_changed();
        Ok(Self {
            watchers,
            core,
            view,
            shell,
            signals: Signals::listen()?,
            report,
            follower: Follower::default(),
            timers: Vec::new(),
            news: Vec::new(),
            quit_at: None,
            orders: None,
        })
    }

    /// A person sits here and types: lines become [`News::Typed`], the report carries every view, and a call of an
    /// earlier run is theirs to go back into.
    pub(crate) fn take_orders(&mut self, orders: mpsc::Receiver<Option<String>>) {
        self.orders = Some(orders);
    }

    /// The phone itself, for what is no intent.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// The view as it is now.
    pub(crate) fn seen(&self) -> Arc<PhoneView> {
        Arc::clone(&self.view.borrow())
    }

    /// Sends one intent.
    pub(crate) async fn send(&self, intent: Intent) {
        self.core.intent(intent).await;
    }

    /// Sends one intent later.
    pub(crate) fn send_after(&mut self, pause: Duration, intent: Intent) {
        self.timers
            .push((Instant::now() + pause, Timer::Send(intent)));
    }

    /// Comes back as [`News::Due`].
    pub(crate) fn tell_after(&mut self, pause: Duration) {
        self.timers.push((Instant::now() + pause, Timer::Tell));
    }

    /// Ends whatever is up; [`News::Over`] follows. Asked twice it changes nothing.
    pub(crate) async fn quit(&mut self) {
        if self.quit_at.is_none() {
            self.quit_at = Some(Instant::now() + MAY_QUIT_WITHIN);
            self.core.intent(Intent::Quit).await;
        }
    }

    /// The next thing to react to.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            if !self.news.is_empty() {
                return self.news.remove(0);
            }
            let due = self.timers.iter().map(|(at, _)| *at).min();
            tokio::select! {
                changed = self.view.changed() => {
                    self.catch_up().await;
                    if changed.is_err() {
                        self.news.push(News::Over); // the loop has ended
                    }
                }
                Ok(()) = self.watchers.changed() => {
                    let view = self.watchers.borrow_and_update().clone();
                    self.report.watchers(&view);
                }
                command = self.shell.recv() => match command {
                    Some(ShellCommand::MayQuit) | None => {
                        // may have overtaken the last view, in which the call ended
                        self.catch_up().await;
                        self.news.push(News::Over);
                    }
                    Some(ShellCommand::Refused { call, reason }) => return News::Refused(call, reason),
                    // a terminal has neither windows nor notifications
                    Some(
                        ShellCommand::ShowOverlay
                        | ShellCommand::HideOverlay
                        | ShellCommand::NotifyIncoming { .. }
                        | ShellCommand::NotifyMissed { .. },
                    ) => {}
                },
                () = self.signals.next() => {
                    if self.quit_at.is_some() {
                        return News::Over; // asked twice: the next start drops what is left
                    }
                    self.quit().await;
                }
                line = typed(&mut self.orders) => self.news.push(News::Typed(line)),
                () = until(due) => self.fire().await,
                () = until(self.quit_at) => {
                    tracing::warn!("the call did not end in time; the next start looks after it");
                    return News::Over;
                }
            }
        }
    }

    async fn catch_up(&mut self) {
        let view = Arc::clone(&self.view.borrow_and_update());
        self.news
            .extend(self.follower.follow(&view, &mut self.report));
        if self.orders.is_some() {
            let names = self.core.names(&view).await;
            self.report.view(&view, self.core.region(), &names);
            return;
        }
        // Nobody is here to go back into a call of an earlier run. Its far end would wait in silence.
        let stranded = view.calls.iter().filter(|call| call.can_rejoin);
        for call in stranded {
            let hang_up = Intent::HangUp {
                call: call.id.clone(),
            };
            self.timers.push((Instant::now(), Timer::Send(hang_up)));
        }
    }

    /// Lets everything be written that still has to be.
    pub(crate) async fn close(self) {
        self.core.close().await;
    }

    async fn fire(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        self.timers.retain_mut(|(at, timer)| {
            let waits = *at > now;
            if !waits {
                due.push(std::mem::replace(timer, Timer::Tell));
            }
            waits
        });
        for timer in due {
            match timer {
                Timer::Send(intent) => self.core.intent(intent).await,
                Timer::Tell => self.news.push(News::Due),
            }
        }
    }
}

/// The next line; for ever where none can come.
async fn typed(orders: &mut Option<mpsc::Receiver<Option<String>>>) -> Option<String> {
    if let Some(lines) = orders
        && let Some(line) = lines.recv().await
    {
        return line;
    }
    std::future::pending().await
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Finds out what changed between two whole views.
#[derive(Debug, Default)]
struct Follower {
    line: Option<LineStatus>,
    notice: Option<u32>,
    calls: HashMap<CallId, CallView>,
}

impl Follower {
    fn follow<W: Write>(&mut self, view: &PhoneView, report: &mut Report<W>) -> Vec<News> {
        let mut news = Vec::new();
        if self.line.as_ref() != Some(&view.line) {
            self.line = Some(view.line.clone());
            report.line(&view.line);
            news.push(News::Line(view.line.clone()));
        }
        if let Some(notice) = &view.notice
            && self.notice != Some(notice.id)
        {
            self.notice = Some(notice.id);
            report.notice(notice);
        }
        for call in &view.calls {
            let before = self.calls.insert(call.id.clone(), call.clone());
            let was = before.as_ref().map(|call| call.state);
            if was != Some(call.state) {
                report.state(call);
                match (call.state, &call.end) {
                    (CallState::Offered, _) => news.push(News::Offered(call.id.clone())),
                    (CallState::Live, _) => news.push(News::Live(call.id.clone())),
                    (CallState::Ended, Some(reason)) => {
                        news.push(News::Ended(Box::new(call.clone()), reason.clone()));
                    }
                    (
                        CallState::Preparing
                        | CallState::Joining
                        | CallState::Dialling
                        | CallState::RemoteRinging
                        | CallState::Claiming
                        | CallState::Answering
                        | CallState::Stranded
                        | CallState::HandedOver
                        | CallState::Ending
                        | CallState::Ended,
                        _,
                    ) => {}
                }
            }
            if let Some(before) = &before {
                if before.reconnecting != call.reconnecting && call.state == CallState::Live {
                    report.reconnecting(call);
                }
                if before.keys_sent != call.keys_sent || before.keys_received != call.keys_received
                {
                    report.keys(call);
                }
            }
        }
        self.calls
            .retain(|id, _| view.calls.iter().any(|call| call.id == *id));
        news
    }
}
