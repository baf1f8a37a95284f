//! One conversation with a PulseAudio server, or a PipeWire server that speaks its language.

use std::ffi::CString;
use std::io::{BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, Prop, Props, ProtocolError, ServerInfo,
    SetClientNameReply, SinkInfo, SourceInfo,
};

use crate::list::{Listed, Present};

/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("there is none")]
    NoServer,
    #[error("{0}")]
    Connection(#[from] std::io::Error),
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
}

/// A conversation with the server, one question at a time.
pub(crate) struct Conversation {
    pub(crate) socket: BufReader<UnixStream>,
    pub(crate) version: u16,
    number: u32,
}

impl Conversation {
    /// Calls the server and says who we are. Blocks, for some seconds at most when the server hangs.
    pub(crate) fn begin() -> Result<Self, Trouble> {
        let path = pulseaudio::socket_path_from_env().ok_or(Trouble::NoServer)?;
        let socket = UnixStream::connect(path)?;
        crate::cookie::provide();
        socket.set_read_timeout(Some(ANSWER_WITHIN))?;
        socket.set_write_timeout(Some(ANSWER_WITHIN))?;
        let cookie = pulseaudio::cookie_path_from_env()
            .and_then(|path| std::fs::read(path).ok())
            .unwrap_or_default();
        let mut conversation = Self {
            socket: BufReader::new(socket),
            version: protocol::MAX_VERSION,
            number: 0,
        };
        let auth = Command::Auth(AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie,
        });
        let theirs: AuthReply = conversation.ask(&auth)?;
        conversation.version = conversation.version.min(theirs.version);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Deskline");
        let _: SetClientNameReply = conversation.ask(&Command::SetClientName(props))?;
        Ok(conversation)
    }

    /// Says something; gives the number that its answer will bear.
    pub(crate) fn say(&mut self, command: &Command) -> Result<u32, Trouble> {
        let socket = self.socket.get_mut();
        protocol::write_command_message(socket, self.number, command, self.version)?;
        socket.flush()?;
        let number = self.number;
        self.number = self.number.wrapping_add(1);
        Ok(number)
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, Trouble> {
        self.say(command)?;
        let (_, reply) = protocol::read_reply_message(&mut self.socket, self.version)?;
        Ok(reply)
    }

    /// All devices.
    pub(crate) fn list(&mut self) -> Result<Present, Trouble> {
        let sources: Vec<SourceInfo> = self.ask(&Command::GetSourceInfoList)?;
        let sinks: Vec<SinkInfo> = self.ask(&Command::GetSinkInfoList)?;
        let server: ServerInfo = self.ask(&Command::GetServerInfo)?;
        let microphones = sources.iter().map(|source| Listed {
            id: text(&source.name),
            name: text(source.description.as_ref().unwrap_or(&source.name)),
            monitor: source.monitor_of_sink_index.is_some(),
            serial: source.index,
        });
        let speakers = sinks.iter().map(|sink| Listed {
            id: text(&sink.name),
            name: text(sink.description.as_ref().unwrap_or(&sink.name)),
            monitor: false,
            serial: sink.index,
        });
        Ok(Present::new(
            microphones.collect(),
            speakers.collect(),
            server.default_source_name.as_ref().map(text),
            server.default_sink_name.as_ref().map(text),
        ))
    }
}

/// What a person may read of a name.
pub(crate) fn text(bytes: &CString) -> String {
    bytes.to_string_lossy().into_owned()
}
