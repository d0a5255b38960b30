"""Measures of clusters and of propagated labels against known labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d

from .._asking import check_index
from .._containers import are_strings
from .._labels import check_labels, with_missing


@dataclass(frozen=True, eq=False)
class ClusterPurity:
    """Purity of a clustering, as a whole and cluster by cluster.

    ``float(result)`` is the purity as a whole. The arrays are indexed by the number
    of the cluster.

    Parameters
    ----------
    purity : float
        Share of the labelled samples that carry the majority label of their cluster;
        NaN if no sample is labelled.
    purities : ndarray of shape (n_clusters,), dtype=float64
        The same share in each cluster; NaN where no sample is labelled.
    majority_labels : ndarray of shape (n_clusters,)
        The most frequent label of each cluster; the missing label where there is none.
    n_samples : ndarray of shape (n_clusters,), dtype=int64
        Number of samples in each cluster.
    n_labeled : ndarray of shape (n_clusters,), dtype=int64
        Number of labelled samples in each cluster.

    See Also
    --------
    cluster_purity : Computes it.

    Examples
    --------
    >>> from kmeans_labelprop.metrics import cluster_purity
    >>> result = cluster_purity([0, 0, 0, 1], ["cat", "cat", "dog", "dog"])
    >>> float(result)
    0.75
    >>> result.majority_labels.tolist()
    ['cat', 'dog']
    """

    purity: float
    purities: NDArray[np.float64]
    majority_labels: NDArray[Any]
    n_samples: NDArray[np.int64]
    n_labeled: NDArray[np.int64]

    def __float__(self) -> float:
        """Give the purity as a whole."""
        return self.purity


@dataclass(frozen=True, eq=False)
class PropagatedLabelAccuracy:
    """Accuracy of propagated labels, as a whole and cluster by cluster.

    ``float(result)`` is the accuracy as a whole. The arrays are indexed by the number
    of the cluster, and are None where no clusters were given.

    Parameters
    ----------
    accuracy : float
        Share of right labels among the labels compared; NaN if there are none.
    n_labels : int
        Number of labels compared: propagated, inside the mask, and with a known
        true label.
    n_samples : int
        Number of samples in all.
    accuracies : ndarray of shape (n_clusters,), dtype=float64, or None
        Share of right labels in each cluster; NaN where no label was compared.
    cluster_n_labels : ndarray of shape (n_clusters,), dtype=int64, or None
        Number of labels compared in each cluster.

    See Also
    --------
    propagated_label_accuracy : Computes it.

    Examples
    --------
    >>> from kmeans_labelprop.metrics import propagated_label_accuracy
    >>> result = propagated_label_accuracy([0, 0, 1, 1], [0, 1, 1, -1])
    >>> round(float(result), 2), result.n_labels
    (0.67, 3)
    """

    accuracy: float
    n_labels: int
    n_samples: int
    accuracies: NDArray[np.float64] | None = None
    cluster_n_labels: NDArray[np.int64] | None = None

    def __float__(self) -> float:
        """Give the accuracy as a whole."""
        return self.accuracy


def check_cluster_labels(labels: ArrayLike) -> NDArray[np.intp]:
    """Check the cluster numbers of samples.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The cluster of each sample.

    Returns
    -------
    labels : ndarray of shape (n_samples,), dtype=intp
        The same numbers.

    Raises
    ------
    ValueError
        If there are none, or they are not whole numbers from 0.
    """
    array = _plain(labels)
    if array.size == 0 or array.dtype.kind not in "iu" or array.min() < 0:
        raise ValueError(
            "The 'labels' parameter must hold the number of the cluster of each "
            f"sample, whole numbers from 0. Got {labels!r} instead."
        )
    return array.astype(np.intp, copy=False)


def count_classes(
    labels: NDArray[np.intp], y: ArrayLike, missing_label: Any
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Count the labels of each class in each cluster.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    y : array-like of shape (n_samples,)
        Labels, ``missing_label`` where there is none.
    missing_label : object
        The value that marks a sample without a label.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The classes found, sorted.
    counts : ndarray of shape (n_clusters, n_classes), dtype=int64
        Number of samples of each class in each cluster.
    """
    found, known = check_labels(y, missing_label)
    check_consistent_length(labels, known)
    classes, codes = np.unique(found, return_inverse=True)
    n_clusters, n_classes = int(labels.max()) + 1, len(classes)
    counts = np.bincount(
        labels[known] * n_classes + codes, minlength=n_clusters * n_classes
    )
    return classes, counts.reshape(n_clusters, n_classes)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def majority_labels(
    labels: ArrayLike, y: ArrayLike, *, missing_label: Any = -1
) -> NDArray[Any]:
    """Find the most frequent label of each cluster.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The cluster of each sample, whole numbers from 0.
    y : array-like of shape (n_samples,)
        Known labels. Samples without one are ignored.
    missing_label : object, default=-1
        The value in ``y`` that marks a sample without a label. So do None, and
        the nulls of pandas and polars.

    Returns
    -------
    majority : ndarray of shape (n_clusters,)
        The most frequent label of each cluster, indexed by the number of the cluster,
        so that ``majority[labels]`` gives one to each sample. Ties go to the label
        that sorts first. A cluster without a labelled sample has ``missing_label``.

    See Also
    --------
    cluster_purity : How frequent the most frequent labels are.

    Examples
    --------
    >>> from kmeans_labelprop.metrics import majority_labels
    >>> majority_labels([0, 0, 0, 1, 1, 2], [7, 7, 3, 3, -1, -1])
    array([ 7,  3, -1])
    """
    return cluster_purity(labels, y, missing_label=missing_label).majority_labels


