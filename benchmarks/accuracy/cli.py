"""The command line, the same for all settings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .classifiers import DESCRIPTIONS
from .data import REPOSITORY
from .harness import Setting
from .runner import Cell, open_cells, run
from .settings import SETTINGS
from .tables import write_report


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=(
            "Accuracy with few labels: this library beside its peers. What is finished "
            "is not computed again. Settings: "
            + "; ".join(f"{each.name}: {each.text}" for each in SETTINGS.values())
            + "."
        ),
    )
    parser.add_argument(
        "--setting", choices=SETTINGS, default="budget", help="default: %(default)s"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/accuracy"),
        help="each setting has a folder there; default: %(default)s",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small data sets, 2 seeds, few budgets; some minutes at most",
    )
    parser.add_argument("--datasets", nargs="+", metavar="NAME")
    parser.add_argument("--methods", nargs="+", metavar="NAME")
    parser.add_argument(
        "--budgets", nargs="+", metavar="N", help="as --list shows them"
    )
    parser.add_argument(
        "--seeds", nargs="+", type=int, metavar="SEED", help="default: 0 to 9, or fewer"
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


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the arguments; refuse names that the setting does not know."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    setting = SETTINGS[arguments.setting]
    budgets = {
        str(budget)
        for data_set in setting.data_sets.values()
        for budget in setting.budgets_of(data_set)
    }
    for name, legal in (
        ("datasets", setting.data_sets),
        ("methods", setting.methods),
        ("budgets", budgets),
    ):
        unknown = set(getattr(arguments, name) or ()) - set(legal)
        if unknown:
            parser.error(
                f"--{name} of the setting {setting.name}: must be of {sorted(legal)}. "
                f"Got {sorted(unknown)}."
            )
    return arguments


def plan(setting: Setting, arguments: argparse.Namespace) -> list[Cell]:
    """List the cells asked for."""
    names = arguments.datasets or (
        setting.quick if arguments.quick else setting.data_sets
    )
    cells = []
    for name in names:
        data_set = setting.data_sets[name]
        n_seeds = 2 if arguments.quick else setting.n_seeds.get(name, 10)
        seeds = arguments.seeds or range(n_seeds)
        budgets = tuple(setting.budgets_of(data_set))
        if arguments.budgets:
            budgets = tuple(b for b in budgets if str(b) in arguments.budgets)
        elif arguments.quick:
            budgets = setting.quick.get(name, budgets[1:2])
        own = data_set.classifier
        for classifier in arguments.classifiers or (own,):
            everything = tuple(setting.methods)
            methods = arguments.methods or (
                everything if classifier == own else setting.short_list or everything
            )
            cells += [
                Cell(name, seed, budget, classifier, method)
                for seed in seeds
                for budget in budgets
                for method in methods
                if (only := setting.methods[method].only) is None or only(data_set)
            ]
    return cells


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is missing, then write the report."""
    arguments = parse(argv)
    setting = SETTINGS[arguments.setting]
    if arguments.list:
        for name, data_set in setting.data_sets.items():
            budgets = " ".join(map(str, setting.budgets_of(data_set)))
            print(f"{name:18}{budgets}  {data_set.source}")
        print()
        for name, method in setting.methods.items():
            print(f"{name:34}{method.text}")
        return
    cells, folder = plan(setting, arguments), arguments.out / setting.name
    if not arguments.report_only:
        missing = open_cells(cells, folder, arguments.retry_failed)
        print(f"{len(cells)} cells, {len(missing)} of them to compute", flush=True)
        # What methods share, they share with those of other settings.
        shared = arguments.out / "shared"
        run(setting, missing, folder, shared, arguments.jobs, arguments.timeout)
    documentation = REPOSITORY if arguments.publish else None
    # On everything that is finished in this folder, whatever was asked for now.
    write_report(setting, folder, documentation)
