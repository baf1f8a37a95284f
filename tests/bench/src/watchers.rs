//! Learning of callers: how long each watcher takes from the call to the offer, and how soon a caller who gives up is seen.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use call::input::{LineStatus, Offer, WatchFact};
use call::output::LegCommand;
use call::{Identity, Input};
use realtime::backend::Event;
use realtime::{Access, Backend};
use stage::line::{Report, Switches};
use stage::{Inbound, Line, LineOptions};
use switchboard::{
    Account, ApiSecret, Options, WatcherNews, Watchers, WebhookOptions, WorkerOptions, spawn,
    watch_token,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::{
    journal::{Journal, Measure},
    place::PATIENCE,
    rule,
};

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: "ms" };)*
    };
}

measures! {
    POLL_SLOW: "offer_poll_1s_ms", "somebody calls -> offer, look every 1 s";
    POLL_FAST: "offer_poll_250ms_ms", "somebody calls -> offer, look every 250 ms";
    WEBHOOK: "offer_webhook_ms", "somebody calls -> offer, webhook";
    WORKER: "offer_worker_ms", "somebody calls -> offer, registered worker";
    GONE_LOOK: "gone_look_1s_ms", "caller gives up -> seen, look every 1 s";
    GONE_HOOK: "gone_webhook_ms", "caller gives up -> seen, webhook";
    GONE_HIDDEN: "gone_hidden_ms", "caller gives up -> seen, hidden join";
    HIDDEN: "hidden_join_ms", "hidden join: asked -> in the room";
}

/// So seldom that it finds nobody.
const NEVER: Duration = Duration::from_secs(3600);

/// The worker's name.
const WORKER_NAME: &str = "deskline-bench";

/// A running adapter.
pub(crate) struct Desk {
    // Closing its queue ends the adapter.
    _commands: mpsc::Sender<LegCommand>,
    _account: watch::Sender<Option<Account>>,
    facts: mpsc::Receiver<Input>,
    news: mpsc::Receiver<WatcherNews>,
}

impl Desk {
    /// Starts one; it is ready when [`Desk::ready`] says so.
    pub(crate) fn start(account: Account, watchers: Watchers) -> Self {
        let (commands, received) = mpsc::channel(8);
        let (sent, facts) = mpsc::channel(64);
        let (told, news) = mpsc::channel(256);
        let (account, seen) = watch::channel(Some(account));
        let options = Options {
            desk: "bench".into(),
            watchers: watch::channel(watchers).1,
            news: Some(told),
        };
        drop(spawn(received, sent, seen, options));
        Self {
            _commands: commands,
            _account: account,
            facts,
            news,
        }
    }

