//! What the simulator serves beyond a day of its own clients: plain connections, records, handshakes, faults.

mod client;
#[path = "served/plain.rs"]
mod plain;
#[path = "served/recorder.rs"]
mod recorder;
#[path = "served/scripts.rs"]
mod scripts;
#[path = "served/entries.rs"]
mod entries;
#[path = "served/http.rs"]
mod http;
#[path = "served/sockets.rs"]
mod sockets;
