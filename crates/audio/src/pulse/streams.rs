//! The two kinds of streams, each with a thread that waits for what the server says.

use std::ffi::CString;
use std::io::{Cursor, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use call::media::SAMPLE_RATE;
use pulseaudio::protocol::{
    self, ChannelMap, Command, CreatePlaybackStreamReply, CreateRecordStreamReply, DESCRIPTOR_SIZE,
    Descriptor, DescriptorFlags, LatencyParams, PlaybackStreamParams, Prop, Props, ProtocolError,
    PulseError, RecordLatency, RecordStreamParams, SampleFormat, SampleSpec,
    SetPlaybackStreamBufferAttrParams, TagStructReader, stream::BufferAttr, stream::StreamFlags,
};
use rtrb::RingBuffer;

use super::steps::Steps;
use super::{Conversation, Trouble};
use crate::callback::{MicrophoneCallback, SpeakerCallback};
use crate::convert::{DeviceFormat, FromDevice, ToDevice};
use crate::host::{DeviceError, Part};
use crate::priority;
use crate::statistics::count;
use crate::stream::{Inlet, OpenStream, Outlet, Vitals, Wiring};

/// What is asked for; the server converts for whatever the device is.
const FORMAT: DeviceFormat = DeviceFormat {
    rate: SAMPLE_RATE,
    channels: 1,
};
const BYTES_IN_MILLI: u32 = SAMPLE_RATE / 1000 * 2;
/// A block of the microphone: 5 ms.
const FRAGMENT: u32 = 5 * BYTES_IN_MILLI;
/// How often the server is asked how long sound takes to the air or from it.
const TIMING_EVERY: Duration = Duration::from_secs(1);
/// Nothing that we are sent is longer.
const LONGEST_MESSAGE: usize = 1 << 20;
/// Samples that are converted in one go.
const CHUNK: usize = 960;

/// Opens a microphone by the server's name for it; `None`: whichever the server prefers.
pub(crate) fn open_microphone(
    id: Option<&str>,
    wiring: &Wiring,
) -> Result<(OpenStream, Inlet), DeviceError> {
    let part = Part::Microphone;
    let mut conversation = begin(part)?;
    let params = RecordStreamParams {
        sample_spec: sample_spec(),
        channel_map: ChannelMap::mono(),
        source_name: device_name(part, id)?,
        buffer_attr: BufferAttr {
            max_length: u32::MAX,
            fragment_size: FRAGMENT,
            ..BufferAttr::default()
        },
        flags: StreamFlags {
            adjust_latency: true,
            ..StreamFlags::default()
        },
        props: props(c"Microphone", c"phone"),
        ..RecordStreamParams::default()
    };
    let reply: CreateRecordStreamReply = conversation
        .ask(&Command::CreateRecordStream(params))
        .map_err(|trouble| error(part, id, &trouble))?;
    let vitals = Arc::new(Vitals::default());
    let convert = converter(FromDevice::new(FORMAT), part)?;
    // 200 ms: far more than is ever let wait, since the frame thread drops a backlog.
    let (producer, ring) = RingBuffer::new(FORMAT.samples_in_frame() * 20);
    let callback = MicrophoneCallback::new(producer, FORMAT, wiring.clone(), Arc::clone(&vitals));
    tracing::debug!(
        fragment = reply.buffer_attr.fragment_size,
        "microphone opened"
    );
    let name = reply.sink_name.as_ref().map(super::conversation::text);
    let recorder = Recorder {
        wire: Wire::new(part, conversation, Arc::clone(&vitals), reply.channel),
        callback,
        samples: [0; CHUNK],
    };
    let stream = start(part, id, name, recorder, &vitals, wiring)?;
    let inlet = Inlet {
        ring,
        vitals,
        convert,
        format: FORMAT,
    };
    Ok((stream, inlet))
}

/// Opens a speaker by the server's name for it; `None`: whichever the server prefers.
pub(crate) fn open_speaker(
    id: Option<&str>,
    wiring: &Wiring,
) -> Result<(OpenStream, Outlet), DeviceError> {
    let part = Part::Speaker;
    let mut conversation = begin(part)?;
    let steps = Steps::new(Instant::now());
    let params = PlaybackStreamParams {
        sample_spec: sample_spec(),
        channel_map: ChannelMap::mono(),
        sink_name: device_name(part, id)?,
        buffer_attr: playback_buffer(&steps),
        flags: StreamFlags {
            adjust_latency: true,
            ..StreamFlags::default()
        },
        props: props(c"Call", c"phone"),
        ..PlaybackStreamParams::default()
    };
    let reply: CreatePlaybackStreamReply = conversation
        .ask(&Command::CreatePlaybackStream(params))
        .map_err(|trouble| error(part, id, &trouble))?;
    let vitals = Arc::new(Vitals::default());
    let convert = converter(ToDevice::new(FORMAT), part)?;
    let (ring, consumer) = RingBuffer::new(FORMAT.samples_in_frame() * 20);
    let callback = SpeakerCallback::new(consumer, FORMAT, wiring.clone(), Arc::clone(&vitals));
    let granted = &reply.buffer_attr;
    tracing::debug!(
        target = granted.target_length,
        request = granted.minimum_request_length,
        "speaker opened"
    );
    let name = reply.sink_name.as_ref().map(super::conversation::text);
    let player = Player {
        wire: Wire::new(part, conversation, Arc::clone(&vitals), reply.channel),
        callback,
        samples: [0; CHUNK],
        message: Vec::with_capacity(DESCRIPTOR_SIZE + CHUNK * 2),
        owed: reply.requested_bytes as usize,
        steps,
    };
    let stream = start(part, id, name, player, &vitals, wiring)?;
    let outlet = Outlet {
        ring,
        vitals,
        convert,
        format: FORMAT,
    };
    Ok((stream, outlet))
}

fn sample_spec() -> SampleSpec {
    SampleSpec {
        format: SampleFormat::S16Le,
        channels: 1,
        sample_rate: SAMPLE_RATE,
    }
}

fn props(name: &std::ffi::CStr, role: &std::ffi::CStr) -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, name);
    // The server may lower music meanwhile.
    props.set(Prop::MediaRole, role);
    props
}

