"""A `bijli sim` as a child process: started, asked and stopped.

The simulator binds loopback and prints one JSON line with its addresses and a token; nothing here knows a port.
"""

import json
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

STOP_S = 10
OPEN_S = 20
# The day that every part of the referee plays. A real second is ten simulated ones: orders fill soon, and the day
# does not end under the checks. Thirty levels need the larger plan. The limits on calls are checked elsewhere; here
# they would only cost time.
DAY = ("--speed", "10", "--instruments", "20", "--no-rate-limits", "--option", "plus_plan=true")


class Simulator:
    """A running simulator. Use it as a context manager, so that it is stopped whatever happens."""

    def __init__(self, binary, *arguments, plain):
        self.folder = tempfile.TemporaryDirectory(prefix="bijli-referee-")
        words = [str(binary), "sim", "--stay", "--dir", self.folder.name, *arguments]
        self.errors = open(Path(self.folder.name) / "stderr", "w+", encoding="utf-8")
        self.child = subprocess.Popen(
            words + (["--plain"] if plain else []), stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        line = self.child.stdout.readline()
        if not line.startswith("{"):
            self.errors.seek(0)
            raise RuntimeError(f"`{' '.join(words[1:])}` did not start: {self.errors.read().strip()}")
        self.plain = plain
        self.ready = json.loads(line)
        self.token = self.ready["token"]
        self.ca_file = None if plain else self.ready["ca_pem_path"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        self.errors.close()
        self.folder.cleanup()

    def death(self):
        """What the simulator said when it stopped serving by itself, or nothing while it serves."""
        try:
            self.fetch(f"{self.url('api')}/sim/stats")
        except OSError:
            self.errors.seek(0)
            return f"the simulator stopped serving: {self.errors.read().strip()[-400:]}; "
        return ""

    def url(self, name):
        """The base address of `api`, `order`, `feed` or `stream`: scheme, host and port alone."""
        scheme, rest = self.ready[f"{name}_url"].split("://", 1)
        return f"{scheme}://{rest.split('/', 1)[0]}"

    def fetch(self, url, method="GET", body=None):
        """The body of an answer to a plain request of the referee's own, as bytes."""
        headers = {"User-Agent": "referee", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        trust = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
            return answer.read()

    def wait_for_trades(self, keys):
        """Waits until the market is open and each of these instruments has traded."""
        question = urllib.parse.urlencode({"instrument_key": ",".join(keys)})
        end = time.monotonic() + OPEN_S
        while True:
            rows = json.loads(self.fetch(f"{self.url('api')}/v3/market-quote/ltp?{question}"))["data"]
            if len(rows) == len(keys) and all(row["volume"] > 0 for row in rows.values()):
                return
            if time.monotonic() > end:
                raise RuntimeError(f"the simulated market did not trade within {OPEN_S} s: {rows}")
            time.sleep(0.1)

    def requests(self):
        """What the simulator was asked so far; it must have been started with `--record-requests`."""
        return json.loads(self.fetch(f"{self.url('api')}/sim/requests"))

    def forget_requests(self):
        """Empties the record of requests."""
        self.fetch(f"{self.url('api')}/sim/requests", method="DELETE")
