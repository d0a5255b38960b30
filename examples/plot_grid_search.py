"""
Search the number of clusters and the fraction
==============================================

Both are hyperparameters like any other: `GridSearchCV` finds them, through
imbalanced-learn's Pipeline and through scikit-learn's alike. `memory` lets the search
cluster once for all fractions.
"""

# %%
# Each number of clusters is a price: it is the number of labels that are read. Look at
# the whole grid, not only at its best cell.

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier

X, y = load_digits(return_X_y=True)
n_clusters = [20, 40, 80]
fractions = [0, 0.25, 0.5, 0.75, 1]

cache = tempfile.TemporaryDirectory()
propagator = KMeansLabelPropagator(memory=cache.name, random_state=0)
classifier = LogisticRegression(max_iter=1000)

# %%
# In scikit-learn's Pipeline the propagator is nested in the classifier. scikit-learn
# sees a classifier and keeps the shares of the classes in each fold. (By default each
# label would also weigh as much as it is sure; a sampler cannot pass weights on.)

plain = GridSearchCV(
    make_pipeline(
        MinMaxScaler(),
        PropagatedClassifier(classifier, propagator, sample_weight=None),
    ),
    {
        "propagatedclassifier__propagator__n_clusters": n_clusters,
        "propagatedclassifier__propagator__fraction": fractions,
    },
    cv=3,
).fit(X, y)
print(plain.best_params_)
print(f"accuracy: {plain.best_score_:.3f}")

# %%
# In imbalanced-learn's it is a step of its own.

flat = GridSearchCV(
    make_sampling_pipeline(MinMaxScaler(), propagator, classifier),
    {
        "kmeanslabelpropagator__n_clusters": n_clusters,
        "kmeanslabelpropagator__fraction": fractions,
    },
    cv=3,
).fit(X, y)

same = np.array_equal(
    plain.cv_results_["mean_test_score"], flat.cv_results_["mean_test_score"]
)
print(f"both searches give the same scores: {same}")
cache.cleanup()

# %%
# The grid.

scores = flat.cv_results_["mean_test_score"].reshape(len(fractions), len(n_clusters))
figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
image = axis.imshow(scores, cmap="cividis", origin="lower", aspect="auto")
axis.set_xticks(range(len(n_clusters)), n_clusters)
axis.set_yticks(range(len(fractions)), [f"{fraction:.0%}" for fraction in fractions])
axis.set_xlabel("clusters = labels read")
axis.set_ylabel("fraction propagated to")
middle = (scores.min() + scores.max()) / 2
for (row, column), score in np.ndenumerate(scores):
    color = "black" if score > middle else "white"
    axis.text(column, row, f"{score:.3f}", ha="center", va="center", color=color)
figure.colorbar(image, label="cross-validated accuracy")
plt.show()
