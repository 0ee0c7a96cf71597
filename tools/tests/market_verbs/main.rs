//! `market`, `quote` and `candles` as processes, against the simulator over loopback: what they say is what the
//! broker answered, and a broker that contradicts the calendar or itself is found out.

mod world;
mod calendar;
mod quotes;
mod candles;
