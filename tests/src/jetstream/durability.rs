//! What survives what: a broker that is killed, one whose machine loses its power, one whose store is another.
//!
//! A kill loses no message, since the kernel has them; it may lose the last tenth of a second of what consumers did. A
//! power cut loses all that was not synced. Deletions count as synced.

use jiff::Timestamp;

use super::JetStream;

/// What a kill leaves of what consumers did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumers {
    /// All of it.
    Newest,
    /// What was synced last.
    Older,
}

impl JetStream {
    /// All that is there now survives a power cut. With `sync_interval: always` the broker does so before it answers.
    pub fn sync(&mut self) {
        for stream in self.streams.values_mut() {
            stream.synced = Some(stream.last_sequence());
            for consumer in stream.consumers.values_mut() {
                consumer.sync();
            }
        }
    }

    /// The broker is killed, and starts again with its store. It knows the message ids of the messages that it has and that
    /// are within the window; what was delivered and not acknowledged is delivered again.
    pub fn restart(&mut self, consumers: Consumers, now: Timestamp) {
        for stream in self.streams.values_mut() {
            let last = stream.last_sequence();
            stream.recover(last, now);
            stream.consumers.retain(|_, consumer| !consumer.config().in_memory);
            for consumer in stream.consumers.values_mut() {
                consumer.recover(consumers, last);
            }
        }
    }

    /// The machine loses its power, and the broker starts again with what was synced: a tail, a consumer, or a whole stream
    /// may be gone, the last sequence goes back, and sequences are used again.
    pub fn power_cut(&mut self, now: Timestamp) {
        self.streams.retain(|_, stream| stream.synced.is_some());
        for stream in self.streams.values_mut() {
            let last = stream.synced.unwrap_or_default().min(stream.last_sequence());
            stream.recover(last, now);
            stream.consumers.retain(|_, consumer| consumer.is_synced() && !consumer.config().in_memory);
            for consumer in stream.consumers.values_mut() {
                consumer.recover(Consumers::Older, last);
            }
        }
    }

    /// The broker is killed, and starts again with an older copy of its store.
    pub fn restore(&mut self, older: &JetStream, now: Timestamp) {
        *self = older.clone();
        self.restart(Consumers::Newest, now);
    }

    /// The broker is killed, and starts again with nothing.
    pub fn wipe(&mut self) {
        self.streams.clear();
    }
}
