//! One outgoing queue of the loop.

use std::collections::VecDeque;
use std::future;

use tokio::sync::mpsc;

/// Commands that may wait for an adapter that does not keep up. Beyond it the oldest that may be given up is: an adapter so
/// far behind is broken, and the phone's own deadlines deal with what is not answered. What nothing would ever ask for again
/// waits all the same.
const BACKLOG: usize = 1_024;

pub(crate) struct Port<T> {
    name: &'static str,
    queue: mpsc::Sender<T>,
    backlog: VecDeque<T>,
    /// May this command be given up?
    may_go: fn(&T) -> bool,
}

impl<T> Port<T> {
    pub(crate) fn new(name: &'static str, queue: mpsc::Sender<T>, may_go: fn(&T) -> bool) -> Self {
        Self {
            name,
            queue,
            backlog: VecDeque::new(),
            may_go,
        }
    }

    /// Hands over at once, or keeps the command in order behind what waits already.
    pub(crate) fn send(&mut self, command: T) {
        if !self.backlog.is_empty() {
            self.keep(command);
            return;
        }
        match self.queue.try_send(command) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(command)) => self.keep(command),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                tracing::warn!(
                    port = self.name,
                    "a command was dropped: its adapter has ended"
                );
            }
        }
    }

    fn keep(&mut self, command: T) {
        self.backlog.push_back(command);
        if self.backlog.len() > BACKLOG {
            let given_up = self.backlog.iter().position(self.may_go);
            tracing::error!(
                port = self.name,
                waiting = self.backlog.len(),
                dropped = given_up.is_some(),
                "the adapter does not keep up"
            );
            if let Some(oldest) = given_up {
                self.backlog.remove(oldest);
            }
        }
    }

    /// Hands one waiting command over as soon as there is room. Never completes while nothing waits. Safe to cancel.
    pub(crate) async fn drain(&mut self) {
        if self.backlog.is_empty() {
            return future::pending().await;
        }
        match self.queue.reserve().await {
            Ok(permit) => {
                if let Some(command) = self.backlog.pop_front() {
                    permit.send(command);
                }
            }
            Err(mpsc::error::SendError(())) => {
                tracing::warn!(
                    port = self.name,
                    dropped = self.backlog.len(),
                    "commands were dropped: their adapter has ended"
                );
                self.backlog.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_adapter_gets_everything_in_order() {
        let (queue, mut adapter) = mpsc::channel(2);
        let mut port = Port::new("test", queue, |_| true);
        for n in 0..50 {
            port.send(n);
        }
        let mut got = Vec::new();
        while got.len() < 50 {
            tokio::select! {
                Some(n) = adapter.recv() => got.push(n),
                () = port.drain() => {}
            }
        }
        assert_eq!(got, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn an_adapter_that_ended_holds_nothing_up() {
        let (queue, adapter) = mpsc::channel(1);
        let mut port = Port::new("test", queue, |_| true);
        port.send(1);
        port.send(2);
        drop(adapter);
        port.drain().await;
        port.send(3);
        assert!(port.backlog.is_empty());
    }

    #[tokio::test]
    async fn what_nothing_asks_for_again_waits_however_far_behind_the_adapter_is() {
        let (queue, mut adapter) = mpsc::channel(1);
        let mut port = Port::new("test", queue, |n| n % 2 == 1);
        let all = 0..3 * BACKLOG;
        for n in all.clone() {
            port.send(n);
        }
        let mut got = Vec::new();
        while !port.backlog.is_empty() {
            tokio::select! {
                Some(n) = adapter.recv() => got.push(n),
                () = port.drain() => {}
            }
        }
        got.extend(adapter.try_recv());
        let kept: Vec<usize> = got.iter().copied().filter(|n| n % 2 == 0).collect();
        assert_eq!(kept, all.filter(|n| n % 2 == 0).collect::<Vec<_>>());
        // The one in the queue was handed over before anything waited.
        assert_eq!(got.len(), kept.len(), "the others made room");
        assert!(got.is_sorted());
    }
}
