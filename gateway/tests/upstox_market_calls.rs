//! What the builders of quotes, candles, options, calendar and news send: method, host, path with query, token or none.

mod call_checks;

use bijli_gateway::upstox::candle_api::{self, IntervalV2, Span, Timeframe};
use bijli_gateway::upstox::expired_api::{self, ExpiredInterval};
use bijli_gateway::upstox::vocabulary::Exchange;
use bijli_gateway::upstox::{
    analytics_api, feed_api, market_api, news_api, option_api, quote_api, search_api,
};

use self::call_checks::{OPTION, day, open_read, read};

const INDEX: &str = "NSE_INDEX|Nifty 50";

#[test]
fn market_calendar_and_quotes() {
    read(&market_api::status(&Exchange::Nfo), "/v2/market/status/NFO");
    open_read(&market_api::holidays(), "/v2/market/holidays");
    open_read(
        &market_api::holiday(day(2026, 11, 10)),
        "/v2/market/holidays/2026-11-10",
    );
    open_read(
        &market_api::timings(day(2026, 11, 10)),
        "/v2/market/timings/2026-11-10",
    );
    let keys = [OPTION, INDEX];
    let listed = "NSE_FO%7C45450%2CNSE_INDEX%7CNifty%2050";
    read(
        &quote_api::ltp(&keys),
        &format!("/v3/market-quote/ltp?instrument_key={listed}"),
    );
    let path = format!("/v3/market-quote/ohlc?instrument_key={listed}&interval=1d");
    read(&quote_api::ohlc(&keys, &quote_api::BarInterval::Day), &path);
    read(
        &quote_api::greeks(&keys),
        &format!("/v3/market-quote/option-greek?instrument_key={listed}"),
    );
    read(
        &quote_api::full_v3(&keys),
        &format!("/v3/market-quote/quotes?instrument_key={listed}"),
    );
    read(
        &quote_api::full_v2(&keys),
        &format!("/v2/market-quote/quotes?symbol={listed}"),
    );
    read(
        &feed_api::authorize_market(),
        "/v3/feed/market-data-feed/authorize",
    );
    read(
        &feed_api::authorize_portfolio(&[]),
        "/v2/feed/portfolio-stream-feed/authorize",
    );
    let all = ["order", "holding", "position", "gtt_order"].map(feed_api::UpdateKind::from_word);
    let path = "/v2/feed/portfolio-stream-feed/authorize?update_types=order%2Cholding%2Cposition%2Cgtt_order";
    read(&feed_api::authorize_portfolio(&all), path);
}

#[test]
fn candles_of_every_form() {
    let (first, last) = (day(2026, 1, 1), day(2026, 1, 31));
    let key = "NSE_INDEX%7CNifty%2050";
    let hour = Timeframe::hours(1).expect("in range");
    let call = candle_api::historical(INDEX, hour, last, Some(first));
    open_read(
        &call,
        &format!("/v3/historical-candle/{key}/hours/1/2026-01-31/2026-01-01"),
    );
    let call = candle_api::historical(INDEX, Timeframe::WEEK, last, None);
    open_read(&call, &format!("/v3/historical-candle/{key}/weeks/1/2026-01-31"));
    let minutes = Timeframe::minutes(300).expect("in range");
    let call = candle_api::intraday(INDEX, minutes);
    open_read(
        &call,
        &format!("/v3/historical-candle/intraday/{key}/minutes/300"),
    );
    let call = candle_api::historical_v2(INDEX, IntervalV2::HalfHour, last, Some(first));
    open_read(
        &call,
        &format!("/v2/historical-candle/{key}/30minute/2026-01-31/2026-01-01"),
    );
    let call = candle_api::historical_v2(INDEX, IntervalV2::Month, last, None);
    open_read(&call, &format!("/v2/historical-candle/{key}/month/2026-01-31"));
    let call = candle_api::intraday_v2(INDEX, IntervalV2::Minute);
    open_read(&call, &format!("/v2/historical-candle/intraday/{key}/1minute"));
    assert_eq!(
        [
            Timeframe::minutes(0),
            Timeframe::minutes(301),
            Timeframe::hours(6)
        ],
        [None; 3]
    );
    let expiry = day(2025, 4, 24);
    let gone = expired_api::expired_key("NSE_FO|73507", expiry);
    assert_eq!(gone, "NSE_FO|73507|24-04-2025");
    let call = expired_api::candles(&gone, ExpiredInterval::Minute15, Span { first, last });
    let path = "/v2/expired-instruments/historical-candle/NSE_FO%7C73507%7C24-04-2025/15minute/2026-01-31/2026-01-01";
    read(&call, path);
    let query = "instrument_key=NSE_INDEX%7CNifty%2050";
    read(
        &expired_api::expiries(INDEX),
        &format!("/v2/expired-instruments/expiries?{query}"),
    );
    let query = format!("{query}&expiry_date=2025-04-24");
    let options = format!("/v2/expired-instruments/option/contract?{query}");
    read(&expired_api::option_contracts(INDEX, expiry), &options);
    let futures = format!("/v2/expired-instruments/future/contract?{query}");
    read(&expired_api::future_contracts(INDEX, expiry), &futures);
}

