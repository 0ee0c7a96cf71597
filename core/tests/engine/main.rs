//! The engine through its public face: events in, the whole list of commands out.
//!
//! The strategy under test is a script that wishes what it is told, so that only the engine decides.

mod account_table;
mod calls;
mod cover;
mod gate;
mod group_books;
mod group_gate;
mod group_laws;
mod groups;
mod exits;
mod house;
mod manual;
mod market;
mod marks;
mod slices;
mod lifecycle;
mod order_laws;
mod order_model;
mod order_ranks;
mod order_table;
mod stopping;
mod supervision;
mod unheard;
mod terms;
