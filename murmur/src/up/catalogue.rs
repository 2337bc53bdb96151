//! The demo catalogue: what is in stock after the first start, so that there is something to order.

use chassis::Client;
use events::Key;
use serde_json::json;

use crate::Error;

/// The command that says what is in stock.
const GET: &str = "svc.inventory.get";
/// The command that puts something in stock.
const STOCK: &str = "svc.inventory.stock";

/// Something to order.
struct Article {
    sku: &'static str,
    name: &'static str,
    /// Cents.
    unit_price: i64,
    quantity: u32,
}

const CATALOGUE: &[Article] = &[
    Article { sku: "widget", name: "Widget", unit_price: 1999, quantity: 10_000 },
    Article { sku: "gadget", name: "Gadget", unit_price: 4999, quantity: 10_000 },
    // So few that running out of stock can be tried by hand.
    Article { sku: "gizmo", name: "Gizmo", unit_price: 999, quantity: 3 },
];

/// Stocks what was never in stock. Starting twice, or being killed in the middle, stocks nothing twice: the stream is
/// asked too, for a store that is just being rebuilt from it does not know everything yet.
pub(crate) async fn stock(client: &Client) -> Result<(), Error> {
    for article in CATALOGUE {
        let sku = json!({ "sku": article.sku }).to_string();
        match client.command(GET, sku.into_bytes()).await {
            Ok(_) => continue,
            Err(refusal) if refusal.code == 404 => {}
            Err(refusal) => return Err(Error::refused(GET, refusal)),
        }
        let key = Key::try_from(article.sku).expect("a sku of letters");
        if client.events_about(&key).await?.is_empty() {
            article.stock(client).await?;
        }
    }
    Ok(())
}

impl Article {
    async fn stock(&self, client: &Client) -> Result<(), Error> {
        let Article { sku, name, unit_price, quantity } = self;
        let command = json!({
            "sku": sku,
            "name": name,
            "unit_price": unit_price,
            "currency": "USD",
            "quantity": quantity,
            "idempotency_key": format!("demo-catalogue-{sku}"),
        });
        let answer = client.command(STOCK, command.to_string().into_bytes()).await;
        answer.map_err(|refusal| Error::refused(STOCK, refusal))?;
        tracing::info!("stocked {quantity} of {sku}, a part of the demo catalogue");
        Ok(())
    }
}
