//! What the system says on a real broker, recorded and replayed in memory with the `murmur` that people run.

use std::fs;

use serde_json::json;

use crate::{
    load::Load,
    orders::{order, paid_with},
    stack::Stack,
};

/// Records with these words into a file of the stack's folder, and gives its text.
async fn record(stack: &Stack, words: &str, file: &str) -> String {
    let recording = stack.murmur(&format!("record {words}")).await.done().stdout;
    write(stack, file, &recording);
    recording
}

fn write(stack: &Stack, file: &str, text: &str) {
    fs::write(stack.folder().join(file), text).unwrap();
}

#[tokio::test]
async fn an_order_that_was_recorded_is_replayed_and_what_was_changed_is_named() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(paid_with("pm_card_declined")).await;
    stack.await_end(&order_id).await;
    let recording = record(&stack, &order_id, "order.jsonl").await;
    let replayed = stack.murmur("replay order.jsonl").await.done();
    assert!(replayed.stdout.contains("nothing differs"), "{replayed:#?}");

    write(&stack, "changed.jsonl", &recording.replace("\"payment_declined\"", "\"out_of_stock\""));
    let changed = stack.murmur("replay --json changed.jsonl").await.ended(1).json().remove(0);
    let sentence = changed["differences"][0]["sentence"].as_str().unwrap();
    assert!(sentence.ends_with("reason is \"payment_declined\" instead of \"out_of_stock\""), "{sentence}");
    assert_eq!(changed["differences"].as_array().unwrap().len(), 1);

    let (unfinished, _) = recording.split_once("\"subject\":\"inventory.released").unwrap();
    let (unfinished, _) = unfinished.rsplit_once('\n').unwrap();
    write(&stack, "unfinished.jsonl", unfinished);
    let unfinished = stack.murmur("replay --json unfinished.jsonl").await.done().json().remove(0);
    assert_eq!(
        unfinished["would_follow"][0]["what"]["says"]["now"]["subject"],
        json!(format!("inventory.released.{order_id}"))
    );

    write(&stack, "broken.jsonl", &format!("{recording}{{"));
    let broken = stack.murmur("replay broken.jsonl").await.ended(2);
    let line = format!("line {} of the recording", recording.lines().count() + 1);
    assert!(broken.stderr.contains(&line), "{broken:?}");
    let missing = stack.murmur("replay no-such-file.jsonl").await.ended(2);
    assert!(missing.stderr.contains("cannot read the recording no-such-file.jsonl"), "{missing:?}");
}

#[tokio::test]
async fn what_many_orders_at_once_led_to_is_replayed() {
    let stack = Stack::stocked().await;
    stack.stock("gizmo", 4900, 3).await;
    // What is there is not enough for everybody.
    let scarce = async {
        for _ in 0..5 {
            let mut order = order(1);
            order["items"] = json!([{"sku": "gizmo", "quantity": 1}]);
            let order_id = stack.place(order).await;
            // Some are too late, and are refused.
            drop(stack.ask("svc.order.cancel", json!({ "order_id": order_id })).await);
        }
    };
    Load::on(&stack).orders_during(48, scarce).await;
    stack.settle().await;
    record(&stack, "--since 1h", "all.jsonl").await;
    let replayed = stack.murmur("replay --json all.jsonl").await;
    let report = replayed.json().remove(0);
    assert_eq!(report["differences"], json!([]), "{}", report["differences"]);
    assert_eq!(report["would_follow"], json!([]), "{}", report["would_follow"]);
    replayed.done();
}
