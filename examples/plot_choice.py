"""
To propagate or not to propagate
================================

`PropagatedClassifierCV` compares training on the given labels alone, training on all
propagated ones, and prediction by the neighbours, by the labels already paid for.
Where propagation hurts, it trains on the given labels alone.
"""

# %%
# Two data sets, a few dozen labels each, clustered as they are. The 13 features of the
# wines are on different scales, so that the clusters follow the largest of them, the
# proline, whatever the kind of wine.

from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV

models, accuracies = {}, {}
for name, load, n_labels in (("digits", load_digits, 50), ("wine", load_wine, 40)):
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, stratify=y, random_state=0
    )
    model = PropagatedClassifierCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        KMeansLabelPropagator(n_clusters=n_labels, embedding=None),
        random_state=0,
    )
    models[name] = model.fit(X_train, y_train)
    accuracies[name] = model.score(X_test, y_test)

# %%
# Each label was hidden once and predicted from the others. What a candidate predicts
# right more often (or less often) than the given labels alone is its gain; the bars are
# standard errors over the labels. The neighbours predict by themselves, or together
# with the classifier: the mean of both probabilities.

import matplotlib.pyplot as plt
import numpy as np

names = [
    "given labels\nalone",
    "given labels,\nneighbours",
    "all labels,\nneighbours",
    "neighbours",
]
fig, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    results = model.cv_results_
    gain, error = 100 * results["mean_test_gain"], 100 * results["sem_test_gain"]
    rows = np.arange(len(names))
    ax.errorbar(gain, rows, xerr=error, fmt="o", capsize=3)
    best = model.best_index_
    ax.scatter(gain[best], best, s=200, fc="none", ec="black", label="chosen")
    ax.axvline(0, color="gray", linestyle=":", zorder=0)
    ax.set(title=name, xlabel="gain over the given labels alone (points)")
    ax.set_yticks(rows, names)
axes[0].invert_yaxis()
axes[0].margins(y=0.3)
axes[0].legend(loc="lower left")

# %%
# The summary says it in words, with what the labels cannot tell.

for name, model in models.items():
    print(f"{name}, accuracy on the test set {accuracies[name]:.0%}")
    print(model.summary(), end="\n\n")

# %%
# With the wines' features on one scale, as ``embedding="auto"`` has them, the clusters
# follow the kinds, and nothing is to be feared:

propagator = KMeansLabelPropagator(n_clusters=40)
model.set_params(propagator=propagator).fit(X_train, y_train)
print(model.summary())
