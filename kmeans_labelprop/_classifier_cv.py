"""Choose how far to propagate by the labels already paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from math import sqrt
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, FitFailedWarning
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._classifier import PropagatedClassifier
from ._containers import single_column, take_rows
from ._correction import N_FOLDS, correct_labels, deal_out, take_corrected
from ._messages import stage, warn_user
from ._propagator import KMeansLabelPropagator, Spread
from ._validation import (
    HasMethods,
    Interval,
    StrOptions,
)

_RULES = ("cluster", "graph")
_CORRECTIONS = {
    None: "",
    "drop": ", doubtful labels dropped",
    "relabel": ", doubtful labels changed",
}
_MAX_SEED = np.iinfo(np.int32).max


class Candidate(NamedTuple):
    """One way to make a training set of the representatives' labels.

    Attributes
    ----------
    propagation : str
        The rule.
    fraction : float
        The share of each cluster that keeps its label.
    correction : {"drop", "relabel"} or None
        What happens to labels that classifiers trained on the others do not predict.
    """

    propagation: str
    fraction: float
    correction: str | None = None

    def __str__(self) -> str:
        if self.fraction == 0:
            return "the representatives alone"
        corrected = _CORRECTIONS[self.correction]
        return f"{self.propagation} at fraction {self.fraction:g}{corrected}"


class TrainingSet(NamedTuple):
    """The samples that a candidate trains on while some labels are hidden.

    Attributes
    ----------
    positions : ndarray of shape (n_kept,), dtype=intp
        Positions of the samples.
    codes : ndarray of shape (n_kept,), dtype=intp
        Their classes.
    confidence : ndarray of shape (n_kept,), dtype=float64
        The confidence in these classes.
    is_given : ndarray of shape (n_kept,), dtype=bool
        Which labels were given, not propagated.
    """

    positions: NDArray[np.intp]
    codes: NDArray[np.intp]
    confidence: NDArray[np.float64]
    is_given: NDArray[np.bool_]


class Correcting(NamedTuple):
    """How the labels of a training set are corrected.

    Attributes
    ----------
    corrector : classifier
        Predicts labels.
    classes : ndarray of shape (n_classes,)
        The labels there are, sorted.
    fit_params : dict of str to object
        Passed to the corrector's `fit`.
    correction : {"drop", "relabel"}
        What happens to labels that are not predicted.
    seed : int
        Deals the samples out to folds.
    """

    corrector: Any
    classes: NDArray[Any]
    fit_params: dict[str, Any]
    correction: str
    seed: int


class Outcome(NamedTuple):
    """How hidden labels were predicted.

    Attributes
    ----------
    correct : ndarray of shape (..., n_labels), dtype=float64
        1 where the prediction is right, else 0.
    probability : ndarray of shape (..., n_labels), dtype=float64
        The probability given to the right class; `correct` where the classifier
        tells none.
    """

    correct: NDArray[np.float64]
    probability: NDArray[np.float64]


def list_candidates(
    propagations: Iterable[str],
    fractions: Iterable[float],
    corrections: Iterable[str | None] = (None,),
) -> list[Candidate]:
    """Combine all there is to try, the representatives alone first and once.

    Parameters
    ----------
    propagations : iterable of str
        The rules.
    fractions : iterable of float
        The fractions. 0 is the same by every rule, and nothing is to correct then.
    corrections : iterable of {"drop", "relabel"} or None, default=(None,)
        The corrections.

    Returns
    -------
    candidates : list of Candidate
        Correction by correction, none first; then rule by rule, smaller fractions
        first.
    """
    in_order = sorted({float(fraction) for fraction in fractions})
    candidates = [Candidate("cluster", 0.0)] if in_order[0] == 0 else []
    return candidates + [
        Candidate(propagation, fraction, correction)
        for correction in sorted(set(corrections), key=list(_CORRECTIONS).index)
        for propagation in dict.fromkeys(propagations)
        for fraction in in_order
        if fraction > 0
    ]


def assign_folds(
    codes: NDArray[np.intp], n_folds: int, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """Deal labels out to folds at random, those of each class evenly.

    Parameters
    ----------
    codes : ndarray of shape (n_representatives,), dtype=intp
        The class of each representative; -1 where it has none.
    n_folds : int
        Number of folds at most: there are no more than labels to deal out.
    rng : RandomState
        Shuffles.

    Returns
    -------
    folds : ndarray of shape (n_representatives,), dtype=intp
        The fold of each label, from 0; sizes differ by 1 at most. -1 for a label that
        is never hidden: it is missing, or the only one of its class, which nobody
        could predict without it.
    """
    counts = np.bincount(codes[codes >= 0])
    is_dealt = codes >= 0
    is_dealt[is_dealt] = counts[codes[is_dealt]] > 1
    return deal_out(codes, is_dealt, n_folds, rng)


def training_sets(
    propagator: KMeansLabelPropagator,
    codes: NDArray[np.intp],
    is_hidden: NDArray[np.bool_],
    candidates: Sequence[Candidate],
) -> Iterator[TrainingSet]:
    """Propagate without the hidden labels, once for each candidate.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has clusters, representatives and, for that rule, a graph.
    codes : ndarray of shape (n_representatives,), dtype=intp
        The class of each representative; -1 where it has none.
    is_hidden : ndarray of shape (n_representatives,), dtype=bool
        Which labels are taken away. Their samples are in no training set.
    candidates : sequence of Candidate
        Rules and fractions; labels are not corrected yet.

    Yields
    ------
    training_set : TrainingSet
        What to train on, in the order of the candidates.
    """
    visible = np.where(is_hidden, -1, codes)
    representatives = propagator.representative_indices_
    labelled = representatives[visible >= 0]
    spreads: dict[str, Spread] = {}
    for propagation, fraction, _ in candidates:
        if propagation not in spreads:
            spreads[propagation] = propagator._spread(visible, propagation)
        spread = spreads[propagation]
        kept = propagator._find_kept(spread, labelled, fraction)
        kept = np.setdiff1d(kept, representatives[is_hidden], assume_unique=True)
        yield TrainingSet(
            kept,
            spread.codes[kept],
            spread.confidence[kept],
            np.isin(kept, labelled, assume_unique=True),
        )


def thin_out(training_set: TrainingSet, is_drawn: NDArray[np.bool_]) -> TrainingSet:
    """Take part of a training set, all given labels included.

    Parameters
    ----------
    training_set : TrainingSet
        What there is to train on.
    is_drawn : ndarray of shape (n_samples,), dtype=bool
        Which samples take part. The same for all candidates: one that keeps fewer
        samples trains on fewer of these, too, and no candidate gains by filling its
        share with purer labels.

    Returns
    -------
    smaller : TrainingSet
        What is left, positions in increasing order.
    """
    positions, codes, confidence, is_given = training_set
    taken = is_drawn[positions] | is_given
    return TrainingSet(
        positions[taken], codes[taken], confidence[taken], is_given[taken]
    )


def predict_hidden(
    estimator: Any,
    X: Any,
    y_train: Any,
    training_set: TrainingSet,
    hidden: NDArray[np.intp],
    labels: NDArray[Any],
    fit_params: dict[str, Any],
    correcting: Correcting | None = None,
) -> Outcome:
    """Train on some samples and predict others.

    Parameters
    ----------
    estimator : classifier
        Is fitted, unless all labels are of one class: that class is predicted then.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples.
    y_train : array-like of shape (n_train,)
        Labels to train on.
    training_set : TrainingSet
        The samples to train on.
    hidden : ndarray of shape (n_hidden,), dtype=intp
        Positions of the samples to predict.
    labels : ndarray of shape (n_hidden,)
        Their true labels.
    fit_params : dict of str to object
        Passed to `fit`.
    correcting : Correcting or None, default=None
        Corrects the labels to train on.

    Returns
    -------
    outcome : Outcome
        For each hidden label, in arrays of shape (n_hidden,).
    """
    seen = np.unique(np.asarray(y_train))
    if len(seen) == 1:
        correct = (labels == seen[0]).astype(np.float64)
        return Outcome(correct, correct)
    X_train, X_hidden = take_rows(X, training_set.positions), take_rows(X, hidden)
    if correcting is not None:
        corrector, classes, corrector_params, correction, seed = correcting
        corrected = correct_labels(
            corrector,
            X_train,
            y_train,
            classes,
            training_set.codes,
            training_set.is_given,
            corrector_params,
            correction,
            check_random_state(seed),
        )
        X_train, y_train, fit_params = take_corrected(
            X_train, y_train, classes, corrected, fit_params
        )
    estimator.fit(X_train, y_train, **fit_params)
    predicted = np.asarray(estimator.predict(X_hidden)).reshape(len(hidden))
    correct = (predicted == labels).astype(np.float64)
    if not hasattr(estimator, "predict_proba") or not hasattr(estimator, "classes_"):
        return Outcome(correct, correct)
    # scikeras gives a single row as one dimension.
    columns = np.atleast_2d(estimator.predict_proba(X_hidden))
    is_class = labels[:, np.newaxis] == np.asarray(estimator.classes_)
    return Outcome(correct, (columns * is_class).sum(axis=1))


def predict_or_fail(*arguments: Any) -> Outcome | Exception:
    """Do as `predict_hidden` does; if that fails, return the error.

    A classifier that cannot be trained on what one candidate keeps may do with what
    others keep: the representatives alone are few.

    Parameters
    ----------
    *arguments : object
        Those of `predict_hidden`.

    Returns
    -------
    outcome : Outcome or Exception
        What it returns or raises.
    """
    try:
        return predict_hidden(*arguments)
    except Exception as error:  # of any classifier; told in a warning
        return error


def label_weights(codes: NDArray[np.intp], scoring: str) -> NDArray[np.float64]:
    """Weigh hidden labels: each the same, or each class the same.

    Parameters
    ----------
    codes : ndarray of shape (n_labels,), dtype=intp
        The class of each hidden label.
    scoring : {"accuracy", "balanced_accuracy"}
        What the weighted mean of right predictions is to be.

    Returns
    -------
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights that sum to 1.
    """
    if scoring == "accuracy":
        return np.ones(len(codes)) / len(codes)
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / counts[inverse] / len(counts)
    return weights


def selection_scores(outcome: Outcome) -> NDArray[np.float64]:
    """Score each prediction: half for being right, half for how sure it was of it.

    The score is ``(c + 1 - (1 - p) ** 2) / 2``, where c is 1 for a right prediction,
    else 0, and p the probability given to the right class. Few labels make few
    different accuracies, and a single label decides between candidates; p tells them
    apart earlier. Its part is concave: being surer pays less and less, as propagated
    labels make many classifiers surer than they ought to be.

    Parameters
    ----------
    outcome : Outcome
        How the hidden labels were predicted.

    Returns
    -------
    scores : ndarray of the same shape, dtype=float64
        In [0, 1]; 1 for a right and certain prediction.
    """
    return (outcome.correct + 1 - (1 - outcome.probability) ** 2) / 2


def smooth_scores(
    scores: NDArray[np.float64], candidates: Sequence[Candidate]
) -> NDArray[np.float64]:
    """Smooth scores over the fractions of each rule.

    Few labels make noisy scores, and the best of many is best by luck in part. How a
    score changes with the fraction is mostly steady, so candidates of the same rule
    and correction tell of each other: a smoothed score is half the mean of them, a
    quarter the straight line through them, and a quarter the score itself.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates,), dtype=float64
        The scores; NaN where a candidate failed.
    candidates : sequence of Candidate
        Their candidates. The representatives alone keep their score.

    Returns
    -------
    smoothed : ndarray of shape (n_candidates,), dtype=float64
        The smoothed scores.
    """
    smoothed = scores.copy()
    families: dict[tuple[str, str | None], list[int]] = {}
    for index, (propagation, fraction, correction) in enumerate(candidates):
        if fraction > 0 and not np.isnan(scores[index]):
            families.setdefault((propagation, correction), []).append(index)
    for family in families.values():
        own = scores[family]
        offsets = np.array([candidates[index].fraction for index in family])
        offsets -= offsets.mean()
        spread = float(offsets @ offsets)
        slope = offsets @ own / spread if spread else 0.0
        smoothed[family] = 0.75 * own.mean() + 0.25 * slope * offsets + 0.25 * own
    return smoothed


def choose(
    outcome: Outcome,
    weights: NDArray[np.float64],
    candidates: Sequence[Candidate],
    smoothed: NDArray[np.float64],
) -> int:
    """Choose the highest score; in doubt, the graph rule's.

    The graph rule is the best one on most data, and a few dozen labels hardly tell the
    candidates apart. So the cluster rule has to lead by more than one standard error,
    as the larger tree has to in the rule of Breiman et al. [1]_. The representatives
    alone have to lead by more than half of one: where the data has no clusters, no
    other choice is a good one.

    Parameters
    ----------
    outcome : Outcome
        Of each label, in arrays of shape (n_repeats, n_candidates, n_labels).
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels; they sum to 1.
    candidates : sequence of Candidate
        The candidates.
    smoothed : ndarray of shape (n_candidates,), dtype=float64
        Their smoothed scores; NaN where a candidate failed.

    Returns
    -------
    index : int
        Position of the candidate; of equal scores the first. If nothing is known, the
        first of all.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and
       Regression Trees", 1984, section 3.4.3.
    """
    comparable = _comparable(smoothed)
    best = int(comparable.argmax())
    of_graph = [i for i, c in enumerate(candidates) if c.propagation == "graph"]
    if best in of_graph or not of_graph or not len(weights):
        return best
    rival = of_graph[int(comparable[of_graph].argmax())]
    scores = selection_scores(outcome).mean(axis=0)
    # The representatives alone may lead by enough where the best one does not.
    alone = [i for i, c in enumerate(candidates) if c.fraction == 0]
    for leader in (best, *alone):
        error = _standard_error(scores[leader] - scores[rival], weights)
        doubt = error / 2 if leader in alone else error
        lead = comparable[leader] - comparable[rival]
        # No doubt if no candidate of the graph rule could be trained: NaN is not near.
        if lead > 0 and not lead <= doubt:
            return leader
    return rival


def tabulate(
    outcome: Outcome,
    folds: NDArray[np.intp],
    weights: NDArray[np.float64],
    candidates: Sequence[Candidate],
) -> dict[str, Any]:
    """Put the scores of all candidates into a table like GridSearchCV's.

    Parameters
    ----------
    outcome : Outcome
        Of each label, in arrays of shape (n_repeats, n_candidates, n_labels); NaN
        where a candidate failed.
    folds : ndarray of shape (n_repeats, n_labels), dtype=intp
        In which fold of each repeat each label was hidden.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels; they sum to 1.
    candidates : sequence of Candidate
        The candidates.

    Returns
    -------
    results : dict of str to list or ndarray of shape (n_candidates,)
        ``params``, ``param_*``, ``split*_test_score``, ``mean_test_score`` and so on.
    """
    scores = selection_scores(outcome)
    splits = []
    for repeat, fold_of in enumerate(folds):
        for fold in range(fold_of.max(initial=-1) + 1):
            is_in = fold_of == fold
            splits.append(
                np.average(scores[repeat][:, is_in], axis=1, weights=weights[is_in])
            )
    # Each label counts once, not each split: these may differ in size.
    mean_score = _weighted_mean(scores.mean(axis=0), weights)
    smoothed_score = smooth_scores(mean_score, candidates)
    results: dict[str, Any] = {
        "params": [_propagator_params(candidate) for candidate in candidates],
        "param_propagation": np.ma.array(
            [candidate.propagation for candidate in candidates], dtype=object
        ),
        "param_fraction": np.ma.array([c.fraction for c in candidates]),
        "param_correction": np.ma.array(
            [candidate.correction for candidate in candidates], dtype=object
        ),
    }
    results |= {f"split{i}_test_score": split for i, split in enumerate(splits)}
    results |= {
        "mean_test_score": mean_score,
        "std_test_score": np.std(splits, axis=0) if splits else mean_score,
        "smoothed_test_score": smoothed_score,
        "rank_test_score": rankdata(-_comparable(smoothed_score), method="min").astype(
            int
        ),
    }
    share_correct = outcome.correct.mean(axis=0)
    results["mean_test_accuracy"] = _weighted_mean(share_correct, weights)
    if candidates[0].fraction == 0:
        gains = share_correct - share_correct[0]
        results["mean_test_gain"] = _weighted_mean(gains, weights)
        results["sem_test_gain"] = _standard_error(gains, weights)
        results["pvalue_test_gain"] = sign_flip_p_values(gains, weights)
    return results


def sign_flip_p_values(
    differences: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Test which paired differences are not 0 on average, by turning their signs [1]_.

    If neither of two candidates is better, each difference could as well have the other
    sign. That takes symmetry, and labels that do not hang together, but no normal
    distribution: labels are few, and most of them predicted alike. All candidates are
    turned together, and each is compared with the farthest of them [2]_, so that the
    more are compared, the more it takes.

    Parameters
    ----------
    differences : ndarray of shape (n_candidates, n_labels), dtype=float64
        One for each label; NaN for a candidate that failed.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels.

    Returns
    -------
    p_values : ndarray of shape (n_candidates,), dtype=float64
        Two-sided, from 9,999 draws and what was found; NaN for what failed, or without
        labels. That any of them is at most p has a probability of about p at most.

    References
    ----------
    .. [1] R. A. Fisher, "The Design of Experiments", 1935, section 21.
    .. [2] P. H. Westfall and S. S. Young, "Resampling-Based Multiple Testing", 1993.
    """
    p_values = np.full(len(differences), np.nan)
    if not len(weights):
        return p_values
    is_known = ~np.isnan(differences).any(axis=1)
    terms = differences[is_known] * weights
    spread = np.sqrt((terms**2).sum(axis=1))
    terms /= np.where(spread > 0, spread, 1)[:, np.newaxis]
    found = np.abs(terms.sum(axis=1))
    rng = np.random.default_rng(0)
    n_as_far = np.ones(len(found))
    for _ in range(99):  # in parts, for the memory of many labels
        signs = rng.choice([-1.0, 1.0], size=(101, terms.shape[1]))
        farthest = np.abs(signs @ terms.T).max(axis=1, initial=0.0)
        n_as_far += (farthest[:, np.newaxis] >= found - 1e-9).sum(axis=0)
    p_values[is_known] = n_as_far / 10_000
    return p_values


