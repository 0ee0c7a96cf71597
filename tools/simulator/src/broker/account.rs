//! Who may call: one user, one application, tokens that die at the next 03:30, and single-use codes.
//!
//! Invariant: a token that was revoked or has reached its hour never admits again. Source: the broker's API
//! documentation (token life, single use of the socket's redirect URI and of the login code).

use std::collections::BTreeMap;

use bijli_core::{DurationNs, IstDay, TsNs};

use crate::random::Random;

/// The simulated user.
pub const USER_ID: &str = "SIM001";
/// Codes that may be outstanding; older ones are forgotten.
const CODES_MAX: usize = 64;
/// When access tokens die.
const TOKEN_DEATH: DurationNs = DurationNs::from_hm(3, 30);

/// Which socket a code opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketGrant {
    /// The market feed.
    Market,
    /// The portfolio stream, with the kinds of update that were asked for.
    Portfolio(Vec<String>),
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Everything.
    Access,
    /// Reads alone.
    Reader,
}

/// Codes that work once; when too many are outstanding the oldest is forgotten.
#[derive(Clone, Debug)]
struct Codes<T>(BTreeMap<String, (u64, T)>, u64);

impl<T> Codes<T> {
    const fn new() -> Self {
        Self(BTreeMap::new(), 0)
    }

    fn issue(&mut self, code: String, opens: T) {
        self.1 += 1;
        if self.0.len() >= CODES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (number, _))| *number);
            let key = oldest
                .map(|(key, _)| key.clone())
                .expect("a full table has an oldest entry");
            self.0.remove(&key);
        }
        self.0.insert(code, (self.1, opens));
    }

    fn redeem(&mut self, code: &str) -> Option<T> {
        self.0.remove(code).map(|(_, opens)| opens)
    }
}

/// The account's credentials.
#[derive(Clone, Debug)]
pub(super) struct Account {
    token: String,
    reader: String,
    client_id: String,
    client_secret: String,
    /// Tokens that are good until their hour.
    tokens: BTreeMap<String, (TokenKind, TsNs)>,
    random: Random,
    sockets: Codes<SocketGrant>,
    /// Login codes and the redirect URI that each was issued for.
    logins: Codes<String>,
}

