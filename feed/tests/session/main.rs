//! The session state machine under a simulated clock: what it asks for and tells, in whole lists.

mod world;

mod connecting;
mod subscribing;
mod staying_live;
mod any_order;
