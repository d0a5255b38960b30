"""Accuracy at the same budget of labels: ``python -m benchmarks.accuracy``."""
