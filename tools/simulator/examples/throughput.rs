//! How fast a day goes over TLS to one client that reads and does nothing else.
//!
//! Usage: `cargo run --release -p bijli-simulator --example throughput [-- PATH_OF_A_DAY]`

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Instant;

use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, start};
use bijli_wire::{Endpoint, tls};
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{HandshakeError, Message};

type Failure = Box<dyn std::error::Error>;
type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(sim: &RunningSimulator, url: &str) -> Result<Tls, Failure> {
    let endpoint = Endpoint::parse(url)?;
    let socket = TcpStream::connect((endpoint.host(), endpoint.port()))?;
    socket.set_nodelay(true)?;
    let name = endpoint.host().to_owned().try_into()?;
    Ok(StreamOwned::new(
        ClientConnection::new(tls::client_config(sim.ca_pem.as_deref())?, name)?,
        socket,
    ))
}

fn keys(sim: &RunningSimulator) -> Result<Vec<String>, Failure> {
    let endpoint = Endpoint::parse(&sim.master_url)?;
    let mut stream = connect(sim, &sim.master_url)?;
    let target = endpoint.target();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: x\r\nUser-Agent: throughput\r\nConnection: close\r\n\r\n"
    )?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    let body = reply
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or("no head")?
        + 4;
    let rows: Value = serde_json::from_reader(flate2::read::GzDecoder::new(&reply[body..]))?;
    let keys = rows
        .as_array()
        .ok_or("no rows")?
        .iter()
        .filter_map(|row| row["instrument_key"].as_str());
    Ok(keys.map(str::to_owned).collect())
}

fn main() -> Result<(), Failure> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let day = path.map_or_else(DaySpec::default, DaySpec::Path);
    let opening = Instant::now();
    let sim = start(SimSettings {
        day,
        ..SimSettings::default()
    })?;
    println!(
        "{} {:?}, {} instruments, opened in {:.2?}",
        sim.day,
        sim.data,
        sim.instruments,
        opening.elapsed()
    );
    sim.notes.iter().for_each(|note| println!("note: {note}"));
    let keys = keys(&sim)?;
    let mut request = sim.feed_url.as_str().into_client_request()?;
    request
        .headers_mut()
        .insert("Authorization", format!("Bearer {}", sim.token).parse()?);
    let location = match tungstenite::client::client(request, connect(&sim, &sim.feed_url)?) {
        Err(HandshakeError::Failure(tungstenite::Error::Http(reply))) => reply
            .headers()
            .get("location")
            .ok_or("no location")?
            .to_str()?
            .to_owned(),
        _ => return Err("no redirect".into()),
    };
    let (mut feed, _) = tungstenite::client::client(location.as_str(), connect(&sim, &location)?)
        .map_err(|error| error.to_string())?;
    let subscription =
        json!({ "guid": "g", "method": "sub", "data": { "mode": "full", "instrumentKeys": keys } });
    feed.send(Message::binary(subscription.to_string().into_bytes()))?;
    let begun = Instant::now();
    let (mut frames, mut bytes) = (0_u64, 0_u64);
    loop {
        match feed.read() {
            Ok(Message::Binary(frame)) => {
                frames += 1;
                bytes += frame.len() as u64;
            }
            Ok(Message::Close(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let stats = sim.stop();
    println!(
        "{} ticks in {frames} frames, {:.1} MB, {seconds:.2} s: {:.0} ticks/s; done {}, {} odd",
        stats.ticks_sent,
        bytes as f64 / 1e6,
        stats.ticks_sent as f64 / seconds,
        stats.day_done,
        stats.anomalies_played
    );
    Ok(())
}
