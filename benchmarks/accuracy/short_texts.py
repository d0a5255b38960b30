"""Texts as they are found: TextFeatures beside words alone and skrub's StringEncoder.

    python -m benchmarks.accuracy.short_texts [--seeds 3]

Share of right labels among at most 2,000 texts, spread from 50 labels by the defaults
of ``KMeansLabelPropagator`` in each space of up to 100 components. The rules were
chosen with English and Czech fortunes; those of other languages and the documentation
of scikit-learn were held out. Writes results/texts.md. Needs
skrub, and Debian's packages of fortunes, which it unpacks.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import TextFeatures

from .data import REPOSITORY, TEXT_HOME, load
from .mixed_tables import RESULTS
from .statistics import summarize
from .tables import table

MOST_TEXTS, N_LABELS, N_COMPONENTS = 2000, 50, 100
MODULES = ("cluster", "datasets", "decomposition", "ensemble", "linear_model")
MODULES += ("metrics", "model_selection", "preprocessing")


def _fortunes(package: str, topics: str) -> tuple[Any, Any]:
    language = package.removeprefix("fortunes-")
    folder = (
        TEXT_HOME / "usr/share/games/fortunes" / ("" if language == "zh" else language)
    )
    if not (folder / topics.split()[0]).exists():
        unpack = REPOSITORY / "scripts" / "unpack_deb.sh"
        subprocess.run(
            ["sh", unpack, package, TEXT_HOME], check=True, capture_output=True
        )
    texts, labels = [], []
    for topic in topics.split():
        content = (folder / topic).read_text(encoding="utf-8", errors="replace")
        found = [text.strip() for text in content.split("\n%\n") if len(text) >= 20]
        texts += found[:700]
        labels += [topic] * len(found[:700])
    return texts, labels


def _documentation() -> tuple[Any, Any]:
    """What scikit-learn says of its classes and functions; the class is the module."""
    texts: dict[str, str] = {}
    for module in MODULES:
        of_module = importlib.import_module(f"sklearn.{module}")
        for name in of_module.__all__:
            text = getattr(of_module, name).__doc__
            if text and len(text) > 200:
                texts.setdefault(text, module)
    return list(texts), list(texts.values())


CHOSEN, HELD_OUT = "chosen on", "held out"
TEXTS: dict[str, tuple[str, Callable[[], Any]]] = {
    "English": (CHOSEN, lambda: load("fortunes")),
    "Czech": (
        CHOSEN,
        lambda: _fortunes(
            "fortunes-cs", "murphy klasik-cz market zemeplocha citace stoa1 jerome"
        ),
    ),
    "Chinese": (CHOSEN, lambda: _fortunes("fortunes-zh", "chinese song100 tang300")),
    "Italian": (
        HELD_OUT,
        lambda: _fortunes(
            "fortunes-it", "computer definizioni formiche itatrek leggi luke norm zuse"
        ),
    ),
    "German": (
        HELD_OUT,
        lambda: _fortunes(
            "fortunes-de",
            "fussball ms hauptgericht mathematiker witze letzteworte warmduscher",
        ),
    ),
    "Spanish": (
        HELD_OUT,
        lambda: _fortunes(
            "fortunes-es",
            "leydemurphy.fortunes refranes.fortunes arte.fortunes "
            "sentimientos.fortunes ciencia.fortunes informatica.fortunes",
        ),
    ),
    "documentation": (HELD_OUT, _documentation),
}


def words(texts: list[str], seed: int) -> Any:
    """Tf-idf of words, and singular vectors in rows of unit length."""
    svd = TruncatedSVD(N_COMPONENTS, random_state=seed)
    counts = TfidfVectorizer(sublinear_tf=True)
    return make_pipeline(counts, svd, Normalizer()).fit_transform(texts)


def skrub(texts: list[str], seed: int) -> Any:
    """Skrub's StringEncoder, in rows of unit length."""
    from skrub import StringEncoder

    encoder = StringEncoder(n_components=N_COMPONENTS, random_state=seed)
    return Normalizer().fit_transform(encoder.fit_transform(pd.Series(texts, name="t")))


def ours(texts: list[str], seed: int) -> Any:
    """What default_embedding chooses for texts."""
    return TextFeatures(N_COMPONENTS, random_state=seed).fit_transform(texts)


SPACES = {each.__name__: each for each in (words, skrub, ours)}


def measure(name: str, space: str, seeds: int) -> dict[str, Any]:
    """Spread labels in a space, with each seed."""
    texts, labels = (np.asarray(part, dtype=object) for part in TEXTS[name][1]())
    kept = np.random.default_rng(0).permutation(len(texts))[:MOST_TEXTS]
    texts, labels = list(texts[kept]), labels[kept].astype(str)
    right, seconds = [], 0.0
    for seed in range(seeds):
        start = time.process_time()
        E = np.asarray(SPACES[space](texts, seed), dtype=np.float64)
        seconds += (time.process_time() - start) / seeds
        propagator = KMeansLabelPropagator(N_LABELS, embedding=None, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # texts that no label reaches are wrong
            right.append(
                float(np.mean(propagator.fit(E, labels).transduction_ == labels))
            )
    length = int(np.mean([len(text) for text in texts]))
    return {"right": right, "seconds": seconds, "texts": len(texts), "length": length}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(TEXTS), choices=TEXTS)
    arguments = parser.parse_args()
    lines = []
    for name in arguments.only:
        of = {space: measure(name, space, arguments.seeds) for space in SPACES}
        part = TEXTS[name][0]
        line = [name, part, str(of["ours"]["texts"]), str(of["ours"]["length"])]
        for space in SPACES:
            right = summarize(100 * value for value in of[space]["right"])
            line.append(f"{right.mean:.1f} ± {right.std:.1f}")
        lines.append([*line, *(f"{of[space]['seconds']:.1f}" for space in SPACES)])
        print(lines[-1], flush=True)
    head = ["texts", "part", "number", "characters", *SPACES]
    head += [f"seconds, {space}" for space in SPACES]
    (RESULTS / "texts.md").write_text(table(head, lines) + "\n")


if __name__ == "__main__":
    main()
