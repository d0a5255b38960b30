"""What both classifiers share: training on propagated labels, and predicting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    clone,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from ._asking import check_beside, check_index
from ._callbacks import CallbackMixin, check_callbacks
from ._containers import (
    canonical,
    has_missing,
    is_numeric_table,
    labels_like,
    single_column,
    take_rows,
)
from ._embedding import noting_odd_values
from ._engine import predict_distributions
from ._html import SummaryHTMLMixin
from ._labels import check_labels, label_vector, labelled_rows, plain
from ._messages import noting, noting_gaps, stage, warn_user
from ._propagation import join
from ._propagator import KMeansLabelPropagator
from ._report import warn_of_classes
from ._training import Trained, check_signs, embed_eval_set, train, warn_of_losses
from ._validation import (
    check_instances,
    forget_fit,
    routing_enabled,
    take_fit_params,
    validate_estimator_parameters,
)
from ._weights import check_weights, confidence_weights, takes_weights


def _is_joined(classifier: Any) -> bool:
    """Tell whether the neighbours predict with the fitted classifier."""
    return getattr(classifier, "with_neighbors_", False)


def _estimator_has(method: str) -> Any:
    def check(classifier: BasePropagatedClassifier) -> bool:
        if method == "decision_function" and _is_joined(classifier):
            raise AttributeError(
                "The neighbours predict with the classifier: they have probabilities, "
                "and no decision_function."
            )
        estimator = getattr(classifier, "estimator_", classifier.estimator)
        if estimator is None:  # the propagator predicts
            estimator = classifier.propagator_
        getattr(estimator, method)  # its AttributeError says what is missing
        return True

    return check


def _check_names(estimator: Any, fit_params: dict[str, Any]) -> None:
    """Refuse parameters that a classifier's fit does not take."""
    parameters = signature(estimator.fit).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return
    unknown = sorted(set(fit_params) - {parameter.name for parameter in parameters})
    if unknown:
        raise TypeError(
            f"{type(estimator).__name__}.fit takes no parameter {unknown[0]!r}, which "
            "was passed to fit. It takes: "
            f"{', '.join(parameter.name for parameter in parameters)}."
        )


