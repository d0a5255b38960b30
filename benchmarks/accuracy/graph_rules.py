"""How much of the graph rule is due to alpha, and how much to the class prior.

Share of right labels, among the most confident 70 % and all, on data that ship with
scikit-learn and on the 60,000 training images of Fashion-MNIST (left out with
``--no-fashion-mnist``). Each seed clusters once; the same labels are then spread under
every setting, so that differences are paired. The table and all figures are written to
``benchmarks/results``.

    python -m benchmarks.accuracy.graph_rules
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_classification,
    make_moons,
)
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import default_embedding

RESULTS = Path(__file__).resolve().parents[1] / "results" / "graph_rules.json"
ALPHAS: tuple[float | str, ...] = ("auto", 0.5, 0.8, 0.9, 0.95, 0.98)
PRIORS = (None, "estimated", "uniform")
#: Kept of each cluster, beside all.
FRACTION = 0.7
#: Few labels and more of them; Fashion-MNIST has its own.
BUDGETS = (20, 50)
FASHION_BUDGETS = (20, 100, 500)


def standardised(X: Any, y: Any) -> tuple[Any, Any]:
    """Scale each feature to variance 1."""
    return StandardScaler().fit_transform(X), y


def made(**parameters: Any) -> tuple[Any, Any]:
    """Make data of several informative features."""
    X, y = make_classification(n_samples=2000, random_state=11, **parameters)
    return standardised(X, y)


def digits_eight() -> tuple[Any, Any]:
    """Digits: an 8, or not."""
    X, y = load_digits(return_X_y=True)
    return X, (y == 8).astype(int)


def fashion_mnist(data_home: str | None) -> tuple[Any, Any]:
    """Load the training images, in the library's ready embedding."""
    X, y = fetch_fashion_mnist(data_home, return_X_y=True)
    X = X.astype(np.float32) / 255
    embedding = default_embedding(X, image_shape=(28, 28))
    for name in embedding.get_params():
        if name.rpartition("__")[2] == "random_state":
            embedding.set_params(**{name: 0})
    return embedding.fit_transform(X), y


DATA_SETS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "digits": lambda: load_digits(return_X_y=True),
    "digits, 8 or not": digits_eight,
    "iris": lambda: standardised(*load_iris(return_X_y=True)),
    "wine": lambda: standardised(*load_wine(return_X_y=True)),
    "breast cancer": lambda: standardised(*load_breast_cancer(return_X_y=True)),
    "moons": lambda: make_moons(2000, noise=0.2, random_state=11),
    "blobs": lambda: make_blobs(
        2000, centers=8, n_features=4, cluster_std=2.5, random_state=11
    ),
    "made, 2 classes": lambda: made(n_features=20, n_informative=5),
    "made, 10 classes": lambda: made(
        n_features=25,
        n_informative=12,
        n_classes=10,
        n_clusters_per_class=1,
        class_sep=2.0,
    ),
    "made, 90 : 7 : 3": lambda: made(
        n_features=15,
        n_informative=8,
        n_classes=3,
        weights=[0.9, 0.07, 0.03],
        class_sep=1.5,
    ),
}


def measure(
    X: Any, y: Any, budgets: tuple[int, ...], n_seeds: int
) -> list[dict[str, Any]]:
    """Spread the same labels under every setting; a row for each, seeds in order."""
    found: dict[Any, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as memory:  # neighbours are found once
        for budget in budgets:
            for seed in range(n_seeds):
                propagator = KMeansLabelPropagator(
                    budget,
                    fraction=FRACTION,
                    propagation="graph",
                    memory=memory,
                    random_state=seed,
                ).fit(X, y)
                for alpha in ALPHAS:
                    for prior in PRIORS:
                        propagator.set_params(alpha=alpha, class_prior=prior)
                        propagator.propagate({})
                        right = propagator.transduction_ == y
                        kept = right[propagator.sample_indices_]
                        row = found.setdefault(
                            (budget, alpha, prior), {"kept": [], "all": []}
                        )
                        row["kept"].append(round(float(kept.mean()), 5))
                        row["all"].append(round(float(right.mean()), 5))
    return [
        {"budget": budget, "alpha": alpha, "class_prior": prior, **row}
        for (budget, alpha, prior), row in found.items()
    ]


def mean_accuracy(
    rows: list[dict[str, Any]], alpha: float | str, prior: str | None
) -> float:
    """Average over seeds, budgets, and the two fractions; in per cent."""
    return 100 * float(
        np.mean(
            [
                row["kept"] + row["all"]
                for row in rows
                if (row["alpha"], row["class_prior"]) == (alpha, prior)
            ]
        )
    )


def table(results: dict[str, list[dict[str, Any]]], *, each: bool) -> str:
    """Write a row for each setting; with `each` a column for each data set, too."""
    settings = [(alpha, prior) for prior in PRIORS for alpha in ALPHAS]
    figures = np.array(
        [[mean_accuracy(rows, *s) for rows in results.values()] for s in settings]
    )
    lost = figures.max(axis=0) - figures
    columns = np.c_[figures.mean(axis=1), lost.mean(axis=1), lost.max(axis=1)]
    head = ["`class_prior`", "`alpha`", "mean", "behind", "at most"]
    if each:
        columns = np.c_[columns, figures]
        head += results
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for (alpha, prior), row in zip(settings, columns, strict=True):
        name = "`None`" if prior is None else f'`"{prior}"`'
        told = f'`"{alpha}"`' if isinstance(alpha, str) else f"{alpha:g}"
        cells = [name, told, *(f"{value:.1f}" for value in row)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, write JSON, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--fashion-seeds", type=int, default=3)
    parser.add_argument("--no-fashion-mnist", action="store_true")
    parser.add_argument("--data-home", default=None)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()

    results = {}
    for name, load in DATA_SETS.items():
        results[name] = measure(*load(), BUDGETS, arguments.seeds)
    if not arguments.no_fashion_mnist:
        X, y = fashion_mnist(arguments.data_home)
        results["Fashion-MNIST"] = measure(
            X, y, FASHION_BUDGETS, arguments.fashion_seeds
        )
    lines = [
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in results.items()
    ]
    arguments.out.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    arguments.out.with_suffix(".md").write_text(table(results, each=False) + "\n")
    print("Right labels in per cent, mean over seeds, budgets, fractions 0.7 and 1;")
    print("how far behind the best setting of each data set, on average and at most")
    print(table(results, each=True))
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
