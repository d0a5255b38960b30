"""The comparison of PropagatedClassifierCV beside the training that follows it.

A dense network by scikeras on the 60,000 images of Fashion-MNIST, 100 labels. Needs the
extra ``keras``.
"""

from __future__ import annotations

from sklearn.base import clone

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

from .fits import N_LABELS, load
from .harness import clock, table

EPOCHS = 30


def timed(network_class):
    """Make a class of networks, and the list of how long each of them trained."""

    trainings = []

    class Timed(network_class):
        def fit(self, X, y, **parameters):
            _, seconds, _ = clock(lambda: super(Timed, self).fit(X, y, **parameters))
            trainings.append({"n_samples": len(X), "seconds": seconds})
            return self

    return Timed, trainings


def measure(quick):
    """Fit the choice, then train the network as two of the candidates would."""
    from examples.fashion_mnist.network import SeededKerasClassifier, make_classifier

    X, y = load(5_000 if quick else 60_000)
    network_class, trainings = timed(SeededKerasClassifier)
    network = network_class(**make_classifier(EPOCHS, 0).get_params(deep=False))
    propagator = KMeansLabelPropagator(N_LABELS, random_state=0)
    _, propagation, _ = clock(lambda: propagator.fit(X, y))
    choice = PropagatedClassifierCV(network, propagator)
    _, whole, _ = clock(lambda: choice.fit(X, y))
    # The last one is that of the chosen candidate, if it trains a classifier.
    compared = trainings[: None if choice.train_on_ == "neighbors" else -1]
    results = {
        "n_samples": len(X),
        "propagation": propagation,
        "whole": whole,
        "compared": compared,
        "summary": choice.summary(),
        "trainings": {},
    }
    for train_on in ("embedding", "samples"):
        PropagatedClassifier(clone(network), propagator, train_on=train_on).fit(X, y)
        results["trainings"][train_on] = trainings[-1]
    return results


def report(results):
    compared, trainings = results["compared"], results["trainings"]
    seconds = sum(training["seconds"] for training in compared)

    def row(name, n_samples, seconds):
        ratios = [f"{seconds / of['seconds']:.2f}" for of in trainings.values()]
        return [name, f"{n_samples:,}", f"{seconds:.0f}", *ratios]

    n_compared = sum(training["n_samples"] for training in compared)
    rows = [
        ["propagation alone", "", f"{results['propagation']:.0f}", "", ""],
        row(f"comparison: {len(compared)} trainings", n_compared, seconds),
        row("training in the embedding", *trainings["embedding"].values()),
        row("training on the samples", *trainings["samples"].values()),
        ["`fit` as a whole", "", f"{results['whole']:.0f}", "", ""],
    ]
    head = ["part", "samples trained on", "seconds", "/ in the embedding"]
    head.append("/ on the samples")
    return f"""# The comparison, with a network

    python -m benchmarks.speed comparison

`PropagatedClassifierCV(network, KMeansLabelPropagator({N_LABELS}))` on
{results["n_samples"]:,} images; the network is trained for {EPOCHS} epochs.

{table(head, rows)}
What it says at the end:

```
{results["summary"]}
```
"""
