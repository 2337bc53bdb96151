//! Where a parcel goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A postal address. An order may have none: a carrier that needs one says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Who receives it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Street and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line1: String,
    /// Town.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub city: String,
    /// Postal code, in the country's own form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub postal_code: String,
    /// ISO 3166 code or name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub country: String,
}
