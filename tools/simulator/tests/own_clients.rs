//! The project's own feed client and order lane against the simulator: what is sent is what arrives.

use std::time::Duration;

use bijli_core::event::FeedState;
use bijli_core::instrument::InstrumentKind;
use bijli_core::{DurationNs, Instrument, InstrumentId, IstDay, Price, Qty, SectorId, text::Text};
use bijli_feed::liveness::MarketHours;
use bijli_feed::planner::capacity::{AccountPlan, Capacity, LimitScope};
use bijli_feed::socket::everything;
use bijli_feed::upstox::message;
use bijli_feed::{FeedClient, FeedOutput, FeedSettings, KeyIndex, Mode, TokenHandle};
use bijli_gateway::request::{Auth, Body, Host, Lane, Method, Request, RequestId};
use bijli_gateway::socket::{RestLane, RestSettings};
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, day, start};

fn spec() -> DaySpec {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    DaySpec::Synthetic { day, instruments: 12 }
}

fn simulator() -> RunningSimulator {
    start(SimSettings {
        day: spec(),
        ..SimSettings::default()
    })
    .expect("it starts")
}

/// The shares of the day.
fn shares() -> Vec<String> {
    let source = day::open(&spec(), 1).expect("invented days open");
    let rows = source.info().instruments.iter();
    rows.filter(|row| row.kind.is_tradable())
        .map(|row| row.key.clone())
        .collect()
}

fn table(keys: &[String]) -> Vec<Instrument> {
    let rows = keys.iter().zip(0..).map(|(key, id)| Instrument {
        id: InstrumentId::new(id),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(id),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        prev_close: Price::NONE,
        expiry: IstDay::default(),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(key).expect("it fits"),
        symbol: Text::EMPTY,
    });
    rows.collect()
}

#[test]
fn the_feed_client_receives_every_tick_of_a_day_and_sees_it_close() {
    let sim = simulator();
    let all = shares();
    let index = KeyIndex::new(&table(&all));
    let mut feed = FeedClient::new(FeedSettings {
        url: sim.feed_url.clone(),
        token: TokenHandle::fixed(sim.token.clone()),
        extra_root_pem: sim.ca_pem.clone(),
        wants: everything(all.len(), Mode::Full),
        keys: all,
        capacity: Capacity::of(AccountPlan::Normal, LimitScope::Account).with_sockets_at_most(1),
        busy_poll: false,
        jitter_seed: 1,
        batch: 5,
        mute_after: DurationNs::from_secs(30),
        hours: MarketHours::UNKNOWN,
    })
    .expect("a client");
    let (mut ticks, mut unknown, mut states) = (0_u64, 0, Vec::new());
    let mut now = sim.day.at(DurationNs::from_hm(9, 14));
    let mut turns = 0;
    // The market is told closed at its close, a minute before the day is over.
    while !(states.contains(&FeedState::Closed) && sim.stats().day_done) {
        let mut latest = now.plus(DurationNs::from_millis(1));
        feed.poll(now, Some(Duration::from_millis(20)), &mut |output| match output {
            FeedOutput::Frame(frame) => {
                let head = message::decode(frame, &index, &mut |_, _| ticks += 1).expect("a sound frame");
                unknown += head.unknown_keys;
                latest = latest.max(head.current_ts);
            }
            FeedOutput::State(state) => states.push(state),
            FeedOutput::Note(_) => {}
        });
        now = latest;
        turns += 1;
        assert!(turns < 2_000_000, "the day does not end: {states:?}");
    }
    let stats = sim.stats();
    assert!(stats.day_done);
    assert_eq!((ticks, unknown), (stats.ticks_sent, 0));
    assert_eq!(states.first(), Some(&FeedState::Live), "{states:?}");
}

#[test]
fn the_order_lane_places_and_reads_over_kept_connections() {
    let sim = simulator();
    let key = shares().swap_remove(0);
    let mut lane = RestLane::new(&RestSettings {
        api_url: sim.api_url.clone(),
        order_url: sim.order_url.clone(),
        token: sim.token.clone(),
        extra_root_pem: sim.ca_pem.clone(),
        algo_name: None,
        timeout: Duration::from_secs(5),
    })
    .expect("a lane");
    let body = serde_json::json!({
        "instrument_token": key, "quantity": 1, "product": "I", "validity": "DAY", "price": 100.0, "tag": "T1",
        "order_type": "LIMIT", "transaction_type": "BUY", "disclosed_quantity": 0, "trigger_price": 0,
        "is_amo": false,
    });
    let mut perform = |number, host, method, path: &str, body: Option<String>| {
        let request = Request {
            id: RequestId::new(number),
            lane: Lane::Entry,
            host,
            method,
            path: path.to_owned(),
            body: body.map(Body::Json),
            auth: Auth::Bearer,
        };
        lane.perform(&request).reply
    };
    let placed = perform(
        1,
        Host::Order,
        Method::Post,
        "/v3/order/place",
        Some(body.to_string()),
    );
    assert_eq!(
        placed.outcome,
        Ok(200),
        "{}",
        String::from_utf8_lossy(&placed.body)
    );
    let found = perform(2, Host::Api, Method::Get, "/v2/order/history?tag=T1", None);
    assert_eq!(found.outcome, Ok(200));
    assert!(String::from_utf8_lossy(&found.body).contains("put order req received"));
    let refused = perform(
        3,
        Host::Order,
        Method::Delete,
        "/v3/order/cancel?order_id=1",
        None,
    );
    assert_eq!(refused.outcome, Ok(400));
    assert!(String::from_utf8_lossy(&refused.body).contains("UDAPI100010"));
    assert_eq!(sim.stats().broker.orders_seen, 1);
}
