//! Black's formula of 1976 for options on a forward, with the greeks in the broker's units.
//!
//! Units: rupees, years of 365 days, volatility as a fraction. Theta is per day, vega per percent of
//! volatility, rho per percent of interest, delta and gamma per rupee of the spot. The forward is the spot with
//! interest. Invariant, tested: a call less its put is the discounted forward less the strike. The normal
//! distribution is the approximation 26.2.17 of Abramowitz and Stegun, good to 7.5e-8.

/// Yearly interest.
pub(super) const RATE: f64 = 0.065;
/// Below this an option is worth its inner value: a minute.
const YEARS_MIN: f64 = 1.0 / 525_600.0;

/// A call or a put at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Option76 {
    pub(super) is_call: bool,
    pub(super) spot: f64,
    pub(super) strike: f64,
    pub(super) years: f64,
    pub(super) vol: f64,
}

/// Sensitivities of an option's price.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sensitivity {
    pub(super) delta: f64,
    pub(super) gamma: f64,
    pub(super) theta: f64,
    pub(super) vega: f64,
    pub(super) rho: f64,
}

/// The price at which the underlying can be bought for delivery in so many years.
pub(super) fn forward(spot: f64, years: f64) -> f64 {
    spot * (RATE * years.max(0.0)).exp()
}

/// The share of a normal distribution that lies below `x`.
fn below(x: f64) -> f64 {
    let k = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = k
        * (0.319_381_530
            + k * (-0.356_563_782 + k * (1.781_477_937 + k * (-1.821_255_978 + k * 1.330_274_429))));
    let tail = density(x) * series;
    if x >= 0.0 { 1.0 - tail } else { tail }
}

fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

impl Option76 {
    fn root(self) -> f64 {
        self.vol * self.years.sqrt()
    }

    fn d1(self) -> f64 {
        ((forward(self.spot, self.years) / self.strike).ln() + self.root() * self.root() / 2.0) / self.root()
    }

    /// Nothing is left but the inner value.
    fn is_over(self) -> bool {
        self.years < YEARS_MIN || self.vol <= 0.0
    }

    fn sign(self) -> f64 {
        if self.is_call { 1.0 } else { -1.0 }
    }

    /// Rupees.
    pub(super) fn price(self) -> f64 {
        let sign = self.sign();
        if self.is_over() {
            return (sign * (self.spot - self.strike)).max(0.0);
        }
        let (d1, d2) = (self.d1(), self.d1() - self.root());
        let ahead = forward(self.spot, self.years) * below(sign * d1) - self.strike * below(sign * d2);
        sign * ahead * (-RATE * self.years).exp()
    }

    pub(super) fn sensitivity(self) -> Sensitivity {
        let sign = self.sign();
        if self.is_over() {
            let is_in = sign * (self.spot - self.strike) > 0.0;
            return Sensitivity {
                delta: if is_in { sign } else { 0.0 },
                ..Sensitivity::default()
            };
        }
        let (d1, d2) = (self.d1(), self.d1() - self.root());
        let discount = (-RATE * self.years).exp();
        let carry = RATE * self.strike * discount * below(sign * d2);
        let decay = self.spot * density(d1) * self.vol / (2.0 * self.years.sqrt());
        Sensitivity {
            delta: sign * below(sign * d1),
            gamma: density(d1) / (self.spot * self.root()),
            theta: (-decay - sign * carry) / 365.0,
            vega: self.spot * density(d1) * self.years.sqrt() / 100.0,
            rho: sign * self.strike * self.years * discount * below(sign * d2) / 100.0,
        }
    }

    /// The chance, percent, that a buyer at `premium` has gained at expiry.
    pub(super) fn profit_percent(self, premium: f64) -> f64 {
        let sign = self.sign();
        let even = self.strike + sign * premium;
        if even <= 0.0 {
            return 0.0;
        }
        if self.is_over() {
            return if sign * (self.spot - even) > 0.0 {
                100.0
            } else {
                0.0
            };
        }
        let d2 = Self { strike: even, ..self }.d1() - self.root();
        below(sign * d2) * 100.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn option(is_call: bool, spot: f64, strike: f64, years: f64, vol: f64) -> Option76 {
        Option76 {
            is_call,
            spot,
            strike,
            years,
            vol,
        }
    }

    #[test]
    fn a_textbook_price_and_the_recorded_greeks_of_a_real_chain_come_out() {
        // Five days and four hours before expiry, spot 22266.25: recorded delta 0.525, vega 10.53, theta -28.06,
        // gamma 0.0005, chance of profit 34.83 percent at a price of 305.40 and a volatility of 27.4 percent.
        let call = option(true, 22_266.25, 22_250.0, 5.37 / 365.0, 0.274);
        assert!((call.price() - 305.4).abs() < 15.0, "{}", call.price());
        let greeks = call.sensitivity();
        assert!((greeks.delta - 0.525).abs() < 0.01, "{greeks:?}");
        assert!((greeks.vega - 10.53).abs() < 0.4, "{greeks:?}");
        assert!((greeks.theta + 28.06).abs() < 4.0, "{greeks:?}");
        assert!((greeks.gamma - 0.0005).abs() < 0.0001, "{greeks:?}");
        assert!((call.profit_percent(305.4) - 34.83).abs() < 2.0);
    }

    proptest! {
        #[test]
        fn a_call_less_its_put_is_the_discounted_forward_less_the_strike(
            spot in 50.0_f64..60_000.0, away in 0.7_f64..1.4, days in 0.1_f64..90.0, vol in 0.05_f64..1.2,
        ) {
            let (strike, years) = (spot * away, days / 365.0);
            let price = |is_call| option(is_call, spot, strike, years, vol).price();
            let parity = spot - strike * (-RATE * years).exp();
            prop_assert!((price(true) - price(false) - parity).abs() < spot * 1e-6);
        }

        #[test]
        fn greeks_are_the_slopes_of_the_price(
            spot in 100.0_f64..10_000.0, away in 0.9_f64..1.1, days in 2.0_f64..90.0, vol in 0.1_f64..0.8, is_call in any::<bool>(),
        ) {
            let at = option(is_call, spot, spot * away, days / 365.0, vol);
            let greeks = at.sensitivity();
            let step = spot * 1e-3;
            let price = |spot: f64, vol: f64| Option76 { spot, vol, ..at }.price();
            let delta = (price(spot + step, vol) - price(spot - step, vol)) / (2.0 * step);
            prop_assert!((greeks.delta - delta).abs() < 2e-3, "{} {}", greeks.delta, delta);
            let vega = (price(spot, vol + 0.001) - price(spot, vol - 0.001)) / 0.2;
            prop_assert!((greeks.vega - vega).abs() < spot * 1e-4, "{} {}", greeks.vega, vega);
        }
    }
}
