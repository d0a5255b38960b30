"""
How many clusters? The elbow
============================

`cluster_count_curve` clusters with each number of clusters and scores the clusterings;
`ElbowDisplay` draws a score with the knee of its curve.
"""

# %%
# The inertia falls with every cluster added. Where it stops falling fast, more clusters
# no longer part what lies apart. Here are 1,797 images of ten handwritten digits, with
# three repeats: the band shows how much a single run can be trusted.

from sklearn.datasets import load_digits

from kmeans_labelprop.inspection import ElbowDisplay
from kmeans_labelprop.model_selection import cluster_count_curve

X, y = load_digits(return_X_y=True)
curve = cluster_count_curve(X, range(2, 31), n_repeats=3, random_state=0)
display = ElbowDisplay(curve).plot()

# %%
# The curve bends slowly, and the knee, the point farthest from the straight line
# between its ends, moves when the ends do. It is a hint, no more. The object holds all
# scores, and what each of them suggests:

print(curve)

# %%
# They do not agree: ten digits are not ten clusters, as people write some of them in
# more than one way. For propagation more clusters cost more labels and hold fewer
# errors; `to_frame` gives the whole table to weigh that.

print(curve.to_frame().groupby("n_clusters")[["inertia", "silhouette"]].mean().head())

# %%
# Where clusters lie apart, the knee is sharp. Without one, `knee` is None and nothing
# is marked.

from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

blobs, _ = make_blobs(1000, centers=5, cluster_std=0.5, random_state=3)
display = ElbowDisplay.from_estimator(
    KMeans(n_init=3), blobs, range(2, 16), random_state=0
)