impl Account {
    /// The account on a trading day. Its first tokens are the same for the same seed, so that a client survives
    /// a restart of the simulator.
    pub(super) fn new(day: IstDay, seed: u64, reader_days: u16) -> Self {
        let mut random = Random::new(seed, 0xacc0);
        let token = format!("sim-{:016x}{:016x}", random.word(), random.word());
        let mut keys = Random::new(seed, 0xacc1);
        let reader = format!("sim-reader-{:016x}{:016x}", keys.word(), keys.word());
        let client_id = format!("sim-app-{:016x}", keys.word());
        let client_secret = format!("sim{:08x}", keys.word() >> 32);
        let dies = IstDay::new(day.get() + 1).at(TOKEN_DEATH);
        let reader_dies = IstDay::new(day.get() + i32::from(reader_days)).at(TOKEN_DEATH);
        Self {
            tokens: BTreeMap::from([
                (token.clone(), (TokenKind::Access, dies)),
                (reader.clone(), (TokenKind::Reader, reader_dies)),
            ]),
            token,
            reader,
            client_id,
            client_secret,
            random,
            sockets: Codes::new(),
            logins: Codes::new(),
        }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn reader_token(&self) -> &str {
        &self.reader
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// When the last of the access tokens that are out dies.
    pub(super) fn tokens_die(&self) -> Option<TsNs> {
        let access = self
            .tokens
            .values()
            .filter(|(kind, _)| *kind == TokenKind::Access);
        access.map(|(_, dies)| *dies).max()
    }

    pub(super) fn admits(&self, now: TsNs, bearer: Option<&str>) -> bool {
        self.kind_of(now, bearer).is_some()
    }

    /// What a token is good for now; nothing once it is dead.
    pub(super) fn kind_of(&self, now: TsNs, bearer: Option<&str>) -> Option<TokenKind> {
        let (kind, dies) = self.tokens.get(bearer?)?;
        (now < *dies).then_some(*kind)
    }

    pub(super) fn issue_token(&mut self, kind: TokenKind, dies: TsNs) -> String {
        let token = format!("sim-{:016x}{:016x}", self.random.word(), self.random.word());
        self.tokens.insert(token.clone(), (kind, dies));
        token
    }

    pub(super) fn log_out(&mut self, bearer: Option<&str>) {
        self.tokens.remove(bearer.unwrap_or_default());
    }

    /// Kills every access token; those that only read live on.
    pub(super) fn revoke_all(&mut self) {
        self.tokens.retain(|_, (kind, _)| *kind == TokenKind::Reader);
    }

    /// Lets every access token die at another moment than its 03:30.
    pub(super) fn expire_all_at(&mut self, moment: TsNs) {
        for (kind, dies) in self.tokens.values_mut() {
            if *kind == TokenKind::Access {
                *dies = moment;
            }
        }
    }

    /// A fresh login code for a redirect URI.
    pub(super) fn issue_code(&mut self, redirect: String) -> String {
        let code = format!("{:06x}", self.random.word() >> 40);
        self.logins.issue(code.clone(), redirect);
        code
    }

    /// The redirect URI that a login code was issued for; nothing the second time.
    pub(super) fn burn_code(&mut self, code: &str) -> Option<String> {
        self.logins.redeem(code)
    }

    /// A fresh `requestId=…&code=…` for one handshake.
    pub(super) fn issue(&mut self, grant: SocketGrant) -> String {
        let query = format!("requestId={}&code={}", self.uuid(), self.uuid());
        self.sockets.issue(query.clone(), grant);
        query
    }

    /// What a code opens; a second use opens nothing.
    pub(super) fn redeem(&mut self, query: &str) -> Option<SocketGrant> {
        self.sockets.redeem(query)
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

/// When an access token that is issued now dies: at the next 03:30, whatever the hour.
pub(super) fn next_token_death(now: TsNs) -> TsNs {
    let today = now.ist_day().at(TOKEN_DEATH);
    if now < today {
        today
    } else {
        IstDay::new(now.ist_day().get() + 1).at(TOKEN_DEATH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_dies_at_half_past_three_and_a_code_works_once() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let mut account = Account::new(day, 1, 365);
        let token = account.token().to_owned();
        let next = IstDay::new(day.get() + 1);
        assert!(account.admits(next.at(DurationNs::from_hm(3, 29)), Some(&token)));
        assert!(!account.admits(next.at(DurationNs::from_hm(3, 30)), Some(&token)));
        assert!(!account.admits(day.at(DurationNs::from_hm(9, 0)), Some("sim-guess")));
        assert!(!account.admits(day.at(DurationNs::from_hm(9, 0)), None));
        let query = account.issue(SocketGrant::Market);
        assert_eq!(account.redeem(&query), Some(SocketGrant::Market));
        assert_eq!(account.redeem(&query), None);
        account.log_out(Some(&token));
        assert!(!account.admits(day.at(DurationNs::from_hm(9, 0)), Some(&token)));
    }

    #[test]
    fn tokens_die_at_the_next_half_past_three_whatever_the_hour_of_issue() {
        let day = IstDay::from_ymd(2026, 7, 28).expect("a real date");
        let next = IstDay::new(day.get() + 1);
        let death = next.at(DurationNs::from_hm(3, 30));
        assert_eq!(next_token_death(day.at(DurationNs::from_hm(20, 0))), death);
        assert_eq!(next_token_death(next.at(DurationNs::from_hm(2, 30))), death);
        assert_eq!(
            next_token_death(death),
            IstDay::new(day.get() + 2).at(DurationNs::from_hm(3, 30))
        );
    }
}
