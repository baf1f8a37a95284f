//! The end of a connection by our own wish. Who leaves first matters: the engine never lets go of a room in which
//! somebody still offers a track when we go (ADR 0024).

use std::time::Duration;

use call::state::LeaveReason;
use tokio::time::{Instant, sleep_until};

use super::InRoom;
use crate::backend::Event;

/// Everything that happens while we wait for the end of a connection must be over by then.
const LEAVE_DEADLINE: Duration = Duration::from_secs(3);
/// A phone leg that says it has hung up is gone within 20 ms. In one call of ten that news is lost; then the phone has it put
/// out after 300 ms.
const SEEN_OFF_WITHIN: Duration = Duration::from_millis(500);

impl InRoom {
    /// Leaves and waits for the end, which shows as `Closed`, as the end of the queue, or as the leave's own return.
    pub(super) async fn leave(&mut self) -> LeaveReason {
        self.silence();
        self.listening = false;
        if let Some(reason) = self.see_off().await {
            return reason;
        }
        let deadline = Instant::now() + LEAVE_DEADLINE;
        let connection = self.connection.clone();
        let leaving = async move { connection.leave().await };
        tokio::pin!(leaving);
        loop {
            tokio::select! {
                () = &mut leaving => return LeaveReason::ClientInitiated,
                event = self.events.recv() => match event {
                    Some(Event::Closed { reason }) => {
                        // The leave itself must still run to its end.
                        tokio::select! {
                            () = &mut leaving => {}
                            () = sleep_until(deadline) => {}
                        }
                        return reason;
                    }
                    Some(event) => self.tell(event).await,
                    None => {
                        tokio::select! {
                            () = &mut leaving => {}
                            () = sleep_until(deadline) => {}
                        }
                        return LeaveReason::ClientInitiated;
                    }
                },
                () = sleep_until(deadline) => return LeaveReason::ClientInitiated,
            }
        }
    }

    /// Waits until every phone leg that has hung up is gone, but not for long. `Some`: the connection ended meanwhile.
    async fn see_off(&mut self) -> Option<LeaveReason> {
        let deadline = Instant::now() + SEEN_OFF_WITHIN;
        while self.roster.is_anybody_hanging_up() {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(Event::Closed { reason }) => return Some(reason),
                    Some(event) => self.tell(event).await,
                    None => return Some(LeaveReason::ClientInitiated),
                },
                () = sleep_until(deadline) => return None,
            }
        }
        None
    }
}
