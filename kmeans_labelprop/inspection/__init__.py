"""Pictures of clusterings and of propagated labels, by scikit-learn's convention.

Needs matplotlib: ``pip install "kmeans-labelprop[plot]"``.
"""

from ._audit import AuditDisplay
from ._composition import ClusterCompositionDisplay
from ._elbow import ElbowDisplay
from ._fraction_curve import FractionCurveDisplay
from ._label_curve import LabelCurveDisplay
from ._representatives import RepresentativesDisplay
from ._silhouette import SilhouetteDisplay

__all__ = [
    "AuditDisplay",
    "ClusterCompositionDisplay",
    "ElbowDisplay",
    "FractionCurveDisplay",
    "LabelCurveDisplay",
    "RepresentativesDisplay",
    "SilhouetteDisplay",
]
