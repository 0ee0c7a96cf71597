//! Every indicator against TA-Lib, bar by bar, warm-up included (`oracle/README.md` says how the numbers came).

use bijli_strategy::indicator::atr::Atr;
use bijli_strategy::indicator::deviation::Deviation;
use bijli_strategy::indicator::ema::Ema;
use bijli_strategy::indicator::macd::Macd;
use bijli_strategy::indicator::roc::Roc;
use bijli_strategy::indicator::rsi::Rsi;
use bijli_strategy::indicator::sma::Sma;
use bijli_strategy::indicator::volume_ratio::VolumeRatio;

const TOLERANCE: f64 = 1e-9;
/// `high low close volume` and what the columns of `expected.txt` hold.
type Bar = [i64; 4];
const COLUMNS: usize = 12;
type Row = [Option<f64>; COLUMNS];

fn bars() -> Vec<Bar> {
    include_str!("oracle/bars.txt")
        .lines()
        .skip(1)
        .map(|line| {
            let numbers: Vec<i64> = line
                .split(' ')
                .map(|text| text.parse().expect("an integer"))
                .collect();
            numbers.try_into().expect("four columns")
        })
        .collect()
}

fn expected() -> (Vec<&'static str>, Vec<Row>) {
    let mut lines = include_str!("oracle/expected.txt").lines();
    let names = lines.next().expect("a header").split(' ').collect();
    let rows = lines
        .map(|line| {
            let values: Vec<Option<f64>> = line.split(' ').map(|text| text.parse().ok()).collect();
            values.try_into().expect("as many columns as the header")
        })
        .collect();
    (names, rows)
}

/// All indicators side by side.
struct Bench {
    sma20: Sma<20>,
    sma50: Sma<50>,
    sma200: Sma<200>,
    ema20: Ema,
    rsi: Rsi,
    atr: Atr,
    macd: Macd,
    roc: Roc<10>,
    volume: VolumeRatio<20>,
    closes: Deviation<20>,
}

impl Bench {
    fn new() -> Self {
        Self {
            sma20: Sma::default(),
            sma50: Sma::default(),
            sma200: Sma::default(),
            ema20: Ema::new(20),
            rsi: Rsi::new(14),
            atr: Atr::new(14),
            macd: Macd::default(),
            roc: Roc::default(),
            volume: VolumeRatio::default(),
            closes: Deviation::default(),
        }
    }

    fn update(&mut self, [high, low, close, volume]: Bar) {
        self.sma20.update(close);
        self.sma50.update(close);
        self.sma200.update(close);
        self.ema20.update(close as f64);
        self.rsi.update(close);
        self.atr.update(high, low, close);
        self.macd.update(close as f64);
        self.roc.update(close);
        self.volume.update(volume);
        self.closes.update(close);
    }

    fn values(&self) -> Row {
        let macd = self.macd.value();
        [
            self.sma20.value(),
            self.sma50.value(),
            self.sma200.value(),
            self.ema20.value(),
            self.rsi.value(),
            self.atr.value(),
            macd.map(|lines| lines.macd),
            macd.map(|lines| lines.signal),
            macd.map(|lines| lines.histogram),
            self.roc.value(),
            self.volume.value(),
            self.closes.sigma(),
        ]
    }

    /// What `values` would be after this bar; none for `sigma`, which never judges a point by itself.
    fn peek(&self, [high, low, close, volume]: Bar) -> Row {
        let macd = self.macd.peek(close as f64);
        [
            self.sma20.peek(close),
            self.sma50.peek(close),
            self.sma200.peek(close),
            self.ema20.peek(close as f64),
            self.rsi.peek(close),
            self.atr.peek(high, low),
            macd.map(|lines| lines.macd),
            macd.map(|lines| lines.signal),
            macd.map(|lines| lines.histogram),
            self.roc.peek(close),
            self.volume.peek(volume as f64),
            None,
        ]
    }
}

fn assert_close(ours: Option<f64>, theirs: Option<f64>, what: &str) {
    assert_eq!(
        ours.is_some(),
        theirs.is_some(),
        "{what}: warm-up, {ours:?} against {theirs:?}"
    );
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        // The differences of MACD are small against the averages that they come from.
        let scale = theirs.abs().max(1.0);
        assert!(
            (ours - theirs).abs() <= TOLERANCE * scale,
            "{what}: {ours} against {theirs}"
        );
    }
}

#[test]
fn every_value_and_every_warm_up_is_that_of_ta_lib() {
    let (names, rows) = expected();
    let bars = bars();
    assert_eq!((names.len(), bars.len(), rows.len()), (COLUMNS, 260, 260));
    let mut bench = Bench::new();
    for (index, (bar, row)) in bars.iter().zip(&rows).enumerate() {
        bench.update(*bar);
        for ((name, ours), theirs) in names.iter().zip(bench.values()).zip(row) {
            assert_close(ours, *theirs, &format!("{name} of bar {index}"));
        }
    }
}

#[test]
fn peeking_at_a_forming_bar_tells_what_closing_it_would() {
    let (names, _) = expected();
    let mut bench = Bench::new();
    for (index, bar) in bars().into_iter().enumerate() {
        let peeked = bench.peek(bar);
        bench.update(bar);
        for ((name, peeked), value) in names.iter().zip(peeked).zip(bench.values()) {
            if let Some(peeked) = peeked {
                assert_close(Some(peeked), value, &format!("peek at {name} of bar {index}"));
            }
        }
    }
}

#[test]
fn running_sums_do_not_drift_over_a_million_updates() {
    let mut sma = Sma::<200>::default();
    let mut deviation = Deviation::<20>::default();
    let mut last = Vec::new();
    let mut state = 1_i64;
    for _ in 0..1_000_000 {
        state = (state * 6_364_136 + 1_442_695) % 1_000_000_007;
        let price = 90_000_000_000 + state;
        sma.update(price);
        deviation.update(price);
        last.push(price);
    }
    let window = &last[last.len() - 200..];
    assert_eq!(sma.sum(), window.iter().sum::<i64>());
    let window = &last[last.len() - 20..];
    let mean = window.iter().sum::<i64>() as f64 / 20.0;
    let square = window
        .iter()
        .map(|x| (*x as f64 - mean) * (*x as f64 - mean))
        .sum::<f64>();
    assert_close(deviation.sigma(), Some((square / 20.0).sqrt()), "sigma");
}

#[test]
fn a_price_that_stands_still_gives_the_neutral_values_of_ta_lib() {
    let mut bench = Bench::new();
    for _ in 0..260 {
        bench.update([1_000, 1_000, 1_000, 0]);
    }
    let values = bench.values().map(|value| value.unwrap_or(f64::NAN));
    assert_eq!(values[..6], [1_000.0, 1_000.0, 1_000.0, 1_000.0, 0.0, 0.0]);
    assert_eq!(values[6..10], [0.0, 0.0, 0.0, 0.0]);
    assert!(values[10].is_nan(), "no ratio to a mean of nothing");
    assert_eq!(values[11], 0.0);
}
