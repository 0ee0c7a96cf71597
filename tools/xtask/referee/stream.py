"""The SDK's two streamers, led to a simulator, with what they receive kept for the checks.

The SDK names its socket addresses in its code; both streamers make their socket through one attribute of the
`websocket` module, and the class that stands there for them changes the host and nothing else.
"""

import json
import threading
import time

import websocket

BROKER = "wss://api.upstox.com"
RealApp = websocket.WebSocketApp


def lead_to(simulator):
    """Has every socket that the SDK opens from now on go to this simulator."""
    scheme, rest = simulator.url("api").split("://", 1)
    base = {"http": "ws", "https": "wss"}[scheme] + "://" + rest

    class LocalApp(RealApp):
        """The library's socket at another host."""

        def __init__(self, url, *arguments, **options):
            assert url.startswith(BROKER), url
            super().__init__(base + url.removeprefix(BROKER), *arguments, **options)

    websocket.WebSocketApp = LocalApp


class Listener:
    """A streamer's messages, errors and other events, in the order in which they came."""

    def __init__(self, streamer):
        self.streamer = streamer
        self.messages = []
        self.errors = []
        self.events = []
        self.arrived = threading.Condition()
        streamer.auto_reconnect(False)
        streamer.on("message", self._message)
        streamer.on("error", self._error)
        streamer.on("open", lambda *_: self._event("open"))
        streamer.on("close", lambda *_: self._event("close"))

    def __enter__(self):
        self.streamer.connect()
        return self

    def __exit__(self, *_):
        self.streamer.disconnect()

    def _message(self, message):
        with self.arrived:
            self.messages.append(json.loads(message) if isinstance(message, str) else message)
            self.arrived.notify_all()

    def _error(self, error):
        with self.arrived:
            self.errors.append(f"{type(error).__name__}: {error}")
            self.arrived.notify_all()

    def _event(self, name):
        with self.arrived:
            self.events.append(name)
            self.arrived.notify_all()

    def wait(self, trial, fits, what, since=0, seconds=15):
        """The first message after number `since` that fits; errors of the streamer end the wait."""
        end = time.monotonic() + seconds
        with self.arrived:
            while True:
                for message in self.messages[since:]:
                    if fits(message):
                        return message
                trial.same(self.errors, [], f"errors while waiting for {what}")
                left = end - time.monotonic()
                trial.expect(left > 0, f"waited {seconds} s in vain: {what}; {len(self.messages)} messages came")
                self.arrived.wait(left)

    def wait_event(self, trial, name, seconds=15):
        """Waits for an event of the streamer."""
        end = time.monotonic() + seconds
        with self.arrived:
            while name not in self.events:
                trial.expect(end > time.monotonic(), f"waited {seconds} s in vain for the event {name}: {self.errors}")
                self.arrived.wait(end - time.monotonic())
