"""The log of ideas: its figures, its picture, and that it goes on where it stopped."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from benchmarks.accuracy import ideas

RECORDS = {
    "space-pixels": {
        "100": {"accuracy": 0.70, "seconds": 9.0},
        "101": {"accuracy": 0.74, "seconds": 1.0},
        "102": {"accuracy": 0.99, "seconds": 2.0},  # has no pair
    },
    "space-features": {
        "100": {"accuracy": 0.80, "seconds": 4.0},
        "101": {"accuracy": 0.82, "seconds": 6.0},
    },
}


def test_the_table_pairs_by_seed_and_leaves_out_what_was_not_run():
    rows = [line for line in ideas.table(RECORDS).splitlines() if line[:1] == "|"]
    assert len(rows) == 2 + 2
    # -10 and -8: mean -9, standard deviation sqrt(2), standard error 1.
    assert rows[2].endswith("| 81.0 ± 15.7 | -9.0 ± 1.0 | 2 |")
    assert rows[3].endswith("** | 81.0 ± 1.4 |  | 5 |")
    assert "\n2 to 3 seeds from 100 on" in ideas.table(RECORDS)


class Noise:
    X = np.random.default_rng(0).random((30, 28 * 28), dtype=np.float32)


def test_the_first_image_features_leave_no_trace(monkeypatch):
    monkeypatch.setattr(ideas, "IMAGES", Noise())
    other_features = ideas._other_features.func  # without the cache
    now = other_features({}, {})
    first = other_features(ideas.FIRST_CONSTANTS, ideas.FIRST_FEATURES)
    assert np.linalg.norm(first - now) > 0.1 * np.linalg.norm(now)
    assert_array_equal(other_features({}, {}), now)


def test_a_pixel_in_one_cell_counts_there_alone():
    expected = np.repeat(np.eye(7), 4, axis=1)
    assert_array_equal(ideas.in_one_cell(28, 7), expected)


class Guess:
    """An idea that counts its calls, and may be interrupted at one of them."""

    def __init__(self, n_right, interrupted_at=None):
        self.n_right, self.interrupted_at, self.seeds = n_right, interrupted_at, []

    def __call__(self, seed):
        if seed == self.interrupted_at:
            raise KeyboardInterrupt
        self.seeds.append(seed)
        return np.repeat([0, 1], [self.n_right, 4 - self.n_right])


class FourImages:
    y = np.zeros(4, dtype=int)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    first, second = Guess(3), Guess(2, interrupted_at=101)
    monkeypatch.setattr(ideas, "IMAGES", FourImages())
    monkeypatch.setattr(
        ideas, "IDEAS", {ideas.DEFAULT: ("one", first), "two": ("another", second)}
    )
    out = tmp_path / "found.json"
    arguments = ["--seeds", "2", "--out", str(out)]
    with pytest.raises(KeyboardInterrupt):
        ideas.main(arguments)
    second.interrupted_at = None
    ideas.main(arguments)
    assert first.seeds == second.seeds == [100, 101]

    found = json.loads(out.read_text())
    accuracies = {
        name: [record["accuracy"] for record in by_seed.values()]
        for name, by_seed in found["ideas"].items()
    }
    assert accuracies == {ideas.DEFAULT: [0.75, 0.75], "two": [0.5, 0.5]}
    assert found["machine"]["versions"]["numpy"] == np.__version__
    table = out.with_suffix(".md").read_text()
    assert "| another | 50.0 ± 0.0 | -25.0 ± 0.0 |" in table
    assert capsys.readouterr().out.endswith(table)
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")

    ideas.main(["--report-only", "--out", str(out)])
    assert json.loads(out.read_text()) == found


def test_a_name_that_no_idea_has_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        ideas.main(["--only", "magic", "--out", str(tmp_path / "found.json")])
    assert "No idea begins with ['magic']. There are: ['space-" in (
        capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


def test_results_of_other_versions_are_not_mixed_with_new_ones(tmp_path, capsys):
    out = tmp_path / "found.json"
    text = json.dumps({"machine": {"python": "3.0"}, "ideas": RECORDS})
    out.write_text(text)
    with pytest.raises(SystemExit):
        ideas.main(["--only", "space-pixels-cluster", "--out", str(out)])
    assert "was measured with {'python': '3.0'}" in capsys.readouterr().err
    assert out.read_text() == text


def test_a_report_of_nothing_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        ideas.main(["--report-only", "--out", str(tmp_path / "found.json")])
    assert "found.json has no results to report yet." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
