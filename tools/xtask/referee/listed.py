"""Written lists of what is known to differ, each entry with its reason; an entry that nothing needs is a failure,
and so is a single pattern of an entry that holds several.

A list is a TOML file in `lists/`. Patterns are those of a shell: `*` stands for anything.
"""

import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

FOLDER = Path(__file__).parent / "lists"


class Listed:
    """The entries of one list, with a count of how often each of their patterns was needed."""

    def __init__(self, file_name, fields):
        text = (FOLDER / file_name).read_text(encoding="utf-8")
        self.name = file_name
        self.fields = fields
        self.entries = tomllib.loads(text).get("entry", [])
        self.needed = [Counter() for _ in self.entries]
        for entry in self.entries:
            if set(entry) != {*fields, "reason"} or not entry["reason"].strip():
                raise ValueError(f"{file_name}: an entry needs {', '.join(fields)} and a reason: {entry}")

    def allows(self, **finding):
        """Whether an entry covers the finding; notes that it was needed."""
        assert set(finding) == set(self.fields), finding
        covered = False
        for place, entry in enumerate(self.entries):
            fitting = [
                [pattern for pattern in patterns_of(entry, field) if fnmatchcase(finding[field], pattern)]
                for field in self.fields
            ]
            if all(fitting):
                self.needed[place].update(
                    f"{field}={pattern}" for field, found in zip(self.fields, fitting) for pattern in found
                )
                covered = True
        return covered

    def unneeded(self):
        """The patterns that covered nothing, as lines to print; an entry without any use is one line."""
        lines = []
        for entry, times in zip(self.entries, self.needed):
            wanted = [f"{field}={pattern}" for field in self.fields for pattern in patterns_of(entry, field)]
            idle = [item for item in wanted if not times[item]]
            if idle:
                lines.append(f"{self.name}: not needed: {', '.join(idle)} of the entry `{entry['reason'][:60]}`")
        return lines


def patterns_of(entry, field):
    """The patterns of one field of an entry."""
    return entry[field] if isinstance(entry[field], list) else [entry[field]]
