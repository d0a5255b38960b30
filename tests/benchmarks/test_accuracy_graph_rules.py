"""The graph rule at each alpha and class prior."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.graph_rules import GRAPH_RULES, METHODS, markdown, split
from benchmarks.accuracy.measure import Shared
from benchmarks.accuracy.runner import Cell, run_cell
from kmeans_labelprop import KMeansLabelPropagator


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("estimated-auto", {}),
        ("none-0.5", {"alpha": 0.5, "class_prior": None}),
        ("uniform-0.98", {"alpha": 0.98, "class_prior": "uniform"}),
    ],
)
def test_shares_are_those_of_the_propagator_on_all_samples(
    tmp_path, method, parameters
):
    problem = split("iris", 3)
    assert len(problem.y_train) == 150
    cell = Cell("iris", 3, 20, "logistic", method)
    result = run_cell(cell, METHODS[method], problem, Shared(tmp_path))
    own = KMeansLabelPropagator(20, fraction=0.7, random_state=3, **parameters)
    own.fit(problem.X_train, problem.y_train)
    right = own.transduction_ == problem.y_train
    assert result["right_of_all"] == right.mean()
    assert result["right_of_kept"] == right[own.sample_indices_].mean()
    shares = (result["right_of_all"], result["right_of_kept"])
    assert result["accuracy"] == pytest.approx(np.mean(shares))


def test_table_tells_how_far_behind_the_best_of_each_data_set():
    rows = [
        {
            "dataset": name,
            "budget": budget,
            "method": method,
            "by_seed": {0: 0.5, 1: 0.7 if (name, method) == best else 0.5},
        }
        for name, best in (
            ("iris", ("iris", "none-auto")),
            ("moons", ("moons", "none-0.5")),
        )
        for method in METHODS
        for budget in (20, 50)
    ]
    lines = markdown({"rows": rows, "checks": []}, {}).splitlines()
    assert lines[2] == '| `None` | `"auto"` | 55.0 | 5.0 | 10.0 |'
    assert lines[3] == "| `None` | 0.5 | 55.0 | 5.0 | 10.0 |"
    assert lines[-1] == '| `"uniform"` | 0.98 | 50.0 | 10.0 | 10.0 |'
    assert len(lines) == 2 + len(METHODS)


def test_samples_of_this_setting_are_no_other_setting_s():
    problem = split("digits", 0)
    assert problem.split_name == split("digits", 5).split_name
    assert problem.split_name not in {"digits", "digits-0"}
    assert GRAPH_RULES.baseline in METHODS
