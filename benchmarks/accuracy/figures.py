"""The two figures, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .data import DATA_SETS
from .methods import AUTOMATIC, BASELINE, METHODS
from .statistics import mean_over_budgets, summarize

# B. Wong, "Points of view: Color blindness", Nature Methods 8, 2011.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"

#: Colour, marker and line of each method that the figures show.
STYLES: dict[str, tuple[str, str, str]] = {
    "random": (GREY, "s", ":"),
    "representatives": (SKY, "v", "-"),
    "original": (ORANGE, "D", "-"),
    "graph_100": (GREEN, "^", "-"),
    "neighbors": (BLACK, "h", "-"),
    AUTOMATIC["accuracy"]: (VERMILLION, "o", "-"),
    "spreading_tuned": (BLUE, "P", "--"),
    "spreading_tuned_representatives": (BLUE, "p", "-."),
    "self_training": (SKY, "X", "--"),
    "poisson_descent": (PURPLE, "*", "--"),
    "typiclust": (BLACK, "<", "--"),
    "probcover": (ORANGE, ">", "--"),
}


def _label(method: str) -> str:
    return METHODS[method].text.strip("*").removesuffix(", then the classifier")


def draw_budgets(rows: list[dict[str, Any]], path: Path) -> Path | None:
    """Draw accuracy over the budget on Fashion-MNIST; None without results."""
    import matplotlib.pyplot as plt

    here = [
        row
        for row in rows
        if (row["dataset"], row["classifier"]) == ("fashion_mnist", "dense")
        and row["accuracy"]["n"]
    ]
    if not here:
        return None
    figure, axes = plt.subplots(figsize=(10, 5.5), layout="constrained")
    shown = [method for method in STYLES if any(r["method"] == method for r in here)]
    for number, method in enumerate(shown):
        colour, marker, line = STYLES[method]
        points = sorted(
            (row["budget"], row["accuracy"]) for row in here if row["method"] == method
        )
        # Side by side, so that no error bar hides another.
        shift = 1.012 ** (number - len(shown) / 2)
        axes.errorbar(
            [budget * shift for budget, _ in points],
            [100 * accuracy["mean"] for _, accuracy in points],
            [100 * (accuracy["std"] or 0) for _, accuracy in points],
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=6,
            capsize=2,
            linewidth=2.2 if method == AUTOMATIC["accuracy"] else 1.3,
            label=_label(method),
        )
    budgets = sorted({row["budget"] for row in here})
    axes.set_xscale("log")
    axes.set_xticks(budgets, [str(budget) for budget in budgets])
    axes.minorticks_off()
    axes.set_xlabel("labels paid for")
    axes.set_ylabel("test accuracy, %")
    axes.set_title("Fashion-MNIST, mean ± standard deviation over seeds")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right center", frameon=False)
    return _save(figure, path)


def draw_differences(rows: list[dict[str, Any]], path: Path) -> Path | None:
    """Draw paired differences to random labels, one panel per data set."""
    import matplotlib.pyplot as plt

    cases = [
        (name, data_set.classifier)
        for name, data_set in DATA_SETS.items()
        if any(
            (row["dataset"], row["classifier"]) == (name, data_set.classifier)
            for row in rows
        )
    ]
    if not cases:
        return None
    methods = [method for method in STYLES if method != BASELINE][::-1]
    n_columns = min(4, len(cases))
    n_rows = -(-len(cases) // n_columns)
    figure, grid = plt.subplots(
        n_rows,
        n_columns,
        figsize=(2.3 * n_columns + 1.8, 2.1 * n_rows + 0.8),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for axes, (name, classifier) in zip(grid.flat, cases, strict=False):
        for height, method in enumerate(methods):
            summary = _difference_to_random(rows, name, classifier, method)
            colour, marker, _ = STYLES[method]
            if summary.n == 0:
                continue
            axes.errorbar(
                100 * summary.mean,
                height,
                xerr=None if summary.n < 2 else 100 * summary.error,
                color=colour,
                marker=marker,
                capsize=2,
                markersize=8 if method == AUTOMATIC["accuracy"] else 6,
            )
        axes.axvline(0, color=GREY, linewidth=1)
        axes.grid(axis="x", alpha=0.3)
        axes.set_title(name, fontsize=10)
        axes.set_yticks(range(len(methods)), [_label(method) for method in methods])
        axes.set_ylim(-0.7, len(methods) - 0.3)
    for axes in grid.flat[len(cases) :]:
        axes.set_visible(False)
    figure.supxlabel(
        "accuracy minus that of random labels, points: mean over the budgets, "
        "± standard error over seeds",
        fontsize=10,
    )
    return _save(figure, path)


def _difference_to_random(
    rows: list[dict[str, Any]], name: str, classifier: str, method: str
) -> Any:
    values: dict[str, dict[tuple[int, int], float]] = {BASELINE: {}, method: {}}
    for row in rows:
        if (row["dataset"], row["classifier"]) == (name, classifier) and row[
            "method"
        ] in values:
            for seed, value in row["by_seed"].items():
                values[row["method"]][row["budget"], int(seed)] = value
    common = values[method].keys() & values[BASELINE].keys()
    by_seed = mean_over_budgets(
        {key: values[method][key] - values[BASELINE][key] for key in common}
    )
    return summarize(by_seed.values())


def _save(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
