"""Tables that are sorted by class, beside the same ones in a random order.

    python -m benchmarks.accuracy.row_order

Share of right labels, spread from 20 and 50 labels by the defaults. Many samples of
tables with few different values are copies of each other, or equally near; where the
first of them counted, it was one of the first class. Writes results/row_order.json and
.md. Needs what ``mixed_tables`` needs.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from kmeans_labelprop import KMeansLabelPropagator

from .mixed_tables import RESULTS, load
from .statistics import paired_difference, summarize
from .tables import table

BUDGETS = (20, 50)
SEEDS = range(8)
NAMES = (
    "titanic",
    "vote92",
    "shuttle_advice",
    "flares",
    "phishing",
    "chile",
    "cars",
    "biopsy",
    "oj",
    "mroz",
    "pbc",
    "mortgages",
    "yeast",
    "penguins",
    "auto",
    "credit",
)


def right(X: Any, y: Any, n_labels: int, seed: int) -> float:
    fitted = KMeansLabelPropagator(n_labels, oracle="y", random_state=seed).fit(X, y)
    return float(100 * np.mean(fitted.transduction_ == y))


def measure(name: str) -> dict[str, dict[tuple[int, int], float]]:
    X, y = load(name)
    found: dict[str, dict[tuple[int, int], float]] = {}
    for seed in SEEDS:
        mixed = np.random.default_rng(seed).permutation(len(y))
        by_class = mixed[np.argsort(y[mixed], kind="stable")]
        orders = {"mixed": mixed, "sorted": by_class, "backwards": by_class[::-1]}
        for order, rows in orders.items():
            rows_of_X = X.iloc[rows].reset_index(drop=True)
            for n_labels in BUDGETS:
                found.setdefault(order, {})[n_labels, seed] = right(
                    rows_of_X, y[rows], n_labels, seed
                )
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    results, lines = {}, []
    for name in NAMES:
        found = measure(name)
        results[name] = {order: list(of.values()) for order, of in found.items()}
        line = [name, f"{summarize(found['mixed'].values()).mean:.1f}"]
        for order in ("sorted", "backwards"):
            gap = paired_difference(found[order], found["mixed"])
            line.append(f"{gap.mean:+.1f} ± {gap.error:.1f}")
        lines.append(line)
        print(*line, flush=True)
    head = ["table", "in a random order", "sorted by class", "sorted, backwards"]
    written = f"""# Tables sorted by class

    python -m benchmarks.accuracy.row_order

Right labels in % from {" and ".join(map(str, BUDGETS))} labels, mean of {len(SEEDS)}
seeds, and paired differences from that, ± their standard error.

{table(head, lines)}"""
    (RESULTS / "row_order.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "row_order.md").write_text(written)


if __name__ == "__main__":
    main()
