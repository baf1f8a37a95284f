//! Whose numbers are on the screen: the names of contacts, beside what callers say of themselves, and what this desk
//! remembers of whoever rings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use call::view::PhoneView;
use history::{HistoryEntry, Query, Store};

use crate::ipc::types::{self, CallState, RememberedView};

/// Names of contacts by number, as far as they are on the screen. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    store: Store,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The change of the store with which they were read.
    at: u64,
    names: HashMap<String, Option<String>>,
    /// What was remembered when a call began to ring, by the call: it does not change while it rings.
    remembered: HashMap<String, Option<RememberedView>>,
}

/// Calls with a caller that are looked through for a note.
const LOOKED_THROUGH: usize = 20;
/// The longest remembered line, in characters.
const LONGEST: usize = 200;

impl Directory {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// The contacts whose numbers are in this picture. A name that cannot be read is as if there were none: nobody waits
    /// long to see who calls.
    pub(crate) async fn names(&self, view: &PhoneView) -> HashMap<String, String> {
        let numbers = numbers_in(view);
        if numbers.is_empty() {
            return HashMap::new();
        }
        let at = *self.store.changes().borrow();
        let missing: Vec<String> = {
            let mut known = self.known();
            if known.at != at {
                known.at = at;
                known.names.clear();
            }
            let unknown = |number: &&&str| !known.names.contains_key(**number);
            let missing = numbers.iter().filter(unknown);
            missing.map(|number| (*number).to_owned()).collect()
        };
        if !missing.is_empty() {
            let store = self.store.clone();
            let read = move || -> Vec<(String, Option<String>)> {
                let name = |number: &str| {
                    let found = store.contact_of(number).unwrap_or_else(|error| {
                        tracing::debug!(detail = %error.detail(), "contacts cannot be read");
                        None
                    });
                    found.map(|contact| contact.name)
                };
                let named = |number: String| {
                    let name = name(&number);
                    (number, name)
                };
                missing.into_iter().map(named).collect()
            };
            if let Ok(read) = tokio::task::spawn_blocking(read).await {
                self.known().names.extend(read);
            }
        }
        self.names_of(&numbers)
    }

    /// Those of them that were read already.
    pub(crate) fn known_names(&self, view: &PhoneView) -> HashMap<String, String> {
        self.names_of(&numbers_in(view))
    }

    fn names_of(&self, numbers: &[&str]) -> HashMap<String, String> {
        let known = self.known();
        let name = |number: &&str| {
            let name = known.names.get(*number)?.clone()?;
            Some(((*number).to_owned(), name))
        };
        numbers.iter().filter_map(name).collect()
    }

    /// Fills in what is remembered of those who ring. What cannot be read is as if there were nothing.
    pub(crate) async fn remember(&self, picture: &mut types::PhoneView) {
        let rings = |call: &&mut types::CallView| {
            matches!(call.state, CallState::Offered | CallState::Claiming)
                && !call.number.is_empty()
        };
        let missing: Vec<(String, String)> = {
            let mut known = self.known();
            let here = |id: &String| picture.calls.iter().any(|call| call.id == *id);
            known.remembered.retain(|id, _| here(id));
            let ringing = picture.calls.iter_mut().filter(rings);
            ringing
                .filter(|call| !known.remembered.contains_key(&call.id))
                .map(|call| (call.id.clone(), call.number.clone()))
                .collect()
        };
        if !missing.is_empty() {
            let store = self.store.clone();
            let read = move || -> Vec<(String, Option<RememberedView>)> {
                let fact = |(id, number): (String, String)| {
                    let fact = remembered(&store, &id, &number);
                    (id, fact)
                };
                missing.into_iter().map(fact).collect()
            };
            if let Ok(read) = tokio::task::spawn_blocking(read).await {
                self.known().remembered.extend(read);
            }
        }
        let known = self.known();
        for call in picture.calls.iter_mut().filter(rings) {
            call.remembered = known.remembered.get(&call.id).cloned().flatten();
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everybody's number, as far as there is one.
fn numbers_in(view: &PhoneView) -> Vec<&str> {
    let everybody = view.calls.iter().flat_map(|call| {
        let people = call.people.iter().map(|person| person.number.as_str());
        std::iter::once(call.number.as_str()).chain(people)
    });
    everybody.filter(|number| !number.is_empty()).collect()
}

/// The newest call with this number that something was written about, else the last one that is over.
fn remembered(store: &Store, call: &str, number: &str) -> Option<RememberedView> {
    let query = Query {
        caller: Some(number.to_owned()),
        ..Query::default()
    };
    let page = store
        .find(&query, None, LOOKED_THROUGH)
        .unwrap_or_else(|error| {
            tracing::debug!(detail = %error.detail(), "earlier calls cannot be read");
            history::Page {
                entries: Vec::new(),
                next: None,
            }
        });
    let before: Vec<&HistoryEntry> = page
        .entries
        .iter()
        .filter(|entry| entry.id != call && entry.outcome.is_some())
        .collect();
    let noted = before.iter().find(|entry| !entry.note.trim().is_empty());
    let entry = noted.or(before.first())?;
    let words = match noted {
        Some(entry) => first_line(&entry.note),
        None => entry.words.clone().unwrap_or_default(),
    };
    (!words.is_empty()).then(|| RememberedView {
        at_ms: entry.started_unix_ms,
        words,
        missed: noted.is_none() && entry.missed,
    })
}

/// The first line that is not empty, cut where nobody reads on.
fn first_line(note: &str) -> String {
    let line = note.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line.to_owned(),
    }
}
