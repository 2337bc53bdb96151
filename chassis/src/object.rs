//! A part of a command's body that has to be a JSON object.

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value};

/// A `T` that is written as an object. serde alone would take its fields from an array too, in the order in which they
/// happen to be declared.
#[derive(Clone, Debug, Default)]
pub struct Object<T>(pub T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        let fields = Map::<String, Value>::deserialize(deserializer)?;
        T::deserialize(Value::Object(fields)).map(Object).map_err(D::Error::custom)
    }
}
