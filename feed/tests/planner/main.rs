//! The subscription planner against a model of the broker's sockets, and the strikes around the money.

mod limits;
mod strikes;
