"""How much of the graph rule is due to alpha, and how much to the class prior.

Share of right labels, among the most confident 70 % and all, on data that ship with
scikit-learn and on the 60,000 training images of Fashion-MNIST. Each seed clusters
once; the same labels are then spread under every setting of the two parameters, so that
differences are paired. No sample is held back, since none is predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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

from .context import Context, Outcome, make_embedding
from .data import DATA_SETS as SPLIT_DATA_SETS
from .data import DataSet, Problem, load
from .data import split as split_in_two
from .harness import Method, Row, Setting
from .tables import table

ALPHAS: tuple[float | str, ...] = ("auto", 0.5, 0.8, 0.9, 0.95, 0.98)
PRIORS = (None, "estimated", "uniform")
#: Kept of each cluster, beside all.
FRACTION = 0.7


def _standardised(X: Any, y: Any) -> tuple[Any, Any]:
    return StandardScaler().fit_transform(X), y


def _made(**parameters: Any) -> tuple[Any, Any]:
    made = make_classification(n_samples=2000, random_state=11, **parameters)
    return _standardised(*made)


_LOADERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "digits": lambda: load_digits(return_X_y=True),
    "digits_eight": lambda: load("digits_eight"),
    "iris": lambda: _standardised(*load_iris(return_X_y=True)),
    "wine": lambda: _standardised(*load_wine(return_X_y=True)),
    "breast_cancer": lambda: _standardised(*load_breast_cancer(return_X_y=True)),
    "moons": lambda: make_moons(2000, noise=0.2, random_state=11),
    "blobs": lambda: make_blobs(
        2000, centers=8, n_features=4, cluster_std=2.5, random_state=11
    ),
    "made_2_classes": lambda: _made(n_features=20, n_informative=5),
    "made_10_classes": lambda: _made(
        n_features=25,
        n_informative=12,
        n_classes=10,
        n_clusters_per_class=1,
        class_sep=2.0,
    ),
    "made_90_7_3": lambda: _made(
        n_features=15,
        n_informative=8,
        n_classes=3,
        weights=[0.9, 0.07, 0.03],
        class_sep=1.5,
    ),
}
#: Few labels and more of them; Fashion-MNIST has its own.
DATA_SETS: dict[str, DataSet] = {
    name: DataSet(name, loader, "tabular", (20, 50), "scikit-learn")
    for name, loader in _LOADERS.items()
} | {
    "fashion_mnist": DataSet(
        "fashion_mnist",
        SPLIT_DATA_SETS["fashion_mnist"].load,
        "images",
        (20, 100, 500),
        SPLIT_DATA_SETS["fashion_mnist"].source,
    )
}


@cache
def _whole(name: str) -> tuple[Any, Any]:
    """Load a data set; Fashion-MNIST in the library's ready embedding."""
    if name == "fashion_mnist":
        problem = split_in_two(name, 0)
        return make_embedding(problem).fit_transform(problem.X_train), problem.y_train
    return DATA_SETS[name].load()


def split(name: str, seed: int) -> Problem:
    """Take all samples for training, as they are."""
    X, y = _whole(name)
    return Problem(
        name, "tabular", seed, X, X[:0], y, y[:0], part=f"whole-{name}", is_space=True
    )


def spread_with(alpha: float | str, prior: str | None) -> Callable[[Context], Outcome]:
    """Make the method: the graph rule with these parameters."""

    def run(context: Context) -> Outcome:
        y = context.problem.y_train
        propagator = context.propagator(
            fraction=FRACTION, propagation="graph", alpha=alpha, class_prior=prior
        ).fit(context.problem.X_train, y)
        right = propagator.transduction_ == y
        of_kept = float(right[propagator.sample_indices_].mean())
        of_all = float(right.mean())
        return Outcome(
            None,
            detail={
                "accuracy": (of_kept + of_all) / 2,
                "right_of_kept": of_kept,
                "right_of_all": of_all,
            },
        )

    return run


def _told(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else f'`"{value}"`'


_PARAMETERS = {
    f"{prior}-{alpha}".lower(): (alpha, prior) for prior in PRIORS for alpha in ALPHAS
}
METHODS: dict[str, Method] = {
    name: Method(
        spread_with(alpha, prior),
        f"alpha={alpha!r}, class_prior={prior!r}",
    )
    for name, (alpha, prior) in _PARAMETERS.items()
}


def markdown(summary: dict[str, Any], machine: dict[str, Any]) -> str:
    """Write a line for each pair of parameters: means over seeds and budgets.

    Behind what is best on each data set, on average over the data sets and at most.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for row in summary["rows"]:
        values = found.setdefault(row["dataset"], {}).setdefault(row["method"], [])
        values.extend(row["by_seed"].values())
    figures = np.array(
        [
            [100 * np.mean(of.get(method, [np.nan])) for of in found.values()]
            for method in METHODS
        ]
    )
    behind = np.nanmax(figures, axis=0) - figures
    columns = np.c_[figures.mean(axis=1), behind.mean(axis=1), behind.max(axis=1)]
    lines = [
        [
            "`None`" if prior is None else _told(prior),
            _told(alpha),
            *(f"{value:.1f}" for value in of_method),
        ]
        for (alpha, prior), of_method in zip(_PARAMETERS.values(), columns, strict=True)
    ]
    return table(["`class_prior`", "`alpha`", "mean", "behind", "at most"], lines)


def no_checks(rows: list[Row]) -> list[Row]:
    """Make no checks: a table to read."""
    return []


GRAPH_RULES = Setting(
    name="graph_rules",
    text="right labels by the graph rule at each alpha and class_prior",
    methods=METHODS,
    budgets_of=lambda data_set: data_set.budgets,
    title_of=lambda budget: f"{budget} labels",
    baseline="estimated-auto",
    baseline_title="default",
    markdown=markdown,
    check=no_checks,
    tell=lambda checks: [],
    report="graph_rules",
    data_sets=DATA_SETS,
    n_seeds={"fashion_mnist": 3},
    split=split,
    quick={"iris": (20,), "moons": (20,)},
)
