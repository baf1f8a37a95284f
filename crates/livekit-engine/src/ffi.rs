//! The five C functions of the library. All unsafe code of the workspace is in this file.
//!
//! What the library promises (its C interface, version 0.13): any thread may call in, also from
//! inside the event callback; an answer stays valid until its handle is dropped; an event is valid
//! during the callback; buffers named in events belong to the library until their handle is dropped;
//! buffers named in requests are copied before the request returns.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
#[cfg(target_os = "linux")]
use std::ffi::{c_int, c_void};
use std::path::Path;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use prost::Message as _;

use crate::error::RequestError;
use crate::proto::{
    self, audio_stream_event, data_packet_received, ffi_event, ffi_request, ffi_response,
    room_event,
};
use crate::{FRAME_SAMPLES, Frame, SAMPLE_RATE, router};

type Callback = unsafe extern "C" fn(*const u8, usize);
type Initialize = unsafe extern "C" fn(Callback, bool, *const c_char, *const c_char);
type Request = unsafe extern "C" fn(*const u8, usize, *mut *const u8, *mut usize) -> u64;
type DropHandle = unsafe extern "C" fn(u64) -> bool;
type Dispose = unsafe extern "C" fn();

/// What the server is told about the kind of client this is.
const SDK: &str = "rust";
/// Let the engine hand its log records to us instead of writing to standard error: they can contain
/// the access token and must be cleaned first.
const CAPTURE_LOGS: bool = true;

/// Entry points of the opened library. Set once, before the library can call back.
static LIBRARY: OnceLock<Library> = OnceLock::new();

struct Library {
    initialize: Initialize,
    request: Request,
    drop_handle: DropHandle,
    dispose: Dispose,
}

/// What was released while the engine was broken, and so is still to be given back. An engine started anew goes on with
/// the numbers of the former one and keeps what that one handed out.
static UNRETURNED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Opens the library and starts the engine in it. Must be called once, with the pinned and checked file.
pub(crate) fn open(path: &Path) -> Result<(), String> {
    // SAFETY: the file is the pinned one, byte for byte, so its initialisers are those of LiveKit's
    // published library, which may run at any time in any process.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| error.to_string())?;
    // SAFETY: names and signatures are those of the pinned version's C interface, written out above.
    let (initialize, request, drop_handle, dispose) = unsafe {
        let find = |error: libloading::Error| error.to_string();
        (
            *library
                .get::<Initialize>(b"livekit_ffi_initialize\0")
                .map_err(find)?,
            *library
                .get::<Request>(b"livekit_ffi_request\0")
                .map_err(find)?,
            *library
                .get::<DropHandle>(b"livekit_ffi_drop_handle\0")
                .map_err(find)?,
            *library
                .get::<Dispose>(b"livekit_ffi_dispose\0")
                .map_err(find)?,
        )
    };
    // Never closed: the function pointers above and the library's threads live as long as the process.
    if let Err(problem) = keep_from_programs(library) {
        tracing::info!(
            "the engine starts other programs at each join, which takes longer: {problem}"
        );
    }
    let opened = Library {
        initialize,
        request,
        drop_handle,
        dispose,
    };
    if LIBRARY.set(opened).is_err() {
        return Err("it is already open".to_owned());
    }
    start()
}

/// Leaves the library open for good, and from now on unable to start another program. No thread of it may run yet.
///
/// At each join it tells the server which Linux this is, and has `lsb_release` and `getconf` started to find that out
/// (`os_info`, issue 383): 10 to 20 ms in which nothing else of the join goes on (ADR 0016). Where they are missing it reads
/// `/etc/os-release`, so to it they are missing: its own entry for `posix_spawnp`, which nobody else goes by, leads to
/// [`no_such_program`].
#[cfg(target_os = "linux")]
fn keep_from_programs(library: libloading::Library) -> Result<(), plthook::Error> {
    let handle = libloading::os::unix::Library::from(library).into_raw();
    // SAFETY: the handle is of a library that is never closed and in which nothing runs yet. The replacement takes what
    // the original takes, gives one of its answers, and is there as long as the process.
    unsafe {
        plthook::ObjectFile::open_by_handle(handle)?
            .replace("posix_spawnp", no_such_program as *const c_void)?
            .discard();
    }
    Ok(())
}