    pub(crate) async fn wait<T>(&mut self, mut pick: impl FnMut(Input) -> Option<T>) -> Result<T> {
        let found = async {
            while let Some(input) = self.facts.recv().await {
                if let Some(found) = pick(input) {
                    return Some(found);
                }
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found
            .context("the switchboard told nothing in time")?
            .context("the switchboard ended")
    }

    pub(crate) async fn ready(&mut self) -> Result<()> {
        self.wait(|input| matches!(input, Input::Line(LineStatus::Ready { .. })).then_some(()))
            .await
    }

    pub(crate) async fn offer(&mut self) -> Result<Offer> {
        self.wait(|input| {
            if let Input::Watch(WatchFact::Offer(offer)) = input {
                Some(offer)
            } else {
                None
            }
        })
        .await
    }

    pub(crate) async fn withdrawn(&mut self) -> Result<()> {
        self.wait(|input| matches!(input, Input::Watch(WatchFact::Withdrawn { .. })).then_some(()))
            .await
    }

    async fn news<T>(&mut self, mut pick: impl FnMut(WatcherNews) -> Option<T>) -> Result<T> {
        let found = async {
            while let Some(news) = self.news.recv().await {
                if let WatcherNews::NotListening { what } | WatcherNews::NotRegistered { what } =
                    &news
                {
                    bail!("{what}");
                }
                if let Some(found) = pick(news) {
                    return Ok(found);
                }
            }
            bail!("the switchboard ended")
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .context("the watcher told nothing in time")?
    }
}

/// The account of a line.
pub(crate) fn account(line: &Line) -> Result<Account> {
    let ready = &line.ready;
    Ok(Account::new(
        &ready.url,
        &ready.key,
        ApiSecret::new(ready.secret.clone()),
    )?)
}

pub(crate) fn unix_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
        * 1e3
}

/// Each watcher alone, `count` callers each; then the ways to follow a ringing call.
pub(crate) fn measure(journal: &mut Journal, count: usize) -> Result<()> {
    let line = Line::start(LineOptions::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(async {
        for (period, offered, gone) in [
            (1000, &POLL_SLOW, Some(&GONE_LOOK)),
            (250, &POLL_FAST, None),
        ] {
            let period = Duration::from_millis(period);
            let watchers = Watchers {
                poll: period,
                ..Watchers::default()
            };
            let mut desk = Desk::start(account(&line)?, watchers);
            desk.ready().await?;
            callers(&line, &mut desk, journal, count, period, (offered, gone)).await;
        }
        let mut desk = Desk::start(
            account(&line)?,
            Watchers {
                poll: NEVER,
                webhook: Some(WebhookOptions {
                    bind: ([127, 0, 0, 1], 0).into(),
                    beyond_this_computer: false,
                    signer: None,
                }),
                worker: None,
            },
        );
        desk.ready().await?;
        let at = desk
            .news(|news| {
                if let WatcherNews::Listening { at } = news {
                    Some(at)
                } else {
                    None
                }
            })
            .await?;
        let hook = line
            .phones
            .forward_webhooks(&format!("http://{at}/livekit"), &Switches::default())?;
        let measures = (&WEBHOOK, Some(&GONE_HOOK));
        callers(&line, &mut desk, journal, count, Duration::ZERO, measures).await;
        line.phones.stop_webhooks(&hook.id)?;
        drop(desk);

        rule::offer_to(&line.ready, &[WORKER_NAME]).await?;
        let mut desk = Desk::start(
            account(&line)?,
            Watchers {
                poll: NEVER,
                webhook: None,
                worker: Some(WorkerOptions {
                    agent_name: WORKER_NAME.into(),
                }),
            },
        );
        desk.ready().await?;
        desk.news(|news| matches!(news, WatcherNews::Registered { .. }).then_some(()))
            .await?;
        callers(
            &line,
            &mut desk,
            journal,
            count,
            Duration::ZERO,
            (&WORKER, None),
        )
        .await;
        drop(desk);
        rule::offer_to(&line.ready, &[]).await?;
        hidden(&line, journal, count).await
    })
}

/// `count` callers, one after the other; they come at all moments of the desk's `period` alike.
async fn callers(
    line: &Line,
    desk: &mut Desk,
    journal: &mut Journal,
    count: usize,
    period: Duration,
    (offered, gone): (&'static Measure, Option<&'static Measure>),
) {
    for run in 1..=count {
        // The golden section spreads few runs as evenly as many.
        let phase = (run as f64 * 0.618_034).fract();
        tokio::time::sleep(period.mul_f64(phase)).await;
        let one = async {
            let caller = place(line, run);
            let offer = desk.offer().await?;
            let at = unix_ms();
            let caller = caller.await??;
            let took = at - caller.started_unix_ms as f64;
            anyhow::ensure!(
                offer.from == caller.from,
                "somebody else was offered: {}",
                offer.from
            );
            tokio::time::sleep(period.mul_f64(phase)).await;
            let began = unix_ms();
            let hanging_up = hang_up(line, &caller.id);
            let ended = if gone.is_some() {
                desk.withdrawn().await?;
                unix_ms() - began
            } else {
                0.0
            };
            hanging_up.await??;
            anyhow::Ok((took, ended))
        };
        match one.await {
            Ok((took, ended)) => {
                println!("   {run:>2}  {}: {took:6.1} ms", offered.name);
                journal.value(offered, run, took);
                if let Some(gone) = gone {
                    journal.value(gone, run, ended);
                }
            }
            Err(error) => journal.void(offered, run, &format!("{error:#}")),
        }
    }
}

/// Somebody calls. Beside us, so that the line's answer does not hide an earlier offer.
fn place(line: &Line, run: usize) -> JoinHandle<Result<Report>> {
    let phones = line.phones.clone();
    let caller = Inbound::from(format!("+131255501{:02}", run % 100));
    tokio::task::spawn_blocking(move || phones.place_inbound(&caller))
}

fn hang_up(line: &Line, id: &str) -> JoinHandle<Result<Report>> {
    let (phones, id) = (line.phones.clone(), id.to_owned());
    tokio::task::spawn_blocking(move || phones.hang_up(&id))
}

/// A hidden join follows a ringing call.
async fn hidden(line: &Line, journal: &mut Journal, count: usize) -> Result<()> {
    let backend = Backend::Prebuilt;
    let account = account(line)?;
    let watchers = Watchers {
        poll: Duration::from_millis(100),
        ..Watchers::default()
    };
    let mut desk = Desk::start(account.clone(), watchers);
    desk.ready().await?;
    for run in 1..=count {
        let one = async {
            let caller = place(line, run).await??;
            let offer = desk.offer().await?;
            let watcher = Identity::parse(&format!("watch-bench-{run}"))?;
            let token = watch_token(&account, &offer.room, &watcher, "Bench")?;
            let began = unix_ms();
            let access = Access::new(account.room_url(), token.expose());
            let mut joined = backend.watch(&access).await?;
            let took = unix_ms() - began;
            let began = unix_ms();
            let hanging_up = hang_up(line, &caller.id);
            loop {
                match tokio::time::timeout(PATIENCE, joined.events.recv()).await? {
                    Some(Event::Left { .. }) => break,
                    Some(Event::Attributes { changed, .. })
                        if changed.get("sip.callStatus").is_some_and(|s| s == "hangup") =>
                    {
                        break;
                    }
                    Some(_) => {}
                    None => bail!("the room closed"),
                }
            }
            let ended = unix_ms() - began;
            hanging_up.await??;
            joined.connection.leave().await;
            desk.withdrawn().await?;
            anyhow::Ok((took, ended))
        };
        match one.await {
            Ok((took, ended)) => {
                println!("   {run:>2}  hidden join {took:6.1} ms, end seen after {ended:6.1} ms");
                journal.value(&HIDDEN, run, took);
                journal.value(&GONE_HIDDEN, run, ended);
            }
            Err(error) => journal.void(&HIDDEN, run, &format!("{error:#}")),
        }
    }
    Ok(())
}
