"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .classifiers import DESCRIPTIONS
from .data import DATA_SETS, REPOSITORY
from .methods import METHODS, SHORT_LIST
from .report import write_report
from .runner import Cell, open_cells, run

QUICK_DATA_SETS = ("digits", "penguins", "made_imbalanced", "made_misleading")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=(
            "Accuracy at the same budget of labels: this library beside its peers. "
            "What is finished is not computed again."
        ),
    )
    parser.add_argument(
        "--out", type=Path, default=Path("build/accuracy"), help="default: %(default)s"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small data sets, 2 seeds, one budget each; about a minute",
    )
    parser.add_argument("--datasets", nargs="+", choices=DATA_SETS, metavar="NAME")
    parser.add_argument("--methods", nargs="+", choices=METHODS, metavar="NAME")
    parser.add_argument("--budgets", nargs="+", type=int, metavar="N")
    parser.add_argument(
        "--seeds", nargs="+", type=int, metavar="SEED", help="default: 0 to 9"
    )
    parser.add_argument(
        "--classifiers",
        nargs="+",
        choices=DESCRIPTIONS,
        metavar="NAME",
        help="default: the data set's own; others get a short list of methods",
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="cells at a time, one thread each"
    )
    parser.add_argument(
        "--timeout", type=float, default=1800, help="seconds that a cell may take"
    )
    parser.add_argument("--retry-failed", action="store_true")
    parser.add_argument(
        "--report-only", action="store_true", help="from what is finished"
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="put the report where the documentation includes it",
    )
    parser.add_argument("--list", action="store_true", help="name what there is")
    return parser


def plan(arguments: argparse.Namespace) -> list[Cell]:
    """List the cells asked for."""
    if arguments.quick:
        names: Sequence[str] = arguments.datasets or QUICK_DATA_SETS
    else:
        names = arguments.datasets or tuple(DATA_SETS)
    seeds = arguments.seeds or range(2 if arguments.quick else 10)
    cells = []
    for name in names:
        budgets = DATA_SETS[name].budgets
        if arguments.budgets:
            budgets = tuple(b for b in budgets if b in arguments.budgets)
        elif arguments.quick:
            budgets = budgets[1:2]
        own = DATA_SETS[name].classifier
        for classifier in arguments.classifiers or (own,):
            is_own = classifier == own
            methods = arguments.methods or (tuple(METHODS) if is_own else SHORT_LIST)
            cells += [
                Cell(name, seed, budget, classifier, method)
                for seed in seeds
                for budget in budgets
                for method in methods
                if DATA_SETS[name].imbalanced or not METHODS[method].only_imbalanced
            ]
    return cells


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is missing, then write the report."""
    arguments = make_parser().parse_args(argv)
    if arguments.list:
        for name, data_set in DATA_SETS.items():
            print(f"{name:18}{data_set.budgets}  {data_set.source}")
        print()
        for name, method in METHODS.items():
            print(f"{name:34}{method.text}")
        return
    cells = plan(arguments)
    if not arguments.report_only:
        missing = open_cells(cells, arguments.out, arguments.retry_failed)
        print(f"{len(cells)} cells, {len(missing)} of them to compute", flush=True)
        run(missing, arguments.out, arguments.jobs, arguments.timeout)
    documentation = REPOSITORY if arguments.publish else None
    # On everything that is finished in this folder, whatever was asked for now.
    write_report(arguments.out, documentation)
