"""The number of clusters, and scores on labelled samples."""

from ._cluster_count import ClusterCountCurve, cluster_count_curve
from ._scoring import make_labeled_scorer

__all__ = ["ClusterCountCurve", "cluster_count_curve", "make_labeled_scorer"]
