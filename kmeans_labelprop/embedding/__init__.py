"""Spaces to cluster in, chosen or learned without labels."""

from ._default import default_embedding
from ._images import ImageFeatures

__all__ = ["ImageFeatures", "default_embedding"]
