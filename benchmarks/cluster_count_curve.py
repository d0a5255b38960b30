"""Time and memory of `cluster_count_curve` on the 60,000 images of Fashion-MNIST.

    python benchmarks/cluster_count_curve.py

clusters with k = 2 ... 20 in the space of the first 50 principal components, prints
the curve, the seconds and the peak memory beyond the images as a multiple of their
size, and writes them to `cluster_count_curve.json`. `--embedding none` works on the
pixels. A second run on 200,000 points of the plane shows that nothing grows with the
square of their number.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA

from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.model_selection import cluster_count_curve


def resident_memory() -> int:
    """Give the memory of this process in bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


class PeakMemory:
    """Watch the resident memory from a thread: it sees native code's too."""

    def __enter__(self):
        self._stop = threading.Event()
        self._start = self.peak = resident_memory()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.wait(0.01):
            self.peak = max(self.peak, resident_memory())

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join()

    @property
    def extra(self):
        return self.peak - self._start


def measure(name, X, **params):
    start = time.perf_counter()
    with PeakMemory() as memory:
        curve = cluster_count_curve(X, random_state=0, **params)
    seconds = time.perf_counter() - start
    print(f"\n{name}: X of {X.nbytes / 2**20:.0f} MiB, {seconds:.1f} s in all")
    print(f"clusterings {curve.fit_times.sum():.1f} s, scores", end=" ")
    print(f"{curve.score_times.sum():.1f} s")
    ratio = memory.extra / X.nbytes
    print(f"peak memory beyond X: {memory.extra / 2**20:.0f} MiB, {ratio:.2f} x X")
    print(curve)
    print(curve.to_frame().to_string(float_format="{:.4g}".format))
    return {
        "n_samples": X.shape[0],
        "n_features": X.shape[1],
        "bytes_of_X": X.nbytes,
        "seconds": seconds,
        "extra_bytes": memory.extra,
        "knee": curve.knee,
        "best": curve.best,
        "mean": {metric: values.tolist() for metric, values in curve.mean.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedding", choices=["pca", "none"], default="pca")
    parser.add_argument("--data-home", default=None)
    parser.add_argument("--out", type=Path, default=Path("cluster_count_curve.json"))
    args = parser.parse_args()

    images, _ = fetch_fashion_mnist(
        data_home=args.data_home, subset="train", return_X_y=True
    )
    X = np.asarray(images, dtype=np.float32).reshape(len(images), -1) / np.float32(255)
    del images
    embedding = PCA(50) if args.embedding == "pca" else None
    results = {
        "fashion_mnist": measure("Fashion-MNIST", X, embedding=embedding),
        "plane": measure(
            "200,000 points of the plane",
            make_blobs(200_000, centers=8, random_state=0)[0],
            n_clusters=(4, 8, 12),
        ),
    }
    args.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
