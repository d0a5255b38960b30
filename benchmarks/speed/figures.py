"""The two figures of the speed page: `python -m benchmarks.speed.figures`.

They are made of the published results.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.accuracy.figures import BLACK, BLUE, GREY, VERMILLION

from .harness import exponent

RESULTS = Path(__file__).parents[1] / "results"
IMAGES = Path(__file__).parents[2] / "docs" / "_static"

OURS = ("cluster rule", "graph rule", "graph rule, images")
COLOURS = {"cluster": BLUE, "graph": VERMILLION}
MARKERS = {"cluster": "o", "graph": "^"}


def draw_fits(results, path):
    """Draw the seconds of whole fits, with how often labels are right."""
    import matplotlib.pyplot as plt

    names = sorted(
        results["seconds"],
        key=lambda name: results["seconds"][name]["wall"],
        reverse=True,
    )
    seconds = [results["seconds"][name]["wall"] for name in names]
    colours = [VERMILLION if name in OURS else GREY for name in names]
    figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
    bars = axes.barh(names, seconds, color=colours)
    texts = []
    for name, value in zip(names, seconds, strict=True):
        right = results["right"].get(name)
        text = f"{value:.1f} s"
        texts.append(text if right is None else f"{text}, {right:.0%} right")
    axes.bar_label(bars, texts, padding=4)
    axes.set_xlim(0, 1.25 * max(seconds))
    axes.set_xlabel(f"seconds for {results['n_samples']:,} images, 100 labels")
    axes.set_title("Whole fits: this library (red) and others (grey)")
    axes.spines[["top", "right"]].set_visible(False)
    return _save(figure, path)


def draw_growth(runs, path):
    """Draw how seconds grow with each size, with the exponents fitted."""
    import matplotlib.pyplot as plt

    varied = list(dict.fromkeys(run["varied"] for run in runs))
    figure, grid = plt.subplots(
        2, 2, figsize=(8, 6.4), sharey=True, layout="constrained"
    )
    for axes, name in zip(grid.flat, varied, strict=True):
        for rule, colour in COLOURS.items():
            chosen = [r for r in runs if (r["varied"], r["rule"]) == (name, rule)]
            sizes = [run[name] for run in chosen]
            seconds = [run["cpu"] for run in chosen]
            label = f"{rule} rule: exponent {exponent(sizes, seconds):.2f}"
            axes.plot(sizes, seconds, MARKERS[rule] + "-", color=colour, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(name.removeprefix("n_"))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=9)
    for axes in grid[:, 0]:
        axes.set_ylabel("processor seconds")
    # For the eye: what grows as fast as its size.
    axes = grid[0, 0]
    low, high = axes.get_xlim()
    bottom = axes.get_ylim()[0]
    ends = [low, high], [bottom, bottom * high / low]
    axes.plot(*ends, ":", color=BLACK, linewidth=1, label="as fast as the samples")
    axes.legend(frameon=False, fontsize=9)
    axes.set_xlim(low, high)
    return _save(figure, path)


def _save(figure, path):
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def main():
    fits, sizes = (
        json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("fits", "sizes")
    )
    print(draw_fits(fits, IMAGES / "speed_fits.png"))
    print(draw_growth(sizes["runs"], IMAGES / "speed_growth.png"))


if __name__ == "__main__":
    main()
