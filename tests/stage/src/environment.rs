//! The environment variables that lead a program to the private parts.

use std::process::Command;

/// Variables to set and to take away.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    set: Vec<(String, String)>,
    removed: Vec<String>,
}

impl Environment {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Set one variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set.push((name.to_owned(), value.into()));
        self
    }

    /// Take one variable away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.removed.push(name.to_owned());
        self
    }

    /// This and then `other`; `other` wins.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.set.extend(other.set);
        self.removed.extend(other.removed);
        self
    }

    /// The variables that are set, in order; a later one wins.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.set
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Put it on a command.
    pub fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for name in &self.removed {
            command.env_remove(name);
        }
        command.envs(self.iter())
    }
}
