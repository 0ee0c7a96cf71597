"""Strictness that the SDK lacks: which JSON keys a model does not know, lacks, or gets in another type.

By itself the SDK ignores extra keys and turns missing ones into None. `watch` wraps two of its methods on one
client object; a finding is (kind, model, key), the first endpoint that showed it, and never an exception.
"""

KINDS = ("extra", "missing", "type")


class Findings:
    """What was found so far, each once, with the call that showed it first."""

    def __init__(self):
        self.seen = {}

    def note(self, kind, model, key, call):
        """Remembers a finding."""
        assert kind in KINDS, kind
        self.seen.setdefault((kind, model, key), call)


def watch(client, findings, current_call):
    """Has `client` note in `findings` every answer that differs from its models."""
    model_of = client._ApiClient__deserialize_model

    def model(data, klass):
        if not klass.swagger_types:
            return model_of(data, klass)
        name = klass.__name__
        known = set(klass.attribute_map.values())
        if not isinstance(data, dict):
            findings.note("type", name, "(whole)", current_call())
            return model_of(data, klass)
        for key in set(data) - known:
            findings.note("extra", name, key, current_call())
        for key in known - set(data):
            findings.note("missing", name, key, current_call())
        for attribute, kind in klass.swagger_types.items():
            key = klass.attribute_map[attribute]
            if not fits(data.get(key), kind):
                findings.note("type", name, key, current_call())
        return model_of(data, klass)

    client._ApiClient__deserialize_model = model


def fits(value, kind):
    """Whether a JSON value has the type that a model declares; null fits everything."""
    if value is None or kind == "object":
        return True
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("str", "datetime", "date"):
        return isinstance(value, str)
    if kind.startswith("list["):
        return isinstance(value, list) and all(fits(item, kind[5:-1]) for item in value)
    if kind.startswith("dict("):
        inner = kind[5:-1].split(", ", 1)[1]
        return isinstance(value, dict) and all(fits(item, inner) for item in value.values())
    return isinstance(value, dict)
