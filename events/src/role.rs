//! What an event is to the saga that it belongs to. The word is what the choreography is verified by: whether something
//! has to follow, and whether there has to be a way back.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an event is to its saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Something was done that may have to be undone: its service has a way back. Something has to follow.
    Step,
    /// It was decided how to go on; nothing was done that would have to be undone. Something has to follow.
    Answer,
    /// Something cannot be done, or is not wanted any more: here the way back starts. Something has to follow.
    Failure,
    /// Something was taken back, or will never be done. Something has to follow.
    Undo,
    /// The saga is over. Nothing has to follow.
    End,
    /// Whoever wants may hear it. Nothing has to follow.
    News,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 6] = [Role::Step, Role::Answer, Role::Failure, Role::Undo, Role::End, Role::News];

    /// Whether the saga may stop here.
    pub fn is_terminal(self) -> bool {
        matches!(self, Role::End | Role::News)
    }

    /// Whether it stands on the way back.
    pub fn is_backward(self) -> bool {
        matches!(self, Role::Failure | Role::Undo)
    }

    /// The sentence that explains the word.
    pub fn meaning(self) -> &'static str {
        match self {
            Role::Step => "something was done that may have to be undone: its service has a way back",
            Role::Answer => "it was decided how to go on; nothing was done that would have to be undone",
            Role::Failure => "something cannot be done, or is not wanted any more: here the way back starts",
            Role::Undo => "something was taken back, or will never be done",
            Role::End => "the saga is over: nothing has to follow",
            Role::News => "whoever wants may hear it: nothing has to follow",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Step => "step",
            Role::Answer => "answer",
            Role::Failure => "failure",
            Role::Undo => "undo",
            Role::End => "end",
            Role::News => "news",
        })
    }
}
