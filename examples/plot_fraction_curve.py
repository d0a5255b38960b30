"""
How far to spread the labels
============================

The labels that the propagator is surest of are right most often.
`FractionCurveDisplay` draws the accuracy of the propagated labels against the fraction
of each cluster that keeps them.
"""

# %%
# Five runs with 50 labels each. The fraction that the propagators were made with does
# not matter: the curve tries them all.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.inspection import FractionCurveDisplay

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
propagators = [
    KMeansLabelPropagator(n_clusters=50, random_state=seed).fit(X_train, y_train)
    for seed in range(5)
]
display = FractionCurveDisplay.from_estimator(propagators, y_train)

# %%
# More labels, and more wrong ones: what counts is what a classifier makes of them.
# Accuracies of one's own are drawn into the same axes.

fractions = [0, 0.2, 0.4, 0.6, 0.8, 1]
accuracies = np.empty((len(fractions), 5))
for i, fraction in enumerate(fractions):
    for seed in range(5):
        propagator = KMeansLabelPropagator(
            n_clusters=50, fraction=fraction, random_state=seed
        )
        classifier = PropagatedClassifier(LogisticRegression(max_iter=1000), propagator)
        classifier.fit(X_train, y_train)
        accuracies[i, seed] = classifier.score(X_test, y_test)

display = FractionCurveDisplay.from_estimator(
    propagators, y_train, name="propagated labels"
)
FractionCurveDisplay(fractions, accuracies).plot(display.ax_, name="classifier")

# %%
# The largest fraction has the fewest right labels, and the classifier does best with
# it: here more samples are worth more than surer labels. Look at the bands before
# choosing: between neighbouring fractions the difference is smaller than that between
# two runs.
