//! A better place in the queue for the threads that sound waits for.

/// As near to the front as a desktop program may ask: what the system's own sound servers take.
#[cfg(target_os = "linux")]
const NICE: i32 = -11;

/// Asks the system to run this thread before others. Refused, it runs like any other: sound needs more margin then, and
/// takes it by itself.
#[cfg(target_os = "linux")]
pub(crate) fn raise() {
    // On Linux a priority belongs to a thread, and a thread is named like a process.
    let own = rustix::thread::gettid();
    match rustix::process::setpriority_process(Some(own), NICE) {
        Ok(()) => tracing::debug!("a thread of the sound runs before others"),
        Err(error) => tracing::trace!(%error, "no priority for a thread of the sound"),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn raise() {}
