"""How pure clusters are, and how right the labels spread over them."""

from ._purity import (
    ClusterPurity,
    PropagatedLabelAccuracy,
    cluster_purity,
    majority_labels,
    propagated_label_accuracy,
)

__all__ = [
    "ClusterPurity",
    "PropagatedLabelAccuracy",
    "cluster_purity",
    "majority_labels",
    "propagated_label_accuracy",
]
