"""
Labels that are there already, and a second round
=================================================

Some labels are often known already. They are facts: none is changed, and all are used.
Only clusters without one are asked about, and when those labels are there, the
propagator says which samples to label next.
"""

# %%
# 1,797 images of digits, of which 40, picked at random, have a label. -1 marks the
# others.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from kmeans_labelprop import KMeansLabelPropagator

X, y_true = load_digits(return_X_y=True)
known = np.random.default_rng(0).choice(len(y_true), 40, replace=False)
y = np.full(len(y_true), -1)
y[known] = y_true[known]

# %%
# :meth:`~kmeans_labelprop.KMeansLabelPropagator.query` clusters, and tells which
# samples to label: one in each cluster without a known label, those of the largest
# clusters first. Nobody is asked yet, so the answers can take their time.

propagator = KMeansLabelPropagator(n_clusters=50, random_state=0)
first = propagator.query(X, y)
print(f"{len(first)} of 50 clusters have no known label")

# %%
# The known labels alone can be spread at once. Each of them stays what it is.

propagator.propagate({})
print(propagator.summary())
unchanged = (propagator.transduction_[known] == y_true[known]).all()
print(f"known labels unchanged: {unchanged}")
rounds = {"known labels": (len(known), np.mean(propagator.transduction_ == y_true))}

# %%
# :meth:`~kmeans_labelprop.KMeansLabelPropagator.propagate` takes answers by position,
# in any order, all at once or as they come. Nothing is clustered again.


def take_labels(name, positions):
    """Hand over the labels of some samples, and look how right all labels are now."""
    propagator.propagate(dict(zip(positions.tolist(), y_true[positions], strict=True)))
    n_labels = len(propagator.given_)
    rounds[name] = n_labels, np.mean(propagator.transduction_ == y_true)


take_labels("first round", first)

# %%
# The second round. :meth:`~kmeans_labelprop.KMeansLabelPropagator.query_more` chooses
# samples that are typical of a region where the labels so far leave doubt.

second = propagator.query_more(30)
take_labels("second round", second)
print(propagator.summary())

# %%
# As many labels of samples picked at random, beside the same 40, are worth less: mean
# and standard deviation of ten draws.

import warnings

n_labels = [n for n, _ in rounds.values()]
others = np.flatnonzero(y == -1)
at_random = np.empty((10, len(n_labels)))
warnings.filterwarnings("ignore", "Given labels that differ")  # some are hard to read
for seed in range(10):
    order = np.random.default_rng(seed).permutation(others)
    propagator.query(X, y)
    for place, n in enumerate(n_labels):
        drawn = order[: n - len(known)]
        propagator.propagate(dict(zip(drawn.tolist(), y_true[drawn], strict=True)))
        at_random[seed, place] = np.mean(propagator.transduction_ == y_true)

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
axis.plot(*zip(*rounds.values(), strict=True), "o-", color="#0072B2", label="rounds")
for name, (n, right) in rounds.items():
    axis.annotate(name, (n, right), (-4, 6), textcoords="offset points", ha="right")
axis.errorbar(
    n_labels,
    at_random.mean(axis=0),
    at_random.std(axis=0, ddof=1),
    fmt="s--",
    color="#D55E00",
    capsize=3,
    label="random labels",
)
axis.set_xlim(20, None)
axis.margins(y=0.15)
axis.set_xlabel("labels given")
axis.set_ylabel("right labels, of all images")
axis.legend(loc="lower right")

# %%
# The images of the second round. Most are of digits that are easily mistaken for each
# other: eights, nines, ones and threes.

figure, axes = plt.subplots(3, 10, figsize=(7, 2.8), layout="constrained")
for panel, position in zip(axes.flat, second, strict=True):
    panel.imshow(X[position].reshape(8, 8), cmap="gray_r")
    panel.set_title(y_true[position], fontsize=9)
    panel.set_axis_off()
plt.show()
