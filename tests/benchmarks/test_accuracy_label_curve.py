import json
from dataclasses import asdict, astuple
from itertools import product

import numpy as np
import pytest

from benchmarks.accuracy import label_curve
from benchmarks.accuracy.data import REPOSITORY
from benchmarks.accuracy.label_curve import (
    FRESH,
    HALVES,
    NAMES,
    STARTS,
    fit,
    fit_halves,
    fit_likeliest,
    honesty,
    markdown,
    measure,
    predict,
    summarize,
    two_rounds,
)
from kmeans_labelprop._selection._label_curve import TYPICAL, GainModel

RESULTS = REPOSITORY / "benchmarks" / "results" / "label_curve.json"
TRUE = GainModel(scale_asked=0.3, scale_known=0.8, noise=0.4, deviation=0.6)


def draw_rows(n_seeds):
    """Draw gains from a known model, on all data sets."""
    rng = np.random.default_rng(0)
    drawn = []
    for name, start, n_labels, seed, doubles in product(
        NAMES, STARTS, (20, 50, 100), range(n_seeds), (False, True)
    ):
        where = {
            "n_labels": n_labels,
            "n_more": n_labels if doubles else n_labels // 2,
            "known_share": float(start == "random"),
        }
        error = rng.uniform(0.05, 0.7)
        gain = float(TRUE.quantile(rng.uniform(), error, **where))
        drawn.append(
            {"dataset": name, "budget": n_labels, "seed": seed, "start": start}
            | {"hidden_error": error, "refused": None, "accuracy": 0.8}
            | {"gain_chosen": gain, "gain_drawn": gain / 2}
            | where
        )
    return drawn


@pytest.fixture(scope="module")
def rows():
    return draw_rows(1)


def test_every_data_set_is_in_one_half():
    assert sorted(HALVES[0] + HALVES[1]) == sorted(NAMES)
    assert "fashion_mnist" not in NAMES


def test_the_constants_are_found_again():
    found = astuple(fit_likeliest(draw_rows(20)))
    assert found == pytest.approx(astuple(TRUE), rel=0.1)


def test_the_deviation_is_that_of_data_that_were_not_seen(rows):
    assert fit(rows).deviation == pytest.approx(TRUE.deviation, rel=0.2)
    # Data sets that differ are farther from what the others tell.
    rng = np.random.default_rng(0)
    factors = dict(zip(NAMES, np.exp(rng.normal(size=len(NAMES))), strict=True))
    differing = [
        row | {"gain_chosen": row["gain_chosen"] * factors[row["dataset"]]}
        for row in rows
    ]
    assert fit(differing).deviation > fit_likeliest(differing).deviation > 0.6


def test_intervals_of_the_true_model_are_honest(rows):
    models = fit_halves(rows)
    assert set(models) == set(NAMES)
    predicted = predict(rows, models)
    found = honesty(predicted)
    assert found["n_cells"] == len(rows)
    for level in (50, 80, 95):
        assert found[f"held_{level}"] == pytest.approx(level / 100, abs=0.07)
    assert found["below"] + found["above"] + found["held_80"] == pytest.approx(1)


def test_no_half_is_predicted_by_itself(rows):
    models = fit_halves(rows)
    changed = [
        row | {"gain_chosen": row["gain_chosen"] + 0.5 * (row["dataset"] in HALVES[0])}
        for row in rows
    ]
    models_now = fit_halves(changed)
    for name in NAMES:
        assert (models[name] == models_now[name]) == (name in HALVES[0])


def test_two_rounds_end_where_the_second_one_does():
    cell = {"dataset": "wine", "budget": 10, "seed": 0}
    rows = [
        cell | dict(zip(("start", "n_labels", "n_more"), where, strict=True)) | gains
        for where, gains in (
            (("representatives", 10, 5), {"accuracy": 0.8, "gain_chosen": 0.01}),
            (("representatives", 10, 10), {"accuracy": 0.8, "gain_chosen": 0.02}),
            (("second round", 20, 10), {"accuracy": 0.82, "gain_chosen": 0.03}),
            (("second round", 20, 20), {"accuracy": 0.82, "gain_chosen": 0.05}),
            (("random", 10, 10), {"accuracy": 0.7, "gain_chosen": 0.1}),
        )
    ]
    (found,) = two_rounds(rows)
    assert (found["n_labels"], found["n_more"]) == (10, 30)
    assert found["gain_chosen"] == pytest.approx(0.07)


def test_honesty_counts_what_is_missed_and_by_how_much():
    intervals = {0.5: [0.0, 0.1], 0.8: [0.0, 0.2], 0.95: [-0.1, 0.4]}
    rows = [
        {"gain_chosen": gain, "expected": 0.05, "intervals": intervals}
        for gain in (0.05, 0.15, 0.3, -0.05)
    ]
    found = honesty(rows)
    assert (found["held_50"], found["held_80"], found["held_95"]) == (0.25, 0.5, 1)
    assert (found["below"], found["above"]) == (0.25, 0.25)
    assert found["width"] == pytest.approx(0.2)
    assert found["interval_score"] == pytest.approx(0.2 + 10 * (0.1 + 0.05) / 4)


def test_the_report_has_every_data_set_and_start(rows, monkeypatch):
    monkeypatch.setattr(label_curve, "N_OTHER_HALVES", 1)
    renamed = dict(zip(NAMES, FRESH, strict=False))
    fresh = [
        row | {"dataset": renamed[row["dataset"]]}
        for row in rows
        if row["dataset"] in renamed
    ]
    text = markdown(summarize(rows, fresh))
    for name in (*NAMES, *FRESH, *STARTS.values()):
        assert f"| {name} |" in text


def test_a_cell_is_measured_without_touching_later_ones():
    rng = np.random.default_rng(0)
    E = np.concatenate([rng.normal(c, 1.0, size=(60, 2)) for c in (0, 3, 6)])
    y = np.repeat([0, 1, 2], 60)
    rows = measure("wine", 12, 0, E, y)
    assert [(row["start"], row["n_labels"], row["n_more"]) for row in rows] == [
        ("representatives", 12, 6),
        ("representatives", 12, 12),
        ("second round", 24, 12),
        ("second round", 24, 24),
        ("random", 12, 6),
        ("random", 12, 12),
    ]
    assert [row["known_share"] for row in rows] == [0, 0, 0, 0, 1, 1]
    assert all(row["refused"] is None for row in rows)
    # Where a round ends, the next one begins.
    end = rows[1]["accuracy"] + rows[1]["gain_chosen"]
    assert rows[2]["accuracy"] == pytest.approx(end)


def test_the_library_has_the_constants_that_were_published():
    published = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert asdict(TYPICAL) == pytest.approx(published["constants"], rel=0.01)


def test_published_intervals_hold_about_as_often_as_they_say():
    published = json.loads(RESULTS.read_text(encoding="utf-8"))
    fresh = published["fresh"]["all"]
    for found in (published["all"], *published["by_start"].values(), fresh):
        assert 0.72 <= found["held_80"] <= 0.88
