"""Train classifiers from few labels: cluster, label the representatives, propagate."""

__version__ = "0.1.0.dev0"
