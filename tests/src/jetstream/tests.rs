use std::sync::Arc;

use chassis::Message;
use events::header;
use jiff::{SignedDuration, Timestamp};

use super::*;

const WINDOW: SignedDuration = SignedDuration::from_mins(2);

/// A broker with one stream and a clock that a test moves.
struct Bench {
    broker: JetStream,
    now: Timestamp,
}

fn bench() -> Bench {
    let mut bench = Bench { broker: JetStream::default(), now: Timestamp::UNIX_EPOCH };
    bench.make();
    bench
}

fn message(subject: &str, id: &str) -> Arc<Message> {
    let headers = [(header::MESSAGE_ID.to_owned(), id.to_owned())].into();
    Arc::new(Message { subject: subject.to_owned(), headers, body: format!("the body of {id}") })
}

fn duplicate(sequence: u64) -> Result<Published, Refused> {
    Ok(Published { sequence, duplicate: true })
}

fn stored(sequence: u64) -> Result<Published, Refused> {
    Ok(Published { sequence, duplicate: false })
}

impl Bench {
    fn make(&mut self) {
        self.broker.create_stream(StreamConfig::new("EVENTS", &["order.>", "payment.>"]), self.now).unwrap();
    }

    fn later(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).unwrap();
    }

    fn publish(&mut self, id: &str) -> Result<Published, Refused> {
        self.broker.publish(message("order.created.o-1", id), self.now)
    }

    fn batch(&mut self, ids: &[&str]) -> Result<PublishedBatch, Refused> {
        let messages: Vec<_> = ids.iter().map(|id| message("order.paid.o-1", id)).collect();
        self.broker.publish_batch(&messages, self.now)
    }

    fn last(&self) -> u64 {
        self.broker.stream("EVENTS").unwrap().last_sequence()
    }

    fn listen(&mut self, subjects: &[&str], from: u64) -> ConsumerInfo {
        let subjects: Vec<_> = subjects.iter().map(|&it| it.to_owned()).collect();
        let config = ConsumerConfig { max_ack_pending: 5, ..ConsumerConfig::durable("payment", &subjects, from) };
        self.broker.stream_mut("EVENTS").unwrap().create_consumer(config).unwrap()
    }

    /// Stream sequence, consumer sequence and count of deliveries.
    fn fetch(&mut self, at_most: usize) -> Vec<(u64, u64, u64)> {
        let delivered = self.broker.fetch("EVENTS", "payment", at_most, self.now).unwrap();
        delivered.iter().map(|it| (it.place.stream, it.place.consumer, it.deliveries)).collect()
    }

    fn acknowledge(&mut self, stream: u64, consumer: u64) {
        self.broker.acknowledge("EVENTS", "payment", Place { stream, consumer });
    }

    fn info(&self) -> ConsumerInfo {
        self.broker.stream("EVENTS").unwrap().consumer_info("payment").unwrap()
    }
}

#[test]
fn a_message_id_is_known_for_the_window_and_no_longer_by_being_published_again() {
    let mut bench = bench();
    assert_eq!(bench.publish("a"), stored(1));
    bench.later(WINDOW - SignedDuration::from_nanos(1));
    assert_eq!(bench.publish("a"), duplicate(1));
    bench.later(SignedDuration::from_nanos(1));
    assert_eq!(bench.publish("a"), stored(2));
    assert_eq!(bench.publish("a"), duplicate(2));
}