def cluster_purity(
    labels: ArrayLike, y: ArrayLike, *, missing_label: Any = -1
) -> ClusterPurity:
    """Measure how far each cluster holds samples of one label only.

    The purity of a cluster is the share of its most frequent label; that of the whole
    clustering is the accuracy that one would get by giving every labelled sample the
    most frequent label of its cluster. It grows with the number of clusters by itself:
    compare clusterings of equal numbers of clusters.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The cluster of each sample, whole numbers from 0.
    y : array-like of shape (n_samples,)
        Known labels. Samples without one are ignored.
    missing_label : object, default=-1
        The value in ``y`` that marks a sample without a label. So do None, and
        the nulls of pandas and polars.

    Returns
    -------
    result : ClusterPurity
        The purity as a whole (``result.purity`` or ``float(result)``), and that of
        each cluster with its size and majority label.

    See Also
    --------
    majority_labels : The most frequent label of each cluster alone.
    propagated_label_accuracy : Accuracy of the labels of representatives.

    Examples
    --------
    >>> from kmeans_labelprop.metrics import cluster_purity
    >>> result = cluster_purity([0, 0, 0, 0, 1, 1], [5, 5, 5, 8, 8, -1])
    >>> result.purity
    0.8
    >>> result.purities
    array([0.75, 1.  ])
    >>> result.n_samples, result.n_labeled
    (array([4, 2]), array([4, 1]))
    """
    check_index(labels, y, "y", of="labels")
    clusters = check_cluster_labels(labels)
    classes, counts = count_classes(clusters, y, missing_label)
    n_labeled = counts.sum(axis=1)
    n_majority = counts.max(axis=1, initial=0)
    total = int(n_labeled.sum())
    majority = np.full(len(counts), missing_label)
    if total:
        # argmax takes the first of equals: ties go to the class that sorts first.
        codes = np.where(n_labeled > 0, counts.argmax(axis=1), -1)
        majority = with_missing(codes, classes, missing_label)
    return ClusterPurity(
        purity=float(n_majority.sum() / total) if total else float("nan"),
        purities=_ratio(n_majority, n_labeled),
        majority_labels=majority,
        n_samples=np.bincount(clusters, minlength=len(counts)),
        n_labeled=n_labeled,
    )


def _plain(values: ArrayLike) -> NDArray[Any]:
    """Make an array of whole numbers or booleans, also from pandas' own dtypes."""
    if hasattr(values, "to_numpy"):  # before column_or_1d turns Int64 into floats
        values = values.to_numpy()
    array: NDArray[Any] = column_or_1d(values)
    if array.dtype == object:
        plain = np.array(array.tolist())
        if plain.dtype.kind in "biu" and plain.shape == array.shape:
            return plain
    return array


