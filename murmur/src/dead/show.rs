//! `murmur dead show`: everything that there is to know about a letter.

use std::fmt::Write;

use chassis::{Client, DeadLetter, Settings, StreamState, ambient};
use clap::Args;
use events::{EVENTS, Key};
use serde_json::{Value, json};

use super::{
    letter::{Letter, clean},
    original::{self, Original},
    pile,
};
use crate::{
    Error, Exit, output,
    timeline::{Entry, entries, render},
    tool, when,
};

const EXAMPLES: &str = "\
Examples:
  murmur dead show 17
  murmur dead show 17 18 --json | jq .timeline

Shows why it is dead, the event whole (read back from the stream of events where the letter kept only the beginning),
what happened to its order meanwhile, and how it is redriven or dropped. Exit code 2 when a letter is not there.";

/// Shows dead letters whole, with what happened to their orders meanwhile
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The letters, by number
    #[arg(value_name = "NUMBER", required = true)]
    numbers: Vec<u64>,

    /// Print each as JSON on one line
    #[arg(long)]
    json: bool,
}

/// A letter with everything that was found out about it.
struct Shown {
    letter: Letter,
    original: Result<Original, String>,
    timeline: Vec<Entry>,
}

impl Show {
    pub async fn run(self) -> Result<Exit, Error> {
        let client = Client::connect(&Settings::from_env()?).await?;
        let letters = pile::numbered(&client, &self.numbers).await?;
        let events = client.stream(EVENTS).await?;
        for (at, letter) in letters.into_iter().enumerate() {
            let shown = Shown::of(&client, &events, letter).await?;
            let gap = if at > 0 && !self.json { "\n" } else { "" };
            let text = if self.json { shown.json().to_string() } else { clean(&shown.text(&tool::own_name())) };
            output::print(&format!("{gap}{text}"))?;
        }
        Ok(Exit::Done)
    }
}

impl Shown {
    async fn of(client: &Client, events: &StreamState, letter: Letter) -> Result<Shown, Error> {
        let original = original::find(client, events, &letter).await?;
        let timeline = match letter.key().and_then(|key| Key::try_from(key).ok()) {
            Some(key) => entries(&client.events_about(&key).await?),
            None => Vec::new(),
        };
        Ok(Shown { letter, original, timeline })
    }

    /// The body, and whether that is all of it.
    fn body(&self) -> (String, bool) {
        match &self.original {
            Ok(original) => (output::text(&original.body), true),
            Err(_) => {
                let DeadLetter { body, body_bytes, .. } = &self.letter.letter;
                (body.clone(), body.len() == *body_bytes)
            }
        }
    }

    fn text(&self, murmur: &str) -> String {
        let Letter { number, parked, letter } = &self.letter;
        let DeadLetter { service, reason, detail, at, event_id, subject, sequence, body_bytes, .. } = letter;
        let place = sequence.map_or_else(|| "never in the stream".to_owned(), |it| format!("message {it} of {EVENTS}"));
        let mut text = format!(
            "dead letter {number}, parked by {service} {} ago ({parked})\n\
             \x20 reason   {reason}\n  detail   {detail}\n  subject  {subject}\n  event    {event_id}, {place}, {at}\n",
            when::age(*parked, ambient::now()),
        );
        let headers = self.original.as_ref().map_or(&letter.headers, |original| &original.headers);
        text += if headers.is_empty() { "headers: none\n" } else { "headers\n" };
        for (name, value) in headers {
            writeln!(text, "  {name}: {value}").expect("a String takes everything");
        }
        let (body, whole) = self.body();
        let extent = if whole { String::new() } else { format!(", of which the letter kept the first {}", body.len()) };
        writeln!(text, "body, {body_bytes} bytes{extent}").expect("a String takes everything");
        let pretty = serde_json::from_str::<Value>(&body).map_or(body, |body| format!("{body:#}"));
        text += &indented(&pretty);
        match self.letter.key() {
            Some(key) if self.timeline.is_empty() => {
                writeln!(text, "about {key}: nothing stands in the stream").expect("a String takes everything");
            }
            Some(key) => {
                text += &format!("about {key}, so far\n{}", indented(&render(&self.timeline)));
            }
            None => {}
        }
        match &self.original {
            Ok(_) => text += &format!("redrive  {murmur} dead redrive {number}\n"),
            Err(why) => text += &format!("redrive  {why}\n"),
        }
        text + &format!("drop     {murmur} dead drop {number}")
    }

    fn json(&self) -> Value {
        let mut json = self.letter.json();
        let (body, whole) = self.body();
        json["body"] = json!(body);
        json["body_is_whole"] = json!(whole);
        if let Ok(original) = &self.original {
            json["headers"] = json!(original.headers);
        }
        json["timeline"] = json!(self.timeline);
        json["cannot_be_redriven"] = json!(self.original.as_ref().err());
        json
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::letter::tests::letter, *};

    #[test]
    fn a_letter_is_shown_whole() {
        let mut letter = letter(7, "payment.failed.o-1", Some(3), "{\"reason\":");
        letter.letter.body_bytes = 23;
        let original = Original {
            id: events::EventId::derived(&["event"]),
            subject: letter.letter.subject.clone(),
            headers: [("ce-source".to_owned(), "/external".to_owned())].into(),
            body: br#"{"reason":"by_\u001bhand"}"#.to_vec(),
            sequence: 3,
            older: false,
            stands: true,
        };
        let entry = |number, kind: &str| Entry {
            number,
            source: "order".to_owned(),
            kind: kind.to_owned(),
            key: "o-1".to_owned(),
            after: None,
            note: None,
        };
        let timeline = vec![entry(1, "order.created"), entry(2, "order.cancelled")];
        let shown = Shown { letter, original: Ok(original), timeline };
        let text = shown.text("murmur");
        let (_, text) = text.split_once('\n').unwrap();
        insta::assert_snapshot!(text);

        let refused = Shown { original: Err("it cannot be redriven".to_owned()), timeline: Vec::new(), ..shown };
        let text = refused.text("murmur");
        let (_, text) = text.split_once('\n').unwrap();
        insta::assert_snapshot!(text);
    }
}
