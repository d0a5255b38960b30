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
# It shows the questions, too, before anybody has answered, in the order in which labels
# are worth most. Of a row of a table it shows the columns that set its cluster apart
# from the rest.

from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

wine, cultivar = load_wine(return_X_y=True, as_frame=True)
propagator = KMeansLabelPropagator(
    n_clusters=9, embedding=StandardScaler(), random_state=0
)
positions = propagator.query(wine)
display = RepresentativesDisplay.from_estimator(propagator, wine)

# %%
# Of a text it shows the beginning, and the words of the cluster.

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

places = ["kitchen", "garden", "office", "harbour"]
things = {
    "kitchen": ["bread", "soup", "a clean pan"],
    "garden": ["roses", "a lawn", "old apple trees"],
    "office": ["letters", "a slow printer", "cold coffee"],
    "harbour": ["ropes", "a grey ship", "gulls"],
}
texts = [
    f"In the {place} there {verb} {one} and {other}, {when}."
    for place in places
    for one in things[place]
    for other in things[place]
    for verb in ("was", "will be")
    for when in ("as always", "said nobody")
    if one != other
]
propagator = KMeansLabelPropagator(
    n_clusters=6,
    embedding=make_pipeline(TfidfVectorizer(), TruncatedSVD(10, random_state=0)),
    random_state=0,
)
positions = propagator.query(texts)
display = RepresentativesDisplay.from_estimator(propagator, texts)

# %%
# Anything else is drawn by a function of one's own: here the wines as profiles, as far
# from the mean as bars show.


def draw_profile(ax, sample):
    ax.bar(range(len(sample)), sample, color="0.3")
    ax.set_ylim(-3, 3)
    ax.axhline(0, color="black", linewidth=0.5)


scaled = StandardScaler().fit_transform(wine)
propagator = KMeansLabelPropagator(n_clusters=10, random_state=0)
propagator.fit(scaled, cultivar)
display = RepresentativesDisplay.from_estimator(
    propagator, scaled, renderer=draw_profile
)
