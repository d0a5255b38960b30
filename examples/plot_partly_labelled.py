"""
Use the labels there are, ask for the rest
==========================================

Some labels are often known already. With a partly labelled `y` the propagator takes
the closest known sample of each cluster as its representative, free of charge, and asks
only where a cluster has none.
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
# :meth:`~kmeans_labelprop.KMeansLabelPropagator.query` clusters and tells which samples
# to label, those of the largest clusters first. Nobody is asked yet, so the answers can
# take their time.

propagator = KMeansLabelPropagator(50, propagation="cluster", random_state=0)
positions = propagator.query(X, y)
print(f"50 clusters, {50 - len(positions)} with a known label, {len(positions)} to ask")

# %%
# :meth:`~kmeans_labelprop.KMeansLabelPropagator.propagate` takes answers as they come,
# five at a time here; nothing is clustered again. With ``propagation="cluster"`` the
# samples of a cluster stay out of the training set until it has a label, and a warning
# says so.

import warnings

n_labels, coverage, accuracy = [], [], []
for n_answers in range(0, len(positions) + 1, 5):
    answers = {int(p): y_true[p] for p in positions[:n_answers]}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*clusters have no label")
        propagator.propagate(answers)
    kept = propagator.sample_indices_
    n_labels.append(len(answers))
    coverage.append(len(kept) / len(X))
    accuracy.append(np.mean(propagator.transduction_[kept] == y_true[kept]))

# %%
# More answers label more samples; how right the labels are hardly changes.

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
axis.plot(n_labels, coverage, "o-", color="#0072B2", label="samples with a label")
axis.plot(n_labels, accuracy, "s--", color="#D55E00", label="of these, right")
axis.set_ylim(0, 1.02)
axis.set_xticks(n_labels)
axis.set_xlabel("labels asked for, beside the 40 known ones")
axis.set_ylabel("share")
axis.legend(loc="lower right")
plt.show()