/// Elsewhere it starts none.
#[cfg(not(target_os = "linux"))]
fn keep_from_programs(library: libloading::Library) -> Result<(), std::convert::Infallible> {
    std::mem::forget(library);
    Ok(())
}

/// `posix_spawnp` where there is no program of that name.
#[cfg(target_os = "linux")]
extern "C" fn no_such_program(
    _pid: *mut c_int,
    _file: *const c_char,
    _file_actions: *const c_void,
    _attributes: *const c_void,
    _arguments: *const *const c_char,
    _environment: *const *const c_char,
) -> c_int {
    const ENOENT: c_int = 2;
    ENOENT
}

/// Starts the engine in the opened library: at first, and again after [`stop`].
pub(crate) fn start() -> Result<(), String> {
    let library = LIBRARY.get().ok_or("it is not open")?;
    let text = |value: &str| CString::new(value).map_err(|error| error.to_string());
    let (sdk, version) = (text(SDK)?, text(env!("CARGO_PKG_VERSION"))?);
    // SAFETY: both strings end with NUL and outlive the call, which copies them. The callback has the
    // expected signature, is safe to call from any thread and lives as long as the process.
    unsafe { (library.initialize)(on_event, CAPTURE_LOGS, sdk.as_ptr(), version.as_ptr()) };
    Ok(())
}

/// Ends the engine and every room in it; blocks until that is done, which may be never if it hangs. Not from inside
/// the callback.
pub(crate) fn stop() {
    if let Some(library) = LIBRARY.get() {
        // SAFETY: takes nothing and gives nothing; any thread may call it that is not one of the library's own.
        unsafe { (library.dispose)() };
    }
    give_back();
}

/// Lets no message of the engine to a server wait for the acknowledgement of the one before it.
///
/// The engine leaves its signalling sockets as the system makes them, with Nagle's algorithm: what it asks right after
/// something else (to announce a track, right after a join) is kept back until the server has acknowledged that, and
/// servers put their acknowledgements off, by 40 ms on Linux. There is no option for it, so it is set on every socket of
/// this process; all others of ours want the same or do not know it. What waits is sent at once.
#[cfg(unix)]
pub(crate) fn send_at_once() {
    use std::os::fd::{BorrowedFd, RawFd};

    let Ok(open) = std::fs::read_dir("/dev/fd") else {
        return;
    };
    let numbers = open
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number >= 0) {
        // SAFETY: the number is not -1, and is used for one question and one option of a socket, which touch no memory of
        // ours. Should another thread have closed it since, the system refuses; should it be another socket by now, that
        // one is given the same harmless option.
        let socket = unsafe { BorrowedFd::borrow_raw(number) };
        let _no_such_socket = socket2::SockRef::from(&socket).set_tcp_nodelay(true);
    }
}

/// Elsewhere the numbers of a process's sockets are not to be had.
#[cfg(not(unix))]
pub(crate) fn send_at_once() {}

/// Gives back what was released while the engine was broken.
pub(crate) fn give_back() {
    let released = std::mem::take(&mut *unreturned());
    for id in released {
        drop_handle(id);
    }
}

fn unreturned() -> MutexGuard<'static, Vec<u64>> {
    UNRETURNED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drop_handle(id: u64) {
    if let Some(library) = LIBRARY.get() {
        // SAFETY: any number may be given; an unknown one (the room took its tracks along) is
        // answered with false and changes nothing.
        let _known = unsafe { (library.drop_handle)(id) };
    }
}

/// How many [`Handle`]s there are.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// What the library holds for us at the moment, with what it could not be given back yet.
pub(crate) fn held() -> usize {
    HELD.load(Ordering::Relaxed) + unreturned().len()
}

