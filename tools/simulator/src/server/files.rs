//! The file host: the instrument master, sound or as a fault script wants it.
//!
//! Source: the broker's API documentation (names of files); that requests without a `User-Agent` are refused is
//! what clients report.

use bijli_wire::http1::RequestHead;

use super::event_loop::EventLoop;
use super::garbage::PAGE;
use super::master::{self, Lots};
use super::script::MasterFault;

/// Where the broker keeps the instrument files.
pub(super) const FILES: &str = "/market-quote/instruments/exchange/";
/// The file of the simulated exchange: what ticks on the day.
pub(super) const MASTER_PATH: &str = "/market-quote/instruments/exchange/NSE.json.gz";
/// The same with the contracts that are quoted but never tick.
const MASTER_ALL_PATH: &str = "/market-quote/instruments/exchange/complete.json.gz";
const GZIP: [(&str, &str); 1] = [("Content-Type", "application/gzip")];
const HTML: [(&str, &str); 1] = [("Content-Type", "text/html")];

impl EventLoop {
    /// Answers a request for a file.
    pub(super) fn serve_file(&mut self, token: usize, head: &RequestHead) {
        if head.headers.get("user-agent").is_none() {
            return self.answer(token, 403, &HTML, b"a User-Agent is required");
        }
        if ![MASTER_PATH, MASTER_ALL_PATH].contains(&head.path()) {
            return self.answer(token, 404, &HTML, b"no such file");
        }
        let contracts = if head.path() == MASTER_ALL_PATH {
            self.player.morning().contracts
        } else {
            Vec::new()
        };
        let sound = |lots| master::gzipped(self.player.info(), &contracts, lots);
        match self.script.master {
            None => self.answer(token, 200, &GZIP, &sound(Lots::True)),
            Some(MasterFault::Truncated) => {
                let whole = sound(Lots::True);
                self.answer(token, 200, &GZIP, &whole[..whole.len() / 2]);
            }
            Some(MasterFault::Empty) => self.answer(token, 200, &GZIP, b""),
            Some(MasterFault::NoRows) => self.answer(token, 200, &GZIP, &master::packed(b"[]")),
            Some(MasterFault::Html) => self.answer(token, 200, &HTML, PAGE.as_bytes()),
            Some(MasterFault::LotSize) => self.answer(token, 200, &GZIP, &sound(Lots::Doubled)),
        }
    }
}
