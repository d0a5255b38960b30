"""The command line of the study."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from .parts import PARTS, Interrupted, Run
except ModuleNotFoundError as error:
    raise ImportError(
        f'This example needs {error.name}: pip install "kmeans-labelprop[examples]"'
    ) from error
from .experiment import QUICK, Settings
from .report import FORMAT, read_results, to_json
from .store import DamagedFileError, write_atomically

_OUT = Path("results", "fashion_mnist")
_OUT_QUICK = Path("results", "fashion_mnist_quick")


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        message = f"must be a whole number, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        message = f"must be a number, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(
            f"must be more than 0 and at most 1, got {text} (0, the representatives "
            "alone, is always part of the table)"
        )
    return value


def make_parser() -> argparse.ArgumentParser:
    """Make the parser; an option that is not given is None."""
    full = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m examples.fashion_mnist",
        description="Looks at clusters of Fashion-MNIST, for how many there are and "
        "what they hold; then at how far a hundred labels go: trains a dense network "
        "on all labels, on labels of random images, on labels of the representatives "
        "of clusters, and on those spread to ever larger shares of the clusters. An "
        "interrupted run goes on where it was: give the same command again.",
    )
    parser.add_argument(
        "--seeds",
        type=_positive,
        metavar="N",
        help=f"number of seeds (default {full.n_seeds})",
    )
    parser.add_argument(
        "--epochs", type=_positive, metavar="N", help=f"(default {full.epochs})"
    )
    parser.add_argument(
        "--n-clusters",
        type=_positive,
        metavar="N",
        help=f"number of clusters and labels (default {full.n_clusters})",
    )
    parser.add_argument(
        "--fractions",
        type=_fraction,
        nargs="+",
        metavar="F",
        help="shares of each cluster that keep the label (default 0.1 0.2 … 1.0)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a few minutes: {QUICK.n_train:,} training images, {QUICK.n_seeds} "
        f"seeds, {QUICK.epochs} epochs, {len(QUICK.fractions)} fractions, unless the "
        "options above say otherwise",
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=list(PARTS),
        default=list(PARTS),
        help="parts of the study to compute (default: all)",
    )
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help="folder for data sets (default: scikit-learn's)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder to write (default {_OUT.as_posix()}, with --quick "
        f"{_OUT_QUICK.as_posix()})",
    )
    parser.add_argument(
        "--report-only",
        action="store_true",
        help="make tables and figures anew from the results.json in the folder",
    )
    return parser


def choose_settings(options: argparse.Namespace) -> Settings:
    """Fill what the options leave open, from the quick or the full settings."""
    given = {
        "n_seeds": options.seeds,
        "epochs": options.epochs,
        "n_clusters": options.n_clusters,
        "fractions": options.fractions and tuple(sorted(set(options.fractions))),
    }
    return dataclasses.replace(
        QUICK if options.quick else Settings(),
        **{name: value for name, value in given.items() if value is not None},
    )


def portable_command(name: str, settings: Settings) -> str:
    """Write the command that computes a part at these settings on any machine."""
    base = Settings() if settings.is_full else QUICK
    words = ["python -m examples.fashion_mnist"]
    if not settings.is_full:
        words.append("--quick")
    # In full even where a default would do: defaults change.
    words += [
        f"--parts {name}",
        f"--seeds {settings.n_seeds}",
        f"--epochs {settings.epochs}",
        f"--n-clusters {settings.n_clusters}",
    ]
    if settings.fractions != base.fractions:
        words.append(
            "--fractions " + " ".join(f"{float(f)!r}" for f in settings.fractions)
        )
    return " ".join(words)


def compute(
    options: argparse.Namespace, settings: Settings, out: Path
) -> dict[str, Any]:
    """Compute the wanted parts; keep other parts of an earlier run."""
    path = out / "results.json"
    if path.exists():
        read_results(path)  # a damaged file is told of before the hours of work
    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    (work / ".gitignore").write_text("*\n", encoding="utf-8")
    run = Run(settings, options.data_home, work)
    for name in options.parts:
        look = PARTS[name].first_look
        if look is not None:
            print(look(run), flush=True)
    computed = {
        name: {"command": portable_command(name, settings), **PARTS[name].compute(run)}
        for name in options.parts
    }
    # Read again: another run may have finished another part meanwhile.
    parts = dict(read_results(path)["parts"]) if path.exists() else {}
    parts |= computed
    # In the order of the report, whichever was computed first.
    parts = {name: parts[name] for name in PARTS if name in parts}
    results = {"format": FORMAT, "parts": parts}
    write_atomically(path, to_json(results))
    return results


def make_report(
    results: dict[str, Any], out: Path, data_home: str | None
) -> list[Path]:
    """Write ``results.md`` and the figures; return the paths of the figures."""
    sections = ["# Fashion-MNIST\n"]
    all_pictures = []
    for name, part in PARTS.items():
        if name not in results["parts"]:
            continue
        section = results["parts"][name]
        pictures = part.draw(section, out, data_home)
        all_pictures += pictures
        markdown = part.to_markdown(section)
        # A section may show its figures itself, where it speaks of them.
        links = [
            f"![{path.stem}]({path.name})\n"
            for path in pictures
            if f"]({path.name})" not in markdown
        ]
        sections.append("\n".join([markdown, "".join(links)]).rstrip("\n") + "\n")
    write_atomically(out / "results.md", "\n".join(sections))
    return all_pictures


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = make_parser()
    options = parser.parse_args(argv)
    settings = choose_settings(options)
    if settings.n_clusters > settings.n_train:
        parser.error(
            f"argument --n-clusters: must be at most the number of training images, "
            f"{settings.n_train}; got {settings.n_clusters}"
        )
    if "labels" in options.parts and settings.n_clusters < 2:
        parser.error(
            "argument --n-clusters: must be 2 or more, so that the labels can choose; "
            f"got {settings.n_clusters}"
        )
    out = options.out or (_OUT_QUICK if options.quick else _OUT)
    try:
        if options.report_only:
            results = read_results(out / "results.json")
        else:
            results = compute(options, settings, out)
        pictures = make_report(results, out, options.data_home)
    except Interrupted as stopped:
        print(
            f"\nStopped: {stopped}, and kept in {out}.\n"
            "Run the same command again to go on.",
            file=sys.stderr,
        )
        return 130
    except KeyboardInterrupt:
        print(
            "\nStopped. Run the same command again to go on; finished cells are kept.",
            file=sys.stderr,
        )
        return 130
    except (ImportError, OSError, DamagedFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, part in PARTS.items():
        if part.to_table is not None and name in results["parts"]:
            print(f"\n{part.to_table(results['parts'][name])}\n")
    print("All tables:", out / "results.md", sep="\n  ")
    print("Pictures:", *pictures, sep="\n  ")
    return 0
