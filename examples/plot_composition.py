"""
What the clusters hold, and clustering again inside them
========================================================

`ClusterCompositionDisplay` draws a histogram of the categories in each cluster, where
some labels are known; `ReclusteringKMeans` clusters again inside those that hold too
much.
"""

# %%
# Five clusters for ten digits: each holds several. The dark bar is the most frequent
# category, its share stands on the right.

from sklearn.datasets import load_digits

from kmeans_labelprop.cluster import ReclusteringKMeans
from kmeans_labelprop.inspection import ClusterCompositionDisplay
from kmeans_labelprop.metrics import cluster_purity

X, y = load_digits(return_X_y=True)
first = ReclusteringKMeans(5, split={}, n_init=5, random_state=0).fit(X)
display = ClusterCompositionDisplay.from_estimator(first, X, y)
purity = cluster_purity(first.labels_, y)
print(f"purity of {len(purity.purities)} clusters: {purity.purity:.0%}")

# %%
# The three least pure are clustered again. The others keep their samples.

mixed = purity.purities.argsort()[:3].tolist()
again = ReclusteringKMeans(
    5, split=dict.fromkeys(mixed, 3), n_init=5, random_state=0
).fit(X)
display = ClusterCompositionDisplay.from_estimator(again, X, y)
purity = cluster_purity(again.labels_, y)
print(f"purity of {len(purity.purities)} clusters: {purity.purity:.0%}")

# %%
# Without labels, `split="auto"` splits where it lowers the inertia most. It does not
# know what the digits are, and needs none of them.

auto = ReclusteringKMeans(5, max_clusters=11, n_init=5, random_state=0).fit(X)
purity = cluster_purity(auto.labels_, y)
print(f"purity of {len(purity.purities)} clusters: {purity.purity:.0%}")

# %%
# Many clusters stand side by side, with a row for each category. Those of one category
# stand together; a gray bar is where another got in.

many = ReclusteringKMeans(50, max_clusters=100, random_state=0).fit(X)
display = ClusterCompositionDisplay.from_estimator(many, X, y)
