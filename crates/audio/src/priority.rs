//! A better place in the queue for the threads that sound waits for.
//!
//! On Linux the system's own broker (rtkit, over D-Bus) is asked first, since a desktop program may rarely help itself: for
//! real-time scheduling, else for the niceness that sound servers have. Where there is no broker, or it refuses, the
//! thread helps itself as far as it may. Refused everywhere, it runs like any other: sound needs more margin then, and takes it
//! by itself.

#[cfg(target_os = "linux")]
pub(crate) use linux::raise;

#[cfg(not(target_os = "linux"))]
pub(crate) fn raise() {}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};
    use rustix::thread::{Pid, gettid};
    use zbus::blocking::Connection;

    use crate::host::aside;

    /// As near to the front as a desktop program may ask: what the system's own sound servers take.
    const NICE: i32 = -11;
    /// Of 1 to 99; the broker grants 20 at most, and the sound server stays before us.
    const REAL_TIME: u32 = 10;
    /// A real-time thread that computes for so long without a rest is stopped by the system, microseconds; the broker
    /// insists on a limit, and grants no longer one. Our longest piece of work takes a hundredth of it.
    const LONGEST_WORK_US: u64 = 200_000;
    const BROKER: &str = "org.freedesktop.RealtimeKit1";
    const PLACE: &str = "/org/freedesktop/RealtimeKit1";

    /// Asks the system to run this thread before others, without waiting for the answer.
    pub(crate) fn raise() {
        // On Linux a priority belongs to a thread, and a thread is named like a process.
        let thread = gettid();
        // The broker may take its time, or hang.
        let _asked = aside(move || raise_thread(thread));
    }

    fn raise_thread(thread: Pid) {
        let refusal = match by_the_broker(thread) {
            Ok(how) => {
                tracing::debug!("a thread of the sound runs before others: {how}");
                return;
            }
            Err(error) => error,
        };
        match setpriority_process(Some(thread), NICE) {
            Ok(()) => tracing::debug!(
                "a thread of the sound runs before others: niceness {NICE}; the broker did not grant it: {refusal}"
            ),
            Err(error) => tracing::debug!(
                "no priority for a thread of the sound, which takes more margin if it needs it; refused by the broker: {refusal}; and by the system: {error}"
            ),
        }
    }

    fn by_the_broker(thread: Pid) -> zbus::Result<&'static str> {
        let number = u64::try_from(thread.as_raw_nonzero().get()).unwrap_or(0);
        let bus = Connection::system()?;
        let ask = |what: &str, arguments: &dyn Fn() -> zbus::Result<zbus::Message>| {
            arguments().inspect_err(|error| tracing::trace!("{what} is refused: {error}"))
        };
        limit_work();
        let real_time = ask("real-time scheduling", &|| {
            let body = (number, REAL_TIME);
            bus.call_method(
                Some(BROKER),
                PLACE,
                Some(BROKER),
                "MakeThreadRealtime",
                &body,
            )
        });
        if real_time.is_ok() {
            return Ok("real-time scheduling");
        }
        ask("niceness", &|| {
            let body = (number, NICE);
            bus.call_method(
                Some(BROKER),
                PLACE,
                Some(BROKER),
                "MakeThreadHighPriority",
                &body,
            )
        })
        .map(|_| "niceness, by the broker")
    }

    /// The limit that the broker insists on. It counts for real-time threads only; one that is lower already stays.
    fn limit_work() {
        let now = getrlimit(Resource::Rttime);
        let lower = |limit: Option<u64>| {
            Some(limit.map_or(LONGEST_WORK_US, |limit| limit.min(LONGEST_WORK_US)))
        };
        let wanted = Rlimit {
            current: lower(now.current),
            maximum: lower(now.maximum),
        };
        if let Err(error) = setrlimit(Resource::Rttime, wanted) {
            tracing::trace!("no limit for real-time threads: {error}");
        }
    }
}
