"""How whole fits grow with samples, clusters, features and classes, on made data."""

from __future__ import annotations

import json
import sys

import numpy as np

from kmeans_labelprop import KMeansLabelPropagator

from .harness import clock, exponent, gigabytes_beyond, peak_of, table

# All but one size are these.
BASE = {"n_samples": 50_000, "n_clusters": 100, "n_features": 32, "n_classes": 10}
SIZES = {
    "n_samples": [10_000, 30_000, 100_000, 300_000, 1_000_000],
    "n_clusters": [10, 100, 1_000],
    "n_features": [10, 100, 1_000],
    "n_classes": [2, 30, 1_000],
}
QUICK = {"n_samples": [3_000, 10_000]}
RULES = ("cluster", "graph")


def make_data(n_samples, n_features, n_classes, **_):
    """Draw groups that overlap at their edges, several to a class."""
    rng = np.random.default_rng(0)
    n_groups = max(100, n_classes)
    centers = rng.normal(size=(n_groups, n_features)).astype(np.float32)
    group = rng.integers(n_groups, size=n_samples)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    X *= np.float32(0.7)
    X += centers[group]
    return X, group % n_classes


def run(rule, shape):
    """Fit once, in a process of its own."""
    X, y = make_data(**shape)
    propagator = KMeansLabelPropagator(
        shape["n_clusters"], propagation=rule, random_state=0
    )
    seconds = []
    beyond = gigabytes_beyond(
        lambda: seconds.extend(clock(lambda: propagator.fit(X, y))[1:])
    )
    wall, cpu = seconds
    return {
        "wall": wall,
        "cpu": cpu,
        "gigabytes_of_data": X.nbytes / 2**30,
        "gigabytes_beyond": beyond,
        "right": float(np.mean(propagator.transduction_ == y)),
    }


def measure(quick):
    runs = []
    for name, sizes in (QUICK if quick else SIZES).items():
        for size in sizes:
            shape = BASE | {name: size}
            # Each class needs a cluster to be asked about.
            shape["n_clusters"] = max(shape["n_clusters"], shape["n_classes"])
            for rule in RULES:
                found = peak_of("benchmarks.speed.sizes", rule, json.dumps(shape))
                runs.append(
                    {"varied": name, "rule": rule, **shape, **json.loads(found)}
                )
    return {"runs": runs}


def report(results):
    rows = []
    for name in dict.fromkeys(run["varied"] for run in results["runs"]):
        for rule in RULES:
            own = [
                run
                for run in results["runs"]
                if run["varied"] == name and run["rule"] == rule
            ]
            sizes = [run[name] for run in own]
            cpu = [run["cpu"] for run in own]
            rows.append(
                [
                    f"{name[2:]}, {rule} rule",
                    ", ".join(f"{size:,}" for size in sizes),
                    ", ".join(f"{run['wall']:.1f}" for run in own),
                    f"{exponent(sizes, cpu):.2f}",
                    f"{max(run['gigabytes_beyond'] for run in own):.2f}",
                ]
            )
    base = ", ".join(f"{size:,} {name[2:]}" for name, size in BASE.items())
    head = "varied|sizes|seconds|exponent|peak beyond the data, GB"
    return f"""# Growth of whole fits

    python -m benchmarks.speed sizes

Made data in float32, one fit each in a process of its own. One size varies, the others
are {base};
as many clusters as classes at least. The exponent is that of the seconds of all
processors.

{table(head.split("|"), rows)}"""


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], json.loads(sys.argv[2]))))
