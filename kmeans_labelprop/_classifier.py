"""The propagator and a classifier in one estimator."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from ._labels import check_labels, labelled_rows
from ._messages import warn_user
from ._propagator import KMeansLabelPropagator
from ._validation import (
    HasMethods,
    StrOptions,
    routing_enabled,
    take_fit_params,
    validate_estimator_parameters,
)


def _estimator_has(method: str) -> Any:
    def check(classifier: PropagatedClassifier) -> bool:
        estimator = getattr(classifier, "estimator_", classifier.estimator)
        getattr(estimator, method)  # its AttributeError says what is missing
        return True

    return check


class PropagatedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Train a classifier on labels propagated from a few representatives.

    A :class:`~kmeans_labelprop.KMeansLabelPropagator` turns the samples and the few
    labels into a training set, on which the classifier is fitted. As the last step of
    a scikit-learn Pipeline it does what a sampler does in imbalanced-learn's.

    Read more in the :ref:`User Guide <user_guide>`.

    Parameters
    ----------
    estimator : classifier
        Any classifier; a clone is fitted.
    propagator : KMeansLabelPropagator or None, default=None
        Makes the training set; a clone is fitted. None stands for one with default
        parameters. Search its parameters as ``propagator__n_clusters``,
        ``propagator__fraction``, after passing one here.
    sample_weight : {"confidence"} or None, default=None
        ``"confidence"`` weighs each training sample by the propagator's
        `confidence_`; the classifier must take ``sample_weight`` in `fit`.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    propagator_ : KMeansLabelPropagator
        The fitted propagator.
    classes_ : ndarray of shape (n_classes,)
        The classes of the known labels in `y` and of the oracle's answers. A class
        that no representative has is never predicted.
    n_features_in_ : int
        Number of features seen during :meth:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` has string names.

    See Also
    --------
    PropagatedClassifierCV : Chooses rule and fraction by the labels there are.
    KMeansLabelPropagator : The propagator alone, a sampler for imbalanced-learn.
    sklearn.semi_supervised.SelfTrainingClassifier : Labels the samples a classifier
        is sure of, and trains it again.

    Notes
    -----
    Meta-estimators that encode `y` anew (:class:`~sklearn.ensemble.BaggingClassifier`,
    :class:`~sklearn.ensemble.VotingClassifier`,
    :class:`~sklearn.multiclass.OneVsRestClassifier` and others) turn `missing_label`
    into a class of its own before this estimator sees it. Wrap the classifier, not the
    other way round: ``PropagatedClassifier(BaggingClassifier(...), propagator)``.

    Examples
    --------
    Fifty labels train nearly as well as all of them:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> classifier = make_pipeline(
    ...     MinMaxScaler(),
    ...     PropagatedClassifier(
    ...         LogisticRegression(max_iter=1000),
    ...         KMeansLabelPropagator(n_clusters=50, random_state=0),
    ...     ),
    ... )
    >>> bool(classifier.fit(X_train, y_train).score(X_test, y_test) > 0.88)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "propagator": [HasMethods(["fit_resample", "propagate"]), None],
        "sample_weight": [StrOptions({"confidence"}), None],
    }

    def __init__(
        self,
        estimator: Any,
        propagator: Any = None,
        *,
        sample_weight: str | None = None,
    ) -> None:
        self.estimator = estimator
        self.propagator = propagator
        self.sample_weight = sample_weight

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Propagate the labels and fit the classifier on them.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, the propagator's `missing_label` elsewhere.
        sample_ids : array-like of shape (n_samples,), default=None
            Passed to the propagator, for an oracle that takes ids.
        **fit_params : dict
            Passed to the classifier's `fit`; of those with one entry per sample, the
            entries of the samples kept. With metadata routing enabled, the
            parameters that the classifier requests.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is illegal, no representative got a label, or the
            classifier cannot take ``sample_weight``.

        Warns
        -----
        UserWarning
            If the training set lacks classes that `y` holds, or clusters are left
            without a label.
        """
        self._check_parameters()
        propagator = clone(self._given_propagator())
        X_res, y_res = propagator.fit_resample(X, y, sample_ids=sample_ids)
        self._check_X(X, propagator, reset=True)
        classes = self._find_classes(y, propagator)
        if routing_enabled():
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        kept = propagator.sample_indices_
        fit_params = self._params_of_samples(
            X,
            fit_params,
            kept,
            propagator.confidence_,
            weigh=self.sample_weight is not None,
        )
        estimator = clone(self.estimator).fit(X_res, y_res, **fit_params)
        # All or nothing: a failed fit must not mix with an earlier one.
        self.propagator_, self.classes_, self.estimator_ = (
            propagator,
            classes,
            estimator,
        )
        return self

    def _check_parameters(self) -> None:
        validate_estimator_parameters(self)
        if self.sample_weight is not None and not has_fit_parameter(
            self.estimator, "sample_weight"
        ):
            raise ValueError(
                "sample_weight='confidence' needs an estimator that takes "
                f"sample_weight in fit. {type(self.estimator).__name__} does not."
            )

    def _given_propagator(self) -> Any:
        return KMeansLabelPropagator() if self.propagator is None else self.propagator

    def _find_classes(
        self, y: ArrayLike | None, propagator: KMeansLabelPropagator
    ) -> NDArray[Any]:
        labelled: NDArray[Any] = propagator.classes_
        if y is None or not propagator.reuse_labels:
            return labelled
        in_y, known = check_labels(y, propagator.missing_label)
        classes = np.union1d(labelled, in_y) if known.any() else labelled
        if len(classes) > len(labelled):
            lacking = np.setdiff1d(classes, labelled).tolist()
            warn_user(
                f"No representative has a label of {len(lacking)} of {len(classes)} "
                f"classes, which will never be predicted: {lacking}. A larger "
                "n_clusters finds more classes."
            )
        return classes

    def _params_of_samples(
        self,
        X: Any,
        fit_params: dict[str, Any],
        positions: NDArray[np.intp],
        confidence: NDArray[np.float64],
        *,
        weigh: bool,
    ) -> dict[str, Any]:
        """Choose what the classifier gets for some samples, weights included."""
        fit_params = take_fit_params(X, fit_params, positions)
        if weigh:
            weight = confidence[positions]
            given = fit_params.get("sample_weight")
            fit_params["sample_weight"] = weight if given is None else weight * given
        return fit_params

    def _check_X(
        self, X: Any, propagator: KMeansLabelPropagator, *, reset: bool = False
    ) -> None:
        """Check names and number of features; without an embedding, values too."""
        if propagator.embedding is not None:
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            validate_data(self, X, reset=reset, accept_sparse=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of each sample with the fitted classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The predicted classes.
        """
        check_is_fitted(self, "estimator_")
        self._check_X(X, self.propagator_)
        y_pred: NDArray[Any] = self.estimator_.predict(X)
        return y_pred

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.floating[Any]]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each of `classes_`; 0 for a class that the classifier has
            not seen.
        """
        check_is_fitted(self, "estimator_")
        self._check_X(X, self.propagator_)
        # scikeras gives a single row as one dimension.
        probabilities = np.atleast_2d(self.estimator_.predict_proba(X))
        return self._pad(probabilities, 0)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.floating[Any]]:
        """Compute the classifier's decision function.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        decision : ndarray of shape (n_samples, n_classes) or (n_samples,)
            One column for each of `classes_`; the lowest number of the dtype for a
            class that the classifier has not seen. One dimension if there are two
            classes and it has seen both.
        """
        check_is_fitted(self, "estimator_")
        self._check_X(X, self.propagator_)
        decision = np.asarray(self.estimator_.decision_function(X))
        if len(self.estimator_.classes_) == len(self.classes_):
            return decision
        if decision.ndim == 1:
            decision = np.column_stack([-decision, decision])
        return self._pad(decision, np.finfo(decision.dtype).min)

    def _pad(
        self, columns: NDArray[np.floating[Any]], fill_value: float
    ) -> NDArray[np.floating[Any]]:
        if columns.shape[1] != len(self.estimator_.classes_):
            raise ValueError(
                "The estimator must give one column for each of its "
                f"{len(self.estimator_.classes_)} classes. Got {columns.shape[1]} "
                "columns instead."
            )
        seen = np.searchsorted(self.classes_, self.estimator_.classes_)
        padded = np.full(
            (len(columns), len(self.classes_)), fill_value, dtype=columns.dtype
        )
        padded[:, seen] = columns
        return padded

    def score(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Compute the accuracy on the samples that have a label.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,)
            True labels; samples with the propagator's `missing_label` do not count.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        accuracy : float
            Mean accuracy, in [0, 1].

        Raises
        ------
        ValueError
            If no sample has a label.
        """
        check_is_fitted(self, "estimator_")
        check_consistent_length(X, y, sample_weight)
        accuracy: float = super().score(
            *labelled_rows(X, y, self.propagator_.missing_label, sample_weight)
        )
        return accuracy

    def get_metadata_routing(self) -> MetadataRouter:
        """Tell which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            `sample_ids` is this estimator's own; the rest goes to `estimator`.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        propagator = self._given_propagator()
        parts = (propagator, self.estimator)
        if not all(hasattr(part, "__sklearn_tags__") for part in parts):
            return tags  # fit will say which parameter is illegal
        propagator_tags = get_tags(propagator)
        estimator_tags = get_tags(self.estimator)
        tags.target_tags.required = propagator_tags.target_tags.required
        tags.input_tags.sparse = (
            propagator_tags.input_tags.sparse and estimator_tags.input_tags.sparse
        )
        tags.input_tags.allow_nan = (
            propagator_tags.input_tags.allow_nan and estimator_tags.input_tags.allow_nan
        )
        return tags
