"""
Any classifier, in a scikit-learn Pipeline
==========================================

A step of a scikit-learn Pipeline cannot change `y`, so there the propagator and the
classifier go together, in a :class:`~kmeans_labelprop.PropagatedClassifier`.
"""

# %%
# Three classifiers, each trained on 50 labelled images of digits alone
# (``fraction=0``), and on their labels propagated to all others.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier

X, y = load_digits(return_X_y=True)
classifiers = {
    "logistic regression": LogisticRegression(max_iter=1000),
    "random forest": RandomForestClassifier(random_state=0),
    "nearest neighbour": KNeighborsClassifier(n_neighbors=1),
}
fractions = {"given labels alone": 0, "propagated to all": 1}

# %%
# Five splits of the data, each with a clustering of its own. `score` is the accuracy on
# the test samples; the oracle, here `y`, is never asked for them.

scores = {
    (name, label): [] for name in classifiers for label in fractions
}  # one list of accuracies for each classifier and fraction
for seed in range(5):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=seed
    )
    for (name, label), accuracies in scores.items():
        propagator = KMeansLabelPropagator(
            n_clusters=50, fraction=fractions[label], random_state=seed
        )
        pipeline = make_pipeline(
            MinMaxScaler(), PropagatedClassifier(classifiers[name], propagator)
        )
        accuracies.append(pipeline.fit(X_train, y_train).score(X_test, y_test))

for (name, label), accuracies in scores.items():
    mean, std = np.mean(accuracies), np.std(accuracies, ddof=1)
    print(f"{name:20} {label:22} {mean:.3f} ± {std:.3f}")

# %%
# Propagation is no free lunch: what it gains depends on the classifier.

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
positions = np.arange(len(classifiers))
looks = {
    "given labels alone": {"color": "#E69F00", "marker": "o"},
    "propagated to all": {"color": "#0072B2", "marker": "s"},
}
for offset, (label, look) in zip((-0.1, 0.1), looks.items(), strict=True):
    values = np.array([scores[name, label] for name in classifiers])
    axis.errorbar(
        values.mean(axis=1),
        positions + offset,
        xerr=values.std(axis=1, ddof=1),
        linestyle="none",
        capsize=3,
        label=label,
        **look,
    )
axis.set_yticks(positions, classifiers)
axis.set_xlabel("test accuracy, mean ± std of 5 splits")
axis.legend()
plt.show()
