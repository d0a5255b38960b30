"""Bring the README's tables and picture up to date with what makes them.

    python scripts/update_readme.py

The tables come from the committed results of the Fashion-MNIST study and of the
benchmark, the picture from a gallery example.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.accuracy import partly  # noqa: E402
from benchmarks.accuracy import report as benchmark  # noqa: E402
from examples.fashion_mnist.report import headline_table, read_results  # noqa: E402

README = ROOT / "README.md"
RESULTS = ROOT / "examples/fashion_mnist/results/results.json"
BENCHMARK = ROOT / "benchmarks/results/accuracy.json"
KNOWN = ROOT / "benchmarks/results/partly.json"
PICTURE = ROOT / "docs/_static/idea.png"
BEGIN = "<!-- {name}: python scripts/update_readme.py -->\n"
END = "<!-- end of {name} -->\n"


def with_tables(readme: str, tables: dict[str, str]) -> str:
    """Replace what stands between the marks of each table."""
    for name, table in tables.items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        before, rest = readme.split(begin)
        _, after = rest.split(end)
        readme = f"{before}{begin}\n{table}\n\n{end}{after}"
    return readme


def make_tables() -> dict[str, str]:
    """Make the tables from the committed results."""
    measured, with_known = (
        json.loads(path.read_text(encoding="utf-8")) for path in (BENCHMARK, KNOWN)
    )
    return {
        "results": headline_table(read_results(RESULTS)["parts"]["labels"]),
        "benchmark": benchmark.headline_table(measured["rows"]),
        "known": partly.headline_table(with_known["rows"]),
    }


def draw_picture() -> None:
    """Run the example and save its figure."""
    mpl.use("Agg")
    runpy.run_path(str(ROOT / "examples/plot_idea.py"))
    plt.gcf().savefig(PICTURE, dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(), make_tables()))
    draw_picture()
    print(f"{README.name} and {PICTURE.name} are up to date")
