"""The graph of anchors beside the exact graph: how many labels are right.

Both have the same centres and so the same 100 labels (50 for digits); the exact graph
is that of KMeansLabelPropagator in memory. On digits and made samples, or with
``--fashion`` on 20,000 images of Fashion-MNIST in 50 principal components.
"""

from __future__ import annotations

import argparse
import json
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA

from kmeans_labelprop import KMeansLabelPropagator as InMemory
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.streaming import KMeansLabelPropagator


class FixedCenters(ClusterMixin, BaseEstimator):
    """A clusterer with given centres."""

    def __init__(self, n_clusters=8, centers=None):
        self.n_clusters = n_clusters
        self.centers = centers

    def fit(self, X, y=None):
        """Take the centres."""
        self.cluster_centers_ = self.centers
        return self


def digits(seed):
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32), y, 50, (256, 512, 1024)


def blobs(seed):
    X, part = make_blobs(20_000, 32, centers=60, cluster_std=6.0, random_state=seed)
    return X.astype(np.float32), part % 10, 100, (512, 1024, 2048, 4096)


def moons(seed):
    """Make ten winding bands that no centre stands for, in 8 dimensions."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, 20_000)
    t = rng.uniform(0, 3 * np.pi, len(y))
    wave = np.stack([t, np.sin(t) + y, np.cos(t)], axis=1) @ rng.normal(size=(3, 8))
    X = wave + 0.25 * rng.normal(size=wave.shape)
    return X.astype(np.float32), y, 100, (512, 1024, 2048, 4096)


def overlapping(seed):
    """Make 80 round parts of 10 classes that overlap, in 64 dimensions."""
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 80, 20_000)
    X = rng.normal(size=(80, 64))[part] + 2.5 * rng.normal(size=(20_000, 64))
    return X.astype(np.float32), part % 10, 100, (1024, 2048, 4096)


def fashion(seed):
    X, y = fetch_fashion_mnist(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(X))[:20_000]
    X, y = X[rows], y[rows]
    E = PCA(50, random_state=0).fit_transform(X.reshape(len(X), -1) / np.float32(255))
    return E.astype(np.float32), y, 100, (1024, 2048, 4096)


def right(labels, kept, y):
    is_right = labels == y
    return round(float(is_right.mean()), 4), round(float(is_right[kept].mean()), 4)


def compare(make, seed):
    """Yield the share of right labels, of all and of the 70 % kept."""
    X, y, n_clusters, counts = make(seed)
    common = {"fraction": 0.7, "oracle": "y", "random_state": seed}
    reference = None
    for n_anchors in counts:
        streamed = KMeansLabelPropagator(n_clusters, n_anchors=n_anchors, **common).fit(
            X, y
        )
        if reference is None:
            centers = FixedCenters(centers=streamed.cluster_centers_)
            reference = InMemory(n_clusters, clusterer=centers, **common).fit(X, y)
            rule = InMemory(
                n_clusters, clusterer=centers, propagation="cluster", **common
            ).fit(X, y)
            assert np.array_equal(reference.queries_, streamed.queries_)
            for name, found in (("cluster rule", rule), ("exact graph", reference)):
                share = right(found.transduction_, found.sample_indices_, y)
                yield name, *share
        labels = np.asarray(streamed.transduction_)
        yield f"{n_anchors} anchors", *right(labels, np.asarray(streamed.kept_), y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fashion", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    for make in [fashion] if options.fashion else [digits, blobs, overlapping, moons]:
        found = {}
        for seed in range(options.seeds):
            for name, of_all, of_kept in compare(make, seed):
                found.setdefault(name, []).append((of_all, of_kept))
        for name, shares in found.items():
            of_all, of_kept = np.transpose(shares)
            less = np.subtract(shares, found["exact graph"])[:, 0]
            row = {
                "data": make.__name__,
                "rule": name,
                "seeds": len(shares),
                "right": f"{of_all.mean():.4f} ± {of_all.std():.4f}",
                "beside the exact graph": f"{less.mean():+.4f} ± {less.std():.4f}",
                "right of kept": f"{of_kept.mean():.4f} ± {of_kept.std():.4f}",
            }
            print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