#[test]
fn messages_without_an_id_are_all_stored() {
    let mut bench = bench();
    assert_eq!((bench.publish(""), bench.publish("")), (stored(1), stored(2)));
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    let mut bench = bench();
    assert_eq!(bench.batch(&["a", "b", "c"]), Ok(PublishedBatch { last_sequence: 3, count: 3 }));
    for refused in [["d", "a"], ["a", "d"], ["d", "d"]] {
        assert_eq!(bench.batch(&refused), Err(Refused::DuplicateInBatch));
    }
    assert_eq!((bench.last(), bench.publish("d")), (3, stored(4)));
    let many: Vec<_> = (0..1001).map(|it| it.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(bench.batch(&many), Err(Refused::BatchTooLarge));
    assert_eq!(bench.batch(&many[..1000]), Ok(PublishedBatch { last_sequence: 1004, count: 1000 }));
}

#[test]
fn what_no_stream_holds_nobody_answers() {
    let mut bench = bench();
    assert_eq!(bench.broker.publish(message("order", "a"), bench.now), Err(Refused::NoStream));
}

#[test]
fn a_deleted_message_leaves_its_place_and_its_id() {
    let mut bench = bench();
    for id in ["a", "b", "c"] {
        bench.publish(id).unwrap();
    }
    let stream = bench.broker.stream_mut("EVENTS").unwrap();
    stream.delete_message(1).unwrap();
    stream.delete_message(3).unwrap();
    assert_eq!(stream.delete_message(3), Err(Refused::SequenceNotFound));
    let info = stream.info();
    assert_eq!((info.first_sequence, info.last_sequence, info.messages), (2, 3, 1));
    assert_eq!(stream.last_by_subject("order.created.*").unwrap().sequence, 2);
    assert_eq!((bench.publish("a"), bench.publish("d")), (duplicate(1), stored(4)));
}

#[test]
fn a_stream_that_is_made_again_is_another_one() {
    let mut bench = bench();
    bench.publish("a").unwrap();
    let identity = bench.broker.stream("EVENTS").unwrap().identity();
    bench.broker.delete_stream("EVENTS").unwrap();
    assert_eq!(bench.publish("a"), Err(Refused::NoStream));
    bench.later(SignedDuration::from_secs(1));
    bench.make();
    assert_ne!(bench.broker.stream("EVENTS").unwrap().identity(), identity);
    assert_eq!(bench.publish("a"), stored(1));
}

#[test]
fn a_consumer_hears_what_it_asked_for_in_the_order_of_the_stream() {
    let mut bench = bench();
    bench.publish("a").unwrap();
    bench.batch(&["b", "c"]).unwrap();
    bench.publish("d").unwrap();
    assert_eq!(bench.listen(&["order.paid.*"], 1).num_pending, 2);
    assert_eq!(bench.fetch(1), [(2, 1, 1)]);
    assert_eq!(bench.info().num_pending, 1);
    assert_eq!(bench.fetch(9), [(3, 2, 1)]);
    assert_eq!(bench.fetch(9), []);
}

#[test]
fn one_acknowledgement_stands_for_all_before_it_and_an_older_one_for_nothing() {
    let mut bench = bench();
    bench.batch(&["a", "b", "c"]).unwrap();
    bench.listen(&[], 1);
    bench.fetch(3);
    bench.acknowledge(2, 2);
    bench.acknowledge(1, 1);
    let info = bench.info();
    assert_eq!((info.ack_floor, info.num_ack_pending), (Place { consumer: 2, stream: 2 }, 1));
    bench.later(SignedDuration::from_secs(30));
    assert_eq!(bench.fetch(9), [(3, 4, 2)]);
}

#[test]
fn what_nobody_acknowledges_comes_again_before_what_is_new() {
    let mut bench = bench();
    bench.batch(&["a", "b"]).unwrap();
    bench.listen(&[], 1);
    assert_eq!(bench.fetch(9), [(1, 1, 1), (2, 2, 1)]);
    bench.publish("c").unwrap();
    bench.later(SignedDuration::from_secs(30));
    assert_eq!(bench.fetch(9), [(1, 3, 2), (2, 4, 2), (3, 5, 1)]);
    bench.later(SignedDuration::from_secs(30));
    assert_eq!(bench.fetch(9), [(1, 6, 3), (2, 7, 3), (3, 8, 2)]);
}

/// The second delivery of the second message stands after the first delivery of the third one.
#[test]
fn an_acknowledgement_from_before_a_later_one_of_a_redelivery_does_nothing() {
    let mut bench = bench();
    bench.batch(&["a", "b", "c"]).unwrap();
    bench.listen(&[], 1);
    bench.fetch(3);
    bench.later(SignedDuration::from_secs(30));
    assert_eq!(bench.fetch(2), [(1, 4, 2), (2, 5, 2)]);
    bench.acknowledge(2, 5);
    bench.acknowledge(3, 3);
    assert_eq!((bench.info().ack_floor.stream, bench.info().num_ack_pending), (2, 1));
}

#[test]
fn no_new_message_is_delivered_while_too_many_wait() {
    let mut bench = bench();
    bench.batch(&["a", "b", "c", "d", "e", "f"]).unwrap();
    bench.listen(&[], 1);
    assert_eq!(bench.fetch(9).len(), 5);
    assert_eq!(bench.fetch(9), []);
    bench.acknowledge(1, 1);
    assert_eq!(bench.fetch(9), [(6, 6, 1)]);
}

#[test]
fn an_acknowledgement_to_a_consumer_that_is_gone_does_nothing() {
    let mut bench = bench();
    bench.batch(&["a", "b"]).unwrap();
    bench.listen(&[], 1);
    bench.fetch(2);
    bench.broker.stream_mut("EVENTS").unwrap().delete_consumer("payment").unwrap();
    bench.acknowledge(2, 2);
    bench.listen(&[], 2);
    assert_eq!(bench.fetch(2), [(2, 1, 1)]);
}

#[test]
fn a_killed_broker_keeps_all_messages_and_delivers_again_what_was_not_acknowledged() {
    let mut bench = bench();
    bench.batch(&["a", "b"]).unwrap();
    bench.listen(&[], 1);
    bench.broker.sync();
    bench.fetch(2);
    bench.acknowledge(1, 1);
    bench.later(SignedDuration::from_secs(30));
    let mut older = bench.broker.clone();
    bench.broker.restart(Consumers::Newest, bench.now);
    assert_eq!(bench.fetch(2), [(2, 3, 2)]);
    assert_eq!((bench.publish("a"), bench.last()), (duplicate(1), 2));
    older.restart(Consumers::Older, bench.now);
    bench.broker = older;
    assert_eq!(bench.fetch(2), [(1, 1, 1), (2, 2, 1)]);
}

#[test]
fn a_power_cut_takes_what_was_not_synced() {
    let mut bench = bench();
    bench.publish("a").unwrap();
    bench.listen(&[], 1);
    bench.broker.sync();
    bench.publish("b").unwrap();
    bench.fetch(2);
    bench.acknowledge(2, 2);
    bench.broker.power_cut(bench.now);
    assert_eq!((bench.last(), bench.publish("a"), bench.publish("b")), (1, duplicate(1), stored(2)));
    assert_eq!(bench.fetch(2), [(1, 1, 1), (2, 2, 1)]);
}

#[test]
fn a_power_cut_takes_a_stream_that_was_never_synced() {
    let mut bench = bench();
    bench.publish("a").unwrap();
    bench.broker.power_cut(bench.now);
    assert_eq!(bench.broker.streams().count(), 0);
}

#[test]
fn an_older_copy_uses_its_sequences_again_for_other_messages() {
    let mut bench = bench();
    bench.publish("a").unwrap();
    let older = bench.broker.clone();
    bench.publish("b").unwrap();
    bench.broker.restore(&older, bench.now);
    assert_eq!((bench.publish("c"), bench.publish("b")), (stored(2), stored(3)));
    bench.broker.wipe();
    assert_eq!(bench.publish("d"), Err(Refused::NoStream));
}

#[test]
fn a_consumer_that_is_ahead_of_what_is_left_of_the_stream_hears_what_comes_in_its_place() {
    let mut bench = bench();
    bench.publish("a").unwrap();
    bench.listen(&[], 1);
    bench.broker.sync();
    bench.publish("b").unwrap();
    bench.fetch(2);
    bench.acknowledge(2, 2);
    // The consumer's state was written later than the stream.
    for consumer in bench.broker.stream_mut("EVENTS").unwrap().consumers.values_mut() {
        consumer.sync();
    }
    bench.broker.power_cut(bench.now);
    assert_eq!(bench.info().ack_floor.stream, 1);
    bench.publish("c").unwrap();
    assert_eq!(bench.fetch(2), [(2, 3, 1)]);
}
