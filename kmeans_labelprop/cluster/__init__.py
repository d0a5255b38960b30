"""Clusterers: k-means, and k-means again inside chosen clusters."""

from ._reclustering import ReclusteringKMeans

__all__ = ["ReclusteringKMeans"]
