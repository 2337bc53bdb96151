//! Why something on the wire is not an event.

/// Why a message cannot be taken as the event that its subject names. It never can: the same bytes give the same
/// error, so the message becomes a dead letter with [`Error::reason`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The subject is not `<producer>.<event>.<key>`.
    #[error("the subject {subject:?} cannot be read: {why}")]
    Subject {
        /// As it came.
        subject: String,
        /// What is wrong with it.
        why: String,
    },
    /// The body is larger than an event may be.
    #[error("the body has {bytes} bytes and an event may have {}: send less, or a reference", crate::MAX_BODY_BYTES)]
    TooLarge {
        /// The body's size.
        bytes: usize,
    },
    /// The body is not the JSON that the event's type asks for.
    #[error("the body does not read as {kind}: {why}")]
    Malformed {
        /// The event's type.
        kind: String,
        /// What serde says.
        why: String,
    },
    /// The body is well-formed and cannot be true: a total that is not the sum of the lines, say.
    #[error("what {kind} says cannot be true: {why}")]
    Invalid {
        /// The event's type.
        kind: String,
        /// What contradicts what.
        why: String,
    },
    /// The event is about another key than its subject says.
    #[error("the subject's key is {subject} and the body is about {body}: make them the same")]
    KeyMismatch {
        /// The key in the subject or in `ce-subject`.
        subject: String,
        /// The key in the body.
        body: String,
    },
    /// `ce-type` says something else than the subject.
    #[error("the subject says {subject} and ce-type says {header}: make them the same, or leave the header out")]
    TypeMismatch {
        /// The type in the subject.
        subject: String,
        /// The type in the header.
        header: String,
    },
    /// The service knows no event of this type.
    #[error("{kind} is not an event that this version of the service knows: upgrade it, then redrive")]
    UnknownType {
        /// The event's type.
        kind: String,
    },
    /// The service knows the event, and not this version of it.
    #[error("version {version} of {kind} is not known here (newest: {newest}): upgrade the service, then redrive")]
    UnknownVersion {
        /// The event's type.
        kind: String,
        /// The version that `ce-dataschema` names.
        version: String,
        /// The newest version that is known.
        newest: u32,
    },
}

impl Error {
    /// The reason as one word, for filters and counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Subject { .. } => "bad_subject",
            Error::TooLarge { .. } => "too_large",
            Error::Malformed { .. } => "malformed",
            Error::Invalid { .. } => "invalid",
            Error::KeyMismatch { .. } => "key_mismatch",
            Error::TypeMismatch { .. } => "type_mismatch",
            Error::UnknownType { .. } => "unknown_type",
            Error::UnknownVersion { .. } => "unknown_version",
        }
    }
}
