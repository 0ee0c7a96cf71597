//! The broker as a pure state machine with its own ledger: no socket, clock, thread or file.
//!
//! Calls come in as method, target and body; replies and stream updates come out as text. Time is an argument.
//! Invariants: positions equal the sum of the trades; a finished order never changes; the same calls, books and
//! seed give the same ledger. Matching is `bijli_gateway::paper::fill` on the simulator's own present book.
//! Facts: the broker's API documentation. Left out: physical settlement, MTF interest, the risk check's own
//! limits of price, charges taken from the cash of the day.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bijli_core::event::DataKind;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::{DurationNs, IstDay, Money, Price, TsNs};
use bijli_gateway::paper::fill::{Book, Liquidity};

use crate::day::{DayInfo, DayInstrument, DayTick, Morning, hours};
use crate::market::{MarketDesk, MarketOptions};

pub mod account;
pub mod faults;
pub mod limiter;
pub mod options;
pub mod order;
pub mod reply;
pub mod stats;
pub mod webhook;
mod call;
mod call_fault;
mod gate;
mod route;
mod login;
mod order_write;
mod multi;
mod gtt;
mod gtt_entry;
mod gtt_row;
mod order_read;
mod portfolio;
mod shares;
mod user;
mod funds;
mod switch;
mod address;
mod charge;
mod report;
mod payment;
mod page;
mod ipo;
mod mutual_fund;
mod entry;
mod entry_check;
mod episode;
mod errand;
mod change;
mod exchange;
mod ledger;
mod margin;
mod minute_fault;
mod order_fault;
mod read_fault;
mod row;
mod truth;
#[cfg(test)]
mod tests;

pub use account::SocketGrant;
pub use call::{ApiCall, Host, LOCAL_PEER, Moments};
pub use options::{BadLine, BrokerOptions, Relogin};
pub use order::{Origin, Status};
pub(crate) use reply::surface_refusal;
pub use reply::{ApiReply, Delivery};
pub use stats::BrokerStats;
pub use truth::{OrderTruth, TradeTruth};
pub use webhook::Webhook;

use account::Account;
use address::Addresses;
use episode::Episodes;
use errand::Errands;
use faults::{Fault, FaultDice, Faults};
use gtt::Gtt;
use ipo::Application;
use ledger::Ledger;
use limiter::{Limiter, RateLimits};
use order::Order;
use payment::Payments;
use shares::Shares;
use switch::KillSwitch;
use webhook::Outgoing;

/// What a broker is set up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSettings {
    /// Cash at the start of the day.
    pub capital: Money,
    /// Decides tokens, ids and faults.
    pub seed: u64,
    /// Faults to inject.
    pub faults: Faults,
    /// Whether calls beyond the limits are refused.
    pub rate_limits: RateLimits,
    /// Simulated time from the broker to the exchange: opens the race between a cancel and a fill.
    pub exchange_delay: DurationNs,
    /// What is not known for sure of the real broker, or differs between accounts.
    pub options: BrokerOptions,
}

/// A message of the portfolio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamUpdate {
    /// `order` or `position`: sent only to connections that asked for it.
    pub kind: &'static str,
    /// JSON text.
    pub text: String,
}

/// One instrument as the broker sees it.
#[derive(Debug)]
struct Listing {
    instrument: DayInstrument,
    times: SessionTimes,
    ltp: Price,
    liquidity: Liquidity,
    /// Orders that the exchange works, oldest first.
    working: Vec<usize>,
}

impl Listing {
    /// `NSE_EQ` and the like, as instrument keys begin.
    fn segment(&self) -> &str {
        self.instrument.key.split('|').next().unwrap_or_default()
    }
}

/// The broker.
#[derive(Debug)]
pub struct Broker {
    settings: BrokerSettings,
    data: DataKind,
    account: Account,
    limiter: Limiter,
    dice: FaultDice,
    listings: Vec<Listing>,
    ids: BTreeMap<String, u32>,
    orders: Vec<Order>,
    /// After-market orders that wait for their market to open.
    waiting: Vec<usize>,
    gtts: Vec<Gtt>,
    /// Those of them that can still act.
    live_gtts: Vec<usize>,
    order_ids: BTreeMap<String, usize>,
    ledger: Ledger,
    shares: Shares,
    switch: KillSwitch,
    addresses: Addresses,
    payments: Payments,
    applications: Vec<Application>,
    /// What is known of the market, and answered to whoever asks.
    desk: MarketDesk,
    errands: Errands,
    episodes: Episodes,
    updates: VecDeque<StreamUpdate>,
    webhooks: Outgoing,
    tags: BTreeSet<String>,
    duplicate_tags: u64,
    flips: u64,
    orders_refused: u64,
    day: IstDay,
    day_prefix: String,
    is_closed: bool,
    is_squared_off: bool,
    close: TsNs,
}

