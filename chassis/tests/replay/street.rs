//! A small choreography: somebody rings, and the house opens the door, or signs for a parcel. And a way to record it.

use chassis::{
    Answer, Delivery, Effect, Engine, Input, MemoryStore, Pending, Refusal, Released, Request, Row, Service, Stored,
    Turn, Unacceptable,
};
use events::{Arrival, Event, EventId, Key, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

macro_rules! event {
    ($name:ident, $kind:literal, $role:expr) => {
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            pub bell: Key,
            pub guest: String,
        }

        impl Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const ROLE: Role = $role;
            fn key(&self) -> Key {
                self.bell.clone()
            }
        }
    };
}

event!(Rang, "street.rang", Role::Step);
event!(Opened, "house.opened", Role::End);
event!(Ignored, "house.ignored", Role::End);
event!(Signed, "house.signed", Role::End);
event!(Locked, "house.locked", Role::News);

/// Asks for a pen.
#[derive(Serialize, Deserialize)]
pub struct Sign {
    bell: Key,
    guest: String,
}

impl Effect for Sign {
    const NAME: &'static str = "sign";
    type Outcome = String;
    fn key(&self) -> String {
        self.bell.to_string()
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Door {
    locked: bool,
}

impl Row for Door {
    const TABLE: &'static str = "door";
}

#[derive(Deserialize)]
pub struct Visit {
    bell: Key,
    #[serde(default)]
    guest: String,
}

/// Who rings.
pub fn street() -> Service {
    let ring = |turn: &mut Turn<'_>, Visit { bell, guest }: Visit| -> Result<Value, Refusal> {
        turn.emit(&Rang { bell, guest });
        Ok(json!({}))
    };
    let adopt = |_: &mut Turn<'_>, _: &Rang| Ok(());
    Service::new("street").answers("ring", ring).says::<Rang>().adopts::<Rang>(adopt)
}

/// A house that reacts to the bell in this way.
pub fn house(on_rang: fn(&mut Turn<'_>, &Rang) -> Result<(), Unacceptable>) -> Service {
    let lock = |turn: &mut Turn<'_>, Visit { bell, guest }: Visit| -> Result<Value, Refusal> {
        turn.put(&bell, &Door { locked: true });
        turn.emit(&Locked { bell, guest });
        Ok(json!({}))
    };
    let signed = |turn: &mut Turn<'_>, sign: &Sign, guest: &String| {
        turn.emit(&Signed { bell: sign.bell.clone(), guest: guest.clone() });
        Ok(())
    };
    Service::new("house")
        .on::<Rang>(on_rang)
        .says::<Opened>()
        .says::<Ignored>()
        .performs::<Sign>()
        .reminds("evening")
        .settles::<Sign>(signed)
        .says::<Signed>()
        .answers("lock", lock)
        .says::<Locked>()
        .adopts::<Locked>(|turn, event| {
            turn.put(&event.bell, &Door { locked: true });
            Ok(())
        })
        .adopts::<Signed>(|turn, event| {
            turn.withdraw::<Sign>(&event.bell);
            Ok(())
        })
        .adopts::<Opened>(|_, _| Ok(()))
        .adopts::<Ignored>(|_, _| Ok(()))
}

/// As the house was when it was recorded: it opens unless it is locked, and signs for parcels.
pub fn as_recorded(turn: &mut Turn<'_>, Rang { bell, guest }: &Rang) -> Result<(), Unacceptable> {
    let (bell, guest) = (bell.clone(), guest.clone());
    match guest.as_str() {
        _ if is_locked(turn, &bell) => {}
        "postman" => turn.perform(&Sign { bell, guest }),
        _ => turn.emit(&Opened { bell, guest }),
    }
    Ok(())
}

pub fn is_locked(turn: &Turn<'_>, bell: &Key) -> bool {
    turn.row::<Door>(bell).is_some_and(|door| door.locked)
}

/// What is recorded when these commands come one after the other, each when everything before is over.
pub fn record(commands: &[(&str, &str, Value)]) -> Vec<Stored> {
    let services = [street(), house(as_recorded)];
    let mut nodes: Vec<_> = services.into_iter().map(|it| (it.name(), open(it))).collect();
    let mut stream = Vec::new();
    for (at, (service, command, body)) in commands.iter().enumerate() {
        let (_, engine) = nodes.iter_mut().find(|(name, _)| name == service).unwrap();
        let released = engine.take(vec![request(at, command, body)]).unwrap();
        publish(&mut nodes, &mut stream, released);
    }
    stream
}

fn open(service: Service) -> Engine {
    let mut engine = Engine::open(service, Box::new(MemoryStore::default()), EventId::derived(&["store"])).unwrap();
    engine.take(vec![Input::AllRemembered { from: 1 }, Input::CaughtUp]).unwrap();
    engine
}

fn request(at: usize, command: &str, body: &Value) -> Input {
    let id = EventId::derived(&["command", &at.to_string()]);
    let (answer, _) = oneshot::channel::<Answer>();
    let (command, body) = (command.to_owned(), body.to_string().into_bytes());
    Input::Command(Request { command, body, id, time: Timestamp::UNIX_EPOCH, answer })
}

/// Everybody hears what is said, effects are performed, and so on to the end.
fn publish(nodes: &mut [(&'static str, Engine)], stream: &mut Vec<Stored>, released: Released) {
    for row in released.said {
        let (subject, headers) = (row.message.subject, row.message.headers);
        let body = row.message.body.into_bytes();
        let sequence = stream.len() as u64 + 1;
        stream.push(Stored { sequence, subject, headers, body });
        for at in 0..nodes.len() {
            let delivery = delivery(stream.last().unwrap(), sequence);
            let released = nodes[at].1.take(vec![Input::Event(delivery)]).unwrap();
            for Pending { name, key, .. } in &released.asked {
                let (name, key, outcome) = (name.clone(), key.clone(), br#""postman""#.to_vec());
                let outcome = Input::Outcome { name, key, outcome, time: Timestamp::UNIX_EPOCH };
                let released = nodes[at].1.take(vec![outcome]).unwrap();
                publish(nodes, stream, released);
            }
            publish(nodes, stream, released);
        }
    }
}

fn delivery(Stored { subject, headers, body, .. }: &Stored, sequence: u64) -> Delivery {
    Delivery {
        subject: subject.clone(),
        headers: headers.clone(),
        body: body.clone(),
        arrival: Arrival { id: EventId::derived(&["arrival"]), time: Timestamp::UNIX_EPOCH },
        stream: EventId::derived(&["street"]),
        sequence,
        acknowledge: None,
    }
}
