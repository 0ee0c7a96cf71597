//! The table of calls: method, path, host, who may call, what it counts against, and what answers it.
//!
//! Each area of the API brings its own rows. Order placing, changing and cancelling live on the order host and
//! everything else on the other one. Source: the broker's API documentation and its official client library.

use bijli_core::TsNs;

use super::Broker;
use super::call::{ApiCall, Host, percent_decoded};
use super::limiter::CallClass;
use super::reply::{ApiReply, Refusal};
use super::{
    address, charge, funds, gtt_entry, ipo, login, multi, mutual_fund, order_read, order_write, payment,
    portfolio, report, switch, user,
};

pub(super) type Answer = Result<ApiReply, Refusal>;

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody, without a token.
    Public,
    /// Every token, those that only read included.
    Reader,
    /// The day's access token.
    Trader,
}

/// A call on its way to its answer.
pub(super) struct Asked<'a> {
    pub(super) now: TsNs,
    pub(super) call: &'a ApiCall<'a>,
    /// What stood for the `{}` of the path, decoded.
    pub(super) arguments: Vec<String>,
}

impl Asked<'_> {
    /// The decoded value of a query parameter; an empty one counts as absent.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.call.query(name).filter(|value| !value.is_empty())
    }
}

/// One row of the table.
pub(super) struct Route {
    method: &'static str,
    /// `{}` stands for one segment.
    path: &'static str,
    host: Host,
    pub(super) access: Access,
    pub(super) class: CallClass,
    pub(super) answer: fn(&mut Broker, &Asked<'_>) -> Answer,
}

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        answer: fn(&mut Broker, &Asked<'_>) -> Answer,
    ) -> Self {
        Self {
            method,
            path,
            host: Host::Api,
            access: Access::Trader,
            class: CallClass::Other,
            answer,
        }
    }

    /// A read that every token may make.
    pub(super) const fn get(path: &'static str, answer: fn(&mut Broker, &Asked<'_>) -> Answer) -> Self {
        let mut route = Self::new("GET", path, answer);
        route.access = Access::Reader;
        route
    }

    /// A read without a token.
    pub(super) const fn open_get(path: &'static str, answer: fn(&mut Broker, &Asked<'_>) -> Answer) -> Self {
        Self::get(path, answer).public()
    }

    pub(super) const fn post(path: &'static str, answer: fn(&mut Broker, &Asked<'_>) -> Answer) -> Self {
        Self::new("POST", path, answer)
    }

    pub(super) const fn put(path: &'static str, answer: fn(&mut Broker, &Asked<'_>) -> Answer) -> Self {
        Self::new("PUT", path, answer)
    }

    pub(super) const fn delete(path: &'static str, answer: fn(&mut Broker, &Asked<'_>) -> Answer) -> Self {
        Self::new("DELETE", path, answer)
    }

    /// An order call on the API host.
    pub(super) const fn order(mut self) -> Self {
        self.class = CallClass::Order;
        self
    }

    /// An order call on the order host.
    pub(super) const fn on_order_host(mut self) -> Self {
        self.host = Host::Order;
        self.order()
    }

    /// A call that draws on an allowance of its own.
    pub(super) const fn class(mut self, class: CallClass) -> Self {
        self.class = class;
        self
    }

    /// A call without a token.
    pub(super) const fn public(mut self) -> Self {
        self.access = Access::Public;
        self
    }

    fn arguments(&self, call: &ApiCall<'_>) -> Option<Vec<String>> {
        if self.method == call.method {
            self.path_arguments(call)
        } else {
            None
        }
    }

    /// What stands in the path, whatever the method.
    fn path_arguments(&self, call: &ApiCall<'_>) -> Option<Vec<String>> {
        if self.host != call.host {
            return None;
        }
        let (mut wanted, mut given) = (self.path.split('/'), call.path().split('/'));
        let mut arguments = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(arguments),
                (Some("{}"), Some(value)) if !value.is_empty() => arguments.push(percent_decoded(value)),
                (Some(word), Some(value)) if word == value => {}
                _ => return None,
            }
        }
    }
}

const AREAS: [&[Route]; 15] = [
    login::ROUTES,
    order_write::ROUTES,
    multi::ROUTES,
    gtt_entry::ROUTES,
    order_read::ROUTES,
    portfolio::ROUTES,
    user::ROUTES,
    funds::ROUTES,
    switch::ROUTES,
    address::ROUTES,
    charge::ROUTES,
    report::ROUTES,
    payment::ROUTES,
    ipo::ROUTES,
    mutual_fund::ROUTES,
];

/// The row that answers a call, and what stands in its path.
pub(super) fn find(call: &ApiCall<'_>) -> Option<(&'static Route, Vec<String>)> {
    AREAS
        .iter()
        .flat_map(|area| area.iter())
        .find_map(|route| route.arguments(call).map(|arguments| (route, arguments)))
}

/// The methods that the path of a call has rows for.
pub(super) fn methods_of(call: &ApiCall<'_>) -> Vec<&'static str> {
    let routes = AREAS.iter().flat_map(|area| area.iter());
    let mut methods: Vec<&'static str> = routes
        .filter(|route| route.path_arguments(call).is_some())
        .map(|route| route.method)
        .collect();
    methods.dedup();
    methods
}
