"""Choose how to propagate, and what predicts, by the labels already paid for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from ._base_classifier import BasePropagatedClassifier
from ._callbacks import as_task, task
from ._containers import canonical, single_column
from ._engine import share_of_copies
from ._labels import check_labels, plain
from ._messages import warn_user
from ._propagator import KMeansLabelPropagator
from ._seeds import draw_seed, set_unset
from ._selection._candidates import Candidate, list_candidates
from ._selection._choice import (
    choose,
    label_weights,
    pool_groups,
    selection_scores,
    wilson_interval,
)
from ._selection._groups import check_groups, number_groups
from ._selection._hiding import (
    Comparison,
    Outcome,
    TrainingSet,
    affordable_folds,
    check_splitter,
    hiding_folds,
    needs_groups,
    warn_of_failures,
)
from ._selection._results import mean_over_splits, tabulate
from ._selection._summary import (
    describe_choice,
    describe_failures,
    describe_gains,
    describe_labels,
    describe_next_labels,
    describe_usual,
)
from ._training import Trained, embed_eval_set
from ._validation import (
    N_JOBS,
    POSITIVE,
    HasMethods,
    Interval,
    StrOptions,
    check_instances,
    validate_estimator_parameters,
)

_RULES = ("cluster", "graph")
# On fewer samples a comparison may cost as much as on so many.
_FEW_SAMPLES = 1000


class PropagatedClassifierCV(BasePropagatedClassifier):
    """Train a classifier on labels propagated as far as cross-validation says.

    Propagation pays on some data and hurts on others. This estimator tries several
    rules and fractions, fraction 0 (the given labels alone) among them, and what
    predicts: the classifier on the samples, on their embedding, or no classifier but
    the neighbours. It does so by cross-validation over the labels that are there
    anyway: some are hidden, the rest is propagated without them, and the hidden ones
    have to be predicted. Then all labels are propagated in the way that did best. The
    samples are clustered once and the oracle is asked once: it costs no extra label.

    Read more in the :ref:`User Guide <choosing>`.

    Parameters
    ----------
    estimator : classifier
        Any classifier; a clone is fitted. One that cannot be trained on the labels
        themselves, as XGBoost on strings, gets their positions in
        ``np.unique(training_labels_)``; what it predicts is turned back into labels.
    propagator : KMeansLabelPropagator or None, default=None
        Clusters and gets the labels; a clone is fitted. None stands for one with
        default parameters. Its `propagation` and `fraction` are replaced by those
        chosen, its `class_prior` perhaps, see `scoring`.
    propagations : sequence of {"cluster", "graph"}, default=("graph",)
        The rules to try. Without ``"graph"`` no graph of neighbours is built.
    fractions : sequence of float, default=(0.0, 1.0)
        The fractions to try with each rule, in [0, 1]. 0 is the given labels alone,
        the same by every rule, and tried once.
    train_on : {"auto", "samples", "embedding"}, default="auto"
        What the classifier is given, in training and in prediction: the samples as
        they are, or as the propagator's `embedding` makes them. ``"auto"`` compares
        both (where the classifier takes the samples, and there is an embedding; the
        second with the smallest and largest fraction only) and, if the graph rule is
        tried, prediction by the neighbours: without a classifier, and together with
        each that tells probabilities, see the notes.
    selection_estimator : classifier or None, default=None
        Stands in for `estimator` while candidates are compared, if that takes long to
        train. None takes `estimator`.
    selection_max_samples : "auto", int or None, default="auto"
        At most this many samples, drawn at random in each split, take part while
        candidates are compared: each candidate trains on those of them that it keeps,
        and on the given labels. ``"auto"`` takes as many as twice the cost of one
        training on all samples allows, 3,000 at most, see the notes. None trains on all
        that a candidate keeps.
    scoring : {"accuracy", "balanced_accuracy"}, default="accuracy"
        Whether each hidden label counts the same, or each class. If each class does,
        the graph rule is also tried as if classes were of one size, by
        ``class_prior="uniform"``, unless `propagator` has a `class_prior` of its own.
    cv : int or cross-validation splitter, default=5
        Number of folds, each of which hides one part of the labels; there are never
        more folds than labels. Or a splitter of scikit-learn, which splits the labels.
        With ``selection_max_samples="auto"`` a number of folds is lowered as the rows
        demand, down to five, of which some may be left out; a splitter's are all run.
    n_repeats : int, default=1
        How often the labels are dealt out to folds anew; a splitter is not repeated.
        Repeats make the choice steadier; they multiply the number of trainings.
    n_jobs : int or None, default=None
        How many classifiers are trained at the same time, by joblib. The result is
        the same for any number. Keras networks are best trained one at a time.
    random_state : int, RandomState instance or None, default=None
        Deals out the labels; seeds the propagator and the classifiers, where they
        leave theirs None. Pass an int for the same result every time.
    verbose : int, default=0
        If not 0, tells on stderr which stage runs, how far it is, and how long it took.
    sample_weight : {"auto", "confidence"} or None, default="auto"
        ``"confidence"`` weighs each training sample by the propagator's
        `confidence_`, divided by its mean over the samples of the same class, so that
        no class counts for less because it is less sure. The classifier must take
        ``sample_weight`` in `fit`. ``"auto"`` weighs if the classifier, and every
        estimator inside it, takes it; None weighs all the same. A
        `selection_estimator` that takes no weights is trained without.

    Attributes
    ----------
    cv_results_ : dict of str to list or ndarray of shape (n_candidates,)
        One entry for each candidate, the given labels alone first; a table for
        ``pandas.DataFrame``. As in
        :class:`~sklearn.model_selection.GridSearchCV`: ``params``, ``param_*``,
        ``split*_test_score``, ``mean_test_score``, ``std_test_score``,
        ``rank_test_score``. ``train_on`` is what the classifier is given, "neighbors"
        where there is none; ``with_neighbors`` tells whether these predict with it,
        ``equal_classes`` whether labels spread as if classes were of one size. The
        score is described in the notes.
        ``mean_test_accuracy`` is the share of hidden labels predicted right;
        ``mean_test_gain`` is what it is above that of the given labels alone,
        ``sem_test_gain`` its standard error over the labels, and ``sign_test_gain`` the
        gain divided by the standard deviation that it would have if the signs of the
        labels' gains were random (all three are left out if 0 is not one of the
        `fractions`).
    best_index_ : int
        Position of the candidate chosen: that with the highest mean score, the first of
        equals; in doubt one of the graph rule, see the notes.
    best_params_ : dict
        Its ``propagation`` and ``fraction``, parameters of the propagator, and
        ``class_prior``, if that is not the propagator's own.
    best_score_ : float
        Its mean score.
    best_accuracy_ : float
        The share of hidden labels that it predicts right, in [0, 1].
    accuracy_interval_ : tuple of (float, float)
        Wilson's 95 % interval for `best_accuracy_`.
    n_hidden_ : int
        Number of labels that were hidden in turn. If `cv` is a number, and no more than
        about a twelfth of the samples are labelled, these are all labels but the only
        ones of their class, and those of a group with such a class.
    estimator_ : classifier or None
        The classifier, fitted on all labels propagated in the way chosen; None where
        the neighbours predict.
    train_on_ : {"samples", "embedding", "neighbors"}
        What it is given; "neighbors" where `propagator_` predicts without it.
    with_neighbors_ : bool
        Whether the classifier and the neighbours predict together.
    training_indices_ : ndarray of shape (n_training,), dtype=intp
        Positions of the samples that the classifier was trained on, in increasing
        order: the propagator's `sample_indices_`.
    training_labels_ : ndarray of shape (n_training,)
        The labels that it was trained on.
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
    PropagatedClassifier : Propagates by a rule and to a fraction given.
    sklearn.model_selection.GridSearchCV : Searches any parameter, with fresh clusters
        and fresh labels in every fold.

    Notes
    -----
    A hidden label's sample is left out of the training set; its neighbours are not, and
    get the labels that spread from the other samples. The only label of a class is
    never hidden. Such a class takes no part in the comparison, where to name it could
    only be wrong: what counts are probabilities among the others.

    A prediction of a hidden label scores ``1 - (1 - p) ** 2``, where p is the
    probability given to the right class. With few labels many candidates are right
    equally often, and p tells them apart. For a classifier without ``predict_proba``
    p is 1 if the prediction is right, else 0, and so it is for the neighbours beside.

    With ``train_on="auto"`` the neighbours have a say in what a classifier with
    ``predict_proba`` predicts: the mean of its probabilities and those of
    `propagator_` counts. One is often right where the other is wrong.

    Of candidates that differ in their space alone, samples or embedding, the embedding
    goes on, unless the classifier by itself predicts more hidden labels right on the
    samples, by two standard errors. How sure it is tells nothing here: in more features
    it is surer, and not more often right.

    The graph rule is the best one on most data, so that other candidates have to lead
    by more than half a standard error: that of the mean difference of their scores
    over the labels. Where neighbours are compared, the given labels alone have to lead
    by one if all labels were asked for, by half if all were known, else by something
    between: a label that was asked for stands for its cluster, and while it is hidden
    none is left there. How that was found is in
    ``benchmarks/results/choice_ideas.md``.

    By default all trainings of the comparison together take no more rows than twice a
    training on all n samples (on 1,000, if there are fewer): ``2 * n`` rows, less what
    the given labels need in each training, are shared out evenly among the trainings on
    propagated labels, 3,000 at most for each (as many as labels are given, if these are
    more). With a number for `cv`, and more than a twelfth of the samples or
    so labelled, there are fewer folds, or some are left out, so that each training on
    propagated labels takes at least as many of these as there are given ones.

    Choosing the best of several makes its accuracy look a little too good; hiding
    labels makes it look a little too bad, since a classifier has fewer of them in a
    fold than in the end.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = PropagatedClassifierCV(
    ...     LogisticRegression(max_iter=1000),
    ...     KMeansLabelPropagator(n_clusters=50),
    ...     random_state=0,
    ... ).fit(X / 16, y)
    >>> classifier.cv_results_["params"][0]
    {'propagation': 'cluster', 'fraction': 0.0}
    >>> classifier.best_params_["fraction"] > 0
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "get_params"])],
        "propagator": [KMeansLabelPropagator, None],
        "propagations": ["array-like"],
        "fractions": ["array-like"],
        "train_on": [StrOptions({"auto", "samples", "embedding"})],
        "selection_estimator": [HasMethods(["fit", "get_params"]), None],
        "selection_max_samples": [StrOptions({"auto"}), POSITIVE, None],
        "scoring": [StrOptions({"accuracy", "balanced_accuracy"})],
        "cv": [
            Interval(Integral, 2, None, closed="left"),
            HasMethods(["split", "get_n_splits"]),
        ],
        "n_repeats": [POSITIVE],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "sample_weight": [StrOptions({"auto", "confidence"}), None],
    }
    _trained_parts: ClassVar[tuple[str, ...]] = ("estimator", "selection_estimator")

    def __init__(
        self,
        estimator: Any,
        propagator: KMeansLabelPropagator | None = None,
        *,
        propagations: Sequence[str] = ("graph",),
        fractions: Sequence[float] = (0.0, 1.0),
        train_on: str = "auto",
        selection_estimator: Any = None,
        selection_max_samples: int | str | None = "auto",
        scoring: str = "accuracy",
        cv: Any = 5,
        n_repeats: int = 1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        sample_weight: str | None = "auto",
    ) -> None:
        self.estimator = estimator
        self.propagator = propagator
        self.propagations = propagations
        self.fractions = fractions
        self.train_on = train_on
        self.selection_estimator = selection_estimator
        self.selection_max_samples = selection_max_samples
        self.scoring = scoring
        self.cv = cv
        self.n_repeats = n_repeats
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.sample_weight = sample_weight

    @as_task
    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Choose how to propagate, do it, and fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, the propagator's `missing_label` elsewhere.
        sample_ids : array-like of shape (n_samples,), default=None
            Passed to the propagator: what its oracle gets in place of rows.
        groups : array-like of shape (n_samples,), default=None
            What each sample belongs to: a patient, a document, a day. Labels of one
            group are hidden together, so that they are predicted as for a new one.
        **fit_params : dict
            Passed to the classifier's `fit`; of those with one entry per sample, the
            entries of the samples kept. Nobody is asked about a sample whose
            ``sample_weight`` is 0. The samples that a booster validates on
            (``eval_set``, or ``eval_X`` and ``eval_y``) are embedded, and their labels
            encoded, as those that it trains on; those of other classes are left out.
            A `selection_estimator` gets of all these only ``sample_weight``, if it
            takes it. With metadata routing enabled, each gets the parameters that it
            requests.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is illegal, there are fewer than two labels, the classifier
            cannot take ``sample_weight``, or every candidate failed. However the
            training ends, also by an interruption, the labels answered before are in
            `propagator_`, and its ``propagate({})`` spreads them.

        Warns
        -----
        FitFailedWarning
            If the classifier cannot be trained on what some candidates keep. These
            are not chosen.
        UserWarning
            As the propagator does; if the training set lacks classes that `y` holds; if
            `missing_label` is a string, and `y` holds numbers; if no two labels are the
            same: then the first candidate is taken.
        """
        self._check_parameters()
        X = canonical(X)
        routed = self._route_fit_params(X, fit_params)
        if getattr(y, "shape", ())[1:] == (1,):
            warn_user(
                "A column-vector y was passed when a 1d array was expected.",
                DataConversionWarning,
            )
            y = single_column(y)
        group_list = None if groups is None else check_groups(X, groups)
        if groups is None and needs_groups(self.cv):
            raise ValueError(
                f"The 'cv' parameter of {type(self).__name__}, {self.cv!r}, splits by "
                "groups, and 'groups' was not passed to fit."
            )
        rng = check_random_state(self.random_state)
        # An int goes on as it is: PropagatedClassifier can then repeat the result.
        seed = draw_seed(self.random_state)

        rules = _in_order(self.propagations)
        propagator = clone(self._given_propagator())
        self._check_encoding(y, propagator)
        if propagator.random_state is None:
            propagator.set_params(random_state=seed)
        propagator.set_params(propagation="graph" if "graph" in rules else "cluster")
        self._check_what_is_paid(y, propagator)
        with self._labels_kept(propagator):
            with task("getting labels", part=propagator):
                self._ask(propagator, X, y, sample_ids, routed)
            self._check_X(X, propagator, reset=True)
            self._check_number_of_labels(len(propagator.given_))
            classes = self._find_classes(y, propagator)
            comparison = self._make_comparison(
                X, y, group_list, propagator, routed, rng
            )
            best, found = self._choose(comparison, rng)
            with task("propagating labels", part=propagator):
                propagator.set_params(**best.params).propagate({})
            trained = Trained(None, propagator.classes_)
            if best.train_on != "neighbors":
                trained = self._train(
                    X,
                    y,
                    propagator,
                    set_unset(self.estimator, seed),
                    best.train_on,
                    routed["estimator"],
                )
            self._keep(propagator, classes, trained, best.train_on)
            self.with_neighbors_ = best.with_neighbors
            for name, value in found.items():
                setattr(self, name, value)
        return self

    def _make_comparison(
        self,
        X: Any,
        y: ArrayLike | None,
        groups: list[Any] | None,
        propagator: KMeansLabelPropagator,
        routed: dict[str, dict[str, Any]],
        rng: np.random.RandomState,
    ) -> Comparison:
        given = propagator.given_
        part = (
            "estimator" if self.selection_estimator is None else "selection_estimator"
        )
        compared = getattr(self, part)

        spaces = self._spaces(X, propagator)
        params_in = dict.fromkeys(spaces, routed[part])
        if "embedding" in spaces:
            params_in["embedding"] = embed_eval_set(routed[part], propagator.embed)

        def params_of(used: TrainingSet, train_on: str) -> dict[str, Any]:
            params, (at, codes, confidence, _) = params_in[train_on], used
            return self._params_of_samples(X, params, at, codes, confidence, compared)

        candidates = list_candidates(
            _in_order(self.propagations),
            self.fractions,
            spaces,
            all(hasattr(part, "predict_proba") for part in (self.estimator, compared)),
            # Nothing but the default: who knows the sizes of classes has told them.
            self.scoring == "balanced_accuracy"
            and propagator.class_prior == "estimated",
        )
        own_groups = None
        if groups is not None:
            own_groups = number_groups([groups[i] for i in given.positions])
        n_samples = len(propagator.clusters_)
        if self.selection_max_samples == "auto":
            n_rows = 2 * max(n_samples, _FEW_SAMPLES)
            is_hidden, max_samples = affordable_folds(
                given, self.cv, own_groups, candidates, n_rows, rng, self.n_repeats
            )
        else:
            is_hidden = hiding_folds(given, self.cv, own_groups, rng, self.n_repeats)
            max_samples = int(self.selection_max_samples or n_samples)
        return Comparison(
            X=X,
            y=y,
            clusters=propagator.clusters_,
            given=given,
            spread_params={
                "alpha": propagator.alpha,
                "class_prior": propagator.class_prior,
            },
            estimator=compared,
            params_of=params_of,
            is_hidden=is_hidden,
            groups=own_groups,
            candidates=candidates,
            max_samples=max_samples,
            share_asked=1 - propagator.n_known_ / len(given),
            n_jobs=self.n_jobs,
            is_seeded=self.random_state is not None,
            verbose=self.verbose,
        )

    def _spaces(self, X: Any, propagator: KMeansLabelPropagator) -> list[str]:
        """List what the classifier may be given."""
        if self.train_on != "auto":
            return [plain(self.train_on)]
        spaces = ["samples"] if self._takes_samples(X) else []
        # A Pipeline knows the samples, and may not know their embedding.
        is_prepared = isinstance(self.estimator, Pipeline)
        is_other = propagator.embedding_ is not None and not is_prepared
        if is_other or not spaces:
            spaces.append("embedding")
        return [*spaces, "neighbors"]

    def _choose(
        self, comparison: Comparison, rng: np.random.RandomState
    ) -> tuple[Candidate, dict[str, Any]]:
        """Compare the candidates; return the best, and the attributes that tell why."""
        candidates, is_hidden = comparison.candidates, comparison.is_hidden
        is_scored = is_hidden.any(axis=0)
        n_labels = len(comparison.given)
        if not is_scored.any():
            warn_user(
                f"None of the {n_labels} labels can be hidden and predicted from the "
                "others: no two of them (or of different groups) are the same. There "
                f"is nothing to choose by; {candidates[0]} is taken. More labels help."
            )
        outcome, errors = comparison.run(rng)
        warn_of_failures(errors, candidates, len(is_hidden))
        outcome = Outcome(*(values[..., is_scored] for values in outcome))
        weights = label_weights(comparison.given.codes[is_scored], self.scoring)
        groups = None if comparison.groups is None else comparison.groups[is_scored]
        results = tabulate(outcome, weights, candidates, groups)
        scores, sums = pool_groups(
            mean_over_splits(selection_scores(outcome)), weights, groups
        )
        own, _ = pool_groups(mean_over_splits(outcome.own), weights, groups)
        best = choose(scores, sums, candidates, comparison.share_asked, own)
        accuracy = float(np.minimum(results["mean_test_accuracy"][best], 1))  # rounding
        n_hidden = int(is_scored.sum())
        codes = comparison.given.codes
        n_unknown = int((~np.isin(codes, codes[is_scored])).sum())
        return candidates[best], {
            "cv_results_": results,
            "best_index_": best,
            "best_params_": candidates[best].params,
            "best_score_": float(results["mean_test_score"][best]),
            "best_accuracy_": accuracy,
            "accuracy_interval_": (
                wilson_interval(accuracy, 1 / float(sums @ sums))
                if n_hidden
                else (0.0, 1.0)
            ),
            "n_hidden_": n_hidden,
            # What the summary tells, and a later set_params must not change.
            "_counted": (n_unknown, n_hidden, self.scoring),
            "_has_groups": groups is not None,
        }

    def _check_what_is_paid(self, y: ArrayLike | None, propagator: Any) -> None:
        """Refuse, before anybody is asked, what cannot do with any answers."""
        validate_estimator_parameters(propagator)
        n_known = 0
        if y is not None and propagator.reuse_labels:
            n_known = len(check_labels(y, propagator.missing_label)[0])
        if propagator.clusterer is None and propagator.n_clusters + n_known == 1:
            self._check_number_of_labels(1)
        check_splitter(self.cv, propagator.n_clusters + n_known)

    def _check_number_of_labels(self, n_labels: int) -> None:
        if n_labels < 2:
            raise ValueError(
                f"{type(self).__name__} needs two labels or more, to hide some and "
                f"predict them from the others. Got {n_labels} instead. More labels "
                "come with y, or with an oracle and a larger n_clusters; "
                "PropagatedClassifier does without a comparison."
            )

    def summary(self) -> str:
        """Tell in plain words what was chosen, and how sure that is.

        Returns
        -------
        text : str
            Several lines: the choice; the accuracy to expect; how the choice compares
            with the given labels alone; where propagation hurts.

        Examples
        --------
        >>> from sklearn.datasets import make_blobs
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
        >>> X, y = make_blobs(300, centers=3, cluster_std=0.5, random_state=1)
        >>> classifier = PropagatedClassifierCV(
        ...     GaussianNB(), KMeansLabelPropagator(20), random_state=0
        ... ).fit(X, y)
        >>> print(classifier.summary().splitlines()[6])
        Estimated accuracy: 100 % (95 % interval 84 to 100 %).
        """
        text = super().summary()
        n_unknown, n_hidden, scoring = self._counted
        fitted = self.propagator_
        return "\n".join(
            [
                text,
                *describe_choice(
                    self.cv_results_,
                    self.best_index_,
                    self.best_accuracy_,
                    self.accuracy_interval_,
                    scoring,
                ),
                *describe_labels(
                    n_unknown,
                    n_hidden,
                    scoring,
                    fitted.n_known_ == 0,
                    share_of_copies(fitted.clusters_, fitted.given_),
                ),
                *describe_usual(
                    fitted.given_,
                    self.accuracy_interval_[0] if n_hidden else np.nan,
                    scoring,
                ),
                *describe_failures(self.cv_results_),
                *describe_gains(self.cv_results_, self.best_index_),
                *describe_next_labels(fitted, self._has_groups),
            ]
        )

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_instances(self, "cv")
        propagations = _in_order(self.propagations)
        fractions: list[Any] = list(self.fractions)
        if not propagations or not all(
            isinstance(rule, str) and rule in _RULES for rule in propagations
        ):
            raise ValueError(
                f"The 'propagations' parameter of {type(self).__name__} must hold one "
                f"or more of {list(_RULES)}. Got {self.propagations!r} instead."
            )
        if not fractions or not all(
            isinstance(fraction, int | float | np.number) and 0 <= fraction <= 1
            for fraction in fractions
        ):
            raise ValueError(
                f"The 'fractions' parameter of {type(self).__name__} must hold one or "
                f"more numbers in the range [0, 1]. Got {self.fractions!r} instead."
            )


def _in_order(propagations: Iterable[Any]) -> list[Any]:
    """List rules in the order given; sets have none, and ties must not be random."""
    if isinstance(propagations, Set):
        return sorted(propagations, key=str)
    return [plain(rule) for rule in propagations]
