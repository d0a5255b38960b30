"""
The samples that are labelled
=============================

`RepresentativesDisplay` shows which samples stand for their clusters, with the label
each got, the size of the cluster and, where true labels are known, its purity.
"""

# %%
# Each of the 30 labels goes to dozens of images. A frame warns: the label is not what
# most samples of the cluster are.

from sklearn.datasets import load_digits

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import RepresentativesDisplay

X, y = load_digits(return_X_y=True)
propagator = KMeansLabelPropagator(n_clusters=30, random_state=0).fit(X, y)
display = RepresentativesDisplay.from_estimator(propagator, X, y, image_shape=(8, 8))

# %%
# What is no image is drawn by a function of one's own: here the chemistry of wines, as
# far from the mean as bars show. There is no need of true labels either.

from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

wine = load_wine()
names = dict(enumerate(wine.target_names.tolist()))


def draw_profile(ax, sample):
    ax.bar(range(len(sample)), sample, color="0.3")
    ax.set_ylim(-3, 3)
    ax.axhline(0, color="black", linewidth=0.5)


scaled = StandardScaler().fit_transform(wine.data)
propagator = KMeansLabelPropagator(n_clusters=10, random_state=0)
propagator.fit(scaled, wine.target)
display = RepresentativesDisplay.from_estimator(
    propagator, scaled, renderer=draw_profile, display_labels=names
)
