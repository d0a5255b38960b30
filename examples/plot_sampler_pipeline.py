"""
A Keras network on 50 labels, in an imbalanced-learn Pipeline
=============================================================

Scale, propagate, train: :class:`~kmeans_labelprop.KMeansLabelPropagator` is a sampler,
so it takes its place in imbalanced-learn's Pipeline. It changes the training set in
`fit` and is skipped in `predict`.
"""

# %%
# 1,347 images of digits for training, 450 to test. The pipeline is given all their
# labels, but reads only those of 50 representatives.

import matplotlib.pyplot as plt
import numpy as np
from fashion_mnist.network import make_classifier  # quiets TensorFlow
from imblearn.pipeline import make_pipeline
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from kmeans_labelprop import KMeansLabelPropagator

X, y = load_digits(return_X_y=True)
X = X.astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# `make_classifier` returns a ``scikeras.wrappers.KerasClassifier`` around a small dense
# network, that of the Fashion-MNIST study; any other classifier would do.

pipeline = make_pipeline(
    MinMaxScaler(),
    KMeansLabelPropagator(n_clusters=50, random_state=0),
    make_classifier(epochs=20, random_state=0),
)
pipeline.fit(X_train, y_train)
print(f"accuracy on the test images: {pipeline.score(X_test, y_test):.3f}")

# %%
# The images whose labels were read. Everything else the network learned from carries
# the label of one of these.

propagator = pipeline[1]
representatives = propagator.representative_indices_
figure, axes = plt.subplots(5, 10, figsize=(7, 4), layout="constrained")
for axis, position in zip(axes.flat, representatives, strict=True):
    axis.imshow(X_train[position].reshape(8, 8), cmap="gray_r")
    axis.set_title(y_train[position], fontsize=9)
    axis.set_axis_off()
figure.suptitle("50 representatives and their labels")

kept = propagator.sample_indices_
right = np.mean(propagator.transduction_[kept] == y_train[kept])
print(f"training set: {len(kept)} images, {right:.1%} of their labels are right")
plt.show()
