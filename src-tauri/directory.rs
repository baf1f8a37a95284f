//! Whose numbers are on the screen: the names of contacts, beside what callers say of themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use call::view::PhoneView;
use history::Store;

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
}

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
        let numbers: Vec<&str> = view
            .calls
            .iter()
            .flat_map(|call| {
                let people = call.people.iter().map(|person| person.number.as_str());
                std::iter::once(call.number.as_str()).chain(people)
            })
            .filter(|number| !number.is_empty())
            .collect();
        if numbers.is_empty() {
            return HashMap::new();
        }
        let at = *self.store.changes().borrow();
        let missing: Vec<String> = {
            let mut known = self.known();
            if known.at != at {
                *known = Known {
                    at,
                    names: HashMap::new(),
                };
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
        let known = self.known();
        let name = |number: &str| Some((number.to_owned(), known.names.get(number)?.clone()?));
        numbers.into_iter().filter_map(name).collect()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
