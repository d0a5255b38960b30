"""Spaces to cluster in, chosen without labels."""

from ._default import default_embedding

__all__ = ["default_embedding"]