fn playback_buffer(steps: &Steps) -> BufferAttr {
    let (target, request) = steps.millis();
    BufferAttr {
        max_length: 2 * target * BYTES_IN_MILLI,
        target_length: target * BYTES_IN_MILLI,
        minimum_request_length: request * BYTES_IN_MILLI,
        pre_buffering: u32::MAX,
        ..BufferAttr::default()
    }
}

fn begin(part: Part) -> Result<Conversation, DeviceError> {
    Conversation::begin().map_err(|trouble| error(part, None, &trouble))
}

fn device_name(part: Part, id: Option<&str>) -> Result<Option<CString>, DeviceError> {
    id.map(CString::new)
        .transpose()
        .map_err(|_| DeviceError::NotFound(part))
}

fn converter<T, E: std::error::Error>(made: Result<T, E>, part: Part) -> Result<T, DeviceError> {
    made.map_err(|error| unusable(part, None, error.to_string()))
}

fn unusable(part: Part, id: Option<&str>, detail: String) -> DeviceError {
    DeviceError::Unusable {
        part,
        name: id.unwrap_or("default").to_owned(),
        detail,
    }
}

fn error(part: Part, id: Option<&str>, trouble: &Trouble) -> DeviceError {
    let Trouble::Protocol(ProtocolError::ServerError(refusal)) = trouble else {
        tracing::debug!(%part, "no sound server: {trouble}");
        return DeviceError::NoServer;
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other refusals mean the same to a person"
    )]
    match refusal {
        PulseError::AccessDenied => DeviceError::Refused(part),
        PulseError::NoEntity => DeviceError::NotFound(part),
        PulseError::Busy => DeviceError::Busy(part),
        _ => unusable(part, id, trouble.to_string()),
    }
}

/// Begins to listen to the server.
fn start(
    part: Part,
    id: Option<&str>,
    name: Option<String>,
    stream: impl Stream,
    vitals: &Arc<Vitals>,
    wiring: &Wiring,
) -> Result<OpenStream, DeviceError> {
    let failed = |error: std::io::Error| unusable(part, id, error.to_string());
    let socket = stream.socket().try_clone().map_err(failed)?;
    // From here on silence means that nothing happens; somebody else watches for signs of life.
    socket.set_read_timeout(None).map_err(failed)?;
    let told = Arc::clone(vitals);
    let statistics = Arc::clone(&wiring.statistics);
    let thread = std::thread::Builder::new()
        .name(format!("audio-{part}"))
        .spawn(move || {
            priority::raise();
            let trouble = run(stream);
            if !told.closed.load(Relaxed) {
                count(&statistics.stream_errors);
                told.broken.store(true, Relaxed);
                tracing::debug!(%part, "the stream broke: {trouble}");
            }
        })
        .map_err(failed)?;
    count(&wiring.statistics.opens);
    let running = Running {
        socket,
        vitals: Arc::clone(vitals),
        thread: Some(thread),
    };
    let device = name.or_else(|| id.map(str::to_owned));
    Ok(OpenStream::new(
        Box::new(running),
        device.clone(),
        device.unwrap_or_else(|| part.to_string()),
        Arc::clone(vitals),
    ))
}

