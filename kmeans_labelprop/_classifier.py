"""The propagator and a classifier in one estimator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    clone,
    is_regressor,
)
from sklearn.utils import check_random_state, get_tags
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

from ._correction import correct_labels, take_corrected
from ._labels import check_labels, is_missing, labelled_rows
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


def _takes_weights(estimator: Any) -> bool:
    """Tell whether an estimator, and all estimators inside it, can be weighted."""
    inside = (
        value
        for value in estimator.get_params(deep=True).values()
        if hasattr(value, "fit")
    )
    return all(
        has_fit_parameter(part, "sample_weight") for part in (estimator, *inside)
    )


def confidence_weights(
    confidence: NDArray[np.float64], codes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Turn confidence into weights that leave each class its size.

    Parameters
    ----------
    confidence : ndarray of shape (n_training,), dtype=float64
        The confidence in the label of each sample, in [0, 1]; of each class one is
        positive, that of a label that was given.
    codes : ndarray of shape (n_training,), dtype=intp
        The class of each sample.

    Returns
    -------
    weights : ndarray of shape (n_training,), dtype=float64
        The confidence, divided by its mean over the samples of the same class. Rare
        classes are less sure on the whole, and would be drowned without that.
    """
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    means = np.bincount(codes, confidence) / sizes
    weights: NDArray[np.float64] = confidence / means[codes]
    return weights


class Training(NamedTuple):
    """A classifier, and what it was trained on.

    Attributes
    ----------
    estimator : classifier
        The fitted classifier.
    indices : ndarray of shape (n_training,), dtype=intp
        Positions of the samples.
    labels : ndarray of shape (n_training,)
        Their labels.
    n_corrected : int
        Number of propagated labels dropped or changed.
    """

    estimator: Any
    indices: NDArray[np.intp]
    labels: NDArray[Any]
    n_corrected: int


class PropagatedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Train a classifier on labels propagated from a few representatives.

    A :class:`~kmeans_labelprop.KMeansLabelPropagator` turns the samples and the few
    labels into a training set, on which the classifier is fitted. As the last step of
    a scikit-learn Pipeline it does what a sampler does in imbalanced-learn's, and
    weighs each label by the confidence in it.

    Read more in the :ref:`User Guide <user_guide>`.

    Parameters
    ----------
    estimator : classifier
        Any classifier; a clone is fitted.
    propagator : KMeansLabelPropagator or None, default=None
        Makes the training set; a clone is fitted. None stands for one with default
        parameters. Search its parameters as ``propagator__n_clusters``,
        ``propagator__fraction``, after passing one here.
    sample_weight : {"auto", "confidence"} or None, default="auto"
        ``"confidence"`` weighs each training sample by the propagator's
        `confidence_`, divided by its mean over the samples of the same class, so that
        no class counts for less because it is less sure. The classifier must take
        ``sample_weight`` in `fit`. ``"auto"`` weighs if the classifier, and every
        estimator inside it, takes it. Most do; a Pipeline and
        :class:`~sklearn.neighbors.KNeighborsClassifier` do not, and weigh all samples
        the same, as None has it.
    correction : {"drop", "relabel"} or None, default=None
        What happens to propagated labels that classifiers trained on other samples
        do not predict: the sample is dropped, or takes the label predicted. See the
        notes. None corrects nothing.
    corrector : classifier or None, default=None
        Predicts the labels for the `correction`; clones are fitted. None stands for
        the `estimator`.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    training_indices_ : ndarray of shape (n_training,), dtype=intp
        Positions of the samples that the classifier was trained on, in increasing
        order: the propagator's `sample_indices_`, without those dropped.
    training_labels_ : ndarray of shape (n_training,)
        The labels that it was trained on.
    n_corrected_ : int
        Number of propagated labels that were dropped or changed.
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
    For the `correction` the samples kept are dealt out to three folds, those of each
    class evenly, with the propagator's `random_state` (0 if that is None). A corrector
    is trained on two of them and predicts the third, in turn. Labels that
    were given, those of the representatives, train every corrector and are never
    changed: no class is lost. The correctors are weighted as `sample_weight` says, if
    they can be; a label changed keeps the weight it had.

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
        # Some have predict only when they are fitted, such as StackingClassifier.
        "estimator": [HasMethods(["fit"])],
        "propagator": [HasMethods(["fit_resample", "propagate"]), None],
        "sample_weight": [StrOptions({"auto", "confidence"}), None],
        "correction": [StrOptions({"drop", "relabel"}), None],
        "corrector": [HasMethods(["fit"]), None],
    }
    # Those that get fit parameters; None stands for the estimator.
    _trained_parts: ClassVar[tuple[str, ...]] = ("estimator", "corrector")

    def __init__(
        self,
        estimator: Any,
        propagator: Any = None,
        *,
        sample_weight: str | None = "auto",
        correction: str | None = None,
        corrector: Any = None,
    ) -> None:
        self.estimator = estimator
        self.propagator = propagator
        self.sample_weight = sample_weight
        self.correction = correction
        self.corrector = corrector

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
            entries of the samples kept. A `corrector` gets of these only
            ``sample_weight``, if it takes it. With metadata routing enabled, each
            gets the parameters that it requests.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is illegal, no representative got a label, or the
            classifier cannot take ``sample_weight``. Whatever ends the training, an
            interruption included: the labels that were given before are in
            `propagator_`, and its ``propagate({})`` spreads them.

        Warns
        -----
        UserWarning
            If the training set lacks classes that `y` holds, clusters are left without
            a label, or no label reaches some samples.
        """
        self._check_parameters()
        shares = self._share_out(X, fit_params)
        propagator = clone(self._given_propagator())
        with self._labels_kept(propagator):
            propagator.fit(X, y, sample_ids=sample_ids)
            self._check_X(X, propagator, reset=True)
            classes = self._find_classes(y, propagator)
            training = self._train(
                X,
                y,
                propagator,
                clone(self.estimator),
                self._given_corrector(),
                self.correction,
                shares,
            )
        self._keep(propagator, classes, training)
        return self

    @contextmanager
    def _labels_kept(self, propagator: KMeansLabelPropagator) -> Iterator[None]:
        """Keep the labels, which may have cost money, whatever ends the training."""
        try:
            yield
        except BaseException:
            if getattr(propagator, "_answers", None):
                # Nothing of an earlier fit may be taken for a result of this one.
                for name in [name for name in vars(self) if name.endswith("_")]:
                    delattr(self, name)
                self.propagator_ = propagator
            raise

    def _keep(
        self,
        propagator: KMeansLabelPropagator,
        classes: NDArray[Any],
        training: Training,
    ) -> None:
        self.propagator_, self.classes_ = propagator, classes
        self.estimator_ = training.estimator
        self.training_indices_ = training.indices
        self.training_labels_ = training.labels
        self.n_corrected_ = training.n_corrected

    def _train(
        self,
        X: Any,
        y: ArrayLike | None,
        propagator: KMeansLabelPropagator,
        estimator: Any,
        corrector: Any,
        correction: str | None,
        fit_params: dict[str, dict[str, Any]],
    ) -> Training:
        """Correct the labels kept, if that is asked for, and fit the estimator."""
        kept = propagator.sample_indices_
        codes = propagator._codes[kept]
        X_res, y_res = propagator._labelled_samples(X, y, kept, codes)

        def params_of(part: str, trained: Any) -> dict[str, Any]:
            return self._params_of_samples(
                X, fit_params[part], kept, codes, propagator.confidence_[kept], trained
            )

        params = params_of("estimator", estimator)
        n_corrected = 0
        if correction is not None:
            is_given = ~is_missing(
                propagator.representative_labels_, propagator.missing_label
            )
            corrected = correct_labels(
                corrector,
                X_res,
                y_res,
                propagator.classes_,
                codes,
                np.isin(kept, propagator.representative_indices_[is_given]),
                params_of("corrector", corrector),
                correction,
                check_random_state(propagator._draw_seed() or 0),
            )
            X_res, y_res, params = take_corrected(
                X_res, y_res, propagator.classes_, corrected, params
            )
            kept, codes, n_corrected = kept[corrected.positions], *corrected[1:]
        fitted = estimator.fit(X_res, y_res, **params)
        return Training(fitted, kept.copy(), propagator.classes_[codes], n_corrected)

    def _check_parameters(self) -> None:
        validate_estimator_parameters(self)
        for name in self._trained_parts:
            part = getattr(self, name)
            if part is None:
                continue
            clone(part)  # refuses a class before any label is paid for
            if hasattr(part, "__sklearn_tags__") and is_regressor(part):
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must be a "
                    f"classifier. Got {part!r} instead."
                )
        if self.sample_weight == "confidence" and not has_fit_parameter(
            self.estimator, "sample_weight"
        ):
            raise ValueError(
                "sample_weight='confidence' needs an estimator that takes "
                f"sample_weight in fit. {type(self.estimator).__name__} does not."
            )

    def _weighs(self, trained: Any) -> bool:
        if self.sample_weight == "auto":
            return _takes_weights(trained)
        return self.sample_weight is not None and has_fit_parameter(
            trained, "sample_weight"
        )

    def _given_propagator(self) -> Any:
        return KMeansLabelPropagator() if self.propagator is None else self.propagator

    def _given_corrector(self) -> Any:
        return self.estimator if self.corrector is None else self.corrector

    def _share_out(
        self, X: Any, fit_params: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Split the fit parameters among the parts that are trained."""
        if np.ndim(fit_params.get("sample_weight", 0)) > 0:
            check_consistent_length(X, fit_params["sample_weight"])
        routed = (
            process_routing(self, "fit", **fit_params) if routing_enabled() else None
        )
        own = fit_params if routed is None else routed["estimator"]["fit"]
        shares = {}
        for name in self._trained_parts:
            part = getattr(self, name)
            if name == "estimator" or part is None:
                shares[name] = own
            elif routed is not None:
                shares[name] = routed[name]["fit"]
            else:
                shares[name] = {
                    key: value
                    for key, value in fit_params.items()
                    if key == "sample_weight" and has_fit_parameter(part, key)
                }
        return shares

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
        codes: NDArray[np.intp],
        confidence: NDArray[np.float64],
        trained: Any,
    ) -> dict[str, Any]:
        """Choose what a classifier gets for some samples, weights included."""
        fit_params = take_fit_params(X, fit_params, positions)
        if self._weighs(trained):
            weight = confidence_weights(confidence, codes)
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
            # Of two classes it is that of the second.
            is_binary = len(self.estimator_.classes_) == 2
            decision = np.column_stack([-decision, decision][1 - is_binary :])
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
            `sample_ids` is this estimator's own; the rest goes to the classifiers.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        for name in self._trained_parts:
            part = getattr(self, name)
            if part is not None:
                router.add(
                    **{name: part},
                    method_mapping=MethodMapping().add(caller="fit", callee="fit"),
                )
        return router

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
