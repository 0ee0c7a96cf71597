"""The broker's OpenAPI definition as the judge of answers, ours and the recorded real ones.

A finding is (operation, status, place, rule): where in the answer the definition is broken, and how. Deviations are
allowed from `lists/deviations.toml` alone; the recorded real answers, judged by the same list, are its proof.
The definition is market data of the project's data folder (`$BIJLI_DATA`, else `../shared/data`), never in the tree.
"""

import json
import os
import re
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import zstandard
from jsonschema import Draft202012Validator, FormatChecker

DEFINITION = "upstox-rest/upstox-openapi-v2.json.zst"
FIELDS = ("operation", "status", "place", "rule")
FORMATS = FormatChecker(formats=())
# Recorded files whose wrapper does not name the call.
RECORDED_CALLS = {
    "orders/place_order_success.json": ("POST", "/v3/order/place"),
    "orders/modify_order_success.json": ("PUT", "/v3/order/modify"),
    "orders/cancel_order_success.json": ("DELETE", "/v3/order/cancel"),
}


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value):
    """RFC 3339, as the definition's `date-time` asks for."""
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


def data_folder(root):
    """The folder of market data, or None if there is none."""
    folder = Path(os.environ.get("BIJLI_DATA") or root.parent / "shared" / "data")
    return folder if (folder / DEFINITION).exists() else None


def read(path):
    """JSON of a file, unpacked if need be."""
    raw = path.read_bytes()
    if path.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().stream_reader(raw).read()
    return json.loads(raw)


class OpenApi:
    """The definition, ready to judge."""

    def __init__(self, folder):
        self.folder = folder
        self.document = read(folder / DEFINITION)
        self.operations = {}
        self.validators = {}
        for path, methods in self.document["paths"].items():
            for method in methods:
                self.operations[f"{method.upper()} {path}"] = pattern_of(path)

    def operation_of(self, method, path):
        """The operation that a request belongs to, or None; a literal path goes before one with parameters."""
        fitting = [
            name
            for name, pattern in self.operations.items()
            if name.startswith(method + " ") and pattern.fullmatch(path)
        ]
        return min(fitting, key=lambda name: name.count("{"), default=None)

    def judge(self, method, url, status, content_type, body):
        """The operation of an answer and what breaks the definition in it, as findings without the operation."""
        operation = self.operation_of(method, urlsplit(url).path)
        if operation is None:
            return None, []
        path = operation.split(" ", 1)[1]
        answers = self.document["paths"][path][method.lower()]["responses"]
        answer = answers.get(str(status))
        if answer is None:
            return operation, [("(answer)", "status")] + self._of_error(status, content_type, body)
        content = answer.get("content")
        if not content:
            return operation, []
        found = [] if content_type.split(";")[0] == "application/json" else [("(answer)", "content")]
        (schema,) = [media["schema"] for media in content.values()]
        return operation, found + self._broken(schema, body)

    def _of_error(self, status, content_type, body):
        """An error under a status that the definition does not name still has the definition's envelope."""
        if status < 400:
            return []
        found = [] if content_type.split(";")[0] == "application/json" else [("(answer)", "content")]
        return found + self._broken({"$ref": "#/components/schemas/ApiGatewayErrorResponse"}, body)

    def _broken(self, schema, body):
        try:
            value = json.loads(body)
        except ValueError:
            return [("(answer)", "json")]
        found = {(place_of(error), rule_of(error)) for error in self._validator(schema).iter_errors(value)}
        return sorted(found)

    def _validator(self, schema):
        name = json.dumps(schema, sort_keys=True)
        if name not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[name] = Draft202012Validator(whole, format_checker=FORMATS)
        return self.validators[name]

    def recorded(self):
        """The recorded real answers: file, method, path, status, body."""
        for path in sorted((self.folder / "upstox-rest").rglob("*.json*")):
            if path.name == Path(DEFINITION).name:
                continue
            name = path.relative_to(self.folder / "upstox-rest").as_posix()
            wrapper = read(path)
            method, target = RECORDED_CALLS.get(name) or ("GET", wrapper["endpoint"])
            answer = wrapper["response"]
            body = answer["body"] if "http_status" in answer else json.dumps(answer)
            yield name, method, target, answer.get("http_status", 200), body


def pattern_of(path):
    """A regular expression of a path with parameters."""
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", path)))


def place_of(error):
    """Where in the answer, with `*` for indices and for keys that are instruments or other data."""
    parts = ["*" if isinstance(part, int) or not re.fullmatch(r"[A-Za-z_]\w*", part) else part for part in error.absolute_path]
    return ".".join(parts) or "(answer)"


def rule_of(error):
    """The broken rule; null where something else was wanted has a name of its own."""
    return "null" if error.instance is None and error.validator == "type" else error.validator


class Judge:
    """Judges answers, keeps what the written list does not allow, and knows which operations succeeded."""

    def __init__(self, definition, listed):
        self.definition = definition
        self.listed = listed
        self.seen = set()
        self.problems = {}

    def take(self, source, method, url, status, content_type, body, template=""):
        """Judges one answer and says so; not one to a call that the definition lacks, by the SDK's path or the real one."""
        if template and template not in self.definition.operations:
            return False
        operation, findings = self.definition.judge(method, url, status, content_type, body)
        if operation is None:
            return False
        if status < 400:
            self.seen.add(operation)
        for place, rule in findings:
            finding = dict(zip(FIELDS, (operation, str(status), place, rule)))
            if not self.listed.allows(**finding):
                self.problems.setdefault(tuple(finding.values()), (source, body[:200]))
        return True
