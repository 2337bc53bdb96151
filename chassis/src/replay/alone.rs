//! One service alone: a script of its inputs, and what followed each.
//!
//! A recording is a line of JSON per input: `{"subject": …, "headers": {…}, "data": …}`. What the subject says, the
//! input is: `svc.<service>.<command>` is a command, `effect.<name>.<key>` the outcome of an effect,
//! `attempt.<name>.<key>` an attempt in vain with the error as `data` and how many there were as the header `attempts`,
//! `reminder.<name>.<key>` a reminder with its time as `data`, everything else a message of the stream. `data` that is a
//! string stands for a body that is not JSON, byte for byte. What follows is written as a transcript for a snapshot:
//! nothing in it depends on the clock or on chance.

use std::fmt::Write;

use events::{Arrival, EventId, Headers};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::{
    ReplayError,
    line::{Line, lines},
};
use crate::{Answer, Delivery, Engine, Input, MemoryStore, Released, Reminder, Request, Service};

/// Runs `recording` through `service` on an empty store. The transcript tells what followed each input, and the rows at
/// the end. Line n happens at second n of 2026, unless its headers say otherwise.
pub fn replay(service: Service, recording: &str) -> Result<String, ReplayError> {
    let name = service.name();
    let mut engine = Engine::open(service, Box::new(MemoryStore::default()), EventId::derived(&["replay"]))?;
    engine.take(vec![Input::AllRemembered { from: 1 }, Input::CaughtUp])?;
    let mut transcript = String::new();
    for line in lines(recording) {
        let (number, line) = line?;
        write(&mut transcript, format_args!("{number:>2} {}", line.subject));
        let (input, answer) = input(name, number as u64, line);
        let Released { answers, said, withdrawn, asked, reminders, .. } = engine.take(vec![input])?;
        for (to, answer) in answers {
            drop(to.send(answer));
        }
        if let Some(mut answer) = answer {
            write(&mut transcript, format_args!("   answers  {}", shown(answer.try_recv().ok())));
        }
        for row in said {
            write(&mut transcript, format_args!("   says     {}  {}", row.message.subject, row.message.body));
            write(&mut transcript, format_args!("            {}", identity(&row.message.headers)));
        }
        for (name, key) in withdrawn {
            write(&mut transcript, format_args!("   withdraws {name}.{key}"));
        }
        for effect in asked {
            write(&mut transcript, format_args!("   performs {}.{}  {}", effect.name, effect.key, effect.request));
        }
        for reminder in reminders {
            write(&mut transcript, format_args!("   reminds  {}.{} at {}", reminder.name, reminder.key, reminder.at));
        }
    }
    write(&mut transcript, format_args!("rows"));
    for (key, row) in engine.rows()? {
        write(&mut transcript, format_args!("   {key}  {row}"));
    }
    Ok(transcript)
}

/// The input that a line stands for, and where its answer comes if it is a command.
fn input(service: &str, number: u64, line: Line) -> (Input, Option<oneshot::Receiver<Answer>>) {
    let seconds = SignedDuration::from_secs(i64::try_from(number).unwrap_or(i64::MAX));
    let new_year = Timestamp::constant(1_767_225_600, 0);
    let time = new_year.saturating_add(seconds).unwrap_or(new_year);
    let id = EventId::derived(&["line", &number.to_string()]);
    let body = line.body();
    if let Some(command) = line.subject.strip_prefix(&format!("svc.{service}.")) {
        let (sender, receiver) = oneshot::channel();
        let request = Request { command: command.to_owned(), body, id, time, answer: sender };
        return (Input::Command(request), Some(receiver));
    }
    if let Some((name, key)) = line.subject.strip_prefix("effect.").and_then(|effect| effect.split_once('.')) {
        return (Input::Outcome { name: name.to_owned(), key: key.to_owned(), outcome: body, time }, None);
    }
    if let Some((name, key)) = line.subject.strip_prefix("attempt.").and_then(|effect| effect.split_once('.')) {
        let (name, key) = (name.to_owned(), key.to_owned());
        let attempts = line.headers.get("attempts").and_then(|it| it.parse().ok()).unwrap_or(1);
        let error = String::from_utf8_lossy(&body).into_owned();
        return (Input::Attempt { name, key, attempts, error, time, open_until: None }, None);
    }
    if let Some((name, key)) = line.subject.strip_prefix("reminder.").and_then(|due| due.split_once('.')) {
        let at = String::from_utf8_lossy(&body).parse().unwrap_or(time);
        return (Input::Reminder(Reminder { at, name: name.to_owned(), key: key.to_owned() }), None);
    }
    let delivery = Delivery {
        subject: line.subject,
        headers: line.headers,
        body,
        arrival: Arrival { id, time },
        stream: EventId::derived(&["recording"]),
        sequence: number,
        acknowledge: None,
    };
    (Input::Event(delivery), None)
}

/// What must not change from run to run: who an event is, and what it follows from.
fn identity(headers: &Headers) -> String {
    let names = ["ce-id", "ce-causationid", "ce-correlationid", "ce-time", "ce-dataschema", "Murmuration-Reason"];
    let known = |name: &&str| Some(format!("{name}={}", headers.get(name)?));
    names.iter().filter_map(known).collect::<Vec<_>>().join(" ")
}

fn shown(answer: Option<Answer>) -> String {
    match answer {
        Some(Ok(body)) => String::from_utf8_lossy(&body).into_owned(),
        Some(Err(refusal)) => format!("{} {}", refusal.code, refusal.message),
        None => "nothing".to_owned(),
    }
}

fn write(transcript: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(transcript, "{line}").expect("a string takes every line");
}