#[test]
fn a_long_range_is_cut_into_spans_that_leave_nothing_out() {
    for (timeframe, months_max) in [
        (Timeframe::minutes(15), Some(1)),
        (Timeframe::minutes(16), Some(3)),
        (Timeframe::hours(5), Some(3)),
        (Some(Timeframe::DAY), Some(120)),
        (Some(Timeframe::MONTH), None),
    ] {
        let timeframe = timeframe.expect("in range");
        let range = Span {
            first: day(1999, 12, 31),
            last: day(2026, 10, 9),
        };
        let spans = candle_api::spans(timeframe, range);
        assert_eq!(spans[0].first, timeframe.since());
        assert_eq!(spans.last().expect("a span").last, range.last);
        for pair in spans.windows(2) {
            assert_eq!(pair[0].last.get() + 1, pair[1].first.get());
        }
        for span in &spans {
            let (from, to) = (span.first.ymd(), span.last.ymd());
            let months = (to.0 - from.0) * 12 + i32::try_from(to.1).expect("small")
                - i32::try_from(from.1).expect("small");
            let whole = months < months_max.unwrap_or(i32::MAX);
            assert!(whole || (Some(months) == months_max && to.2 < from.2), "{span:?}");
        }
    }
    let january = Span {
        first: day(2026, 1, 31),
        last: day(2026, 3, 5),
    };
    let minute = Timeframe::minutes(1).expect("in range");
    let cut = candle_api::spans(minute, january);
    let shown: Vec<String> = cut
        .iter()
        .map(|span| format!("{}..{}", span.first, span.last))
        .collect();
    assert_eq!(shown, ["2026-01-31..2026-02-27", "2026-02-28..2026-03-05"]);
    let backwards = Span {
        first: january.last,
        last: january.first,
    };
    assert!(candle_api::spans(minute, backwards).is_empty());
    assert_eq!(candle_api::historical_range(INDEX, minute, january).len(), 2);
}

#[test]
fn options_analytics_news_and_search() {
    let expiry = day(2026, 5, 29);
    let query = "instrument_key=NSE_INDEX%7CNifty%2050";
    read(
        &option_api::contracts(INDEX, None),
        &format!("/v2/option/contract?{query}"),
    );
    let path = format!("/v2/option/contract?{query}&expiry_date=2026-05-29");
    read(&option_api::contracts(INDEX, Some(expiry)), &path);
    read(
        &option_api::chain(INDEX, expiry),
        &format!("/v2/option/chain?{query}&expiry_date=2026-05-29"),
    );
    let asked = analytics_api::ExpiryQuery {
        underlying_key: INDEX,
        expiry,
        day: day(2026, 5, 7),
    };
    let query = format!("{query}&expiry=2026-05-29&date=2026-05-07");
    read(
        &analytics_api::pcr(&asked, 60),
        &format!("/v2/market/pcr?{query}&bucket_interval=60"),
    );
    read(
        &analytics_api::max_pain(&asked, 15),
        &format!("/v2/market/max-pain?{query}&bucket_interval=15"),
    );
    read(&analytics_api::oi(&asked), &format!("/v2/market/oi?{query}"));
    read(
        &analytics_api::change_oi(&asked, 2),
        &format!("/v2/market/change-oi?{query}&interval=2"),
    );
    let page = news_api::NewsPage {
        page_number: Some(2),
        page_size: Some(10),
    };
    let of = news_api::NewsOf::Instruments(&["NSE_EQ|A", "NSE_EQ|B"]);
    let path = "/v2/news?category=instrument_keys&instrument_keys=NSE_EQ%7CA%2CNSE_EQ%7CB&page_number=2&page_size=10";
    read(&news_api::news(of, page), path);
    let path = "/v2/news?category=holdings";
    read(
        &news_api::news(news_api::NewsOf::Holdings, news_api::NewsPage::default()),
        path,
    );
    let search = search_api::Search {
        query: "nifty 25000",
        exchanges: &["NSE", "BSE"],
        segments: &["OPT"],
        instrument_types: &["CE"],
        expiry: Some("current_month"),
        atm_offset: Some(-2),
        page_number: Some(1),
        records: Some(30),
    };
    let path = "/v2/instruments/search?query=nifty%2025000&exchanges=NSE%2CBSE&segments=OPT&instrument_types=CE\
                &expiry=current_month&atm_offset=-2&page_number=1&records=30";
    read(&search_api::search(&search), path);
    let bare = search_api::Search {
        query: "x",
        ..search_api::Search::default()
    };
    read(&search_api::search(&bare), "/v2/instruments/search?query=x");
}
