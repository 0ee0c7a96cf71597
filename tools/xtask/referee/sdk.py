"""The broker's own Python SDK, unmodified, pointed at a simulator, with a tap on its transport.

The SDK's HTTP client is told not to follow redirects by itself, so that a 302 is seen and not acted on: the
login dialog leads to a browser's page and the feeds to `wss://`, which an HTTP client cannot follow.
"""

import json

import upstox_client

from strict import watch

# Every class of the SDK that holds calls, under the name that the checks use.
APIS = {
    "charge": upstox_client.ChargeApi,
    "expired": upstox_client.ExpiredInstrumentApi,
    "fundamentals": upstox_client.FundamentalsApi,
    "history": upstox_client.HistoryApi,
    "history_v3": upstox_client.HistoryV3Api,
    "instruments": upstox_client.InstrumentsApi,
    "ipo": upstox_client.IpoApi,
    "login": upstox_client.LoginApi,
    "market": upstox_client.MarketApi,
    "hours": upstox_client.MarketHolidaysAndTimingsApi,
    "quote": upstox_client.MarketQuoteApi,
    "quote_v3": upstox_client.MarketQuoteV3Api,
    "mutual_fund": upstox_client.MutualFundApi,
    "news": upstox_client.NewsApi,
    "options": upstox_client.OptionsApi,
    "order": upstox_client.OrderApi,
    "order_v3": upstox_client.OrderApiV3,
    "portfolio": upstox_client.PortfolioApi,
    "post_trade": upstox_client.PostTradeApi,
    "profit": upstox_client.TradeProfitAndLossApi,
    "user": upstox_client.UserApi,
    "websocket": upstox_client.WebsocketApi,
}


def calls_of(api):
    """The names of the calls of a class of the SDK, each without its variants."""
    names = [name for name in vars(api) if "_with_http_info" in name]
    return [name.replace("_with_http_info", "") for name in names]


def all_calls():
    """Every call that the SDK has, as `area.name`."""
    return {f"{area}.{name}" for area, api in APIS.items() for name in calls_of(api)}


class Exchange:
    """One request of the SDK and its answer."""

    def __init__(self, template, method, url, headers, sent, answer):
        self.template = template
        self.method = method
        self.url = url
        self.headers = headers
        self.sent = sent
        self.status = answer.status
        self.content_type = answer.headers.get("content-type", "")
        self.location = answer.headers.get("location")
        self.body = answer.data.decode("utf-8", "replace")

    def json(self):
        """The body as JSON, or None if it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Sdk:
    """The SDK's client for one simulator; `exchanges` holds what passed."""

    def __init__(self, simulator, findings, token=None):
        configuration = upstox_client.Configuration()
        configuration.host = simulator.url("api")
        configuration.order_host = simulator.url("order")
        configuration.access_token = simulator.token if token is None else token
        configuration.ssl_ca_cert = simulator.ca_file
        self.simulator = simulator
        self.client = upstox_client.ApiClient(configuration)
        self.exchanges = []
        self.template = ""
        self._tap_transport()
        self._tap_calls()
        watch(self.client, findings, lambda: self.template)
        self.methods = set()
        for name, api in APIS.items():
            setattr(self, name, self._counted(name, api(self.client)))

    def _counted(self, area, api):
        """The area's calls, each noted in `methods` when it is used."""
        for name in calls_of(type(api)):
            call = getattr(api, name)

            def noted(*arguments, call=call, label=f"{area}.{name}", **options):
                self.methods.add(label)
                return call(*arguments, **options)

            setattr(api, name, noted)
        return api

    def _tap_transport(self):
        pool = self.client.rest_client.pool_manager
        request = pool.request

        def tapped(method, url, **options):
            answer = request(method, url, redirect=False, retries=False, **options)
            sent = options.get("body") or options.get("fields")
            self.exchanges.append(Exchange(self.template, method, url, options.get("headers") or {}, sent, answer))
            return answer

        pool.request = tapped

    def _tap_calls(self):
        call = self.client.call_api

        def tapped(path, method, *arguments, **options):
            self.template = f"{method} {path.split('?')[0]}"
            return call(path, method, *arguments, **options)

        self.client.call_api = tapped

    @property
    def last(self):
        """The JSON of the latest answer."""
        return self.exchanges[-1].json()

    def raw(self, method, target, host="api", headers=None, body=None):
        """A request that the SDK has no method for, sent through its transport with its token."""
        head = {"Accept": "application/json", "Content-Type": "application/json"}
        head["Authorization"] = f"Bearer {self.client.configuration.access_token}"
        head.update(headers or {})
        url = self.simulator.url(host) + target
        self.template = ""
        self.client.rest_client.pool_manager.request(method, url, headers=head, body=body)
        return self.exchanges[-1]
