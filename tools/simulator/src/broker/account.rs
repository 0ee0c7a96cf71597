//! Who may call: one user, one access token until the next 03:30, and single-use codes for the sockets.
//!
//! Source: reference sheet 2 (token life) and 3.1 (the redirect URI is consumed by its first use).

use std::collections::BTreeMap;

use bijli_core::{DurationNs, IstDay, TsNs};

use crate::random::Random;

/// The simulated user.
pub const USER_ID: &str = "SIM001";
/// Codes that may be outstanding; older ones are forgotten.
const CODES_MAX: usize = 64;

/// Which socket a code opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketGrant {
    /// The market feed.
    Market,
    /// The portfolio stream, with the kinds of update that were asked for.
    Portfolio(Vec<String>),
}

/// The account's credentials.
#[derive(Clone, Debug)]
pub(super) struct Account {
    token: String,
    expires: TsNs,
    is_logged_out: bool,
    random: Random,
    codes: BTreeMap<String, (u64, SocketGrant)>,
    issued: u64,
}

impl Account {
    /// The account on a trading day. Its token is the same for the same seed, so that a client survives a
    /// restart of the simulator.
    pub(super) fn new(day: IstDay, seed: u64) -> Self {
        let mut random = Random::new(seed, 0xacc0);
        Self {
            token: format!("sim-{:016x}{:016x}", random.word(), random.word()),
            expires: IstDay::new(day.get() + 1).at(DurationNs::from_hm(3, 30)),
            is_logged_out: false,
            random,
            codes: BTreeMap::new(),
            issued: 0,
        }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn admits(&self, now: TsNs, bearer: Option<&str>) -> bool {
        !self.is_logged_out && now < self.expires && bearer == Some(self.token.as_str())
    }

    pub(super) fn log_out(&mut self) {
        self.is_logged_out = true;
    }

    /// A fresh `requestId=…&code=…` for one handshake.
    pub(super) fn issue(&mut self, grant: SocketGrant) -> String {
        let query = format!("requestId={}&code={}", self.uuid(), self.uuid());
        self.issued += 1;
        if self.codes.len() >= CODES_MAX {
            let oldest = self.codes.iter().min_by_key(|(_, (number, _))| *number);
            let key = oldest
                .map(|(key, _)| key.clone())
                .expect("a full table has an oldest entry");
            self.codes.remove(&key);
        }
        self.codes.insert(query.clone(), (self.issued, grant));
        query
    }

    /// What a code opens; a second use opens nothing.
    pub(super) fn redeem(&mut self, query: &str) -> Option<SocketGrant> {
        self.codes.remove(query).map(|(_, grant)| grant)
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.random.word(), self.random.word());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_dies_at_half_past_three_and_a_code_works_once() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let mut account = Account::new(day, 1);
        let token = account.token().to_owned();
        let next = IstDay::new(day.get() + 1);
        assert!(account.admits(next.at(DurationNs::from_hm(3, 29)), Some(&token)));
        assert!(!account.admits(next.at(DurationNs::from_hm(3, 30)), Some(&token)));
        assert!(!account.admits(day.at(DurationNs::from_hm(9, 0)), Some("sim-guess")));
        assert!(!account.admits(day.at(DurationNs::from_hm(9, 0)), None));
        let query = account.issue(SocketGrant::Market);
        assert_eq!(account.redeem(&query), Some(SocketGrant::Market));
        assert_eq!(account.redeem(&query), None);
        account.log_out();
        assert!(!account.admits(day.at(DurationNs::from_hm(9, 0)), Some(&token)));
    }
}
