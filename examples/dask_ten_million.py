"""Label ten million rows on a cluster from 200 answers, and train on them.

    python examples/dask_ten_million.py                    # or --rows 1000000

The rows are made where they are needed, chunk by chunk, as if they were read from a
store; a real cluster takes the place of the local one by its address. Only the answers,
the centres and the anchors are ever here. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from sklearn.neural_network import MLPClassifier

from kmeans_labelprop.dask import KMeansLabelPropagator

N_FEATURES, N_PARTS, N_CLASSES = 16, 60, 6
CHUNK = 250_000


def make_rows(block, block_id=None):
    """Make one chunk: the features, and the class in the last column."""
    middles = np.random.default_rng(0).normal(size=(N_PARTS, N_FEATURES))
    rng = np.random.default_rng([1, block_id[0]])
    part = rng.integers(0, N_PARTS, len(block))
    X = middles[part] + 0.7 * rng.normal(size=(len(block), N_FEATURES))
    return np.column_stack([X, part % N_CLASSES]).astype(np.float32)


def resident():
    """Return the peak of the resident memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rule", choices=["cluster", "graph"], default="graph")
    parser.add_argument("--anchors", type=int, default=1024)
    parser.add_argument("--scheduler", help="address; a local cluster without one")
    options = parser.parse_args()
    cluster = options.scheduler or LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    )
    with Client(cluster) as client:
        before = {"client": resident(), **client.run(resident)}
        shape = (options.rows, N_FEATURES + 1)
        rows = da.zeros(shape, chunks=(CHUNK, -1), dtype=np.float32)
        rows = rows.map_blocks(make_rows, dtype=np.float32, meta=np.empty((0, 0)))
        X, y = rows[:, :-1], rows[:, -1].astype(np.int8)

        start = time.perf_counter()
        # In life the oracle is a person: query(X), and propagate() what they answered.
        propagator = KMeansLabelPropagator(
            200,
            fraction=0.7,
            oracle="y",
            propagation=options.rule,
            n_anchors=options.anchors,
            random_state=0,
            verbose=1,
        )
        X_res, y_res = propagator.fit_resample(X, y)
        fitted = time.perf_counter() - start
        right, n_kept = dask.compute(
            (propagator.transduction_ == y).mean(), propagator.kept_.sum()
        )
        labelled = time.perf_counter() - start

        classifier = MLPClassifier(64, random_state=0)
        pairs = list(zip(X_res.to_delayed()[:, 0], y_res.to_delayed(), strict=True))
        for pair in pairs[:20]:
            X_chunk, y_chunk = dask.compute(*pair)
            if len(y_chunk):  # of some chunks none may be kept
                classifier.partial_fit(X_chunk, y_chunk, classes=propagator.classes_)
        test = make_rows(np.empty(100_000), block_id=(10**9,))
        now = {"client": resident(), **client.run(resident)}
        found = {
            "rows": options.rows,
            "rule": options.rule,
            "answers": propagator.n_queries_,
            "seconds to fit": round(fitted, 1),
            "seconds to label all, too": round(labelled, 1),
            "right": round(float(right), 4),
            "kept": round(float(n_kept) / options.rows, 4),
            "classifier, new rows": round(
                classifier.score(test[:, :-1], test[:, -1]), 4
            ),
            "MB of the client": round(now["client"] - before["client"]),
            "MB of a worker": round(
                max(now[name] - before[name] for name in now if name != "client")
            ),
        }
        print(json.dumps(found), flush=True)
    if not options.scheduler:
        cluster.close()


if __name__ == "__main__":
    main()
