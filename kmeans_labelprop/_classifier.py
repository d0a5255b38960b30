"""The propagator and a classifier in one estimator."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.base import clone

from ._base_classifier import BasePropagatedClassifier
from ._callbacks import as_task, task
from ._containers import canonical
from ._propagator import KMeansLabelPropagator
from ._validation import HasMethods, StrOptions


class PropagatedClassifier(BasePropagatedClassifier):
    """Train a classifier on the labels given and those propagated from them.

    A :class:`~kmeans_labelprop.KMeansLabelPropagator` turns the samples and the few
    labels into a training set, on which the classifier is fitted. As the last step of
    a scikit-learn Pipeline it does what a sampler does in imbalanced-learn's, and
    weighs each label by the confidence in it.

    Read more in the :ref:`User Guide <user_guide>`.

    Parameters
    ----------
    estimator : classifier
        Any classifier; a clone is fitted. One that cannot be trained on the labels
        themselves, as XGBoost on strings, gets their positions in
        ``np.unique(training_labels_)``; what it predicts is turned back into labels.
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
        the same, as with None.
    train_on : {"auto", "samples", "embedding"}, default="auto"
        What the classifier is given, in training and in prediction: the samples as
        they are, or as the propagator's `embedding` makes them. ``"auto"``: the samples
        if they are numbers in two dimensions, or the classifier is a Pipeline; else
        the embedding.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    training_indices_ : ndarray of shape (n_training,), dtype=intp
        Positions of the samples that the classifier was trained on, in increasing
        order: the propagator's `sample_indices_`.
    training_labels_ : ndarray of shape (n_training,)
        The labels that it was trained on.
    train_on_ : {"samples", "embedding"}
        What it is given.
    propagator_ : KMeansLabelPropagator
        The fitted propagator.
    classes_ : ndarray of shape (n_classes,)
        The classes in `y` and of the oracle's answers. A class without a given label
        is never predicted.
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
    other way round: ``PropagatedClassifier(BaggingClassifier(...), propagator)``. The
    :ref:`User Guide <wrapped>` goes through them all.

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
        "estimator": [HasMethods(["fit", "get_params"])],
        "propagator": [KMeansLabelPropagator, None],
        "sample_weight": [StrOptions({"auto", "confidence"}), None],
        "train_on": [StrOptions({"auto", "samples", "embedding"})],
    }

    def __init__(
        self,
        estimator: Any,
        propagator: Any = None,
        *,
        sample_weight: str | None = "auto",
        train_on: str = "auto",
    ) -> None:
        self.estimator = estimator
        self.propagator = propagator
        self.sample_weight = sample_weight
        self.train_on = train_on

    @as_task
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
            Passed to the propagator: what its oracle gets in place of rows.
        **fit_params : dict
            Passed to the classifier's `fit`; of those with one entry per sample, the
            entries of the samples kept. Nobody is asked about a sample whose
            ``sample_weight`` is 0. The samples that a booster validates on
            (``eval_set``, or ``eval_X`` and ``eval_y``) are embedded, and their labels
            encoded, as those that it trains on; those of other classes are left out.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is illegal, there is no label, or the classifier cannot take
            ``sample_weight``. However the training ends, also by an interruption, the
            labels answered before are in `propagator_`, and its ``propagate({})``
            spreads them.

        Warns
        -----
        UserWarning
            As the propagator does; if the training set lacks classes that `y` holds; if
            `missing_label` is a string, and `y` holds numbers.
        """
        self._check_parameters()
        X = canonical(X)
        routed = self._route_fit_params(X, fit_params)
        propagator = clone(self._given_propagator())
        self._check_encoding(y, propagator)
        with self._labels_kept(propagator):
            with task("getting labels", part=propagator):
                self._ask(propagator, X, y, sample_ids, routed)
            with task("propagating labels", part=propagator):
                propagator.propagate({})
            self._check_X(X, propagator, reset=True)
            classes = self._find_classes(y, propagator)
            (train_on,) = self._spaces(X, propagator)
            trained = self._train(
                X, y, propagator, clone(self.estimator), train_on, routed["estimator"]
            )
            self._keep(propagator, classes, trained, train_on)
        return self