impl Broker {
    /// A broker on the morning of a day.
    #[must_use]
    pub fn new(info: &DayInfo, settings: BrokerSettings) -> Self {
        let (cash, derivatives) = (
            hours(info.day, Market::Cash),
            hours(info.day, Market::Derivatives),
        );
        let listings: Vec<Listing> = info
            .instruments
            .iter()
            .map(|instrument| Listing {
                times: if instrument.kind.is_derivative() {
                    derivatives
                } else {
                    cash
                },
                instrument: instrument.clone(),
                ltp: Price::NONE,
                liquidity: Liquidity::default(),
                working: Vec::new(),
            })
            .collect();
        let (year, month, day) = info.day.ymd();
        Self {
            data: info.data,
            account: Account::new(info.day, settings.seed, settings.options.extended_token_days),
            limiter: Limiter::new(settings.rate_limits),
            dice: FaultDice::new(settings.faults, settings.seed),
            ids: info
                .instruments
                .iter()
                .map(|row| row.key.clone())
                .zip(0..)
                .collect(),
            listings,
            orders: Vec::new(),
            waiting: Vec::new(),
            gtts: Vec::new(),
            live_gtts: Vec::new(),
            order_ids: BTreeMap::new(),
            ledger: Ledger::default(),
            shares: Shares::new(info, settings.options.demo_holdings),
            switch: KillSwitch::default(),
            addresses: Addresses::new(&settings.options.order_ips, info.day),
            payments: Payments::default(),
            applications: Vec::new(),
            day: info.day,
            desk: MarketDesk::new(info),
            errands: Errands::default(),
            episodes: Episodes::default(),
            updates: VecDeque::new(),
            webhooks: Outgoing::default(),
            tags: BTreeSet::new(),
            duplicate_tags: 0,
            flips: 0,
            orders_refused: 0,
            day_prefix: format!("{:02}{month:02}{day:02}", year % 100),
            is_closed: false,
            is_squared_off: false,
            close: cash.close.max(derivatives.close),
            settings,
        }
    }

    /// Where the prices of the day come from.
    #[must_use]
    pub const fn data(&self) -> DataKind {
        self.data
    }

    /// The access token that the account begins the day with.
    #[must_use]
    pub fn token(&self) -> &str {
        self.account.token()
    }

    /// Whether a bearer token is good now.
    #[must_use]
    pub fn admits(&self, now: TsNs, bearer: Option<&str>) -> bool {
        self.account.admits(now, bearer)
    }

    /// A single-use query string for the socket of `grant`.
    pub fn issue_socket_code(&mut self, grant: SocketGrant) -> String {
        self.account.issue(grant)
    }

    /// What a query string opens; nothing the second time.
    pub fn redeem_socket_code(&mut self, query: &str) -> Option<SocketGrant> {
        self.account.redeem(query)
    }

    /// The 401 that answers a bad token.
    #[must_use]
    pub fn bad_token_reply(&self) -> ApiReply {
        reply::BAD_TOKEN.reply()
    }

    /// The 404 that answers a request nobody knows.
    #[must_use]
    pub fn not_supported_reply(&self) -> ApiReply {
        reply::NOT_SUPPORTED.reply()
    }

    /// Takes a new book and last price of one instrument in and matches what they reach.
    pub fn apply_book(&mut self, now: TsNs, instrument: u32, book: Book) {
        self.advance(now);
        let listing = &mut self.listings[instrument as usize];
        if book.ltp.is_set() {
            listing.ltp = book.ltp;
            self.shares.mark(instrument, listing.instrument.tick, book.ltp);
        }
        let crossed = book.bid.is_set() && book.ask.is_set() && book.bid >= book.ask;
        if !crossed {
            listing.liquidity.refresh(book);
        }
        if !self.listings[instrument as usize].working.is_empty() && !self.is_halted(now) {
            self.match_all(now, instrument);
        }
        self.run_gtts(now);
    }

    /// What is not known for sure of market information.
    pub fn set_market_options(&mut self, options: MarketOptions) {
        self.desk.set_options(options);
    }

    /// Whether the account has the Plus plan, which alone may ask for expired instruments.
    pub fn set_plus_plan(&mut self, has_plus_plan: bool) {
        self.desk.set_plus_plan(has_plus_plan);
    }

    /// Takes in what an invented day tells besides its ticks.
    pub fn prepare_desk(&mut self, morning: Morning) {
        self.desk.prepare(morning);
    }

    /// Takes a tick of the played day in as market information; its book comes by [`Broker::apply_book`].
    pub fn apply_tick(&mut self, tick: &DayTick) {
        self.desk.apply_tick(tick);
    }

    /// Lets time pass: errands to the exchange arrive, and day orders end at the close.
    pub fn advance(&mut self, now: TsNs) {
        self.pass_minutes(now);
        while let Some((order, errand)) = self.errands.pop_due(now) {
            self.deliver(now, order, errand);
        }
        self.release_held(now);
        self.square_off_at_hour(now);
        if !self.waiting.is_empty() {
            self.release_waiting(now);
        }
        if !self.is_closed && now >= self.close {
            self.close_day(now);
        }
    }

    /// When time should be advanced next without a book arriving.
    #[must_use]
    pub fn next_errand(&self) -> Option<TsNs> {
        let held = self.episodes.held.as_ref().map(|(due, _)| *due);
        self.errands.next_due().into_iter().chain(held).min()
    }

    /// The next message of the portfolio stream.
    pub fn poll_update(&mut self) -> Option<StreamUpdate> {
        self.updates.pop_front()
    }

    /// The next message to be posted to the application.
    pub fn poll_webhook(&mut self) -> Option<Webhook> {
        self.webhooks.pop_front()
    }

    /// Whether a connection is to be cut by a fault; asked once per connection and simulated second.
    pub fn drops_socket(&mut self) -> bool {
        self.dice.fires(Fault::SocketCut)
    }

    /// Other chances of faults from now on; their streams and counts go on.
    pub const fn set_faults(&mut self, faults: Faults) {
        self.dice.set_faults(faults);
    }

    /// The chances of faults.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        self.dice.faults()
    }

    fn listing(&self, instrument: u32) -> &Listing {
        &self.listings[instrument as usize]
    }
}
