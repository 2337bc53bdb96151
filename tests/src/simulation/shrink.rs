//! Making a run that fails smaller, as long as it still fails.

use super::Plan;

/// The smallest plan that is found to fail, as `plan` does: with fewer faults, fewer orders, fewer steps.
pub fn shrink(plan: &Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut smallest = plan.clone();
    while let Some(smaller) = smaller(&smallest).into_iter().find(&fails) {
        smallest = smaller;
    }
    smallest
}

/// What is a little smaller than `plan`.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let without = plan.faults.iter().map(|fault| {
        let mut faults = plan.faults.clone();
        faults.remove(fault);
        Plan { faults, ..plan.clone() }
    });
    let orders = (1..plan.orders).map(|orders| Plan { orders, ..plan.clone() });
    let steps = [plan.steps / 2, plan.steps * 3 / 4, plan.steps * 9 / 10].into_iter().filter(|it| *it < plan.steps);
    without.chain(orders).chain(steps.map(|steps| Plan { steps, ..plan.clone() })).collect()
}
