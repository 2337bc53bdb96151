//! The shop: every service that there is, as the values that also run. This is the one list of them.

use chassis::Service;
use order::Deadline;

/// All services, in the order in which they are drawn.
pub fn shop() -> Vec<Service> {
    vec![
        order::order(Deadline::DEFAULT),
        inventory::inventory(),
        payment::payment(),
        shipping::shipping(),
        customer::customer(),
        notification::notification(),
        view::view(),
    ]
}
