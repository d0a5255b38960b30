"""Spaces to cluster in, chosen or learned without labels."""

from ._default import default_embedding
from ._describe import describe
from ._images import ImageFeatures
from ._texts import TextFeatures

__all__ = ["ImageFeatures", "TextFeatures", "default_embedding", "describe"]
