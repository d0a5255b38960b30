"""Train any classifier on labels, and read its predictions in the same labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples

from ._callbacks import task
from ._containers import has_negative, take_rows
from ._messages import warn_user


class Trained(NamedTuple):
    """A fitted classifier that predicts in the labels of its training set.

    Attributes
    ----------
    estimator : classifier
        The fitted classifier.
    seen : ndarray of shape (n_seen,)
        The classes of its training set, sorted.
    is_coded : bool
        Whether it was trained on their positions in `seen` in place of them.
    """

    estimator: Any
    seen: NDArray[Any]
    is_coded: bool = False

    @property
    def classes(self) -> NDArray[Any]:
        """The label of each of its columns."""
        own = getattr(self.estimator, "classes_", None)
        if own is None:
            return self.seen
        return self._decode(np.asarray(own))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of each sample, in one dimension."""
        values, n_samples = np.asarray(self.estimator.predict(X)), _num_samples(X)
        if values.size != n_samples:
            raise ValueError(
                "The estimator must predict one label for each of the "
                f"{n_samples} samples. Got shape {values.shape} instead."
            )
        # CatBoost gives a column, scikeras no dimension for a single row.
        return self._decode(values.reshape(-1))

    def predict_proba(self, X: Any) -> NDArray[np.floating[Any]]:
        """Predict the probability of each of the classes, a row for each sample."""
        # scikeras gives a single row as one dimension.
        return self.check_columns(np.atleast_2d(self.estimator.predict_proba(X)))

    def check_columns(
        self, columns: NDArray[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Refuse columns that are not one for each class."""
        if columns.shape[1] != len(self.classes):
            raise ValueError(
                f"The estimator must give one column for each of its "
                f"{len(self.classes)} classes. Got {columns.shape[1]} columns instead."
            )
        return columns

    def _decode(self, values: NDArray[Any]) -> NDArray[Any]:
        if self.is_coded:
            return self.seen[values.astype(np.intp)]
        if values.dtype.kind == "f" and self.seen.dtype.kind in "biu":
            # What scikit-learn makes of whole numbers and booleans of pandas.
            same = values.astype(self.seen.dtype)
            return same if np.array_equal(same, values) else values
        return values


def train(estimator: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> Trained:
    """Fit a classifier on labels of any kind.

    It is given the labels as they are: weights and scores in its parameters may refer
    to them. If it cannot be trained on them, or knows its classes by other names
    afterwards, a copy gets numbers from 0 instead, as XGBoost and PyTorch want them.

    Parameters
    ----------
    estimator : classifier
        Not fitted yet.
    X : {array-like, sparse matrix, dataframe} of shape (n_train, ...)
        The samples.
    y : array-like of shape (n_train,)
        Their labels.
    fit_params : dict of str to object
        Passed to `fit`. Of an ``eval_set`` (or ``eval_X``, ``eval_y``), samples of
        classes that `y` lacks are left out.

    Returns
    -------
    trained : Trained
        The fitted classifier.

    Raises
    ------
    Exception
        What the classifier raises. If it fails in both ways by different errors, that
        of numbers from 0, which does not depend on how classes are named; of a single
        class the other one, which names it.
    ValueError
        If it cannot be trained on a single class.
    """
    try:
        return _train(estimator, X, y, fit_params)
    except ValueError as error:
        seen = np.unique(np.asarray(y))
        if len(seen) > 1:
            raise
        raise ValueError(
            f"{error}\nNo label of another class than {seen.tolist()[0]!r} is known or "
            "was answered. A larger n_clusters finds more classes; samples with "
            "sample_weight=0 are never asked about."
        ) from error


def _train(estimator: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> Trained:
    seen, codes = np.unique(np.asarray(y), return_inverse=True)
    fit_params = _map_eval_set(fit_params, lambda X, y: _rows_of(X, y, seen))
    is_code = seen.dtype.kind in "iuf" and np.array_equal(seen, np.arange(len(seen)))
    failure = None
    try:
        with task("fit", part=estimator):
            estimator.fit(X, y, **fit_params)
        if is_code or _knows(estimator, seen, X):
            return Trained(estimator, seen)
    except MemoryError:
        raise
    except Exception as error:  # of any classifier; raised below, if it stands
        if is_code:
            raise
        failure = error
    fit_params = _map_eval_set(
        fit_params, lambda X, y: (X, np.searchsorted(seen, np.asarray(y)))
    )
    again = clone(estimator)
    try:
        with task("fit", part=again):
            return Trained(again.fit(X, codes, **fit_params), seen, True)
    except Exception as error:
        if failure is None or str(error) == str(failure) or len(seen) == 1:
            raise failure or error from None
        raise error from failure


def _knows(estimator: Any, seen: NDArray[Any], X: Any) -> bool:
    """Tell whether a classifier, fitted on some samples, has the labels as they are."""
    own = getattr(estimator, "classes_", None)
    if own is not None:
        return set(seen.tolist()) <= set(np.asarray(own).tolist())
    return set(Trained(estimator, seen).predict(X).tolist()) <= set(seen.tolist())


def embed_eval_set(
    fit_params: dict[str, Any], embed: Callable[[Any], Any]
) -> dict[str, Any]:
    """Embed the samples that a booster validates on, as those that it trains on.

    Parameters
    ----------
    fit_params : dict of str to object
        Parameters of `fit`, perhaps with an ``eval_set`` of pairs ``(X, y)``, or with
        ``eval_X``.
    embed : callable
        Takes samples to their embedding.

    Returns
    -------
    fit_params : dict of str to object
        The same, these samples embedded.
    """
    return _map_eval_set(fit_params, lambda X, y: (embed(X), y))


def check_signs(estimator: Any, spaces: dict[str, Any]) -> None:
    """Refuse negative numbers for a classifier that takes none.

    Parameters
    ----------
    estimator : classifier
        Not fitted.
    spaces : dict of str to object
        What it may be given, by the name of the space.

    Raises
    ------
    ValueError
        If there are negative numbers in every space.
    """
    if not hasattr(estimator, "__sklearn_tags__"):
        return
    is_positive = get_tags(estimator).input_tags.positive_only
    if is_positive and all(map(has_negative, spaces.values())):
        space = list(spaces)[-1]
        raise ValueError(
            "The 'estimator' parameter must be a classifier that takes negative "
            f"numbers, as there are in the {space}. Got {estimator!r} instead. With "
            f"train_on={space!r}, make_pipeline(MinMaxScaler(), {estimator!r}) takes "
            "them."
        )


def warn_of_losses(part: Any, copy: Any) -> None:
    """Say which parameters a copy lacks: keras.wrappers drop those of `fit`.

    Parameters
    ----------
    part, copy : classifier
        What was given, and its clone.
    """
    kept = copy.get_params(deep=False)
    for name, value in part.get_params(deep=False).items():
        if value is not None and kept.get(name) is None:
            warn_user(
                f"A copy of {type(part).__name__} loses its parameter "
                f"{name}={value!r}, and it is a copy that is trained. If these are "
                "arguments of fit, pass them to fit."
            )


def _map_eval_set(
    fit_params: dict[str, Any], function: Callable[[Any, Any], tuple[Any, Any]]
) -> dict[str, Any]:
    """Change what boosters validate on: ``eval_set``, or ``eval_X`` and ``eval_y``."""
    mapped = dict(fit_params)
    pairs = fit_params.get("eval_set")
    pairs = [pairs] if isinstance(pairs, tuple) else pairs
    # What is of a type of the classifier's own is left alone.
    if isinstance(pairs, list) and all(
        isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs
    ):
        mapped["eval_set"] = [function(X, y) for X, y in pairs]
    if {"eval_X", "eval_y"} <= fit_params.keys():
        sets = [fit_params["eval_X"], fit_params["eval_y"]]
        sets = [of if isinstance(of, tuple) else (of,) for of in sets]
        found = [function(X, y) for X, y in zip(*sets, strict=True)]
        mapped["eval_X"], mapped["eval_y"] = zip(*found, strict=True)
    return mapped


def _rows_of(X: Any, y: Any, seen: NDArray[Any]) -> tuple[Any, Any]:
    is_seen = np.isin(np.asarray(y), seen)
    if is_seen.all():
        return X, y
    rows = np.flatnonzero(is_seen)
    return take_rows(X, rows), take_rows(y, rows)
