//! Why the broker does not do something.

/// A refusal, as nats-server answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// No stream holds the subject: nobody answers.
    NoStream,
    /// There is no stream of this name.
    StreamNotFound,
    /// A stream of this name is there, with another configuration.
    StreamNameInUse,
    /// Another stream holds one of these subjects.
    SubjectsOverlap,
    /// There is no consumer of this name.
    ConsumerNotFound,
    /// A consumer of this name is there, with another configuration.
    ConsumerExists,
    /// There is no such message, or none any more.
    MessageNotFound,
    /// A message that is to be deleted is not there.
    SequenceNotFound,
    /// The message is larger than the stream takes.
    MessageTooLarge,
    /// The stream takes no atomic batches.
    BatchesDisabled,
    /// A message of the batch is missing.
    IncompleteBatch,
    /// The batch has more messages than the server takes.
    BatchTooLarge,
    /// A message id of the batch is known, or is in it twice.
    DuplicateInBatch,
}

impl Refused {
    /// The server's error code; none where nobody answers.
    pub fn code(self) -> Option<u64> {
        match self {
            Refused::NoStream => None,
            Refused::StreamNotFound => Some(10059),
            Refused::StreamNameInUse => Some(10058),
            Refused::SubjectsOverlap => Some(10065),
            Refused::ConsumerNotFound => Some(10014),
            Refused::ConsumerExists => Some(10148),
            Refused::MessageNotFound => Some(10037),
            Refused::SequenceNotFound => Some(10057),
            Refused::MessageTooLarge => Some(10054),
            Refused::BatchesDisabled => Some(10174),
            Refused::IncompleteBatch => Some(10176),
            Refused::BatchTooLarge => Some(10199),
            Refused::DuplicateInBatch => Some(10201),
        }
    }
}
