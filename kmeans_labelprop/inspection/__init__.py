"""Pictures of clusterings and of propagated labels, by scikit-learn's convention.

Needs matplotlib: ``pip install "kmeans-labelprop[plot]"``.
"""

from ._composition import ClusterCompositionDisplay
from ._curves import AuditDisplay, ElbowDisplay, FractionCurveDisplay, LabelCurveDisplay
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
