"""
Edges and patches instead of pixels
===================================

Two images of the same thing can differ in most pixels: it takes a small shift. Edges
and small patches forgive that, and clusters of them agree better with what the images
show.
"""

# %%
# Handwritten digits of 8 × 8 pixels, with 10 to 60 labels, ten times each. `y` plays
# the person who labels; the labels that were not asked for are read by the score alone.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import ImageFeatures
from kmeans_labelprop.metrics import propagated_label_accuracy

X, y = load_digits(return_X_y=True)
budgets = [10, 15, 20, 30, 40, 60]
spaces = {
    "pixels": X,
    "image features": ImageFeatures(random_state=0).fit_transform(X),
}


def accuracy(space, n_labels, seed):
    propagator = KMeansLabelPropagator(n_labels, random_state=seed).fit(space, y)
    return float(propagated_label_accuracy(y, propagator.transduction_))


_, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, space in spaces.items():
    scores = np.array([[accuracy(space, k, s) for s in range(10)] for k in budgets])
    ax.errorbar(budgets, scores.mean(axis=1), scores.std(axis=1), label=name, capsize=3)
ax.set(xlabel="labels paid for", ylabel="accuracy of the propagated labels")
ax.legend()

# %%
# The bars are standard deviations. In use, the features are made inside the propagator,
# which hands the pixels on to oracle and classifier:
# ``KMeansLabelPropagator(20, embedding=ImageFeatures())``.
#
# The filters are learned from the images themselves, without labels. From two
# photographs that come with scikit-learn, cut into tiles of 20 × 20 pixels, they are
# edges, bars and spots. Filters act on whitened patches; here they are drawn as they
# act on pixels.

tiles = []
for photo in load_sample_images().images:
    grey = photo[:420, :640].mean(axis=2)
    tiles.append(grey.reshape(21, 20, 32, 20).swapaxes(1, 2).reshape(-1, 400))
features = ImageFeatures((20, 20), n_filters=40, random_state=0)
features.fit(np.concatenate(tiles))

on_pixels = features.filters_.reshape(40, -1) @ features.whitening_
_, axes = plt.subplots(4, 10, figsize=(6, 2.6), layout="constrained")
for panel, weights in zip(axes.flat, on_pixels, strict=True):
    limit = abs(weights).max()
    panel.imshow(weights.reshape(4, 4), cmap="gray", vmin=-limit, vmax=limit)
    panel.set_axis_off()
plt.show()
