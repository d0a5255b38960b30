"""The number of clusters, scores on labelled samples, and audits."""

from ._audit import PropagationAudit, audit_propagation, draw_audit
from ._cluster_count import ClusterCountCurve, cluster_count_curve
from ._scoring import make_labeled_scorer

__all__ = [
    "ClusterCountCurve",
    "PropagationAudit",
    "audit_propagation",
    "cluster_count_curve",
    "draw_audit",
    "make_labeled_scorer",
]
