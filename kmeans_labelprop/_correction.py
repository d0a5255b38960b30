"""Check propagated labels by classifiers that have not been trained on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ._containers import take_rows, with_values
from ._validation import take_fit_params

# Each classifier learns from two thirds of the labels, enough to outvote wrong ones.
N_FOLDS = 3


class Correction(NamedTuple):
    """What is left of a training set, and with which labels.

    Attributes
    ----------
    positions : ndarray of shape (n_left,), dtype=intp
        Positions in the training set, in increasing order.
    codes : ndarray of shape (n_left,), dtype=intp
        The classes of these samples.
    n_corrected : int
        Number of samples that were dropped or got another label.
    """

    positions: NDArray[np.intp]
    codes: NDArray[np.intp]
    n_corrected: int


def deal_out(
    codes: NDArray[np.intp],
    is_dealt: NDArray[np.bool_],
    n_folds: int,
    rng: np.random.RandomState,
) -> NDArray[np.intp]:
    """Deal labels out to folds at random, those of each class evenly.

    Parameters
    ----------
    codes : ndarray of shape (n_labels,), dtype=intp
        The class of each label; -1 where there is none.
    is_dealt : ndarray of shape (n_labels,), dtype=bool
        Which labels are dealt out.
    n_folds : int
        Number of folds at most: there are no more than labels to deal out.
    rng : RandomState
        Shuffles.

    Returns
    -------
    folds : ndarray of shape (n_labels,), dtype=intp
        The fold of each label, from 0; sizes differ by 1 at most. -1 for a label that
        is not dealt out.
    """
    order = rng.permutation(len(codes))
    order = order[is_dealt[order]]
    # Class after class in a random order, so that no fold is always the larger.
    class_rank = rng.permutation(codes.max(initial=-1) + 1)
    order = order[np.argsort(class_rank[codes[order]], kind="stable")]
    folds = np.full(len(codes), -1, dtype=np.intp)
    folds[order] = np.arange(len(order)) % max(1, min(n_folds, len(order)))
    return folds


def predict_out_of_fold(
    corrector: Any,
    X: Any,
    y: Any,
    classes: NDArray[Any],
    codes: NDArray[np.intp],
    folds: NDArray[np.intp],
    fit_params: dict[str, Any],
) -> NDArray[np.intp]:
    """Predict each fold by a classifier trained on all other samples.

    Parameters
    ----------
    corrector : classifier
        A clone is fitted for each fold.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples of the training set.
    y : array-like of shape (n_samples,)
        Their labels.
    classes : ndarray of shape (n_classes,)
        The labels there are, sorted.
    codes : ndarray of shape (n_samples,), dtype=intp
        The labels as positions in `classes`.
    folds : ndarray of shape (n_samples,), dtype=intp
        The fold of each sample, from 0; -1 for one that is in every training set and
        not predicted.
    fit_params : dict of str to object
        Passed to `fit`; of those with one entry per sample, the entries of the
        samples trained on.

    Returns
    -------
    predicted : ndarray of shape (n_samples,), dtype=intp
        The classes predicted; those of `codes` where nothing is.
    """
    predicted = codes.copy()
    for fold in range(folds.max(initial=-1) + 1):
        held_out = np.flatnonzero(folds == fold)
        train = np.flatnonzero(folds != fold)
        fitted = clone(corrector).fit(
            take_rows(X, train),
            take_rows(y, train),
            **take_fit_params(X, fit_params, train),
        )
        labels = np.asarray(fitted.predict(take_rows(X, held_out)))
        labels = labels.reshape(len(held_out))
        if not np.isin(labels, classes).all():
            unknown = np.setdiff1d(labels, classes)[:3].tolist()
            raise ValueError(
                "The 'corrector' must predict labels that it was trained on. "
                f"{type(corrector).__name__} predicted {unknown} instead."
            )
        predicted[held_out] = np.searchsorted(classes, labels)
    return predicted


def correct_labels(
    corrector: Any,
    X: Any,
    y: Any,
    classes: NDArray[Any],
    codes: NDArray[np.intp],
    is_given: NDArray[np.bool_],
    fit_params: dict[str, Any],
    correction: str,
    rng: np.random.RandomState,
) -> Correction:
    """Drop or change the labels that classifiers trained on the others do not predict.

    Parameters
    ----------
    corrector : classifier
        A clone is fitted for each fold.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples of the training set.
    y : array-like of shape (n_samples,)
        Their labels.
    classes : ndarray of shape (n_classes,)
        The labels there are, sorted.
    codes : ndarray of shape (n_samples,), dtype=intp
        The labels as positions in `classes`.
    is_given : ndarray of shape (n_samples,), dtype=bool
        Which labels were given, not propagated: they train every classifier and are
        never corrected. There is one of every class in `codes`.
    fit_params : dict of str to object
        Passed to `fit`; of those with one entry per sample, the entries of the
        samples trained on.
    correction : {"drop", "relabel"}
        What happens to a sample whose label is not the one predicted.
    rng : RandomState
        Deals the samples out to folds.

    Returns
    -------
    correction : Correction
        The samples left, and their labels.
    """
    everything = np.arange(len(codes))
    if is_given.all() or (codes == codes[0]).all():  # nothing to learn a doubt from
        return Correction(everything, codes, 0)
    folds = deal_out(codes, ~is_given, N_FOLDS, rng)
    predicted = predict_out_of_fold(corrector, X, y, classes, codes, folds, fit_params)
    agrees = predicted == codes
    n_corrected = int(np.sum(~agrees))
    if correction == "drop":
        return Correction(everything[agrees], codes[agrees], n_corrected)
    return Correction(everything, predicted, n_corrected)


def take_corrected(
    X: Any,
    y: Any,
    classes: NDArray[Any],
    corrected: Correction,
    fit_params: dict[str, Any],
) -> tuple[Any, Any, dict[str, Any]]:
    """Take what a correction leaves of a training set.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples of the training set.
    y : array-like of shape (n_samples,)
        Their labels.
    classes : ndarray of shape (n_classes,)
        The labels there are, sorted.
    corrected : Correction
        The samples left, and their labels.
    fit_params : dict of str to object
        Fit parameters, some with one entry per sample.

    Returns
    -------
    X_left : same type as `X`, of shape (n_left, n_features)
        The samples.
    y_left : same type as `y`, of shape (n_left,)
        Their labels.
    fit_params_left : dict of str to object
        The fit parameters for these samples.
    """
    if not corrected.n_corrected:
        return X, y, fit_params
    left = corrected.positions
    return (
        take_rows(X, left),
        with_values(take_rows(y, left), classes[corrected.codes]),
        take_fit_params(X, fit_params, left),
    )
