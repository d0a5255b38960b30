"""
How many clusters? The silhouette
=================================

The silhouette of a sample compares its distance to the own cluster with that to the
nearest other one: 1 is far inside, 0 on the border, and below 0 it lies nearer to the
other. `ElbowDisplay` draws the mean for each number of clusters, `SilhouetteDisplay`
all samples of one clustering.
"""

# %%
# Of large data a sample is scored, drawn from each cluster in proportion; the bars show
# the error that this makes, the band the spread over the repeats.

from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from kmeans_labelprop.inspection import ElbowDisplay, SilhouetteDisplay
from kmeans_labelprop.model_selection import cluster_count_curve

X, y = load_digits(return_X_y=True)
curve = cluster_count_curve(
    X,
    range(2, 31),
    metrics=["silhouette"],
    n_repeats=3,
    sample_size=1000,
    random_state=0,
)
display = ElbowDisplay(curve, metric="silhouette").plot()

# %%
# The optimum is flat: any number of clusters from about 8 to 20 is nearly as good. Look
# inside one clustering: a broad shape that reaches beyond the mean is a cluster well
# apart; a shape with a tail below 0 shares samples with a neighbour.

kmeans = KMeans(10, n_init=5, random_state=0).fit(X)
display = SilhouetteDisplay.from_estimator(kmeans, X)

# %%
# With 100 clusters the whole still shows.

kmeans = KMeans(100, random_state=0).fit(X)
display = SilhouetteDisplay.from_estimator(kmeans, X)
