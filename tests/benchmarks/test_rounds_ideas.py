"""The log of ways to choose a second round: its tables are those of its figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
#: Those at which ways were chosen; the figures have more of some sets.
N_SEEDS = {"fashion_mnist": 5}


def mean_difference(way, other):
    """Average over the data sets the mean difference over the seeds; count all."""
    means, n_runs = [], 0
    for name, values in way["labels"].items():
        pairs = zip(values, other["labels"][name], strict=False)
        differences = [
            value - base
            for value, base in list(pairs)[: N_SEEDS.get(name, 10)]
            if value is not None and base is not None
        ]
        means.append(np.mean(differences))
        n_runs += len(differences)
    return np.mean(means), len(means), n_runs


@pytest.mark.parametrize(
    ("setting", "heading", "reference"),
    [
        ("representatives", "## After representatives", "100 at once"),
        ("known at random", "## After 50 labels known", "a second round at random"),
    ],
)
def test_the_log_tells_what_was_measured(setting, heading, reference):
    figures = json.loads((RESULTS / "rounds_ideas.json").read_text(encoding="utf-8"))
    ways = figures["settings"][setting]["ways"]
    log = (RESULTS / "rounds_ideas.md").read_text(encoding="utf-8")
    section = log[log.index(heading) :].split("\n## ")[0]
    told = {}
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith("| way"):
            name, _, n_sets, n_runs, minus, *_ = line.strip("| ").split(" | ")
            name = name.removesuffix(" (taken)").strip("*")
            told[name] = float(minus), int(n_sets), int(n_runs)
    assert told.keys() == ways.keys()
    for name, (minus, n_sets, n_runs) in told.items():
        mean, *counted = mean_difference(ways[name], ways[reference])
        assert counted == [n_sets, n_runs], name
        assert minus == pytest.approx(mean, abs=0.0051), name
