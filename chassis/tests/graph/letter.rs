//! A sound choreography, small enough to see.

use chassis::{Effect, Refusal, Service, Turn, Unacceptable, Waiting};
use events::{Event, Key, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! events {
    ($($name:ident, $kind:literal, $role:ident;)*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            letter: Key,
        }

        impl Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const ROLE: Role = Role::$role;
            fn key(&self) -> Key {
                self.letter.clone()
            }
        }
    )*};
}

events! {
    Written, "writer.written", Step;
    TornUp, "writer.torn_up", Failure;
    Sent, "writer.sent", End;
    Forgotten, "writer.forgotten", End;
    Franked, "post.franked", Step;
    Refused, "post.refused", Failure;
    Discarded, "post.discarded", Undo;
    Posted, "street.posted", News;
    Shouted, "valley.shouted", News;
    Quiet, "valley.quiet", News;
    Echoed, "echo.echoed", News;
}

#[derive(Serialize, Deserialize)]
pub struct Frank;

impl Effect for Frank {
    const NAME: &'static str = "frank";
    type Outcome = bool;
    fn key(&self) -> String {
        "frank".to_owned()
    }
}

#[derive(Serialize, Deserialize)]
pub struct Ring;

impl Effect for Ring {
    const NAME: &'static str = "ring";
    type Outcome = bool;
    fn key(&self) -> String {
        "ring".to_owned()
    }
}

/// A letter is written, franked and sent. It is torn up when it takes too long or the post refuses it, and then what was
/// franked is discarded and the letter forgotten.
pub fn sound() -> [Service; 2] {
    let post = post_without_franking()
        .on::<Written>(taken)
        .performs::<Frank>()
        .settles::<Frank>(settled)
        .says::<Franked>()
        .says::<Refused>();
    [writer(), post]
}

pub fn writer() -> Service {
    Service::new("writer")
        .answers("write", command)
        .says::<Written>()
        .reminds("too_late")
        .reminded("too_late", reminded)
        .says::<TornUp>()
        .on::<Franked>(taken)
        .says::<Sent>()
        .on::<Refused>(taken)
        .says::<TornUp>()
        .on::<Discarded>(taken)
        .says::<Forgotten>()
        .compensates::<Written>()
}

pub fn post_without_franking() -> Service {
    Service::new("post").on::<TornUp>(taken).says::<Discarded>().compensates::<Franked>()
}

pub fn taken<E: Event>(_: &mut Turn<'_>, _: &E) -> Result<(), Unacceptable> {
    Ok(())
}

pub fn settled<F: Effect>(_: &mut Turn<'_>, _: &F, _: &F::Outcome) -> Result<(), Unacceptable> {
    Ok(())
}

pub fn in_vain<F: Effect>(_: &mut Turn<'_>, _: &F, _: &Waiting) -> Result<(), Unacceptable> {
    Ok(())
}

pub fn command(_: &mut Turn<'_>, _: Value) -> Result<Value, Refusal> {
    Ok(Value::Null)
}

pub fn reminded(_: &mut Turn<'_>, _: &str) -> Result<(), Unacceptable> {
    Ok(())
}
