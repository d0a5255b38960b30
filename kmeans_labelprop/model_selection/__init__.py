"""The number of clusters, scores on labelled samples, audits, and worth of labels."""

from ._audit import PropagationAudit, audit_propagation, draw_audit
from ._cluster_count import ClusterCountCurve, cluster_count_curve
from ._label_curve import LabelLearningCurve, label_learning_curve
from ._scoring import make_labeled_scorer

__all__ = [
    "ClusterCountCurve",
    "LabelLearningCurve",
    "PropagationAudit",
    "audit_propagation",
    "cluster_count_curve",
    "draw_audit",
    "label_learning_curve",
    "make_labeled_scorer",
]
