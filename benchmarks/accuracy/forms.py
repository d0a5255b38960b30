"""Made samples in forms that people bring, beside a space made by hand.

    python -m benchmarks.accuracy.forms [--only NAME ...]

Share of right labels, spread from 50 by the defaults: in the space that the library
chooses, and in one that a practitioner would make for these samples. Writes
results/forms.json and .md; what is not measured keeps its figures.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import Normalizer, StandardScaler

from kmeans_labelprop import KMeansLabelPropagator

from .mixed_tables import RESULTS
from .statistics import summarize
from .tables import table

N_LABELS, SEEDS = 50, range(5)
Made = tuple[Any, Any, Any]  # samples, classes, the space made by hand


def standard(X: Any) -> Any:
    return StandardScaler().fit_transform(X)


def by_pieces(texts: list[str], **options: Any) -> Any:
    weights = TfidfVectorizer(**options).fit_transform(texts)
    found = TruncatedSVD(30, random_state=0).fit_transform(weights)
    return Normalizer().fit_transform(found)


# ---------------------------------------------------------------- texts


def chains(rng: Any, y: Any, n_states: int, length: int) -> Any:
    """Draw walks; each class has chances of its own."""
    chances = rng.dirichlet(np.full(n_states, 8.0), (y.max() + 1, n_states)).cumsum(-1)
    state, walks = rng.integers(n_states, size=len(y)), []
    for draw in rng.random((length, len(y))):
        state = (draw[:, None] > chances[y, state][:, :-1]).sum(axis=1)
        walks.append(state)
    return np.array(walks).T


def genes(length: int) -> Callable[[Any], Made]:
    def make(rng: Any) -> Made:
        y = rng.integers(4, size=400)
        letters = np.array(list("ACGT"))[chains(rng, y, 4, length)]
        texts = ["".join(row) for row in letters]
        return texts, y, by_pieces(texts, analyzer="char", ngram_range=(2, 3))

    return make


def calls(rng: Any) -> Made:
    y = rng.integers(5, size=400)
    chances = rng.dirichlet(np.full(40, 2.0), size=5)
    texts = [
        " ".join(f"call{i:02}" for i in rng.choice(40, 200, p=chances[label]))
        for label in y
    ]
    return texts, y, by_pieces(texts)


# ---------------------------------------------------------------- columns


def amounts(write: Callable[[float], str]) -> Callable[[Any], Made]:
    def make(rng: Any) -> Made:
        y = rng.integers(5, size=600)
        values = 400 * y[:, None] + [2000, 1500] + 90 * rng.normal(size=(600, 2))
        written = {name: [*map(write, values[:, i])] for i, name in enumerate("ab")}
        kind = rng.choice(["x", "y", "z"], 600)
        return pd.DataFrame({**written, "kind": kind}), y, standard(values)

    return make


def days(write: str | Callable[[Any], str], length: int = 1) -> Callable[[Any], Made]:
    def make(rng: Any) -> Made:
        y = rng.integers(5, size=600)
        day = length * (60 * y + rng.integers(50, size=600))
        dates = pd.Timestamp("2019-01-01") + pd.to_timedelta(day, "D")
        kind = rng.choice(["x", "y", "z"], 600)
        written = dates.strftime(write) if isinstance(write, str) else dates.map(write)
        X = pd.DataFrame({"day": written, "kind": kind})
        return X, y, standard(day[:, None])

    return make


def skewed(n_features: int, spread: float) -> Callable[[Any], Made]:
    def make(rng: Any) -> Made:
        y = rng.integers(6, size=900)
        logs = 0.7 * rng.normal(size=(6, n_features))[y]
        logs += rng.normal(size=(900, n_features))
        return np.exp(2 + spread * logs), y, standard(logs)

    return make


def in_one_string(write: Callable[[float, float], str]) -> Callable[[Any], Made]:
    """Two numbers in one column, beside one that tells nothing."""

    def make(rng: Any) -> Made:
        y = rng.integers(5, size=600)
        values = [60, 40] + 8 * rng.normal(size=(5, 2))[y] * [2, 1]
        values += 2 * rng.normal(size=(600, 2))
        pairs = [write(*pair) for pair in values.tolist()]
        return spread_over(y, pairs, rng), y, standard(values)

    return make


def ranks(write: Callable[[Any], Any]) -> Callable[[Any], Made]:
    """Five ranks in each of four columns."""

    def make(rng: Any) -> Made:
        y = rng.integers(5, size=600)
        values = (y[:, None] + [0, 1, 2, 3]) % 5 + 0.7 * rng.normal(size=(600, 4))
        rank = values.round().clip(0, 4).astype(int)
        written = {f"q{i}": [write(r) for r in rank[:, i]] for i in range(4)}
        return pd.DataFrame(written), y, standard(rank)

    return make


def tags(form: Callable[[list[str]], Any]) -> Callable[[Any], Made]:
    """Some of twelve tags, in no order."""

    def make(rng: Any) -> Made:
        y = rng.integers(5, size=600)
        has = rng.random((600, 12)) < rng.choice([0.1, 0.7], (5, 12))[y]
        names = [f"{letter}tag" for letter in "abcdefghijkl"]
        cells = [
            form([names[i] for i in rng.permutation(12) if row[i]] or ["other"])
            for row in has
        ]
        return spread_over(y, cells, rng), y, standard(has)

    return make


def colours(rng: Any) -> Made:
    """Shades of five colours."""
    y = rng.integers(5, size=600)
    shades = rng.integers(256, size=(5, 3))[y] + 25 * rng.normal(size=(600, 3))
    shades = shades.clip(0, 255).astype(int)
    written = ["#{:02x}{:02x}{:02x}".format(*shade) for shade in shades.tolist()]
    return spread_over(y, written, rng), y, standard(shades)


def versions(rng: Any) -> Made:
    """Five spans of versions, in the order of their release."""
    major, minor = rng.integers(1, 5, 600), rng.integers(13, size=600)
    patch = rng.geometric(0.2, 600) - 1
    order = 13 * major + minor
    y = np.searchsorted(np.quantile(order, np.sort(rng.uniform(0.1, 0.9, 4))), order)
    written = [f"{a}.{b}.{c}" for a, b, c in zip(major, minor, patch, strict=True)]
    return spread_over(y, written, rng), y, standard(order[:, None])


def addresses(rng: Any) -> Made:
    """Machines of six networks, some of which begin alike."""
    nets = ["10.0.1", "10.0.2", "10.3.1", "192.168.1", "192.168.7", "84.23.9"]
    y = rng.integers(6, size=600)
    written = [f"{nets[i]}.{rng.integers(1, 40)}" for i in y]
    return spread_over(y, written, rng), y, np.eye(6)[y]


def spread_over(y: Any, strings: list[str], rng: Any) -> pd.DataFrame:
    """Put strings beside a number that tells nothing."""
    return pd.DataFrame({"name": strings, "x": rng.normal(size=len(y))})


def drugs(rng: Any) -> Made:
    y = rng.integers(8, size=400)
    ends = ("cillin", "mab", "pril", "sartan", "olol", "statin", "azole", "vir")
    syllables = [a + b for a in "bcdfghjklmnprstvz" for b in "aeiou"]
    names = ["".join(rng.choice(syllables, rng.integers(2, 4))) + ends[i] for i in y]
    pieces = by_pieces(names, analyzer="char_wb", ngram_range=(2, 4))
    return spread_over(y, names, rng), y, pieces


def codes(rng: Any) -> Made:
    y = rng.integers(5, size=400)
    written = [f"{'ABCDE'[i]}-{rng.integers(1000, 9999)}" for i in y]
    return spread_over(y, written, rng), y, np.eye(5)[y]


def formulas(rng: Any) -> Made:
    """Chains of groups of atoms; of carbon in rings the letter is small."""
    y = rng.integers(4, size=400)
    groups = ("C CC O N CO", "c1ccccc1 C O N", "C C(=O)N N S", "C F Cl C(F)(F)F O")
    parts = [group.split() for group in groups]
    written = ["".join(rng.choice(parts[i], rng.integers(4, 10))) for i in y]
    pieces = by_pieces(written, analyzer="char", ngram_range=(1, 3), lowercase=False)
    return spread_over(y, written, rng), y, pieces


def gaps(how: str) -> Callable[[Any], Made]:
    """Ten measurements, five of which are not made for all: by class, or by chance."""

    def make(rng: Any) -> Made:
        y = rng.integers(4, size=600)
        X = 0.8 * rng.normal(size=(4, 10))[y] + rng.normal(size=(600, 10))
        chances = np.where(rng.random((4, 5)) < 0.5, 0.9, 0.05)[y]
        is_gap = rng.random((600, 5)) < (chances if how == "class" else 0.3)
        if how == "rows":
            is_gap = rng.random((600, 5)) < rng.beta(0.5, 1.2, size=(600, 1))
        X[:, 5:][is_gap] = np.nan
        own = standard(np.where(np.isnan(X), np.nanmedian(X, axis=0), X))
        if how == "class":
            own = np.hstack([own, is_gap])
        return X * np.logspace(0, 2, 10), y, own

    return make


# ---------------------------------------------------------------- arrays


def log_shares(X: Any) -> Any:
    shares = X / X.sum(axis=1, keepdims=True).clip(1)
    logs = np.log1p(shares * np.median(X.sum(axis=1)))
    return PCA(20, random_state=0).fit_transform(logs)


def cells(spread: float, depth: int, form: Callable[[Any], Any]) -> Any:
    """Counts of genes; how many were read of a cell says nothing about its kind."""

    def make(rng: Any) -> Made:
        y = rng.integers(6, size=600)
        means = np.tile(rng.lognormal(0, 1.5, 500), (6, 1))
        means *= np.exp(0.7 * rng.normal(size=(6, 500)) * (rng.random((6, 500)) < 0.1))
        means /= means.sum(axis=1, keepdims=True)
        sizes = depth * np.exp(spread * rng.normal(size=(600, 1)))
        noise = rng.gamma(1 / 0.3, 0.3, size=(600, 500))
        X = rng.poisson(means[y] * sizes * noise).astype(float)
        return form(X), y, log_shares(X)

    return make


def bags(rng: Any) -> Made:
    """Counts of words in texts of very different lengths."""
    y = rng.integers(6, size=600)
    usual = rng.dirichlet(np.full(200, 0.3))
    topics = [rng.dirichlet(usual * 60) for _ in range(6)]
    lengths = np.maximum(5, 150 * np.exp(0.7 * rng.normal(size=600))).astype(int)
    X = [
        rng.multinomial(n, 0.4 * topics[i] + 0.6 * usual)
        for n, i in zip(lengths, y, strict=True)
    ]
    return csr_array(np.array(X, dtype=float)), y, log_shares(np.array(X))


def sums(rng: Any) -> Made:
    """Counts of which only the sum tells the class."""
    y = rng.integers(4, size=600)
    sizes = 300 * 1.6**y * np.exp(0.1 * rng.normal(size=600))
    noise = rng.gamma(1 / 0.3, 0.3, size=(600, 300))
    means = sizes[:, None] * rng.dirichlet(np.full(300, 1.0)) * noise
    X = rng.poisson(means).astype(float)
    return X, y, standard(np.log(X.sum(axis=1, keepdims=True)))


def windows(n_steps: int, n_sensors: int, spread: float) -> Callable[[Any], Made]:
    def make(rng: Any) -> Made:
        y = rng.integers(5, size=600)
        X = 0.5 * rng.normal(size=(600, n_steps, n_sensors))
        X += 0.5 * rng.normal(size=(5, 1, n_sensors))[y]
        X += 0.4 * rng.normal(size=(600, 1, n_sensors))
        space = PCA(20, random_state=0).fit_transform(X.reshape(600, -1))
        units = np.exp(spread * rng.normal(size=n_sensors))
        return X * units + 20 * spread * rng.normal(size=n_sensors), y, space

    return make


def colour_and_depth(rng: Any) -> Made:
    y = rng.integers(6, size=500)
    colours = rng.uniform(0, 1, (6, 3))[y] + 0.1 * rng.normal(size=(500, 3))
    X = colours[:, None, None] + 0.12 * rng.normal(size=(500, 16, 16, 3))
    depth = 5000 + 1000 * rng.normal(size=(500, 1, 1, 1))
    depth = depth + 300 * rng.normal(size=(500, 16, 16, 1))
    X = np.concatenate([X.clip(0, 1), depth], axis=3)
    return X, y, standard(X.mean(axis=(1, 2)))


def with_comma(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


FORMS: dict[str, Callable[[Any], Made]] = {
    **{f"genes, {n} letters": genes(n) for n in (60, 350, 600)},
    "traces of 40 calls": calls,
    "amounts as 1234.5": amounts(lambda value: f"{value:.1f}"),
    "amounts as $1,234.50": amounts(lambda value: f"${value:,.2f}"),
    "amounts as 1.234,50": amounts(with_comma),
    "amounts as 1234.5 kg": amounts(lambda value: f"{value:.1f} kg"),
    "amounts as 900 g and 1.2 kg": amounts(
        lambda v: f"{v:.0f} g" if v < 2000 else f"{v / 1000:.2f} kg"
    ),
    "durations as 26h 40m": amounts(lambda v: f"{v // 60:.0f}h {v % 60:.0f}m"),
    "times as 3:05 PM": amounts(
        lambda v: (pd.Timestamp(0) + pd.Timedelta(v / 3, "min")).strftime("%I:%M %p")
    ),
    "amounts, <1800 below a limit": amounts(
        lambda v: f"{v:.0f}" if v > 1800 else "<1800"
    ),
    "ranges as 1200-1399": amounts(
        lambda v: f"{v // 200 * 200:.0f}-{v // 200 * 200 + 199:.0f}"
    ),
    "pairs as 120/80": in_one_string(lambda a, b: f"{a:.0f}/{b:.0f}"),
    "coordinates as 48.21, 16.37": in_one_string(lambda a, b: f"{a:.2f}, {b:.2f}"),
    "very low to very high": ranks(
        lambda r: ["very low", "low", "medium", "high", "very high"][r]
    ),
    "grades as B+": ranks(lambda r: ["D", "C", "C+", "B", "B+"][r]),
    "lists of tags": tags(list),
    "tags joined by commas": tags(", ".join),
    "dates as 2019-12-31": days("%Y-%m-%d"),
    "dates as 31/12/2019": days("%d/%m/%Y"),
    "dates as Dec 31, 2019": days("%b %d, %Y"),
    "dates as 2019.12.31": days("%Y.%m.%d"),
    "dates as 2019-12-31, some as ?": days(
        lambda day: "?" if day.day == 9 else f"{day:%Y-%m-%d}"
    ),
    "months as Dec 2019": days("%b %Y", 12),
    "months as 2019-12": days("%Y-%m", 12),
    "quarters as Q4 2019": days(lambda day: f"Q{day.quarter} {day.year}", 12),
    "weeks as 2019-W52": days("%G-W%V", 12),
    "colours as #ff8800": colours,
    "versions as 1.2.10": versions,
    "addresses as 10.0.3.7": addresses,
    **{f"{n} skewed amounts": skewed(n, 1.0) for n in (8, 50)},
    "windows 24 × 12, one unit": windows(24, 12, 0),
    "windows 24 × 12, many units": windows(24, 12, 1),
    "windows 128 × 9, many units": windows(128, 9, 1),
    "images of colour and depth": colour_and_depth,
    "cells × genes, even sums": cells(0, 500, np.asarray),
    "cells × genes, uneven sums": cells(0.7, 500, np.asarray),
    "the same, sparse": cells(0.7, 500, csr_array),
    "words of texts, uneven sums": bags,
    "counts, only sums tell": sums,
    "drugs, beside a number": drugs,
    "codes as A-1023": codes,
    "formulas as c1ccccc1C(=O)N": formulas,
    "gaps that tell the class": gaps("class"),
    "gaps by chance": gaps("chance"),
    "gaps by chance, many in a row": gaps("rows"),
}


def right(X: Any, y: Any, embedding: Any, seed: int) -> float:
    propagator = KMeansLabelPropagator(N_LABELS, embedding=embedding, random_state=seed)
    return 100 * float(np.mean(propagator.fit(X, y).transduction_ == y))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(FORMS), choices=FORMS)
    only = parser.parse_args().only
    warnings.simplefilter("ignore")
    published = RESULTS / "forms.json"
    results = json.loads(published.read_text()) if published.exists() else {}
    for name in only:
        results[name] = found = []
        for seed in SEEDS:
            X, y, by_hand = FORMS[name](np.random.default_rng(seed))
            found.append([right(X, y, "auto", seed), right(by_hand, y, None, seed)])
        print(row_of(name, found), flush=True)
    results = {name: results[name] for name in FORMS if name in results}
    rows = [row_of(name, found) for name, found in results.items()]
    text = f"""# Forms that people bring

    python -m benchmarks.accuracy.forms

Right labels in %, spread from {N_LABELS} by the defaults, means of {len(SEEDS)} seeds,
each with samples of its own; the difference ± its standard error.

{table(["samples", "chosen", "by hand", "difference"], rows)}
"""
    published.write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "forms.md").write_text(text)


def row_of(name: str, found: list[list[float]]) -> list[str]:
    chosen, own = np.array(found).T
    difference = summarize(chosen - own)
    error = difference.std / len(found) ** 0.5
    row = [name, f"{chosen.mean():.1f}", f"{own.mean():.1f}"]
    return [*row, f"{difference.mean:+.1f} ± {error:.1f}"]


if __name__ == "__main__":
    main()
