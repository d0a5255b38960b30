"""Ways to train on propagated labels: soft labels, the figures, and a small run."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from benchmarks.accuracy import training
from benchmarks.accuracy.data import DATA_SETS, DataSet, Problem
from benchmarks.accuracy.training import (
    compare,
    main,
    markdown,
    middle,
    soften,
    table,
    train_softly,
)
from kmeans_labelprop import KMeansLabelPropagator


def test_soft_labels_of_a_case_made_by_hand():
    distributions = np.array(
        [
            [0.5, 0.3, 0.2],
            [0.4, 0.6, 0.0],  # paid for, and class 0 whatever the neighbours say
            [0.9985, 0.0005, 0.001],  # a share below the least, and one at it
        ]
    )
    before = distributions.copy()
    positions, classes, weights = soften(
        distributions, np.array([0, 0, 0]), np.array([False, True, False])
    )
    assert positions.tolist() == [0, 0, 0, 1, 2, 2]
    assert classes.tolist() == [0, 1, 2, 0, 0, 2]
    assert weights.tolist() == [0.5, 0.3, 0.2, 1, 0.9985, 0.001]
    np.testing.assert_array_equal(distributions, before)


class Recorder:
    def fit(self, X, y, sample_weight):
        self.rows, self.labels, self.weights = X[:, 0].astype(int), y, sample_weight
        return self

    def predict(self, X):
        return np.full(len(X), "a")


def test_soft_training_weighs_by_share_and_keeps_what_was_paid_for_hard():
    X, y = load_tiny()
    X = np.c_[np.arange(len(X)), X]  # the rows tell where they come from
    recorder = Recorder()
    context = SimpleNamespace(
        problem=Problem("tiny", "tabular", 0, X, X[:4], y, y[:4]),
        make_classifier=lambda: recorder,
    )
    propagator = KMeansLabelPropagator(
        9, propagation="graph", fraction=1, random_state=0
    )
    outcome = train_softly(context, propagator)
    assert outcome.y_pred.tolist() == ["a"] * 4
    assert len(recorder.rows) > len(X) == len(outcome.positions)
    totals = np.bincount(recorder.rows, recorder.weights)
    np.testing.assert_allclose(totals, 1, atol=2e-3)
    paid = np.isin(recorder.rows, propagator.representative_indices_)
    assert (recorder.weights[paid] == 1).all()
    np.testing.assert_array_equal(recorder.labels[paid], y[recorder.rows[paid]])
    heaviest = np.flatnonzero(recorder.weights > 0.5)
    np.testing.assert_array_equal(
        recorder.labels[heaviest], propagator.transduction_[recorder.rows[heaviest]]
    )


@pytest.mark.parametrize(
    ("budgets", "expected"), [((20, 50, 100), 50), ((10, 20), 20), ((200, 20, 50), 50)]
)
def test_middle_budget(budgets, expected):
    assert middle(budgets) == expected


def record(hard, weights):
    rows = [
        {
            "rule": "graph",
            "fraction": 1.0,
            "way": way,
            "accuracy": accuracy,
            "balanced_accuracy": [value / 2 for value in accuracy],
        }
        for way, accuracy in (("hard", hard), ("weights", weights))
    ]
    seeds = list(range(len(hard)))
    return {"budget": 20, "classifier": "logistic", "seeds": seeds, "rows": rows}


RECORDS = {
    "up": record([0.5, 0.6], [0.55, 0.66]),  # +5.5 ± 0.5 points
    "down": record([0.9, 0.7], [0.89, 0.69]),  # -1 ± 0
    "chance": record([0.5, 0.5], [0.4, 0.58]),  # -1 ± 9
}


def test_figures_of_known_differences():
    base, weights = compare(RECORDS)
    assert (base.way, base.n_better, base.n_worse) == ("hard", 0, 0)
    assert weights.differences["up"].mean == pytest.approx(0.055)
    assert weights.differences["up"].error == pytest.approx(0.005)
    assert weights.mean.mean == pytest.approx((0.055 - 0.01 - 0.01) / 3)
    # The error is that over data sets, not over seeds.
    assert weights.mean.error == pytest.approx(0.065 / 3)
    assert weights.balanced.mean == pytest.approx(0.035 / 6)
    assert weights.accuracy == pytest.approx((0.605 + 0.79 + 0.49) / 3)
    assert weights.worst in ("down", "chance")
    assert (weights.n_better, weights.n_worse) == (1, 1)


def test_table_shows_the_figures():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table(compare(RECORDS)).splitlines()
    ]
    assert rows[2] == ["graph", "1", "hard labels", "61.7", *[""] * 5]
    assert rows[3][:2] == ["graph", "1"]
    assert rows[3][3:6] == ["62.8", "+1.17 ± 2.17", "+0.58 ± 1.08"]
    assert rows[3][6].startswith("-1.00 (")
    assert rows[3][7:] == ["1", "1"]


def test_one_seed_has_no_error_and_counts_as_neither():
    (_, weights) = compare({"once": record([0.5], [0.9])})
    assert math.isnan(weights.differences["once"].error)
    assert (weights.n_better, weights.n_worse) == (0, 0)
    assert "| +40.00 | +20.00 |" in table([weights])


def test_fashion_mnist_stays_out_of_the_average():
    text = markdown({"up": RECORDS["up"], "fashion_mnist": RECORDS["down"]})
    average, fashion = text.split("Fashion-MNIST")
    assert "| +5.50 |" in average
    assert "1 data sets, 2 seeds each" in average
    assert "| -1.00 |" in fashion


def load_tiny():
    X, y = make_blobs(90, centers=3, cluster_std=1.5, random_state=0)
    return X, np.array(["a", "b", "c"])[y]


def test_a_small_run_is_resumed_and_comes_out_the_same(tmp_path, monkeypatch, capsys):
    tiny = DataSet("tiny", load_tiny, "tabular", (6, 9, 12), "made")
    monkeypatch.setitem(DATA_SETS, "tiny", tiny)
    settings = (("cluster", 1.0), ("graph", 1.0))  # half of them: fewer fits
    monkeypatch.setattr(training, "SETTINGS", settings)
    path = tmp_path / "training.json"
    at_once = tmp_path / "at_once.json"
    main(["--seeds", "1", "--datasets", "tiny", "--out", str(path)])
    main(["--seeds", "2", "--datasets", "tiny", "--out", str(path)])
    main(["--seeds", "2", "--datasets", "tiny", "--out", str(at_once)])
    assert path.read_text() == at_once.read_text()

    written = json.loads(path.read_text())
    found = written["data_sets"]["tiny"]
    assert (found["budget"], found["seeds"]) == (9, [0, 1])
    rows = {(row["rule"], row["fraction"], row["way"]): row for row in found["rows"]}
    assert len(rows) == 5 + 6  # no soft labels by cluster
    hard, dropped = rows["graph", 1.0, "hard"], rows["graph", 1.0, "drop"]
    assert min(hard["accuracy"]) > 0.5
    assert hard["n_training"] == [63, 63]
    assert sum(dropped["n_training"]) < 126
    soft = rows["graph", 1.0, "soft"]
    assert soft["label_accuracy"] == hard["label_accuracy"]
    assert soft["balanced_accuracy"] != hard["balanced_accuracy"]
    relabelled = rows["cluster", 1.0, "relabel+weights"]
    assert relabelled["n_training"] == [63, 63]
    plain = rows["cluster", 1.0, "hard"]
    assert relabelled["label_accuracy"] != plain["label_accuracy"]
    compared = {
        (row["rule"], row["fraction"], row["way"]): row
        for row in written["comparisons"]
    }
    difference = np.subtract(dropped["accuracy"], hard["accuracy"]).mean()
    assert compared["graph", 1.0, "drop"]["minus_hard"] == pytest.approx(
        difference, abs=1e-5
    )

    text = path.with_suffix(".md").read_text()
    path.with_suffix(".md").unlink()
    monkeypatch.setattr(training, "measure_seed", None)  # computes nothing more
    main(["--report-only", "--out", str(path)])
    assert path.with_suffix(".md").read_text() == text
    assert text in capsys.readouterr().out

    other = DataSet("tiny", load_tiny, "tabular", (12,), "made")
    monkeypatch.setitem(DATA_SETS, "tiny", other)
    with pytest.raises(SystemExit):
        main(["--seeds", "3", "--datasets", "tiny", "--out", str(path)])
    assert "tiny at other settings" in capsys.readouterr().err