/// Something the library holds for us; released when dropped.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle(u64);

impl Handle {
    /// Takes over a handle from an answer or an event. Each is taken over once.
    pub(crate) fn own(id: &proto::FfiOwnedHandle) -> Self {
        Self::new(id.id)
    }

    fn new(id: u64) -> Self {
        HELD.fetch_add(1, Ordering::Relaxed);
        Self(id)
    }

    pub(crate) fn id(&self) -> u64 {
        self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::Relaxed);
        #[cfg(test)]
        RETURNED.with_borrow_mut(|returned| returned.push(self.0));
        // A broken engine may not let go of whoever touches it.
        if router::get().has_failed() {
            unreturned().push(self.0);
        } else {
            drop_handle(self.0);
        }
    }
}

#[cfg(test)]
thread_local! {
    /// What was given back on this thread.
    static RETURNED: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// What was given back on this thread since the last call.
#[cfg(test)]
pub(crate) fn returned() -> Vec<u64> {
    RETURNED.take()
}

/// Makes a request that carries no address of memory.
pub(crate) fn request(
    message: ffi_request::Message,
) -> Result<ffi_response::Message, RequestError> {
    if !is_plain(&message) {
        return Err(RequestError::Refused);
    }
    call(message)
}

/// Hands 10 ms of sound to a source made for mono at 48 kHz with no queue of its own.
pub(crate) fn capture(source: &Handle, frame: &Frame, async_id: u64) -> Result<(), RequestError> {
    // `frame` is borrowed for the whole call and the library copies it before it returns; number of
    // samples, rate and channels are those of the type and of every source this crate makes.
    call(ffi_request::Message::CaptureAudioFrame(
        proto::CaptureAudioFrameRequest {
            source_handle: source.id(),
            buffer: proto::AudioFrameBufferInfo {
                data_ptr: frame.as_ptr().expose_provenance() as u64,
                num_channels: 1,
                sample_rate: SAMPLE_RATE,
                samples_per_channel: FRAME_SAMPLES as u32,
            },
            request_async_id: Some(async_id),
        },
    ))
    .map(drop)
}

/// Processes 10 ms of the microphone in place. `Some`: what the module complains of.
pub(crate) fn process(module: &Handle, frame: &mut Frame) -> Result<Option<String>, RequestError> {
    let (data_ptr, size) = whole(frame);
    // `frame` is borrowed exclusively for the whole call, during which the library reads and writes it; size, rate and
    // channels are those of the type: whole 10 ms, which is what its own check asks for.
    let answer = call(ffi_request::Message::ApmProcessStream(
        proto::ApmProcessStreamRequest {
            apm_handle: module.id(),
            data_ptr,
            size,
            sample_rate: SAMPLE_RATE,
            num_channels: 1,
        },
    ))?;
    match answer {
        ffi_response::Message::ApmProcessStream(answer) => Ok(answer.error),
        _other => Err(RequestError::Refused),
    }
}

/// Shows the module 10 ms of what the speaker is given; may change them.
pub(crate) fn process_reverse(
    module: &Handle,
    frame: &mut Frame,
) -> Result<Option<String>, RequestError> {
    let (data_ptr, size) = whole(frame);
    // As for `process`.
    let answer = call(ffi_request::Message::ApmProcessReverseStream(
        proto::ApmProcessReverseStreamRequest {
            apm_handle: module.id(),
            data_ptr,
            size,
            sample_rate: SAMPLE_RATE,
            num_channels: 1,
        },
    ))?;
    match answer {
        ffi_response::Message::ApmProcessReverseStream(answer) => Ok(answer.error),
        _other => Err(RequestError::Refused),
    }
}

/// Address and bytes of a frame.
fn whole(frame: &mut Frame) -> (u64, u32) {
    let address = frame.as_mut_ptr().expose_provenance() as u64;
    (address, std::mem::size_of::<Frame>() as u32)
}

/// Publishes a data packet.
pub(crate) fn publish_data(
    local_participant: &Handle,
    bytes: &[u8],
    topic: &str,
    destinations: Vec<String>,
    async_id: u64,
) -> Result<(), RequestError> {
    // `bytes` is borrowed for the whole call and the library copies it before it returns.
    call(ffi_request::Message::PublishData(
        proto::PublishDataRequest {
            local_participant_handle: local_participant.id(),
            data_ptr: bytes.as_ptr().expose_provenance() as u64,
            data_len: bytes.len() as u64,
            reliable: true,
            topic: Some(topic.to_owned()),
            destination_identities: destinations,
            request_async_id: Some(async_id),
            ..Default::default()
        },
    ))
    .map(drop)
}

/// Is this one of the requests in use that carry no address of memory? A list of what is allowed, so
/// that a request added later is refused until somebody has thought about it.
fn is_plain(message: &ffi_request::Message) -> bool {
    use ffi_request::Message as Q;
    matches!(
        message,
        Q::Connect(_)
            | Q::ReadyForRoomEvent(_)
            | Q::Disconnect(_)
            | Q::NewAudioSource(_)
            | Q::CreateAudioTrack(_)
            | Q::PublishTrack(_)
            | Q::LocalTrackMute(_)
            | Q::SetSubscribed(_)
            | Q::NewAudioStream(_)
            | Q::SetLocalAttributes(_)
            | Q::SetTrackSubscriptionPermissions(_)
            | Q::PublishSipDtmf(_)
            | Q::PerformRpc(_)
            | Q::GetStats(_)
            | Q::GetSessionStats(_)
            | Q::SimulateScenario(_)
            | Q::NewApm(_)
            | Q::ApmSetStreamDelay(_)
    )
}

fn call(message: ffi_request::Message) -> Result<ffi_response::Message, RequestError> {
    if router::get().has_failed() {
        return Err(RequestError::Stopped);
    }
    let library = LIBRARY.get().ok_or(RequestError::Stopped)?;
    let bytes = proto::FfiRequest {
        message: Some(message),
    }
    .encode_to_vec();
    let (mut answer, mut length) = (ptr::null(), 0_usize);
    // SAFETY: `bytes` is valid for its length during the call; both out-pointers are writable. The
    // message is a well-formed request of the pinned version; addresses in it come only from
    // `capture`, `process`, `process_reverse` and `publish_data`, whose buffers outlive this call.
    let handle =
        unsafe { (library.request)(bytes.as_ptr(), bytes.len(), &mut answer, &mut length) };
    if handle == 0 {
        return Err(RequestError::Refused);
    }
    let _owner = Handle::new(handle);
    if answer.is_null() {
        return Err(RequestError::Refused);
    }
    // SAFETY: the library wrote an answer of this length; it stays until `_owner` is dropped, which is
    // after the decoding below has copied everything.
    let answer = unsafe { slice::from_raw_parts(answer, length) };
    proto::FfiResponse::decode(answer)
        .ok()
        .and_then(|response| response.message)
        .ok_or(RequestError::Refused)
}

/// Called by the library on its own threads.
///
/// # Safety
/// `data` must be valid for `length` bytes during the call.
unsafe extern "C" fn on_event(data: *const u8, length: usize) {
    if data.is_null() {
        return;
    }
    if !router::get().hears() {
        return;
    }
    // SAFETY: by the contract of this function; nothing keeps the slice beyond the decoding.
    let bytes = unsafe { slice::from_raw_parts(data, length) };
    let Ok(proto::FfiEvent {
        message: Some(message),
    }) = proto::FfiEvent::decode(bytes)
    else {
        return;
    };
    // Whatever comes with an address is copied here and given back at once.
    match message {
        ffi_event::Message::AudioStreamEvent(proto::AudioStreamEvent {
            stream_handle,
            message: Some(audio_stream_event::Message::FrameReceived(received)),
        }) => {
            let frame = received.frame;
            let _owner = Handle::own(&frame.handle);
            // SAFETY: the frame belongs to the library until `_owner` is dropped, after its use here.
            if let Some(samples) = unsafe { samples_of(&frame.info) } {
                router::get().frame(stream_handle, samples);
            }
        }
        ffi_event::Message::RoomEvent(proto::RoomEvent {
            room_handle,
            message:
                Some(room_event::Message::DataPacketReceived(proto::DataPacketReceived {
                    participant_identity,
                    value: Some(data_packet_received::Value::User(packet)),
                    ..
                })),
        }) => {
            let _owner = Handle::own(&packet.data.handle);
            // SAFETY: as above, for the packet.
            let bytes = unsafe { bytes_of(&packet.data.data) };
            router::get().data(
                room_handle,
                participant_identity,
                packet.topic.unwrap_or_default(),
                bytes.to_vec(),
            );
        }
        other => router::get().event(other),
    }
}

/// The samples of a received frame, if it has the one shape this crate asks for.
///
/// # Safety
/// The frame's buffer must stay valid for the lifetime of the result.
unsafe fn samples_of<'a>(info: &proto::AudioFrameBufferInfo) -> Option<&'a Frame> {
    let start = ptr::with_exposed_provenance::<Frame>(info.data_ptr as usize);
    let fits = info.num_channels == 1
        && info.sample_rate == SAMPLE_RATE
        && info.samples_per_channel as usize == FRAME_SAMPLES
        && !start.is_null()
        && start.is_aligned();
    // SAFETY: not null, aligned for 16 bit samples, and as long as the library says it is; valid by
    // the contract of this function.
    fits.then(|| unsafe { &*start })
}

/// The bytes of a received packet.
///
/// # Safety
/// The buffer must stay valid for the lifetime of the result.
unsafe fn bytes_of<'a>(info: &proto::BufferInfo) -> &'a [u8] {
    let start = ptr::with_exposed_provenance::<u8>(info.data_ptr as usize);
    if start.is_null() || info.data_len == 0 {
        return &[];
    }
    // SAFETY: not null, and as long as the library says it is; valid by the contract of this function.
    unsafe { slice::from_raw_parts(start, info.data_len as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_carry_addresses_cannot_be_made_from_outside() {
        let refused = [
            ffi_request::Message::CaptureAudioFrame(proto::CaptureAudioFrameRequest::default()),
            ffi_request::Message::PublishData(proto::PublishDataRequest::default()),
            ffi_request::Message::Dispose(proto::DisposeRequest::default()),
            ffi_request::Message::ApmProcessStream(proto::ApmProcessStreamRequest::default()),
            ffi_request::Message::ApmProcessReverseStream(
                proto::ApmProcessReverseStreamRequest::default(),
            ),
        ];
        for message in refused {
            assert_eq!(request(message), Err(RequestError::Refused));
        }
    }

    #[test]
    fn a_frame_of_another_shape_is_not_read() {
        let frame = [7_i16; FRAME_SAMPLES];
        let good = proto::AudioFrameBufferInfo {
            data_ptr: frame.as_ptr().expose_provenance() as u64,
            num_channels: 1,
            sample_rate: SAMPLE_RATE,
            samples_per_channel: FRAME_SAMPLES as u32,
        };
        // SAFETY: `frame` outlives every result.
        unsafe {
            assert_eq!(samples_of(&good), Some(&frame));
            for bad in [
                proto::AudioFrameBufferInfo {
                    samples_per_channel: 479,
                    ..good
                },
                proto::AudioFrameBufferInfo {
                    num_channels: 2,
                    ..good
                },
                proto::AudioFrameBufferInfo {
                    sample_rate: 16_000,
                    ..good
                },
                proto::AudioFrameBufferInfo {
                    data_ptr: 0,
                    ..good
                },
                proto::AudioFrameBufferInfo {
                    data_ptr: good.data_ptr + 1,
                    ..good
                },
            ] {
                assert_eq!(samples_of(&bad), None);
            }
            assert!(
                bytes_of(&proto::BufferInfo {
                    data_ptr: 0,
                    data_len: 4
                })
                .is_empty()
            );
        }
    }
}
