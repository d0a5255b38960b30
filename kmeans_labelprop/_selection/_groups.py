"""What each sample belongs to: a patient, a document, a day."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._asking import check_beside
from .._containers import single_column
from .._labels import is_null, label_vector


def check_groups(X: Any, groups: Any) -> list[Any]:
    """Check that each sample has a group.

    Parameters
    ----------
    X : object
        The samples.
    groups : array-like of shape (n_samples,) or (n_samples, 1)
        The group of each.

    Returns
    -------
    groups : list of length n_samples
        The groups.

    Raises
    ------
    ValueError
        If they are no single column beside the samples, or a sample has none.
    TypeError
        If they cannot be told apart.
    """
    groups = single_column(groups)
    check_beside(X, groups, "groups")
    values = label_vector(groups)
    if values.ndim != 1:
        raise ValueError(
            "groups must be one value for each sample, of shape (n_samples,). Got an "
            f"array of shape {values.shape} instead."
        )
    items = values.tolist()
    n_missing = sum(map(is_null, values))
    if n_missing:
        raise ValueError(
            f"groups must hold a group for each sample. Got {n_missing} missing ones: "
            "fill in one for all of them together, or a different one for each."
        )
    try:
        set(items)
    except TypeError as error:
        raise TypeError(
            f"groups must be strings, numbers or other values to compare: {error}."
        ) from error
    return items


def number_groups(groups: list[Any]) -> NDArray[np.intp]:
    """Give groups of any kind numbers, in the order in which they come.

    Parameters
    ----------
    groups : list of length n_labels
        The group of each label.

    Returns
    -------
    numbers : ndarray of shape (n_labels,), dtype=intp
        Its number.
    """
    number = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    return np.array([number[group] for group in groups], dtype=np.intp)