class BasePropagatedClassifier(
    SummaryHTMLMixin, CallbackMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator
):
    """Base of the classifiers that train on propagated labels.

    Subclasses have the parameters ``estimator``, ``propagator``, ``sample_weight`` and
    ``train_on``, and a ``fit``.
    """

    # Those that get fit parameters.
    _trained_parts: ClassVar[tuple[str, ...]] = ("estimator",)

    @contextmanager
    def _labels_kept(self, propagator: Any) -> Iterator[None]:
        """Keep the labels, which may have cost money, whatever ends the training."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            answers = getattr(propagator, "answers_", {})
            if any(label is not None for label in answers.values()):
                forget_fit(self)  # it is no result of this fit
                self.propagator_ = propagator
            else:
                self.__dict__ = before
            raise

    def _keep(
        self,
        propagator: KMeansLabelPropagator,
        classes: NDArray[Any],
        trained: Trained,
        train_on: str,
    ) -> None:
        self.propagator_, self.classes_ = propagator, classes
        self.estimator_, self.train_on_ = trained.estimator, train_on
        self._coding = (trained.seen, trained.is_coded)
        kept = propagator.sample_indices_
        self.training_indices_ = kept.copy()
        self.training_labels_ = propagator.classes_[propagator.spread_.codes[kept]]

    def _train(
        self,
        X: Any,
        y: ArrayLike | None,
        propagator: KMeansLabelPropagator,
        estimator: Any,
        train_on: str,
        fit_params: dict[str, Any],
    ) -> Trained:
        """Fit the estimator on the samples that keep their label."""
        kept = propagator.sample_indices_
        codes = propagator.spread_.codes[kept]
        params = self._params_of_samples(
            X, fit_params, kept, codes, propagator.confidence_[kept], estimator
        )
        if train_on == "embedding":
            X, params = propagator.clusters_.E, embed_eval_set(params, propagator.embed)
        y_res = labels_like(y, kept, propagator.classes_[codes])
        note = (
            f"Raised by the 'estimator' parameter, {type(estimator).__name__}, trained "
            f"on {len(kept)} samples of {len(np.unique(codes))} class(es); "
            f"train_on={train_on!r}."
        )
        told = f"training on {len(kept)} samples"
        with noting(note), stage(told, getattr(self, "verbose", 0)):
            return train(estimator, take_rows(X, kept), y_res, params)

    def _parts(self) -> dict[str, Any]:
        """Take those that get fit parameters, by their names."""
        parts = {name: getattr(self, name) for name in self._trained_parts}
        return {name: part for name, part in parts.items() if part is not None}

    def _check_parameters(self) -> None:
        own, got = KMeansLabelPropagator, type(self.propagator)
        if got.__name__ == own.__name__ and not issubclass(got, own):  # that of blocks
            raise TypeError(
                f"The 'propagator' parameter of {type(self).__name__} must be a "
                "KMeansLabelPropagator in memory. Got one of blocks instead: train a "
                "classifier on what that keeps, see its kept_ and transduction_."
            )
        validate_estimator_parameters(self)
        for name, part in self._parts().items():
            check_instances(self, name)
            if isinstance(part, KMeansLabelPropagator):
                raise TypeError(
                    f"The {name!r} parameter of {type(self).__name__} must be a "
                    "classifier. Got a KMeansLabelPropagator instead, which is the "
                    "second parameter: pass propagator=..., and a classifier first."
                )
            copy = clone(part)  # refused before any label is paid for
            check_callbacks(self, copy)
            warn_of_losses(part, copy)
            tags = get_tags(part) if hasattr(part, "__sklearn_tags__") else None
            if tags is not None and tags.estimator_type not in ("classifier", None):
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
            return takes_weights(trained)
        return self.sample_weight is not None and has_fit_parameter(
            trained, "sample_weight"
        )

    def _given_propagator(self) -> Any:
        return KMeansLabelPropagator() if self.propagator is None else self.propagator

    def _takes_samples(self, X: Any) -> bool:
        """Tell whether the classifier can be given the samples as they are."""
        if isinstance(self.estimator, Pipeline):  # prepares them itself
            return True
        tags = getattr(self.estimator, "__sklearn_tags__", None)
        takes_nan = tags is not None and get_tags(self.estimator).input_tags.allow_nan
        return is_numeric_table(X) and (takes_nan or not has_missing(X))

    def _route_fit_params(
        self, X: Any, fit_params: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Split the fit parameters among the parts that are trained."""
        for name, value in fit_params.items():
            if getattr(value, "ndim", 0) == 1 and not name.startswith("eval_"):
                check_index(X, value, name)  # of one entry per sample
        weights = fit_params.get("sample_weight")
        if weights is not None and not isinstance(weights, Real):
            weights = check_weights(X, weights)
            fit_params = {**fit_params, "sample_weight": weights}
        if routing_enabled():
            routed = process_routing(self, "fit", **fit_params)
            return {name: routed[name]["fit"] for name in self._parts()}
        _check_names(self.estimator, fit_params)
        return {
            name: {
                key: value
                for key, value in fit_params.items()
                if name == "estimator"
                or (key == "sample_weight" and has_fit_parameter(part, key))
            }
            for name, part in self._parts().items()
        }

    def _ask(
        self,
        propagator: KMeansLabelPropagator,
        X: Any,
        y: ArrayLike | None,
        sample_ids: ArrayLike | None,
        routed: dict[str, dict[str, Any]],
    ) -> None:
        """Get labels; none is paid for that counts for nothing in the training."""
        weights = routed["estimator"].get("sample_weight")
        is_array = weights is not None and not isinstance(weights, Real)
        askable = np.asarray(weights) != 0 if is_array else None

        def check(E: Any) -> None:
            forms = {"samples": X, "embedding": E}
            spaces = [each for each in self._spaces(X, propagator) if each in forms]
            check_signs(self.estimator, {each: forms[each] for each in spaces})

        propagator.ask(X, y, sample_ids=sample_ids, askable=askable, check=check)

    def _spaces(self, X: Any, propagator: KMeansLabelPropagator) -> list[str]:
        """List what the classifier may be given."""
        if self.train_on != "auto":
            return [plain(self.train_on)]
        return ["samples" if self._takes_samples(X) else "embedding"]

    def _check_encoding(self, y: ArrayLike | None, propagator: Any) -> None:
        """Warn if y seems to have been encoded, its missing_label as a class."""
        mark = propagator.missing_label
        if not isinstance(mark, str) or y is None:
            return
        if label_vector(single_column(y)).dtype.kind in "biuf":
            name = type(self).__name__
            warn_user(
                f"missing_label={mark!r} is a string, and y holds numbers. If an "
                f"estimator around {name} has encoded y, {mark!r} is a class by now. "
                f"Wrap the classifier instead: {name}(BaggingClassifier(...), "
                "propagator), for example."
            )

    def _find_classes(
        self, y: ArrayLike | None, propagator: KMeansLabelPropagator
    ) -> NDArray[Any]:
        given: NDArray[Any] = propagator.given_.classes
        if y is None or not propagator.reuse_labels:
            return given
        in_y, known = check_labels(y, propagator.missing_label)
        classes = np.union1d(given, in_y) if known.any() else given
        if len(classes) > len(given):
            warn_of_classes(propagator, np.setdiff1d(classes, given).tolist())
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
        if propagator.embedding_ is not None:
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            # In fit there are no gaps: the propagator has refused them before.
            with noting_gaps(), noting_odd_values(X):
                validate_data(self, X, reset=reset, accept_sparse=True)

    def summary(self) -> str:
        """Tell in plain words which labels were used, and what was trained.

        Returns
        -------
        text : str
            Several lines.
        """
        check_is_fitted(self, "train_on_")
        how = {
            "samples": "Trained on {:,} samples.",
            "embedding": "Trained on {:,} samples in the embedding.",
            "neighbors": "No classifier: the neighbours among {:,} samples predict.",
        }[self.train_on_]
        text: str = self.propagator_.summary()
        told = how.format(len(self.training_indices_))
        if _is_joined(self):
            told += " Predicts together with the neighbours."
        return f"{text}\n{told}"

    def _for_estimator(self, X: Any) -> Any:
        """Check new samples, and bring them into the form trained on."""
        check_is_fitted(self, "train_on_")
        X = canonical(X)
        E = self.propagator_.embed(X) if self.train_on_ == "embedding" else X
        self._check_X(X, self.propagator_)  # second: an embedding's errors say more
        return E

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The predicted classes.
        """
        if _is_joined(self):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        Z = self._for_estimator(X)
        with noting_odd_values(X):
            return self._predicting().predict(Z)

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
            not seen. Where it predicts together with the neighbours, the mean.
        """
        Z = self._for_estimator(X)
        predicting, fitted = self._predicting(), self.propagator_
        with noting_odd_values(X):
            own = self._pad(predicting.predict_proba(Z), predicting.classes, 0)
        if not _is_joined(self):
            return own
        E = Z if self.train_on_ == "embedding" else fitted.embed(canonical(X))
        of_neighbors = predict_distributions(
            fitted.clusters_, fitted.given_, fitted.spread_, E
        )
        return join(own, self._pad(of_neighbors, fitted.classes_, 0))

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
        Z = self._for_estimator(X)
        predicting = self._predicting()
        with noting_odd_values(X):
            decision = np.asarray(predicting.estimator.decision_function(Z))
        if np.array_equal(predicting.classes, self.classes_):
            return decision
        if decision.ndim == 1:
            # Of two classes it is that of the second.
            is_binary = len(predicting.classes) == 2
            decision = np.column_stack([-decision, decision][1 - is_binary :])
        lowest = float(np.finfo(decision.dtype).min)
        return self._pad(predicting.check_columns(decision), predicting.classes, lowest)

    def _predicting(self) -> Trained:
        """Return what predicts: the classifier, or the propagator by neighbours."""
        if self.estimator_ is None:
            return Trained(self.propagator_, self.propagator_.classes_)
        return Trained(self.estimator_, *self._coding)

    def _pad(
        self,
        columns: NDArray[np.floating[Any]],
        classes: NDArray[Any],
        fill_value: float,
    ) -> NDArray[np.floating[Any]]:
        padded = np.full(
            (len(columns), len(self.classes_)), fill_value, dtype=columns.dtype
        )
        # A network may be told of classes that y lacks.
        is_here = np.isin(classes, self.classes_)
        seen = np.searchsorted(self.classes_, classes[is_here])
        padded[:, seen] = columns[:, is_here]
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
        check_is_fitted(self, "train_on_")
        check_beside(X, y, "y")
        check_beside(X, sample_weight, "sample_weight")
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
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return router.add(**self._parts(), method_mapping=mapping)

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
        tags.input_tags.allow_nan = propagator_tags.input_tags.allow_nan and (
            estimator_tags.input_tags.allow_nan or self.train_on != "samples"
        )
        return tags
