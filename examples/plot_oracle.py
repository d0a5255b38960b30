"""
Ask an oracle that is not y
===========================

Outside of experiments there is no `y`. An oracle is any function that takes the rows to
label and returns their labels: a person, a laboratory, a paid service. It may abstain.
"""

# %%
# The service here reads digits with a model of its own, counts what it charges, and
# answers -1 where it is not sure. It sees the rows of `X`, in one call.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier

X, y = load_digits(return_X_y=True)
X_ours, X_service, y_ours, y_service = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
reader = KNeighborsClassifier(n_neighbors=15).fit(X_service, y_service)
bill = []


def reading_service(X_query):
    """Read digits at 5 cents each; abstain below 80 % of the votes."""
    bill.append(0.05 * len(X_query))
    votes = reader.predict_proba(X_query)
    answers = reader.classes_[votes.argmax(axis=1)]
    return np.where(votes.max(axis=1) >= 0.8, answers, -1)


# %%
# `fit` is called without `y`. Where a question got no answer, the samples of the
# cluster get labels of others, from neighbour to neighbour.

propagator = KMeansLabelPropagator(60, oracle=reading_service, random_state=0)
classifier = PropagatedClassifier(LogisticRegression(max_iter=5000), propagator)
classifier.fit(X_ours)

fitted = classifier.propagator_
print(fitted.summary())
print(f"paid {sum(bill):.2f}")
print(f"accuracy on our images: {classifier.score(X_ours, y_ours):.3f}")

# %%
# What the service was shown and what it said.

figure, axes = plt.subplots(6, 10, figsize=(7, 5), layout="constrained")
shown = zip(
    axes.flat,
    fitted.representative_indices_,
    fitted.representative_labels_,
    strict=True,
)
for axis, position, label in shown:
    axis.imshow(X_ours[position].reshape(8, 8), cmap="gray_r")
    axis.set_title("?" if label == -1 else label, fontsize=9)
    axis.set_axis_off()
figure.suptitle("60 questions and their answers (?: no answer)")
plt.show()
