"""Bring the README's table and picture up to date with what makes them.

    python scripts/update_readme.py

The table comes from the committed results of the Fashion-MNIST study, the picture from
a gallery example.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from examples.fashion_mnist.report import headline_table, read_results  # noqa: E402

README = ROOT / "README.md"
RESULTS = ROOT / "examples/fashion_mnist/results/results.json"
PICTURE = ROOT / "docs/_static/idea.png"
BEGIN = "<!-- results: python scripts/update_readme.py -->\n"
END = "<!-- end of results -->\n"


def with_table(readme: str, table: str) -> str:
    """Replace what stands between the marks."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table}\n\n{END}{after}"


def make_table() -> str:
    """Make the table from the committed results."""
    return headline_table(read_results(RESULTS)["parts"]["labels"])


def draw_picture() -> None:
    """Run the example and save its figure."""
    mpl.use("Agg")
    runpy.run_path(str(ROOT / "examples/plot_idea.py"))
    plt.gcf().savefig(PICTURE, dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(), make_table()))
    draw_picture()
    print(f"{README.name} and {PICTURE.name} are up to date")
