//! Figures about the media of a connection.

use std::time::Duration;

use crate::error::RequestError;
use crate::event::RemoteTrack;
use crate::ffi;
use crate::proto::{self, ffi_event, ffi_request, rtc_stats::Stats};
use crate::redact::redact;
use crate::router;

/// The engine has these figures at hand.
pub(crate) const STATS_DEADLINE: Duration = Duration::from_secs(2);

/// One received audio stream, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InboundAudio {
    /// Packets that arrived.
    pub packets_received: u64,
    /// Packets that did not.
    pub packets_lost: i64,
    /// Variation of arrival in seconds.
    pub jitter: f64,
    /// Mean delay of the jitter buffer so far, in seconds.
    pub buffer_delay: f64,
    /// Samples made up because no packet was there.
    pub concealed_samples: u64,
    /// Samples in all.
    pub total_samples: u64,
    /// Loudness of the moment, 0 to 1.
    pub level: f64,
}

/// One sent audio stream, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboundAudio {
    /// Packets sent.
    pub packets_sent: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
}

/// A whole connection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionStats {
    /// What we hear.
    pub inbound: Vec<InboundAudio>,
    /// What we send.
    pub outbound: Vec<OutboundAudio>,
    /// To the server and back, in seconds, if measured.
    pub round_trip: Option<f64>,
    /// Of what we sent, the share that the server missed by its last report (0 to 1); `None`: it has not reported.
    pub sent_lost: Option<f64>,
}

impl SessionStats {
    pub(crate) fn from_proto<'a>(list: impl Iterator<Item = &'a proto::RtcStats>) -> Self {
        let mut all = Self::default();
        for stats in list.filter_map(|entry| entry.stats.as_ref()) {
            match stats {
                Stats::InboundRtp(inbound) if inbound.stream.kind == "audio" => {
                    all.inbound.push(InboundAudio::from_proto(inbound));
                }
                Stats::OutboundRtp(outbound) if outbound.stream.kind == "audio" => {
                    all.outbound.push(OutboundAudio {
                        packets_sent: outbound.sent.packets_sent,
                        bytes_sent: outbound.sent.bytes_sent,
                    });
                }
                Stats::RemoteInboundRtp(report) if report.stream.kind == "audio" => {
                    let lost = report.remote_inbound.fraction_lost;
                    all.sent_lost = Some(all.sent_lost.map_or(lost, |other| other.max(lost)));
                }
                Stats::CandidatePair(pair) if pair.candidate_pair.nominated => {
                    all.round_trip = Some(pair.candidate_pair.current_round_trip_time);
                }
                _other => {}
            }
        }
        all
    }
}

impl InboundAudio {
    fn from_proto(stats: &proto::rtc_stats::InboundRtp) -> Self {
        let emitted = stats.inbound.jitter_buffer_emitted_count.max(1) as f64;
        Self {
            packets_received: stats.received.packets_received,
            packets_lost: stats.received.packets_lost,
            jitter: stats.received.jitter,
            buffer_delay: stats.inbound.jitter_buffer_delay / emitted,
            concealed_samples: stats.inbound.concealed_samples,
            total_samples: stats.inbound.total_samples_received,
            level: stats.inbound.audio_level,
        }
    }
}

impl RemoteTrack {
    /// What arrived of this track; `None` before the first packet.
    ///
    /// # Errors
    /// The track is gone.
    pub async fn stats(&self) -> Result<Option<InboundAudio>, RequestError> {
        let answer = router::get()
            .ask_local(STATS_DEADLINE, |id| {
                ffi::request(ffi_request::Message::GetStats(proto::GetStatsRequest {
                    track_handle: self.handle.id(),
                    request_async_id: Some(id),
                }))
                .map(drop)
            })
            .await?;
        let ffi_event::Message::GetStats(answer) = answer else {
            return Err(RequestError::Refused);
        };
        if let Some(error) = answer.error {
            return Err(RequestError::Failed(redact(&error)));
        }
        let inbound = answer
            .stats
            .iter()
            .find_map(|entry| match entry.stats.as_ref()? {
                Stats::InboundRtp(inbound) => Some(InboundAudio::from_proto(inbound)),
                _other => None,
            });
        Ok(inbound)
    }
}