/// A stream with its thread. Dropping it closes the connection, and with it the stream at the server.
struct Running {
    socket: UnixStream,
    vitals: Arc<Vitals>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.vitals.closed.store(true, Relaxed);
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a thread does with what the server says.
trait Stream: Send + 'static {
    fn socket(&self) -> &UnixStream;
    fn begin(&mut self) -> Result<(), Trouble>;
    fn turn(&mut self) -> Result<(), Trouble>;
}

fn run(mut stream: impl Stream) -> Trouble {
    let mut go_on = stream.begin();
    while go_on.is_ok() {
        go_on = stream.turn();
    }
    match go_on {
        Err(trouble) => trouble,
        Ok(()) => Trouble::NoServer,
    }
}

/// The connection of one stream, message by message.
struct Wire {
    part: Part,
    conversation: Conversation,
    vitals: Arc<Vitals>,
    channel: u32,
    payload: Vec<u8>,
    timing_asked: Option<u32>,
    timing_at: Instant,
}

/// What the server says of a stream.
enum News {
    /// Sound of the microphone lies in the payload.
    Sound,
    /// The speaker wants so many bytes.
    Wants(usize),
    /// The speaker ran dry.
    Dry,
    /// Nothing that concerns anybody.
    Nothing,
}

impl Wire {
    fn new(part: Part, conversation: Conversation, vitals: Arc<Vitals>, channel: u32) -> Self {
        Self {
            part,
            conversation,
            vitals,
            channel,
            payload: Vec::with_capacity(1 << 16),
            timing_asked: None,
            timing_at: Instant::now(),
        }
    }

    /// Waits for the next message.
    fn next(&mut self) -> Result<News, Trouble> {
        let descriptor = protocol::read_descriptor(&mut self.conversation.socket)?;
        let length = descriptor.length as usize;
        if length > LONGEST_MESSAGE {
            let what = "a message of the sound server is too long".to_owned();
            return Err(ProtocolError::Invalid(what).into());
        }
        self.payload.resize(length, 0);
        self.conversation.socket.read_exact(&mut self.payload)?;
        if descriptor.channel != u32::MAX {
            return Ok(News::Sound);
        }
        let mut cursor = Cursor::new(self.payload.as_slice());
        let (number, command) = Command::read_tag_prefixed(&mut cursor, self.conversation.version)?;
        if let Command::Reply = command {
            if self.timing_asked == Some(number) {
                self.timing_asked = None;
                return self.timing(cursor.position() as usize);
            }
            return Ok(News::Nothing);
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "some 150 kinds")]
        Ok(match command {
            Command::Request(request) => News::Wants(request.length as usize),
            Command::Underflow(_) => News::Dry,
            Command::PlaybackStreamMoved(moved) => self.moved(moved.device_index),
            Command::RecordStreamMoved(moved) => self.moved(moved.device_index),
            Command::PlaybackStreamKilled(_) | Command::RecordStreamKilled(_) => {
                let what = "the sound server ended the stream".to_owned();
                return Err(ProtocolError::Invalid(what).into());
            }
            _ => News::Nothing,
        })
    }

    fn moved(&self, device: u32) -> News {
        self.vitals.move_to(device);
        News::Nothing
    }

    /// Asks how long sound takes, once in a while; the answer comes like everything else.
    fn ask_for_timing(
        &mut self,
        command: impl FnOnce(LatencyParams) -> Command,
    ) -> Result<(), Trouble> {
        let now = Instant::now();
        if now < self.timing_at {
            return Ok(());
        }
        self.timing_at = now + TIMING_EVERY;
        let params = LatencyParams {
            channel: self.channel,
            now: SystemTime::now(),
        };
        self.timing_asked = Some(self.conversation.say(&command(params))?);
        Ok(())
    }

    fn timing(&mut self, from: usize) -> Result<News, Trouble> {
        let mut body = self.payload.get(from..).unwrap_or_default();
        let mut reader = TagStructReader::new(&mut body, self.conversation.version);
        // The answer about a speaker begins with all that there is in one about a microphone.
        let timing: RecordLatency = reader.read()?;
        let device = match self.part {
            Part::Microphone => timing.source_usec,
            Part::Speaker => timing.sink_usec,
        };
        self.note_timing(device, timing.write_offset - timing.read_offset);
        Ok(News::Nothing)
    }

    fn note_timing(&self, device_micros: u64, waiting_bytes: i64) {
        let waiting = u64::try_from(waiting_bytes).unwrap_or(0) * 1000 / u64::from(BYTES_IN_MILLI);
        self.vitals
            .set_latency(Duration::from_micros(device_micros.saturating_add(waiting)));
    }
}

