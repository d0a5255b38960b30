"""
From a folder of images to a saved model
========================================

The whole way, once: a folder of unlabelled images, a look at what is asked, labels by a
function of your own, a second round, a model in a file.
"""

# %%
# The folder
# ----------
# Here a folder of 1,000 small pictures of digits is made first. Yours is there already.

import pickle
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.image import imread, imsave
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.inspection import RepresentativesDisplay

digits = load_digits()
folder = tempfile.TemporaryDirectory()
for i, image in enumerate(digits.images[:1000]):
    large = np.kron(image, np.ones((3, 3)))
    imsave(Path(folder.name, f"scan-{i:04}.png"), large, cmap="gray_r")

paths = np.array(sorted(str(path) for path in Path(folder.name).glob("*.png")))
images = np.stack([imread(path)[..., 0] for path in paths])  # grey: one of the channels
print(f"{images.shape[0]} images of {images.shape[1]} × {images.shape[2]} pixels")

# %%
# What is asked
# -------------
# `query` clusters the images and returns the positions of 30 to look at, the most
# valuable first. Nothing is paid for yet. Stop whenever you have had enough.

propagator = KMeansLabelPropagator(n_clusters=30, random_state=0)
positions = propagator.query(images)
RepresentativesDisplay.from_estimator(propagator, images)
plt.show()

# %%
# Your oracle
# -----------
# In life this shows a picture and reads a key. Here it knows the answers, cannot read
# one picture in ten, and says so: None, or the `missing_label`.


def ask(path):
    """Return the label of a picture, or None."""
    number = int(Path(path).stem.removeprefix("scan-"))
    return None if number % 10 == 3 else int(digits.target[number])


answers = {int(position): ask(paths[position]) for position in positions}
propagator.propagate(answers)
print(propagator.summary())

# %%
# A second round
# --------------
# `query_more` returns the positions that are worth most now. Nothing is clustered
# again, and no label is asked for twice.

more = propagator.query_more(20)
propagator.propagate({int(position): ask(paths[position]) for position in more})
print(propagator.summary())
right = propagator.transduction_ == digits.target[:1000]
print(f"{right.mean():.1%} of all labels are right (an experiment knows)")

# %%
# The least sure ones are worth a look.

order = np.argsort(propagator.confidence_)[:12]
figure, axes = plt.subplots(1, 12, figsize=(7.2, 1.2), layout="constrained")
for axis, position in zip(axes, order, strict=True):
    axis.imshow(images[position], cmap="gray")
    axis.set_title(str(propagator.transduction_[position]), fontsize=9)
    axis.set_axis_off()
figure.suptitle("The least sure labels", fontsize=10)
plt.show()

# %%
# The model
# ---------
# All labels given so far are known labels for any estimator of the library. The
# classifier is given the images' embedding, since it takes no images.

y = np.full(len(images), -1)
given = propagator.given_
y[given.positions] = given.classes[given.codes]
model = PropagatedClassifier(
    LogisticRegression(max_iter=1000), KMeansLabelPropagator(30, random_state=0)
)
model.fit(images, y)
print(model.summary())

# %%
# In a file, and back
# -------------------
# A pickle runs what it holds when it is loaded: load only what you trust.

path = Path(folder.name, "model.pickle")
path.write_bytes(pickle.dumps(model))
loaded = pickle.loads(path.read_bytes())

new = np.stack([np.kron(image, np.ones((3, 3))) for image in digits.images[1000:]])
new = 1 - new / 16  # as the files have it: dark on light
predicted = loaded.predict(new.astype(np.float32))
print(f"{(predicted == digits.target[1000:]).mean():.1%} of new images are right")
folder.cleanup()
