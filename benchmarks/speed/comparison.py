"""The comparison of PropagatedClassifierCV beside the training that follows it.

A dense network by scikeras on the 60,000 images of Fashion-MNIST, 100 labels. Needs the
extra ``keras``.
"""

from __future__ import annotations

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV

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
    """Fit once; the last training is that of the chosen candidate."""
    from examples.fashion_mnist.network import SeededKerasClassifier, make_classifier

    X, y = load(5_000 if quick else 60_000)
    network_class, trainings = timed(SeededKerasClassifier)
    network = network_class(**make_classifier(EPOCHS, 0).get_params(deep=False))
    propagator = KMeansLabelPropagator(N_LABELS, random_state=0)
    _, propagation, _ = clock(lambda: propagator.fit(X, y))
    choice = PropagatedClassifierCV(network, propagator)
    _, whole, _ = clock(lambda: choice.fit(X, y))
    *compared, last = trainings
    return {
        "n_samples": len(X),
        "propagation": propagation,
        "whole": whole,
        "compared": compared,
        "last": last,
        "summary": choice.summary(),
    }


def report(results):
    compared, last = results["compared"], results["last"]
    seconds = sum(training["seconds"] for training in compared)
    rows = [
        ["propagation alone", "", f"{results['propagation']:.0f}", ""],
        [
            f"comparison: {len(compared)} trainings",
            f"{sum(training['n_samples'] for training in compared):,}",
            f"{seconds:.0f}",
            f"{seconds / last['seconds']:.2f}",
        ],
        [
            "training that follows",
            f"{last['n_samples']:,}",
            f"{last['seconds']:.0f}",
            "1.00",
        ],
        ["`fit` as a whole", "", f"{results['whole']:.0f}", ""],
    ]
    return f"""# The comparison, with a network

    python -m benchmarks.speed comparison

`PropagatedClassifierCV(network, KMeansLabelPropagator({N_LABELS}))` on
{results["n_samples"]:,} images; the network is trained for {EPOCHS} epochs.

{table(["part", "samples trained on", "seconds", "/ training"], rows)}
What it says at the end:

```
{results["summary"]}
```
"""
