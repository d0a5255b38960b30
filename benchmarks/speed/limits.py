"""How near the stages of a fit are to what no program can avoid.

That is to read the samples once and to do the multiplications, at the rates that NumPy
reaches in the same run: of a sum over the samples, and of a large product of matrices.
"""

from __future__ import annotations

import statistics
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
from sklearn.base import clone

from kmeans_labelprop import KMeansLabelPropagator, _propagation
from kmeans_labelprop._graph import affinity_graph, fit_neighbors
from kmeans_labelprop._neighbors import IndexedNeighbors
from kmeans_labelprop.embedding._numbers import numbers_embedding

from .fits import N_LABELS, load
from .harness import clock, table

N_REPEATS, N_LINKS, SIDE = 3, 10, 2000


@contextmanager
def counting(counts):
    """Count the columns that spreading multiplies the graph with."""
    multiplication = _propagation._multiplication

    @contextmanager
    def counted(graph):
        with multiplication(graph) as multiply:

            def noted(columns):
                counts.append(columns.shape[1])
                return multiply(columns)

            yield noted

    with patch.object(_propagation, "_multiplication", counted):
        yield


def run(X, y):
    """Run each stage by itself: its seconds, its multiplications, what it reads."""
    n_samples, n_features = X.shape
    propagator = KMeansLabelPropagator(
        N_LABELS, embedding=numbers_embedding(X), random_state=0
    ).fit(X, y)
    embedding = clone(propagator.embedding_)
    E, *embedded = clock(lambda: embedding.fit_transform(X))
    n_components = E.shape[1]
    clusterer, *clustered = clock(lambda: clone(propagator.clusterer_).fit(E))
    (finder, distances), *found = clock(
        lambda: fit_neighbors(IndexedNeighbors(2 * N_LINKS), E)
    )
    (affinity, _), *weighed = clock(lambda: affinity_graph(distances, N_LINKS))
    given = propagator.queries_
    codes = y[given].astype(int)
    alpha, counts = _propagation.choose_alpha(n_samples, N_LABELS), []
    with counting(counts):
        _, *spread = clock(
            lambda: _propagation.spread_over_graph(affinity, given, codes, 10, alpha)
        )
    per_list = n_samples / len(finder._centers)
    of_neighbors = finder.n_lists_ * per_list + finder._near.shape[1]
    return {
        "embedding": (embedded, n_features**2 / 2 + n_features * n_components, X),
        "clusters": (clustered, n_components * N_LABELS * clusterer.n_iter_, E),
        "neighbours": (found, n_components * of_neighbors, E),
        "weights of links": (weighed, 0, distances.data),
        "spreading": (spread, affinity.nnz / n_samples * sum(counts), affinity.data),
    }


def measure(quick):
    """Take the medians of some runs; the rates are measured in turn."""
    X, y = load(5_000 if quick else 60_000)
    A = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    runs = []
    for _ in range(N_REPEATS):
        _, _, product = clock(lambda: A @ A)
        stages = {}
        for name, ((wall, cpu), per_sample, read) in run(X, y).items():
            _, _, reading = clock(read.sum)
            multiplying = per_sample * len(X) * product / SIDE**3
            stages[name] = {
                "wall": wall,
                "cpu": cpu,
                "multiplying": multiplying,
                "reading": reading,
            }
        runs.append(stages)
    medians = {
        name: {
            figure: statistics.median(stages[name][figure] for stages in runs)
            for figure in runs[0][name]
        }
        for name in runs[0]
    }
    return {"n_samples": len(X), "stages": medians}


def report(results):
    rows = []
    for name, figures in results["stages"].items():
        least = figures["multiplying"] + figures["reading"]
        seconds = [figures[key] for key in ("wall", "cpu", "multiplying", "reading")]
        share = f"{100 * least / figures['cpu']:.0f} %"
        rows.append([name, *(f"{value:.2f}" for value in seconds), share])
    head = "stage|seconds|of all processors|multiplying|reading|share of the limit"
    return f"""# How near the stages are to their limit

    python -m benchmarks.speed limits

The stages of the default fit on {results["n_samples"]:,} × 784 pixels in float32,
{N_LABELS} labels. The limit: the multiplications of a stage at the rate of one large
product of matrices, and one reading of what it starts from, in seconds of all
processors. Of spreading they are products with a sparse matrix, which reach no such
rate.

{table(head.split("|"), rows)}"""