def _check_mask(mask: ArrayLike | None, n_samples: int) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(n_samples, dtype=bool)
    array = _plain(mask)
    if array.dtype.kind == "b" and len(array) == n_samples:
        return array
    is_positions = array.dtype.kind in "iu" and bool(
        np.all((array >= 0) & (array < n_samples))
        # Zeros and ones in place of booleans would be read as positions 0 and 1.
        and len(np.unique(array)) == len(array)
    )
    if not (is_positions or array.size == 0):
        raise ValueError(
            f"The 'mask' parameter must be {n_samples} booleans, or different "
            f"positions from 0 to {n_samples - 1}, as 'sample_indices_'. Got {mask!r} "
            "instead."
        )
    chosen = np.zeros(n_samples, dtype=bool)
    chosen[array.astype(np.intp)] = True
    return chosen


def propagated_label_accuracy(
    y_true: ArrayLike,
    transduction: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    labels: ArrayLike | None = None,
    missing_label: Any = -1,
) -> PropagatedLabelAccuracy:
    """Measure how many propagated labels are right.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true labels. Samples without one are ignored.
    transduction : array-like of shape (n_samples,)
        The propagated labels, as ``transduction_`` of the propagator. Samples without
        one are ignored.
    mask : array-like of shape (n_samples,) of bool or (n_kept,) of int, default=None
        The samples to compare: a boolean for each sample, or their positions, as
        ``sample_indices_`` of the propagator. None compares all.
    labels : array-like of shape (n_samples,), default=None
        The cluster of each sample, whole numbers from 0, for the detail by cluster.
    missing_label : object, default=-1
        The value that marks a sample without a label. So do None, and
        the nulls of pandas and polars.

    Returns
    -------
    result : PropagatedLabelAccuracy
        The accuracy as a whole (``result.accuracy`` or ``float(result)``), the number
        of labels that it rests on, and, where ``labels`` is given, those of each
        cluster.

    Raises
    ------
    ValueError
        If the lengths differ, or ``mask`` is neither booleans nor positions.
    TypeError
        If one of ``y_true`` and ``transduction`` holds strings and the other numbers.

    See Also
    --------
    cluster_purity : What the best label of each cluster would reach.

    Examples
    --------
    >>> from kmeans_labelprop.metrics import propagated_label_accuracy
    >>> y_true = [0, 0, 1, 1, 1]
    >>> transduction = [0, 0, 0, 1, -1]
    >>> propagated_label_accuracy(y_true, transduction).accuracy
    0.75
    >>> propagated_label_accuracy(y_true, transduction, [0, 1, 3]).accuracy
    1.0
    >>> propagated_label_accuracy(
    ...     y_true, transduction, labels=[0, 0, 0, 1, 1]
    ... ).accuracies
    array([0.67, 1.  ])
    """
    check_index(y_true, transduction, "transduction", of="y_true")
    check_index(y_true, mask, "mask", of="y_true")
    check_index(y_true, labels, "labels", of="y_true")
    true_labels, known = check_labels(y_true, missing_label)
    spread_labels, propagated = check_labels(transduction, missing_label)
    check_consistent_length(known, propagated)
    compared = known & propagated & _check_mask(mask, len(known))
    expected = true_labels[compared[known]]
    found = spread_labels[compared[propagated]]
    if compared.any() and are_strings(expected) != are_strings(found):
        raise TypeError(
            "'y_true' and 'transduction' must be both strings or both numbers. Got "
            f"{expected.dtype} and {found.dtype} instead."
        )
    right = np.zeros(len(compared), dtype=bool)
    right[compared] = expected == found
    n_labels = int(compared.sum())
    accuracies = cluster_n_labels = None
    if labels is not None:
        clusters = check_cluster_labels(labels)
        check_consistent_length(compared, clusters)
        n_clusters = int(clusters.max()) + 1
        cluster_n_labels = np.bincount(clusters[compared], minlength=n_clusters)
        n_right = np.bincount(clusters[right], minlength=n_clusters)
        accuracies = _ratio(n_right, cluster_n_labels)
    return PropagatedLabelAccuracy(
        accuracy=float(right.sum() / n_labels) if n_labels else float("nan"),
        n_labels=n_labels,
        n_samples=len(compared),
        accuracies=accuracies,
        cluster_n_labels=cluster_n_labels,
    )
