"""The propagator for samples that do not fit into memory, on one machine."""

from ._propagator import KMeansLabelPropagator

__all__ = ["KMeansLabelPropagator"]
