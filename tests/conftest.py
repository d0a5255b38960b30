"""Data that several tests share."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs


@pytest.fixture(scope="session")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture
def blobs():
    """Four well separated groups of 30 samples, in random order."""
    X, y = make_blobs(
        120,
        centers=[[0, 0], [10, 0], [0, 10], [10, 10]],
        cluster_std=0.8,
        random_state=0,
    )
    return X, y


@pytest.fixture
def rng():
    return np.random.default_rng(0)
