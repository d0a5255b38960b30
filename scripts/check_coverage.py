"""Check that tests reach the package, but for lines that a list explains.

    python scripts/check_coverage.py build/coverage.json tests/uncovered.txt

Each line of the list is ``file | code | why``, the code as it stands in the file: two
lines where the first ends in a parenthesis. Fails if branch coverage is below 97 %, if
a line or branch is not reached and not listed, or if what is listed is no longer in
the file.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

LEAST = 97.0


def read_list(path):
    """Give the explained code by file."""
    explained = defaultdict(set)
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, code, why = line.split(" | ")
            if not why.strip():
                raise SystemExit(f"{path}: no reason is given for: {line}")
            explained[name].add(code.strip())
    return explained


def not_reached(lines, found):
    """Give the code that tests did not reach: lines, and branches from a line."""
    missing = set(found["missing_lines"])
    # A branch that leads to a line not reached is that line.
    starts = {a for a, b in found["missing_branches"] if b not in missing}
    return {code_at(lines, number) for number in missing | starts}


def code_at(lines, number):
    """Give a line, with the next one if it says little by itself."""
    code = lines[number - 1].strip()
    return f"{code} {lines[number].strip()}" if code.endswith("(") else code


def main(report, listed):
    """Print what is wrong, and return how much."""
    results = json.loads(Path(report).read_text(encoding="utf-8"))
    explained = read_list(listed)
    wrong = 0
    for name, found in sorted(results["files"].items()):
        lines = Path(name).read_text(encoding="utf-8").splitlines()
        for code in sorted(not_reached(lines, found) - explained[name]):
            print(f"{name}: not reached, and not in {listed}: {code}")
            wrong += 1
        there = {code_at(lines, number) for number in range(1, len(lines) + 1)}
        for code in sorted(explained[name] - there):
            print(f"{name}: in {listed}, but not in the file: {code}")
            wrong += 1
    for name in sorted(set(explained) - set(results["files"])):
        print(f"{name}: in {listed}, but no file of the package")
        wrong += 1
    covered = results["totals"]["percent_covered"]
    n_listed = sum(map(len, explained.values()))
    print(f"Lines and branches reached: {covered:.2f} % ({n_listed} lines explained)")
    return wrong + (covered < LEAST)


if __name__ == "__main__":
    sys.exit(bool(main(*sys.argv[1:])))
