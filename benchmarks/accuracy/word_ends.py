"""Up to which length texts are better read with the ends of their words.

    python -m benchmarks.accuracy.word_ends

Share of right labels among at most 1,000 texts, spread from 50 labels by the defaults
in the space of ``TextFeatures``: by pieces of texts, by pieces of words with a blank at
both ends, and by whole words. The texts are names and titles as they are found, and
fortunes cut to lengths. Writes results/word_ends.json and .md. Needs what
benchmarks.accuracy.first_call needs, and Debian's packages of fortunes, which it
unpacks.
"""

from __future__ import annotations

import importlib
import json
import warnings
from typing import Any
from unittest.mock import patch

import numpy as np

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import TextFeatures, _texts

from .first_call import SETS
from .forms import drugs
from .mixed_tables import RESULTS, load
from .short_texts import MODULES, TEXTS
from .statistics import summarize
from .tables import table

MOST_TEXTS, N_LABELS, SEEDS = 1000, 50, range(6)
LENGTHS = (20, 40, 60, 80, 110, 150, 250)
LANGUAGES = ("English", "German", "Spanish")
LIMITS = (0, 40, 60, 80, 110, 150, 400)
#: What is set in the rules of ``TextFeatures`` for each way to read.
WAYS = {
    "pieces of texts": {"_SHORT": 0, "_LONG": np.inf},
    "pieces of words": {"_SHORT": np.inf, "_LONG": np.inf},
    "words": {"_SHORT": 0, "_LONG": 0},
}


def cut(text: str, length: int) -> str:
    """Keep the first words, up to a length."""
    words, kept = text.split(), ""
    while words and len(kept) + len(words[0]) < length:
        kept += " " * bool(kept) + words.pop(0)
    return kept


def functions(first_lines: bool) -> Any:
    """Names in scikit-learn, or the first lines of what it says of them, by module."""
    texts: dict[str, str] = {}
    for module in MODULES:
        of_module = importlib.import_module(f"sklearn.{module}")
        for name in of_module.__all__:
            line = (getattr(of_module, name).__doc__ or "").strip().split("\n")[0]
            texts.setdefault(line if first_lines else name.replace("_", " "), module)
    return list(texts), list(texts.values())


def texts_of() -> dict[str, Any]:
    """Give texts and their classes."""
    auto, origins = load("auto")
    made, kinds, _ = drugs(np.random.default_rng(0))
    found = {
        "names of cars": (auto["name"].tolist(), origins),
        "names of drugs, made": (made["name"].tolist(), kinds),
        "names of functions": functions(first_lines=False),
        "first lines of documentation": functions(first_lines=True),
        "film titles": SETS["film titles"][0](),
        "messages, made": SETS["messages"][0](),
    }
    for language in LANGUAGES:
        texts, topics = TEXTS[language][1]()
        for length in LENGTHS:
            short = [cut(text, length) for text in texts]
            found[f"{language}, up to {length}"] = (short, topics)
    return found


def measure(texts: list[str], labels: Any, way: str) -> list[float]:
    """Spread labels with each seed, in %."""
    right = []
    with patch.multiple(_texts, **WAYS[way]):
        for seed in SEEDS:
            E = TextFeatures(random_state=seed).fit_transform(texts)
            propagator = KMeansLabelPropagator(
                N_LABELS, embedding=None, random_state=seed
            )
            fitted = propagator.fit(E.astype(np.float64), labels)
            right.append(100 * float(np.mean(fitted.transduction_ == labels)))
    return right


def row_of(name: str, result: dict[str, Any]) -> list[str]:
    base, *others = (np.array(result[way]) for way in WAYS)
    row = [name, str(result["texts"]), f"{result['length']:.0f}", f"{base.mean():.1f}"]
    for each in others:
        difference = summarize(each - base)
        row.append(f"{difference.mean:+.1f} ± {difference.error:.1f}")
    return row


def by_limit(results: dict[str, Any]) -> list[list[str]]:
    """Average what pieces of words gain over all texts, where the shorter get them."""
    rows = []
    for limit in LIMITS:
        gains = [
            np.subtract(of["pieces of words"], of["pieces of texts"])
            * (of["length"] < limit)
            for of in results.values()
        ]
        gain = summarize(np.mean(gains, axis=0))  # by seed
        worst = min(each.mean() for each in gains)
        rows.append(
            [str(limit), f"{gain.mean:+.2f} ± {gain.error:.2f}", f"{worst:+.1f}"]
        )
    return rows


def main() -> None:
    warnings.simplefilter("ignore")  # texts that no label reaches are wrong
    results: dict[str, Any] = {}
    for name, (all_texts, all_labels) in texts_of().items():
        drawn = np.random.default_rng(0).permutation(len(all_texts))[:MOST_TEXTS]
        texts = [all_texts[i] for i in drawn]
        labels = np.asarray(all_labels)[drawn].astype(str)
        results[name] = {
            "texts": len(texts),
            "length": float(np.mean([len(text) for text in texts])),
            **{way: measure(texts, labels, way) for way in WAYS},
        }
        print(row_of(name, results[name]), flush=True)
    rows = [row_of(name, result) for name, result in results.items()]
    text = f"""# Up to which length the ends of words tell texts apart

    python -m benchmarks.accuracy.word_ends

Right labels in % by characters, pairs and triples of them, spread from {N_LABELS}
labels, mean of {len(SEEDS)} seeds, and paired differences from that, ± their standard
error, by the same within words with a blank at both ends, and by whole words.
*Characters*: on average.

{table(["texts", "number", "characters", *WAYS], rows)}
If texts of fewer characters than the limit are read by pieces of words, and the others
by pieces of texts: what it gains on average over these sets, and the least on one of
them.

{table(["limit", "gain", "least"], by_limit(results))}
"""
    (RESULTS / "word_ends.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "word_ends.md").write_text(text.rstrip() + "\n")


if __name__ == "__main__":
    main()