/// The thread of a microphone.
struct Recorder {
    wire: Wire,
    callback: MicrophoneCallback,
    samples: [i16; CHUNK],
}

impl Stream for Recorder {
    fn socket(&self) -> &UnixStream {
        self.wire.conversation.socket.get_ref()
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Trouble> {
        if let News::Sound = self.wire.next()? {
            for bytes in self.wire.payload.chunks(CHUNK * 2) {
                let pairs = bytes.chunks_exact(2);
                let count = pairs.len();
                for (slot, pair) in self.samples.iter_mut().zip(pairs) {
                    if let [low, high] = pair {
                        *slot = i16::from_le_bytes([*low, *high]);
                    }
                }
                self.callback
                    .take(self.samples.get(..count).unwrap_or_default());
            }
            self.wire.ask_for_timing(Command::GetRecordLatency)?;
        }
        Ok(())
    }
}

/// The thread of a speaker.
struct Player {
    wire: Wire,
    callback: SpeakerCallback,
    samples: [i16; CHUNK],
    message: Vec<u8>,
    /// Bytes that the server has asked for and not been given.
    owed: usize,
    steps: Steps,
}

impl Player {
    /// Gives the server what it asked for: all of it, with silence where there is nothing.
    fn pay(&mut self) -> Result<(), Trouble> {
        while self.owed >= 2 {
            let count = (self.owed / 2).min(CHUNK);
            let Some(samples) = self.samples.get_mut(..count) else {
                return Ok(());
            };
            self.callback.fill(samples);
            self.owed -= count * 2;
            let descriptor = Descriptor {
                length: (count * 2) as u32,
                channel: self.wire.channel,
                offset: 0,
                flags: DescriptorFlags::empty(),
            };
            self.message.clear();
            let mut head = [0; DESCRIPTOR_SIZE];
            protocol::encode_descriptor(&mut head, &descriptor);
            self.message.extend_from_slice(&head);
            for sample in samples.iter() {
                self.message.extend_from_slice(&sample.to_le_bytes());
            }
            let socket = self.wire.conversation.socket.get_mut();
            socket.write_all(&self.message)?;
        }
        Ok(())
    }

    /// Another buffer from now on.
    fn ask_for_buffer(&mut self) -> Result<(), Trouble> {
        tracing::debug!(millis = ?self.steps.millis(), "another buffer for the speaker");
        let params = SetPlaybackStreamBufferAttrParams {
            index: self.wire.channel,
            buffer_attr: playback_buffer(&self.steps),
            adjust_latency: true,
            early_requests: false,
        };
        self.wire
            .conversation
            .say(&Command::SetPlaybackStreamBufferAttr(params))
            .map(drop)
    }
}

impl Stream for Player {
    fn socket(&self) -> &UnixStream {
        self.wire.conversation.socket.get_ref()
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        self.pay()
    }

    fn turn(&mut self) -> Result<(), Trouble> {
        match self.wire.next()? {
            News::Wants(bytes) => {
                self.owed += bytes;
                self.pay()?;
                self.wire.ask_for_timing(Command::GetPlaybackLatency)?;
                if self.steps.may_shrink(Instant::now()) {
                    self.ask_for_buffer()?;
                }
                Ok(())
            }
            News::Dry if self.steps.ran_dry(Instant::now()) => self.ask_for_buffer(),
            News::Dry => Ok(()),
            News::Sound | News::Nothing => Ok(()),
        }
    }
}
