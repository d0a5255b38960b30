"""Train classifiers from few labels: cluster, label the representatives, propagate."""

from ._classifier import PropagatedClassifier
from ._classifier_cv import PropagatedClassifierCV
from ._propagator import KMeansLabelPropagator

__version__ = "0.1.0.dev0"

__all__ = [
    "KMeansLabelPropagator",
    "PropagatedClassifier",
    "PropagatedClassifierCV",
    "__version__",
]
