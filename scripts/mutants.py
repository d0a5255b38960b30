"""Put small faults into the package, one at a time, and count those that no test sees.

    python scripts/mutants.py --sample 400 --seed 0

mutmut makes the faults (``[tool.mutmut]`` in pyproject.toml names the files) and runs
the tests that reach each, but for the few that take longer than --longest seconds: they
would take two thirds of the time, and what only they see counts as not seen. A sample
of the faults is drawn at random. The report, with each fault that no test saw, is
written to tests/mutants.md. What is finished is kept in mutants/: another run goes on
from there, or judges with --again those that survived.

A fault that changes nothing a caller could see is equivalent, and no test can see it.
Those that somebody has read are in tests/equivalent_mutants.txt: ``name | why``.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

MUTMUT = Path(sys.executable).with_name("mutmut")
STATS = Path("mutants/mutmut-stats.json")
REPORT = Path("tests/mutants.md")
EQUIVALENT = Path("tests/equivalent_mutants.txt")
# By mutmut's exit codes; whatever ends the run otherwise was seen as well.
SURVIVED, NO_TESTS, TIMEOUT, NOT_RUN = 0, 33, -24, None


def read_results():
    """Give the exit code of each mutant, None where it was not run."""
    codes = {}
    for path in Path("mutants").rglob("*.py.meta"):
        codes |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def leave_out_long_tests(longest):
    """Take tests that take long from the lists of those that reach each function."""
    stats = json.loads(STATS.read_text(encoding="utf-8"))
    seconds = stats["duration_by_test"]
    reached_by = stats["tests_by_mangled_function_name"]
    for function, tests in reached_by.items():
        reached_by[function] = [
            test for test in tests if seconds.get(test, 0) <= longest
        ]
    STATS.write_text(json.dumps(stats), encoding="utf-8")


def run(names):
    subprocess.run([MUTMUT, "run", "--max-children", "2", *names], check=True)


def difference(name):
    """Give the fault as the lines that it changes."""
    shown = subprocess.run(
        [MUTMUT, "show", name], check=True, capture_output=True, text=True
    ).stdout
    return [
        line
        for line in shown.splitlines()
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
    ]


def read_equivalent():
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" | ") for line in lines if line and line[0] != "#")


def report(drawn, codes, args, n_all):
    equivalent = read_equivalent()
    judged = [n for n in drawn if codes[n] not in (NOT_RUN, TIMEOUT)]
    survived = [n for n in judged if codes[n] in (SURVIVED, NO_TESTS)]
    told = [name for name in survived if name in equivalent]
    open_ = [name for name in survived if name not in equivalent]
    counted = len(judged) - len(told)
    score = 100 * (counted - len(open_)) / counted
    modules = Counter(name.rpartition(".")[0] for name in judged)
    left = Counter(name.rpartition(".")[0] for name in open_)
    text = [
        "# Faults that tests see",
        "",
        f"    make mutants  # --sample {args.sample} --seed {args.seed}",
        "",
        f"{len(drawn)} of {n_all:,} mutants, drawn at random, each against the tests "
        f"that reach it and take {args.longest} s at most: "
        f"{len(judged) - len(survived)} seen, {len(told)} equivalent, {len(open_)} not "
        f"seen, {len(drawn) - len(judged)} not judged yet, or not in time. **Score: "
        f"{score:.1f} %** of those judged and not equivalent.",
        "",
        "| module | mutants | not seen |",
        "|---|--:|--:|",
        *(f"| `{m}` | {n} | {left[m]} |" for m, n in sorted(modules.items())),
    ]
    for title, names in (("Not seen", open_), ("Equivalent", told)):
        text += ["", f"## {title}"]
        for name in names:
            text += ["", f"`{name}`: {equivalent.get(name, '')}".rstrip(": "), ""]
            text += ["```diff", *difference(name), "```"]
    REPORT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text[4:]))
    return score


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=0.5, help="s, of a test")
    parser.add_argument("--again", action="store_true", help="run survivors again")
    parser.add_argument("--report-only", action="store_true")
    args = parser.parse_args()
    if not read_results():
        # Makes all mutants, and finds out which tests reach which function.
        run(["kmeans_labelprop._fraction.*__mutmut_1"])
    leave_out_long_tests(args.longest)
    codes = read_results()
    drawn = sorted(random.Random(args.seed).sample(sorted(codes), args.sample))
    to_run = [
        name
        for name in drawn
        if codes[name] in (NOT_RUN, TIMEOUT) or (args.again and codes[name] == SURVIVED)
    ]
    if to_run and not args.report_only:
        run(to_run)
    return report(drawn, read_results(), args, len(codes)) < 90


if __name__ == "__main__":
    sys.exit(main())
