//! The broker's face: listeners on loopback, one thread that owns them all.
//!
//! One thread means that orders, ticks and pings have one order, and that the broker needs no lock. Three
//! listeners stand for the broker's hosts: API, order API, and the feeder that redirects lead to. Everything is
//! TLS with a certificate made at start, unless the settings ask for plain connections. Left out: addresses other
//! than loopback, HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bijli_core::IstDay;
use bijli_core::event::DataKind;
use mio::Waker;
use mio::net::TcpListener;

use crate::broker::{Broker, BrokerSettings};
use crate::day;
use crate::error::SimError;
use crate::play::Player;
use crate::settings::{SimSettings, Transport};
use crate::stats::{SimStats, StatsHandle};

mod certificate;
mod connection;
mod master;
mod event_loop;
mod http;
mod surface;
mod files;
mod upgrade;
mod control;
mod record;
mod script;
mod fault_rows;
mod faults;
mod garbage;
mod webhook;
mod pace;

use event_loop::{EventLoop, HOSTS};

/// A simulator that serves until it is stopped or dropped.
#[derive(Debug)]
pub struct RunningSimulator {
    /// Base URL of the API host.
    pub api_url: String,
    /// Base URL of the order host.
    pub order_url: String,
    /// Where the market feed begins: answers with a redirect.
    pub feed_url: String,
    /// Where the portfolio stream begins: answers with a redirect.
    pub stream_url: String,
    /// Where the instrument master lies.
    pub master_url: String,
    /// The access token.
    pub token: String,
    /// The root certificate to trust; `None` without TLS.
    pub ca_pem: Option<String>,
    /// The API key of the registered app.
    pub client_id: String,
    /// The secret of the registered app.
    pub client_secret: String,
    /// The trading day.
    pub day: IstDay,
    /// Where the prices come from.
    pub data: DataKind,
    /// Instruments that may tick.
    pub instruments: usize,
    /// What had to be assumed about the day, in sentences.
    pub notes: Vec<String>,
    stats: StatsHandle,
    is_stopping: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the day, makes a certificate, listens, and serves from a thread of its own.
///
/// # Errors
/// [`SimError`] when the day cannot be read, the address is not loopback or is taken, or the speed is no
/// positive number.
pub fn start(settings: SimSettings) -> Result<RunningSimulator, SimError> {
    if !settings.bind.ip().is_loopback() {
        return Err(SimError::NotLoopback(settings.bind));
    }
    pace::check(settings.speed)?;
    let mut player = Player::new(day::open(&settings.day, settings.seed)?)?;
    if settings.overnight {
        player.run_overnight();
    }
    let broker = open_broker(&settings, &player);
    let credentials = match settings.transport {
        Transport::Tls => Some(certificate::make()?),
        Transport::Plain => None,
    };
    let (root_pem, tls) = credentials.map(|made| (made.root_pem, made.server)).unzip();
    let (listeners, addresses) = listen(settings.bind)?;
    let stats = StatsHandle(Arc::new(Mutex::new(SimStats::default())));
    let is_stopping = Arc::new(AtomicBool::new(false));
    let info = player.info().clone();
    let token = broker.token().to_owned();
    let app = (broker.client_id().to_owned(), broker.client_secret().to_owned());
    let (http, ws) = match settings.transport {
        Transport::Tls => ("https", "wss"),
        Transport::Plain => ("http", "ws"),
    };
    let seat = event_loop::Seat {
        stats: stats.clone(),
        is_stopping: Arc::clone(&is_stopping),
        speed: settings.speed,
        tls,
        addresses,
        options: settings.options.socket,
        records_requests: settings.records_requests,
        scripts: settings.scripts,
        seed: settings.seed,
    };
    let (waker, thread) = serve(player, broker, listeners, seat)?;
    let [api, order, _] = addresses;
    Ok(RunningSimulator {
        api_url: format!("{http}://{api}"),
        order_url: format!("{http}://{order}"),
        feed_url: format!("{ws}://{api}{}", upgrade::MARKET_ENTRY),
        stream_url: format!("{ws}://{api}{}", upgrade::PORTFOLIO_ENTRY),
        master_url: format!("{http}://{api}{}", files::MASTER_PATH),
        token,
        ca_pem: root_pem,
        client_id: app.0,
        client_secret: app.1,
        day: info.day,
        data: info.data,
        instruments: info.instruments.len(),
        notes: info.notes,
        stats,
        is_stopping,
        waker,
        thread: Some(thread),
    })
}

/// The broker of the day, with what its desk knows of the morning.
fn open_broker(settings: &SimSettings, player: &Player) -> Broker {
    let mut broker = Broker::new(
        player.info(),
        BrokerSettings {
            capital: settings.capital,
            seed: settings.seed,
            faults: settings.faults,
            rate_limits: settings.rate_limits,
            exchange_delay: settings.exchange_delay,
            options: settings.options.broker.clone(),
        },
    );
    broker.set_market_options(settings.options.market.clone());
    broker.set_plus_plan(settings.options.socket.plus_plan);
    broker.prepare_desk(player.morning());
    broker
}

impl RunningSimulator {
    /// The counts now.
    #[must_use]
    pub fn stats(&self) -> SimStats {
        self.stats.get()
    }

    /// A handle to the counts that other threads can keep.
    #[must_use]
    pub fn stats_handle(&self) -> StatsHandle {
        self.stats.clone()
    }

    /// Stops serving, waits for the thread, and returns the last counts.
    pub fn stop(mut self) -> SimStats {
        self.shut_down();
        self.stats.get()
    }

    fn shut_down(&mut self) {
        // Pairs with the load in the event loop; the waker's write comes after and wakes it to look.
        self.is_stopping.store(true, Ordering::Release);
        let _woken = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Drop for RunningSimulator {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Starts the thread that serves.
fn serve(
    player: Player,
    broker: Broker,
    listeners: [TcpListener; HOSTS],
    seat: event_loop::Seat,
) -> Result<(Arc<Waker>, JoinHandle<()>), SimError> {
    let (mut serving, waker) = EventLoop::new(player, broker, listeners, seat)
        .map_err(|error| SimError::io("setting up the poller", &error))?;
    let thread = std::thread::Builder::new()
        .name("bijli-sim".to_owned())
        .spawn(move || serving.run())
        .map_err(|error| SimError::io("starting the simulator's thread", &error))?;
    Ok((waker, thread))
}

fn listen(bind: SocketAddr) -> Result<([TcpListener; HOSTS], [SocketAddr; HOSTS]), SimError> {
    let one = |offset: u16| -> Result<(TcpListener, SocketAddr), SimError> {
        let port = if bind.port() == 0 {
            0
        } else {
            bind.port().saturating_add(offset)
        };
        let address = SocketAddr::new(bind.ip(), port);
        let failed = |error: io::Error| SimError::Listen {
            address,
            reason: error.to_string(),
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        Ok((listener, bound))
    };
    let ((api, a), (order, b), (feeder, c)) = (one(0)?, one(1)?, one(2)?);
    Ok(([api, order, feeder], [a, b, c]))
}
