"""Written lists of what is known to differ, each entry with its reason; an entry that nothing needs is a failure.

A list is a TOML file in `lists/`. Patterns are those of a shell: `*` stands for anything.
"""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

FOLDER = Path(__file__).parent / "lists"


class Listed:
    """The entries of one list, with a count of how often each was needed."""

    def __init__(self, file_name, fields):
        text = (FOLDER / file_name).read_text(encoding="utf-8")
        self.name = file_name
        self.fields = fields
        self.entries = tomllib.loads(text).get("entry", [])
        self.needed = [0] * len(self.entries)
        for entry in self.entries:
            if set(entry) != {*fields, "reason"} or not entry["reason"].strip():
                raise ValueError(f"{file_name}: an entry needs {', '.join(fields)} and a reason: {entry}")

    def allows(self, **finding):
        """Whether an entry covers the finding; notes that it was needed."""
        assert set(finding) == set(self.fields), finding
        covered = False
        for place, entry in enumerate(self.entries):
            if all(self._fits(finding[field], entry[field]) for field in self.fields):
                self.needed[place] += 1
                covered = True
        return covered

    @staticmethod
    def _fits(value, wanted):
        patterns = wanted if isinstance(wanted, list) else [wanted]
        return any(fnmatchcase(value, pattern) for pattern in patterns)

    def unneeded(self):
        """The entries that covered nothing, as lines to print."""
        lines = []
        for entry, times in zip(self.entries, self.needed):
            if times == 0:
                lines.append(f"{self.name}: not needed: " + ", ".join(f"{f}={entry[f]}" for f in self.fields))
        return lines
