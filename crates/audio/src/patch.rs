//! The patch bay: which call hears what, and who is heard.
//!
//! Every connection to a room can be fed by two independent feeds, each of which carries the microphone, silence or hold
//! music; and has a far end that is heard or not. Whoever owns the connections (the adapter of the rooms) plugs and
//! unplugs; the frame thread does the rest, click-free, from the next frame on.

use std::sync::mpsc::SyncSender;
use std::thread::Thread;

use call::Link;
use call::media::Frame;

use crate::frames::Control;

/// Frames of one far end that may wait for the frame thread: 100 ms. It keeps far less waiting than that.
const FAR_RING_FRAMES: usize = 10;

/// Which of the two feeds of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feed {
    /// What a far end usually hears of us.
    Voice,
    /// A second one, published beside the first: during a private consultation one participant gets the voice, the
    /// other the music.
    Music,
}

/// What a feed carries. Each of them is 100 frames a second, without a gap, whatever becomes of the sound devices: the
/// phone network drops a leg whose packets stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sends {
    /// Frames of zeros: muted.
    #[default]
    Silence,
    /// The microphone; silence for as long as there is none.
    Microphone,
    /// Our own quiet pattern.
    HoldMusic,
}

/// Takes one frame of a feed, on the frame thread.
pub(crate) type Take = Box<dyn FnMut(&Frame) + Send>;

/// What the patch bay tells the frame thread.
pub(crate) enum Patch {
    /// A feed begins, in the place of an earlier one of the same name.
    Connect {
        link: Link,
        feed: Feed,
        sends: Sends,
        take: Take,
    },
    /// A feed carries something else.
    Send {
        link: Link,
        feed: Feed,
        sends: Sends,
    },
    /// A feed ends.
    Disconnect { link: Link, feed: Feed },
    /// A far end may be heard, if its connection is.
    FarEnd {
        link: Link,
        ring: rtrb::Consumer<Frame>,
    },
    /// A connection is heard or not.
    Hear { link: Link, on: bool },
    /// All of a connection ends.
    Forget { link: Link },
}

/// The plugs of the running frame thread. Cheap to clone; all clones are the same bay. Any thread may use it; a call waits
/// for some microseconds at most. After the end of the audio threads it does nothing.
#[derive(Debug, Clone)]
pub struct PatchBay {
    controls: SyncSender<Control>,
    frames: Thread,
}

impl PatchBay {
    pub(crate) fn new(controls: SyncSender<Control>, frames: Thread) -> Self {
        Self { controls, frames }
    }

    /// Begins a feed: `take` gets 100 frames a second from now on, until [`disconnect`](Self::disconnect). Takes the place
    /// of an earlier feed of the same name.
    ///
    /// `take` runs on the frame thread, is dropped there, and must neither wait nor use the bay. It may take some hundred
    /// microseconds; what takes longer makes all sound stutter. What it does with a frame of a room that is gone is its
    /// own affair.
    pub fn connect(
        &self,
        link: &Link,
        feed: Feed,
        sends: Sends,
        take: impl FnMut(&Frame) + Send + 'static,
    ) {
        self.tell(Patch::Connect {
            link: link.clone(),
            feed,
            sends,
            take: Box::new(take),
        });
    }

    /// Says what a feed carries, from the next frame on: one frame fades from the old to the new. Nothing of the
    /// microphone is in any frame after that one. A feed that is not connected takes no notice.
    pub fn send(&self, link: &Link, feed: Feed, sends: Sends) {
        self.tell(Patch::Send {
            link: link.clone(),
            feed,
            sends,
        });
    }

    /// Ends a feed; its `take` is dropped soon after.
    pub fn disconnect(&self, link: &Link, feed: Feed) {
        self.tell(Patch::Disconnect {
            link: link.clone(),
            feed,
        });
    }

    /// A way in for one far end of a connection: one for each track. It is heard while its connection is, added to all
    /// the others that are, and ends when dropped.
    #[must_use]
    pub fn far_end(&self, link: &Link) -> FarEnd {
        let (ring, consumer) = rtrb::RingBuffer::new(FAR_RING_FRAMES);
        self.tell(Patch::FarEnd {
            link: link.clone(),
            ring: consumer,
        });
        FarEnd {
            ring,
            frames: self.frames.clone(),
        }
    }

    /// Plays the far ends of a connection, those that come later too, or throws their sound away: a call on hold is up,
    /// but not heard. No connection is heard before it is asked for here.
    pub fn hear(&self, link: &Link, on: bool) {
        self.tell(Patch::Hear {
            link: link.clone(),
            on,
        });
    }

    /// The connection is gone: its feeds end and nothing about it is remembered.
    pub fn forget(&self, link: &Link) {
        self.tell(Patch::Forget { link: link.clone() });
    }

    fn tell(&self, patch: Patch) {
        // The frame thread takes controls at once and waits for nobody; it is gone only when the program ends.
        let _ = self.controls.send(Control::Patch(patch));
        self.frames.unpark();
    }
}

/// Where the frames of one far end go in.
#[derive(Debug)]
pub struct FarEnd {
    ring: rtrb::Producer<Frame>,
    frames: Thread,
}

impl FarEnd {
    /// The next 10 ms, from one thread at a time. False: nobody fetches, and it is lost. Costs one system call at most;
    /// never blocks.
    pub fn push(&mut self, frame: &Frame) -> bool {
        let stored = self.ring.push(*frame).is_ok();
        self.frames.unpark();
        stored
    }
}
