//! One outgoing queue of the loop.

use std::collections::VecDeque;
use std::future;

use tokio::sync::mpsc;

/// Commands that may wait for an adapter that does not keep up. Beyond it the oldest is given up: an adapter so far
/// behind is broken, and the phone's own deadlines deal with what is not answered.
const BACKLOG: usize = 1_024;

pub(crate) struct Port<T> {
    name: &'static str,
    queue: mpsc::Sender<T>,
    backlog: VecDeque<T>,
}

impl<T> Port<T> {
    pub(crate) fn new(name: &'static str, queue: mpsc::Sender<T>) -> Self {
        Self {
            name,
            queue,
            backlog: VecDeque::new(),
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
        if self.backlog.len() >= BACKLOG {
            tracing::error!(
                port = self.name,
                "the adapter does not keep up; the oldest command is dropped"
            );
            self.backlog.pop_front();
        }
        self.backlog.push_back(command);
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
            Err(mpsc::error::SendError(())) => self.backlog.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_adapter_gets_everything_in_order() {
        let (queue, mut adapter) = mpsc::channel(2);
        let mut port = Port::new("test", queue);
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
        let mut port = Port::new("test", queue);
        port.send(1);
        port.send(2);
        drop(adapter);
        port.drain().await;
        port.send(3);
        assert!(port.backlog.is_empty());
    }
}