def _comparable(smoothed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make scores comparable: rounding must not decide, what failed comes last."""
    return np.nan_to_num(smoothed, nan=-1).round(9)


def _propagator_params(candidate: Candidate) -> dict[str, Any]:
    return {"propagation": candidate.propagation, "fraction": candidate.fraction}


def _listed_candidates(results: dict[str, Any]) -> list[Candidate]:
    """Make the candidates anew from their table."""
    names = ("param_propagation", "param_fraction", "param_correction")
    return [
        Candidate(*values)
        for values in zip(*(results[name] for name in names), strict=True)
    ]


def _weighted_mean(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average over labels, the last axis; NaN if there are none."""
    if not len(weights):
        return np.full(values.shape[:-1], np.nan)
    return values @ weights


def _standard_error(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Estimate how far the average over labels, the last axis, is off by chance."""
    deviations = values - _weighted_mean(values, weights)[..., np.newaxis]
    error: NDArray[np.float64] = np.sqrt(((deviations * weights) ** 2).sum(axis=-1))
    return error


def wilson_interval(
    share: float, n_labels: float, z: float = 1.96
) -> tuple[float, float]:
    """Compute Wilson's 95 % interval for a share [1]_.

    Parameters
    ----------
    share : float
        The share observed, in [0, 1].
    n_labels : float
        Of how many.
    z : float, default=1.96
        Quantile of the normal distribution.

    Returns
    -------
    low, high : float
        The ends of the interval, in [0, 1].

    References
    ----------
    .. [1] E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
       Inference", JASA 22, 1927.
    """
    center = share + z**2 / (2 * n_labels)
    half_width = z * sqrt(share * (1 - share) / n_labels + z**2 / (4 * n_labels**2))
    scale = 1 + z**2 / n_labels
    return max(0.0, (center - half_width) / scale), min(
        1.0, (center + half_width) / scale
    )


def with_seed(estimator: Any, seed: int | None) -> Any:
    """Clone an estimator, and set each ``random_state`` that is None.

    Parameters
    ----------
    estimator : estimator
        Is cloned.
    seed : int or None
        The seed. With None the clone is left as it is.

    Returns
    -------
    clone : estimator
        The clone.
    """
    estimator = clone(estimator)
    if seed is None:
        return estimator
    unset = {
        key: seed
        for key, value in estimator.get_params(deep=True).items()
        if value is None and key.rpartition("__")[2] == "random_state"
    }
    return estimator.set_params(**unset) if unset else estimator


def propagate_by(propagator: KMeansLabelPropagator, chosen: Candidate) -> None:
    """Complete a propagator's fit by the rule and to the fraction chosen.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has clusters, representatives and their labels.
    chosen : Candidate
        Its rule and fraction become the propagator's.
    """
    propagator.set_params(**_propagator_params(chosen))
    if chosen.propagation == "cluster":
        propagator._graph = None  # as if it had been fitted for that rule alone
    propagator._propagate_answers({})


def describe_choice(
    results: dict[str, Any],
    best: int,
    accuracy: float,
    interval: tuple[float, float],
    scoring: str,
) -> Iterator[str]:
    """Say what was chosen, and the accuracy to expect of it.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.
    best : int
        Which candidate was chosen.
    accuracy : float
        Share of hidden labels that it predicts right; NaN if none was hidden.
    interval : tuple of (float, float)
        The interval of that share.
    scoring : {"accuracy", "balanced_accuracy"}
        Whether it is of the labels, or an average over the classes.

    Yields
    ------
    line : str
        One line of text.
    """
    candidates = _listed_candidates(results)
    yield f"Chosen of {len(candidates)} candidates: {candidates[best]}."
    if results["rank_test_score"][best] > 1:
        leading = candidates[int(np.argmin(results["rank_test_score"]))]
        yield f"  Ahead of it, but by too little to tell: {leading}."
        yield "  In doubt the graph rule is taken."
    if np.isnan(accuracy):
        yield "Nothing is known of them: no two labels are the same."
        return
    low, high = interval
    what = "accuracy" if scoring == "accuracy" else "balanced accuracy"
    yield (
        f"Estimated {what}: {100 * accuracy:.0f} % (95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %)."
    )


def describe_labels(n_labels: int, n_hidden: int, scoring: str) -> Iterator[str]:
    """Say what the estimate is counted on.

    Parameters
    ----------
    n_labels : int
        Number of labels of representatives.
    n_hidden : int
        How many of them were hidden in turn.
    scoring : {"accuracy", "balanced_accuracy"}
        What counts the same.

    Yields
    ------
    line : str
        One line of text.
    """
    if not n_hidden:
        return
    each = "label" if scoring == "accuracy" else "class"
    yield (
        f"  Counted on {n_hidden} labels, each predicted while it was hidden; each "
        f"{each} counts the same."
    )
    if n_hidden < n_labels:
        yield (
            f"  {n_labels - n_hidden} more are the only ones of their class: nothing "
            "is known of how well these classes are predicted."
        )
    yield (
        "  They are of typical samples, the representatives; on others accuracy may be "
        "lower."
    )
    yield "  For a number to report, label a random sample."


def describe_failures(results: dict[str, Any]) -> Iterator[str]:
    """Say which candidates could not be compared.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.

    Yields
    ------
    line : str
        One line of text.
    """
    is_failed = np.isnan(results["mean_test_score"])
    if is_failed.all():  # nothing was hidden
        return
    for candidate, failed in zip(_listed_candidates(results), is_failed, strict=True):
        if failed:
            yield f"Not compared, since its training failed: {candidate}."


def describe_gains(results: dict[str, Any], best: int) -> Iterator[str]:
    """Say how candidates compare with the representatives alone.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.
    best : int
        Which candidate was chosen.

    Yields
    ------
    line : str
        One line of text.
    """
    if "mean_test_gain" not in results or len(results["params"]) == 1:
        return
    gains, errors = results["mean_test_gain"], results["sem_test_gain"]
    if np.isnan(gains[0]) or np.isnan(gains[1:]).all():
        return
    names = [str(candidate) for candidate in _listed_candidates(results)]

    def points(candidate: Any) -> str:
        gain = round(100 * gains[candidate], 1) + 0.0  # no "-0.0"
        return f"{gain:+.1f} ± {100 * errors[candidate]:.1f} points"

    # The best propagation there is, if none was chosen.
    other = best if best else 1 + int(np.nanargmax(results["smoothed_test_score"][1:]))
    is_clear = results["pvalue_test_gain"] <= 0.05  # false for NaN
    if not is_clear[other]:
        verdict = "the labels cannot tell them apart"
    else:
        verdict = "better" if gains[other] > 0 else "worse"
    yield f"Against the representatives alone, {names[other]}: {points(other)}"
    yield f"  (mean and standard error over the same hidden labels): {verdict}."
    hurts = np.flatnonzero((gains < 0) & is_clear).tolist()
    if hurts:
        everywhere = len(hurts) == len(names) - 1
        yield "Propagation would hurt here" + (":" if everywhere else " with")
        for candidate in hurts:
            yield f"  {names[candidate]}: {points(candidate)}"


class PropagatedClassifierCV(PropagatedClassifier):
    """Train a classifier on labels propagated as far as cross-validation says.

    Propagation pays on some data and hurts on others. This estimator tries several
    rules and fractions, fraction 0 (the representatives alone) among them, by
    cross-validation over the labels that are there anyway: some are hidden, the rest
    is propagated without them, a classifier is trained, and has to predict the hidden
    ones. Then all labels are propagated in the way that did best. The samples are
    clustered once and the oracle is asked once: it costs no extra label.

    Read more in the :ref:`User Guide <choosing>`.

    Parameters
    ----------
    estimator : classifier
        Any classifier; a clone is fitted.
    propagator : KMeansLabelPropagator or None, default=None
        Clusters and gets the labels; a clone is fitted. None stands for one with
        default parameters. Its `propagation` and `fraction` are replaced by those
        chosen.
    propagations : sequence of {"cluster", "graph"}, default=("cluster", "graph")
        The rules to try. Without ``"graph"`` no graph of neighbours is built.
    fractions : sequence of float, default=(0.0, 0.3, 0.7, 1.0)
        The fractions to try with each rule, in [0, 1]. 0 is the representatives
        alone, the same by every rule, and tried once.
    corrections : sequence of {"drop", "relabel"} or None, default=(None,)
        The corrections to try with each rule and fraction but 0: what happens to
        propagated labels that classifiers trained on other samples do not predict,
        see :class:`PropagatedClassifier`. Each adds three fits to that of a candidate.
    corrector : classifier or None, default=None
        Predicts the labels for a correction. None stands for the `estimator`.
    selection_estimator : classifier or None, default=None
        Stands in for `estimator` and `corrector` while candidates are compared, if
        these take long to train. None takes `estimator`.
    selection_space : {"samples", "embedding"}, default="samples"
        What is given to the `selection_estimator`: the samples as they are, or as the
        propagator's `embedding` makes them, once.
    selection_max_samples : int or None, default=None
        At most this many samples, drawn at random in each fold, take part while
        candidates are compared: each candidate trains on those of them that it keeps,
        and on the representatives. None trains on all that a candidate keeps.
    scoring : {"accuracy", "balanced_accuracy"}, default="accuracy"
        Whether each hidden label counts the same, or each class.
    cv : int, default=5
        Number of folds: each hides one part of the labels. There are never more folds
        than labels.
    n_repeats : int, default=3
        How often the labels are dealt out to folds anew. Repeats make the choice
        steadier; they multiply the time.
    n_jobs : int or None, default=None
        How many classifiers are trained at the same time, by joblib. The result is
        the same for any number. Keras networks are best trained one at a time.
    random_state : int, RandomState instance or None, default=None
        Deals out the labels; seeds the propagator and the classifiers, where they
        leave theirs None. Pass an int for the same result every time.
    verbose : int, default=0
        If not 0, tells on stderr which stage runs and how long it took.
    sample_weight : {"auto", "confidence"} or None, default="auto"
        ``"confidence"`` weighs each training sample by the propagator's
        `confidence_`, divided by its mean over the samples of the same class, so that
        no class counts for less because it is less sure. The classifier must take
        ``sample_weight`` in `fit`. ``"auto"`` weighs if the classifier, and every
        estimator inside it, takes it; None weighs all the same. A `corrector` or
        `selection_estimator` that takes no weights is trained without.

    Attributes
    ----------
    cv_results_ : dict of str to list or ndarray of shape (n_candidates,)
        One entry for each candidate, the representatives alone first; a table for
        ``pandas.DataFrame``. As in
        :class:`~sklearn.model_selection.GridSearchCV`: ``params``, ``param_*``,
        ``split*_test_score``, ``mean_test_score``, ``std_test_score``,
        ``rank_test_score``. The score is described in the notes;
        ``smoothed_test_score``, by which candidates are ranked, is, too.
        ``mean_test_accuracy`` is the share of hidden labels predicted right;
        ``mean_test_gain`` is what it is above that of the representatives alone,
        ``sem_test_gain`` its standard error over the labels, and ``pvalue_test_gain``
        that of a two-sided test whether chance could have made it, by turning the signs
        of the labels' gains, adjusted for the number of candidates (all three are left
        out if 0 is not one of the `fractions`).
    best_index_ : int
        Position of the candidate chosen: that with the highest smoothed score, the
        first of equals. If that is none of the graph rule, but the best of the graph
        rule is no more than one standard error behind (half of one behind the
        representatives alone), it is the latter.
    best_params_ : dict
        Its ``propagation`` and ``fraction``, parameters of the propagator.
    best_correction_ : {"drop", "relabel"} or None
        Its correction. With ``PropagatedClassifier(estimator,
        KMeansLabelPropagator(..., **best_params_), correction=best_correction_)`` it
        can be repeated.
    best_score_ : float
        Its mean score, not smoothed.
    best_accuracy_ : float
        The share of hidden labels that it predicts right, in [0, 1].
    accuracy_interval_ : tuple of (float, float)
        Wilson's 95 % interval for `best_accuracy_`.
    n_hidden_ : int
        Number of labels that were hidden in turn: all but those that are the only
        ones of their class.
    estimator_ : classifier
        The classifier, fitted on all labels propagated in the way chosen.
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
    PropagatedClassifier : Propagates by a rule and to a fraction given.
    sklearn.model_selection.GridSearchCV : Searches any parameter, with fresh clusters
        and fresh labels in every fold.

    Notes
    -----
    A hidden label's sample is left out of the training set, its neighbours are not:
    they get what the other labels make of them. The only label of a class is never
    hidden.

    A prediction of a hidden label scores ``(c + 1 - (1 - p) ** 2) / 2``, where c is 1
    if it is right, else 0, and p is the probability given to the right class; p = c
    for a classifier without ``predict_proba``. With few labels many candidates are
    right equally often, and p tells them apart.

    The candidates are ranked by smoothed scores: half the mean of the same rule's
    fractions above 0 (with the same correction), a quarter the straight line through
    their scores, a quarter the score itself. The representatives alone keep theirs.
    The graph rule is the best one on most data, so that other candidates have to lead
    by more than one standard error (the representatives alone by more than half of
    one): that of the mean difference of their scores over the labels.

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
    ...     n_repeats=1,
    ...     random_state=0,
    ... ).fit(X / 16, y)
    >>> classifier.cv_results_["params"][0]
    {'propagation': 'cluster', 'fraction': 0.0}
    >>> classifier.best_params_["fraction"] > 0
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit"])],
        "propagator": [KMeansLabelPropagator, None],
        "corrections": ["array-like"],
        "corrector": [HasMethods(["fit"]), None],
        "propagations": ["array-like"],
        "fractions": ["array-like"],
        "selection_estimator": [HasMethods(["fit"]), None],
        "selection_space": [StrOptions({"samples", "embedding"})],
        "selection_max_samples": [Interval(Integral, 1, None, closed="left"), None],
        "scoring": [StrOptions({"accuracy", "balanced_accuracy"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "sample_weight": [StrOptions({"auto", "confidence"}), None],
    }
    _trained_parts: ClassVar[tuple[str, ...]] = (
        "estimator",
        "corrector",
        "selection_estimator",
    )

    def __init__(
        self,
        estimator: Any,
        propagator: KMeansLabelPropagator | None = None,
        *,
        propagations: Sequence[str] = ("cluster", "graph"),
        fractions: Sequence[float] = (0.0, 0.3, 0.7, 1.0),
        corrections: Sequence[str | None] = (None,),
        corrector: Any = None,
        selection_estimator: Any = None,
        selection_space: str = "samples",
        selection_max_samples: int | None = None,
        scoring: str = "accuracy",
        cv: int = 5,
        n_repeats: int = 3,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        sample_weight: str | None = "auto",
    ) -> None:
        super().__init__(
            estimator, propagator, sample_weight=sample_weight, corrector=corrector
        )
        self.propagations = propagations
        self.fractions = fractions
        self.corrections = corrections
        self.selection_estimator = selection_estimator
        self.selection_space = selection_space
        self.selection_max_samples = selection_max_samples
        self.scoring = scoring
        self.cv = cv
        self.n_repeats = n_repeats
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
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
            Passed to the propagator, for an oracle that takes ids.
        **fit_params : dict
            Passed to the classifier's `fit`; of those with one entry per sample, the
            entries of the samples kept. A `corrector` and a `selection_estimator`
            get of these only ``sample_weight``, if they take it. With metadata
            routing enabled, each gets the parameters that it requests.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is illegal, there are fewer than two labels, the classifier
            cannot take ``sample_weight``, or every candidate failed. Whatever ends the
            training, an interruption included: the labels that were given before are
            in `propagator_`, and its ``propagate({})`` spreads them.

        Warns
        -----
        FitFailedWarning
            If the classifier cannot be trained on what some candidates keep. These
            are not chosen.
        UserWarning
            If the training set lacks classes that `y` holds, clusters are left without
            a label, no label reaches some samples, or no two labels are the same: then
            the first candidate is taken.
        """
        self._check_parameters()
        propagations = _in_order(self.propagations)
        candidates = list_candidates(propagations, self.fractions, self.corrections)
        shares = self._share_out(X, fit_params)
        if len(getattr(y, "shape", ())) == 2:
            warn_user(
                "A column-vector y was passed when a 1d array was expected.",
                DataConversionWarning,
            )
            y = single_column(y)
        rng = check_random_state(self.random_state)
        seed = self._own_seed(rng)

        propagator = clone(self._given_propagator())
        if propagator.random_state is None:
            propagator.set_params(random_state=seed)
        propagator.set_params(
            propagation="graph" if "graph" in propagations else "cluster"
        )
        if propagator.clusterer is None and propagator.n_clusters < 2:
            self._check_number_of_labels(propagator.n_clusters)
        with self._labels_kept(propagator):
            self._fit(X, y, sample_ids, propagator, candidates, shares, rng, seed)
        return self

    def _fit(
        self,
        X: Any,
        y: ArrayLike | None,
        sample_ids: ArrayLike | None,
        propagator: KMeansLabelPropagator,
        candidates: Sequence[Candidate],
        shares: dict[str, dict[str, Any]],
        rng: np.random.RandomState,
        seed: int | None,
    ) -> None:
        """Ask, compare the candidates, and train on the labels of the best."""
        E = propagator._collect_answers(X, y, sample_ids)
        codes = propagator._encode_answers({})
        self._check_X(X, propagator, reset=True)

        folds = np.array(
            [assign_folds(codes, self.cv, rng) for _ in range(self.n_repeats)]
        )
        is_scored = folds[0] >= 0
        n_labels = int(np.sum(codes >= 0))
        self._check_number_of_labels(n_labels)
        if not is_scored.any():
            warn_user(
                f"No two of the {n_labels} labels are the same, so that none can be "
                "hidden and predicted from the others. There is nothing to choose by: "
                f"taken is {candidates[0]}. A larger n_clusters gives more labels."
            )
        classes = self._find_classes(y, propagator)
        n_fits = sum(1 + N_FOLDS * (c.correction is not None) for c in candidates)
        n_fits *= self.n_repeats * (folds.max() + 1)
        X_given = X if self.selection_space == "samples" else E
        with stage(f"predicting hidden labels by {n_fits} fits", self.verbose):
            outcome = self._predict_hidden(
                X_given, y, propagator, codes, folds, candidates, shares, rng
            )
        weights = label_weights(codes[is_scored], self.scoring)
        results = tabulate(outcome, folds[:, is_scored], weights, candidates)
        best = choose(outcome, weights, candidates, results["smoothed_test_score"])

        propagate_by(propagator, candidates[best])
        n_kept = len(propagator.sample_indices_)
        with stage(f"training on {n_kept} samples", self.verbose):
            training = self._train(
                X,
                y,
                propagator,
                with_seed(self.estimator, seed),
                with_seed(self._given_corrector(), seed),
                candidates[best].correction,
                shares,
            )
        self._keep(propagator, classes, training)
        self.cv_results_ = results
        self.best_index_ = best
        self.best_params_ = dict(results["params"][best])
        self.best_correction_ = candidates[best].correction
        self.best_score_ = float(results["mean_test_score"][best])
        self.best_accuracy_ = float(
            np.minimum(results["mean_test_accuracy"][best], 1)  # rounding
        )
        self.accuracy_interval_ = (
            wilson_interval(self.best_accuracy_, 1 / float(weights @ weights))
            if len(weights)
            else (0.0, 1.0)
        )
        self.n_hidden_ = int(is_scored.sum())
        # What the summary tells, and a later set_params must not change.
        self._counted = (n_labels, self.n_hidden_, self.scoring)

    def _check_number_of_labels(self, n_labels: int) -> None:
        if n_labels < 2:
            raise ValueError(
                f"{type(self).__name__} needs the labels of two representatives or "
                "more, to hide some and predict them from the others. Got "
                f"{n_labels} instead. A larger n_clusters gives more labels; "
                "PropagatedClassifier does without a comparison."
            )

    def summary(self) -> str:
        """Tell in plain words what was chosen, and how sure that is.

        Returns
        -------
        text : str
            Several lines: the choice; the accuracy to expect; how the choice compares
            with the representatives alone; where propagation hurts.

        Examples
        --------
        >>> from sklearn.datasets import make_blobs
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
        >>> X, y = make_blobs(300, centers=3, cluster_std=0.5, random_state=1)
        >>> classifier = PropagatedClassifierCV(
        ...     GaussianNB(), KMeansLabelPropagator(20), random_state=0
        ... ).fit(X, y)
        >>> print(classifier.summary().splitlines()[1])
        Estimated accuracy: 100 % (95 % interval 84 to 100 %).
        """
        check_is_fitted(self, "estimator_")
        n_labels, n_hidden, scoring = self._counted
        return "\n".join(
            [
                *describe_choice(
                    self.cv_results_,
                    self.best_index_,
                    self.best_accuracy_,
                    self.accuracy_interval_,
                    scoring,
                ),
                *describe_labels(n_labels, n_hidden, scoring),
                *describe_failures(self.cv_results_),
                *describe_gains(self.cv_results_, self.best_index_),
            ]
        )

    def _check_parameters(self) -> None:
        super()._check_parameters()
        propagations = _in_order(self.propagations)
        fractions: list[Any] = list(self.fractions)
        corrections: list[Any] = list(self.corrections)
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
        if not corrections or not all(
            correction is None or correction in ("drop", "relabel")
            for correction in corrections
        ):
            raise ValueError(
                f"The 'corrections' parameter of {type(self).__name__} must hold one "
                f"or more of {list(_CORRECTIONS)}. Got {self.corrections!r} instead."
            )
        if self.selection_space == "embedding" and self.selection_estimator is None:
            raise ValueError(
                "selection_space='embedding' needs a selection_estimator, which is "
                "trained on the embedded samples; the estimator is trained on the "
                "samples as they are. Got selection_estimator=None instead."
            )

    def _own_seed(self, rng: np.random.RandomState) -> int | None:
        """Find what seeds the parts that have no seed of their own."""
        if isinstance(self.random_state, np.random.RandomState):
            return int(rng.randint(_MAX_SEED))
        # An int goes on as it is: PropagatedClassifier can then repeat the result.
        return self.random_state

    def _predict_hidden(
        self,
        X: Any,
        y: ArrayLike | None,
        propagator: KMeansLabelPropagator,
        codes: NDArray[np.intp],
        folds: NDArray[np.intp],
        candidates: Sequence[Candidate],
        fit_params: dict[str, dict[str, Any]],
        rng: np.random.RandomState,
    ) -> Outcome:
        """Predict each hidden label by each candidate, in each repeat."""
        if self.selection_estimator is None:
            parts = "estimator", "corrector"
            estimator, corrector = self.estimator, self._given_corrector()
        else:
            parts = ("selection_estimator",) * 2
            estimator = corrector = self.selection_estimator
        own_params, corrector_params = (fit_params[part] for part in parts)
        splits = [
            (repeat, fold_of == fold, rng.randint(_MAX_SEED))
            for repeat, fold_of in enumerate(folds)
            for fold in range(fold_of.max() + 1)
        ]

        def tasks() -> Iterator[Any]:
            for _, is_hidden, drawn in splits:
                # The same seed for all candidates: they differ in the labels alone.
                seed = None if self.random_state is None else drawn
                hidden = propagator.representative_indices_[is_hidden]
                order = check_random_state(drawn).permutation(len(propagator.labels_))
                is_drawn = order < (self.selection_max_samples or len(order))
                sets = training_sets(propagator, codes, is_hidden, candidates)
                for candidate, full_set in zip(candidates, sets, strict=True):
                    used = thin_out(full_set, is_drawn)
                    at = used.positions, used.codes, used.confidence
                    correcting = (
                        None
                        if candidate.correction is None
                        else Correcting(
                            with_seed(corrector, seed),
                            propagator.classes_,
                            self._params_of_samples(
                                X, corrector_params, *at, corrector
                            ),
                            candidate.correction,
                            drawn,
                        )
                    )
                    yield delayed(predict_or_fail)(
                        with_seed(estimator, seed),
                        X,
                        propagator._labels_like(y, used.positions, used.codes),
                        used,
                        hidden,
                        propagator.classes_[codes[is_hidden]],
                        self._params_of_samples(X, own_params, *at, estimator),
                        correcting,
                    )

        found = iter(Parallel(n_jobs=self.n_jobs)(tasks()))
        shape = (len(folds), len(candidates), len(codes))
        correct, probability = np.zeros(shape), np.zeros(shape)
        errors: dict[int, list[Exception]] = {}
        for repeat, is_hidden, _ in splits:
            for candidate in range(len(candidates)):
                part = next(found)
                if isinstance(part, Exception):
                    errors.setdefault(candidate, []).append(part)
                    continue
                correct[repeat, candidate, is_hidden] = part.correct
                probability[repeat, candidate, is_hidden] = part.probability
        self._tell_of_failures(errors, candidates, len(splits))
        failed = list(errors)
        correct[:, failed] = probability[:, failed] = np.nan
        is_scored = folds[0] >= 0
        return Outcome(correct[..., is_scored], probability[..., is_scored])

    def _tell_of_failures(
        self,
        errors: dict[int, list[Exception]],
        candidates: Sequence[Candidate],
        n_splits: int,
    ) -> None:
        if not errors:
            return
        first = next(iter(errors.values()))[0]
        if len(errors) == len(candidates):
            # Most likely it is not a matter of the labels: as GridSearchCV does.
            raise ValueError(
                "Every candidate failed while it was compared: the classifier could "
                f"not be trained or did not predict. {type(first).__name__}: {first}"
            ) from first
        names = ", ".join(
            f"{candidates[index]} ({len(of)} of {n_splits} fits)"
            for index, of in sorted(errors.items())
        )
        warn_user(
            f"Not compared, since their training failed: {names}. The first error is "
            f"{type(first).__name__}: {first}",
            FitFailedWarning,
        )


def _in_order(propagations: Iterable[Any]) -> list[Any]:
    """List rules in the order given; sets have none, and ties must not be drawn."""
    if isinstance(propagations, Set):
        return sorted(propagations, key=str)
    return [str(r) if isinstance(r, str) else r for r in propagations]
