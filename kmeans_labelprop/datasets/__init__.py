"""Data sets for the examples and the benchmarks."""

from ._fashion_mnist import fetch_fashion_mnist

__all__ = ["fetch_fashion_mnist"]
