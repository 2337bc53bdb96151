//! The system as it runs: a broker, a payment gateway and the services, each a process of its own, on free ports
//! and on a real disk. What is killed here is killed with SIGKILL; what is typed here is what `nats pub` sends.
//!
//! Every test has a stack to itself and leaves nothing behind. Nothing sleeps: a condition is awaited, with a deadline.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod await_condition;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod customers;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod held_back;
#[cfg(test)]
mod load;
#[cfg(test)]
mod murmur;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod process;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod record;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod state;
#[cfg(test)]
mod tally;
#[cfg(test)]
mod ways;

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_network;
#[cfg(test)]
mod broken_files;
#[cfg(test)]
mod broker_restart;
#[cfg(test)]
mod cancelled;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod crash_points;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod damaged_stores;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod deadline;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod differential_stores;
#[cfg(test)]
mod disk_full;
#[cfg(test)]
mod dispatched;
#[cfg(test)]
mod forgets;
#[cfg(test)]
mod fulfilled;
#[cfg(test)]
mod in_flight;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod lost_stores;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod one_instance;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod power_cuts;
#[cfg(test)]
mod read_side;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod redriven;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod starts_again;
#[cfg(test)]
mod stops;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod stuck_refunds;
#[cfg(test)]
mod twice;
#[cfg(test)]
mod typed_by_hand;
#[cfg(test)]
mod unanswered;
#[cfg(test)]
mod undone;
#[cfg(test)]
mod where_is;
