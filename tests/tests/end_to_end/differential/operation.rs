//! What is done to both. Numbers are taken modulo what there is, so that any list of operations can be run.

use fastrand::Rng;

/// Which message id a message brings.
#[derive(Clone, Copy, Debug)]
pub enum Id {
    Fresh,
    /// One that was used, counted from the newest.
    Used(usize),
    None,
}

/// What is acknowledged.
#[derive(Clone, Copy, Debug)]
pub enum Ack {
    /// The last delivery.
    Last,
    /// Some delivery of this consumer, counted from the newest; it may be of an earlier life.
    Some(usize),
    /// Two numbers that need not belong together.
    Nonsense(u64, u64),
}

#[derive(Clone, Debug)]
pub enum Operation {
    Publish {
        id: Id,
        subject: usize,
    },
    /// One that is larger than the stream takes.
    PublishLarge,
    Batch {
        ids: Vec<Id>,
        subject: usize,
    },
    /// More than the server takes at once, or just so many.
    LargeBatch(usize),
    /// One id stands twice in it.
    RepeatingBatch(usize),
    Get(u64),
    LastBySubject(usize),
    DeleteMessage(u64),
    MakeConsumer {
        consumer: usize,
        filter: usize,
        start: u64,
    },
    DeleteConsumer(usize),
    Fetch {
        consumer: usize,
        at_most: usize,
    },
    Acknowledge {
        consumer: usize,
        what: Ack,
    },
    DeleteStream,
    MakeStream,
    /// The duplicate window and the wait for acknowledgements end.
    Wait,
    /// SIGKILL, and the same store; with a copy of the store taken in between.
    Kill,
    /// SIGKILL, and the last copy of the store.
    Restore,
}

/// What has to be reached.
pub const KINDS: &[&str] = &[
    "publish",
    "publish, known id",
    "publish, too large",
    "publish, no stream",
    "batch",
    "batch, known id",
    "batch, repeated id",
    "batch, too large",
    "get",
    "last by subject",
    "delete message",
    "make consumer",
    "make consumer, there",
    "delete consumer",
    "fetch",
    "fetch, redelivered",
    "acknowledge",
    "acknowledge, nothing",
    "delete stream",
    "make stream",
    "wait",
    "kill",
    "restore",
];

impl Operation {
    pub fn any(rng: &mut Rng) -> Operation {
        // Only the first one waits for acknowledgements.
        let consumer = usize::from(rng.u8(0..4) == 0);
        match rng.u32(0..1000) {
            0..240 => Operation::Publish { id: id(rng), subject: rng.usize(0..3) },
            240..250 => Operation::PublishLarge,
            250..340 => {
                let known = rng.u8(0..3) == 0;
                let ids = (0..rng.usize(1..8)).map(|_| if known { id(rng) } else { Id::Fresh }).collect();
                Operation::Batch { ids, subject: rng.usize(0..3) }
            }
            340..345 => Operation::LargeBatch(rng.usize(1000..1002)),
            345..365 => Operation::RepeatingBatch(rng.usize(2..6)),
            365..400 => Operation::Get(rng.u64(1..200)),
            400..430 => Operation::LastBySubject(rng.usize(0..4)),
            430..460 => Operation::DeleteMessage(rng.u64(1..200)),
            460..550 => Operation::MakeConsumer { consumer, filter: rng.usize(0..3), start: rng.u64(0..8) },
            550..580 => Operation::DeleteConsumer(consumer),
            580..760 => Operation::Fetch { consumer, at_most: rng.usize(1..12) },
            760..920 => Operation::Acknowledge { consumer, what: ack(rng) },
            920..926 => Operation::DeleteStream,
            926..965 => Operation::MakeStream,
            965..980 => Operation::Wait,
            980..990 => Operation::Kill,
            _ => Operation::Restore,
        }
    }
}

fn id(rng: &mut Rng) -> Id {
    match rng.u8(0..10) {
        0..6 => Id::Fresh,
        6..9 => Id::Used(rng.usize(0..30)),
        _ => Id::None,
    }
}

fn ack(rng: &mut Rng) -> Ack {
    match rng.u8(0..8) {
        0..3 => Ack::Last,
        3..7 => Ack::Some(rng.usize(0..20)),
        _ => Ack::Nonsense(rng.u64(0..40), rng.u64(0..40)),
    }
}
