"""
The idea in three pictures
==========================

Many samples without labels; one question per cluster; each answer given to the samples
around it.
"""

# %%
# Two half moons, eight labels.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from kmeans_labelprop import KMeansLabelPropagator

X, y = make_moons(400, noise=0.08, random_state=0)
propagator = KMeansLabelPropagator(n_clusters=8, fraction=0.7, random_state=0)
propagator.fit(X, y)

# %%
# `y` plays the oracle: only the labels of the representatives are read. They spread
# from neighbour to neighbour; the 30 % of each cluster where they are least certain get
# none.

questions = propagator.representative_indices_
kept = propagator.sample_indices_
looks = [
    {"color": "#0072B2", "marker": "o"},
    {"color": "#D55E00", "marker": "^"},
]  # told apart without colour, too
grey = {"color": "0.75", "s": 12, "linewidths": 0}

figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
titles = [
    f"{len(X)} samples, no labels",
    f"{len(questions)} questions",
    f"{len(kept)} labels to train on",
]
for axis, title in zip(axes, titles, strict=True):
    axis.scatter(*X.T, **grey)
    axis.set_title(title)
    axis.set(xticks=[], yticks=[], aspect="equal")
for label, look in enumerate(looks):
    asked = questions[propagator.representative_labels_ == label]
    labelled = kept[propagator.transduction_[kept] == label]
    axes[1].scatter(*X[asked].T, **look, s=90, edgecolor="black")
    axes[2].scatter(*X[labelled].T, **look, s=14, linewidths=0)
    axes[2].scatter(*X[asked].T, **look, s=90, edgecolor="black")

right = np.mean(propagator.transduction_[kept] == y[kept])
print(f"{right:.1%} of the {len(kept)} labels are right")
plt.show()
