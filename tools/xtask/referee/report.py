"""What the referee prints: a table, and at its end everything that failed."""

import json
import sys
import time


class Report:
    """What is printed, and whether anything failed."""

    def __init__(self, as_json):
        self.as_json = as_json
        self.rows = []
        self.failures = []

    def row(self, part, name, problem, seconds=0.0):
        """One line of the table."""
        self.rows.append({"part": part, "name": name, "problem": problem, "seconds": round(seconds, 3)})
        if problem:
            self.failures.append(f"{part}: {name}: {problem}")
        if not self.as_json:
            word = "FAILED" if problem else "passed"
            print(f"{part:<8} {word:<6} {seconds:6.2f}s  {name}" + (f"\n         {problem}" if problem else ""))
            sys.stdout.flush()

    def say(self, line):
        """A line beside the table."""
        if not self.as_json:
            print(line)
            sys.stdout.flush()

    def finish(self, began):
        """Prints the end; gives the exit code."""
        if self.as_json:
            print(json.dumps({"rows": self.rows, "failures": self.failures}))
        else:
            for line in self.failures:
                print(f"FAILED {line[:160]}")
            print(f"referee: {len(self.failures)} failures in {time.monotonic() - began:.1f} s")
        return 1 if self.failures else 0
