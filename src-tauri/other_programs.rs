//! What another program of the same profile sets is in force at once: `deskline line set --ring off` beside an open window.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use call::input::Input;
use history::Store;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task;

use crate::ipc::records::SettingsInForce;
use crate::settings;

/// What one change writes comes in several pieces.
const SETTLES: Duration = Duration::from_millis(100);
/// How often is looked where the system does not tell of changed files.
const ELSE_EVERY: Duration = Duration::from_secs(30);

/// Follows what is set in the profile until the phone ends. Nothing wakes up while nobody writes there.
pub(crate) async fn follow(
    folder: PathBuf,
    store: Store,
    settings: watch::Sender<SettingsInForce>,
    inputs: mpsc::Sender<Input>,
) {
    let written = Arc::new(Notify::new());
    // It looks for as long as it lives.
    let told_of = match writes(folder, &written) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "the system does not tell of changed files; they are looked at now and then");
            None
        }
    };
    loop {
        // At the beginning too: it may have been set before it was watched.
        look(&store, &settings).await;
        let change = async {
            match &told_of {
                Some(_) => {
                    written.notified().await;
                    tokio::time::sleep(SETTLES).await;
                }
                None => tokio::time::sleep(ELSE_EVERY).await,
            }
        };
        tokio::select! {
            () = change => {}
            () = inputs.closed() => return,
        }
    }
}

async fn look(store: &Store, settings: &watch::Sender<SettingsInForce>) {
    let before = settings.borrow().clone();
    let store = store.clone();
    let read = task::spawn_blocking(move || settings::load_if_set(&store)).await;
    let Ok(Some(kept)) = read else { return };
    settings.send_if_modified(|present| {
        // What was set here meanwhile is newer than what was read.
        let changed = *present == before && present.settings != kept;
        if changed {
            tracing::info!("another program changed the settings");
            present.rev += 1;
            present.settings = kept;
        }
        changed
    });
}

/// Tells of every write to the files of the store, by whomever.
fn writes(folder: PathBuf, written: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let told = Arc::clone(written);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error says that events were lost: then everything may have changed.
        if event.is_ok_and(|event| !is_write(&event)) {
            return;
        }
        told.notify_one();
    })?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Is it something in the store that is no longer as it was? Reading it is none, nor is a line in the log beside it.
fn is_write(event: &Event) -> bool {
    let changes = match event.kind {
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => true,
        EventKind::Access(_) | EventKind::Remove(_) => false,
    };
    changes && event.paths.iter().any(|path| Store::keeps(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::records::SettingsView;

    /// Longer than any machine needs to tell of a write.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn what_another_program_sets_is_in_force() {
        let profile = tempfile::tempdir().unwrap();
        let (ours, theirs) = (
            Store::open(profile.path()).unwrap(),
            Store::open(profile.path()).unwrap(),
        );
        let (inputs, _phone) = mpsc::channel(1);
        let (settings, mut told) = watch::channel(SettingsInForce {
            rev: 1,
            settings: SettingsView::default(),
        });
        let following = tokio::spawn(follow(profile.path().to_owned(), ours, settings, inputs));
        // It is followed from here on: the first of these may be there before anybody watches.
        for keep_days in [30, 60] {
            let wanted = SettingsView {
                keep_days: Some(keep_days),
                ..SettingsView::default()
            };
            let (theirs, set) = (theirs.clone(), wanted.clone());
            task::spawn_blocking(move || settings::save(&theirs, &set).unwrap())
                .await
                .unwrap();
            let in_force = told.wait_for(|view| view.rev > 1 && view.settings == wanted);
            tokio::time::timeout(PATIENCE, in_force)
                .await
                .expect("it is in force")
                .unwrap();
        }
        following.abort();
    }

    #[test]
    fn only_writes_to_the_store_count() {
        use notify::event::{AccessKind, CreateKind, DataChange, ModifyKind};
        let of = |kind, name: &str| Event::new(kind).add_path(PathBuf::from("/p").join(name));
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(is_write(&of(data, "history.db-wal")));
        assert!(is_write(&of(data, "history.db")));
        assert!(is_write(&of(
            EventKind::Create(CreateKind::File),
            "history.db-wal"
        )));
        assert!(!is_write(&of(data, "deskline.log")));
        assert!(!is_write(&of(
            EventKind::Access(AccessKind::Any),
            "history.db"
        )));
    }
}
