"""Hide given labels, and predict them from the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import BaseCrossValidator, GroupKFold
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.parallel import delayed

from .._containers import labels_like, take_rows
from .._engine import Clusters, Spread, keep, spread
from .._given import GivenLabels
from .._messages import Progress, noting, warn_user
from .._parallel import run_parallel
from .._propagation import as_probabilities, join, likeliest
from .._seeds import MAX_SEED, set_unset
from .._training import train
from ._candidates import Candidate

# So many splits of a splitter share the rows that may be trained on; more take more
# rows. A number of folds is not lowered beneath it before labels are too many for two.
_N_SPLITS = 5
# More propagated samples in a training hardly change which candidate is the best.
_ENOUGH_SAMPLES = 3000


class Outcome(NamedTuple):
    """How hidden labels were predicted.

    Attributes
    ----------
    correct : ndarray of shape (..., n_labels), dtype=float64
        1 where the prediction is right, else 0; NaN where the label was not hidden, or
        the candidate failed.
    probability : ndarray of shape (..., n_labels), dtype=float64
        The probability given to the right class, as `outcome_of` counts it.
    own : ndarray of shape (..., n_labels), dtype=float64
        Whether the classifier by itself is right, where the neighbours predict with
        it; else the same as `correct`.
    """

    correct: NDArray[np.float64]
    probability: NDArray[np.float64]
    own: NDArray[np.float64]


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


def stratified_folds(
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


def needs_groups(cv: Any) -> bool:
    """Tell whether a splitter splits by groups.

    Parameters
    ----------
    cv : int or cross-validation splitter
        The number of folds, or what splits the labels.

    Returns
    -------
    needs_groups : bool
        True for those of scikit-learn that request groups.
    """
    # Of a number, or a splitter that knows nothing of routing: no request.
    return get_routing_for_object(cv).split.requests.get("groups") is True


def check_splitter(cv: Any, n_labels: int) -> None:
    """Refuse a splitter for which there cannot be enough labels.

    Parameters
    ----------
    cv : int or cross-validation splitter
        Number of folds at most, or what splits the labels.
    n_labels : int
        How many labels there can be at most.

    Raises
    ------
    ValueError
        If the splitter refuses so many.
    """
    if isinstance(cv, BaseCrossValidator):
        rows, alike = np.zeros((n_labels, 1)), np.zeros(n_labels)
        groups = np.arange(n_labels) if needs_groups(cv) else None
        with noting(f"Raised by the 'cv' parameter, for {n_labels} labels at most."):
            # A copy: one with a RandomState splits differently each time.
            next(deepcopy(cv).split(rows, alike, groups), None)


def hiding_folds(
    given: GivenLabels,
    cv: Any,
    groups: NDArray[Any] | None,
    rng: np.random.RandomState,
    n_repeats: int = 1,
) -> NDArray[np.bool_]:
    """Tell which labels are hidden together.

    Parameters
    ----------
    given : GivenLabels
        The labels.
    cv : int or cross-validation splitter
        Number of folds at most, or what splits the labels.
    groups : ndarray of shape (n_given,) or None
        Labels of the same group are hidden together.
    rng : RandomState
        Shuffles.
    n_repeats : int, default=1
        How often labels are dealt out to folds anew; a splitter is not repeated.

    Returns
    -------
    is_hidden : ndarray of shape (n_splits, n_given), dtype=bool
        Which labels each split hides. A label that nobody could predict without it,
        the only one of its class, never is; nor are those of a group with a class of
        its own.
    """
    codes = given.codes
    units = np.arange(len(codes)) if groups is None else groups
    _, numbers = np.unique(units, return_inverse=True)
    pairs = np.unique(np.stack([codes, numbers], axis=1), axis=0)
    can_be_hidden = np.bincount(pairs[:, 0])[codes] > 1
    # A group is hidden as a whole, or not at all.
    can_be_hidden &= ~np.isin(units, units[~can_be_hidden])
    if not can_be_hidden.any():
        return np.zeros((0, len(codes)), dtype=bool)
    if not hasattr(cv, "split"):
        folds = [
            _deal_out(codes, can_be_hidden, groups, cv, rng) for _ in range(n_repeats)
        ]
        return np.concatenate(
            [of == np.arange(of.max() + 1)[:, np.newaxis] for of in folds]
        )
    labels = given.classes[codes]
    rows = np.zeros((len(codes), 1))
    with noting(f"Raised by the 'cv' parameter, for {len(codes)} labels."):
        splits = [test for _, test in cv.split(rows, labels, groups)]
    is_hidden = np.zeros((len(splits), len(codes)), dtype=bool)
    for row, test in zip(is_hidden, splits, strict=True):
        if len(test) >= len(codes) or np.max(test, initial=0) >= len(codes):
            raise ValueError(
                f"The 'cv' parameter must split the {len(codes)} labels that are "
                f"given, and leave some of them in each split. Got {cv!r}, which hides "
                f"{len(test)}, the last one at {np.max(test, initial=0)}."
            )
        row[test] = True
    is_hidden &= can_be_hidden
    return is_hidden[is_hidden.any(axis=1)]


def affordable_folds(
    given: GivenLabels,
    cv: Any,
    groups: NDArray[Any] | None,
    candidates: Sequence[Candidate],
    n_rows: int,
    rng: np.random.RandomState,
    n_repeats: int = 1,
) -> tuple[NDArray[np.bool_], int]:
    """Hide labels so that all trainings together take no more rows than allowed.

    The given labels are in every training set. What they leave of the rows is shared
    out evenly among the training sets with propagated labels. If labels are so many
    that this would be fewer propagated labels than given ones, there are fewer folds,
    down to five, and of these some are left out. No training gets more than 3,000
    samples with propagated labels, or as many as there are given ones.

    Parameters
    ----------
    given : GivenLabels
        The labels.
    cv : int or cross-validation splitter
        Number of folds at most, or what splits the labels: all its splits are taken,
        and those beyond the fifth add rows to those allowed.
    groups : ndarray of shape (n_given,) or None
        Labels of the same group are hidden together.
    candidates : sequence of Candidate
        What is to be trained.
    n_rows : int
        How many rows all training sets may have together.
    rng : RandomState
        Shuffles.
    n_repeats : int, default=1
        How often labels are dealt out to folds anew.

    Returns
    -------
    is_hidden : ndarray of shape (n_splits, n_given), dtype=bool
        Which labels each split hides.
    max_samples : int
        How many samples may take part in each split, beside the given ones.
    """
    trained = trainings(candidates)
    propagated = [c for c in trained if c.fraction > 0]
    n_sets = len(trained) + len(propagated)
    is_number = not hasattr(cv, "split")
    if is_number and n_sets:
        # k folds show a label k - 1 times.
        affordable = 1 + n_rows // (n_sets * len(given))
        cv = min(cv, max(affordable, _N_SPLITS))
    is_hidden = hiding_folds(given, cv, groups, rng, n_repeats)
    if not len(is_hidden) or not trained:
        return is_hidden, n_rows

    def n_visible() -> int:
        return int((~is_hidden).sum(axis=1).max())

    if is_number:
        if n_sets * n_visible() > n_rows:
            is_hidden = hiding_folds(given, 2, groups, rng)
        n_splits = n_rows // max(1, n_sets * n_visible())
        is_hidden = is_hidden[: max(1, n_splits)]
        left = n_rows // len(is_hidden) - len(trained) * n_visible()
    else:
        of_split = n_rows // min(len(is_hidden), _N_SPLITS)
        left = of_split - len(trained) * n_visible()
        left = max(left, len(propagated) * n_visible())
    max_samples = max(0, left) // max(1, len(propagated))
    return is_hidden, min(max_samples, max(_ENOUGH_SAMPLES, len(given)))


def _deal_out(
    codes: NDArray[np.intp],
    is_dealt: NDArray[np.bool_],
    groups: NDArray[Any] | None,
    n_folds: int,
    rng: np.random.RandomState,
) -> NDArray[np.intp]:
    if groups is None:
        return stratified_folds(codes, is_dealt, n_folds, rng)
    dealt = np.flatnonzero(is_dealt)
    own = groups[dealt]
    folds = np.full(len(codes), -1, dtype=np.intp)
    n_folds = min(n_folds, len(np.unique(own)))
    if n_folds == 1:  # the other groups are never hidden
        folds[dealt] = 0
        return folds
    splitter = GroupKFold(n_folds, shuffle=True, random_state=rng)
    for fold, (_, test) in enumerate(splitter.split(dealt, groups=own)):
        folds[dealt[test]] = fold
    return folds


def trainings(candidates: Sequence[Candidate]) -> list[Candidate]:
    """List what is trained in each split: what candidates share, once.

    Parameters
    ----------
    candidates : sequence of Candidate
        The candidates.

    Returns
    -------
    trained : list of Candidate
        Those with a classifier, without the neighbours.
    """
    return list(
        dict.fromkeys(c.training for c in candidates if c.train_on != "neighbors")
    )


def training_sets(
    clusters: Clusters,
    visible: GivenLabels,
    hidden: NDArray[np.intp],
    spreads: dict[tuple[str, bool], Spread],
    candidates: Sequence[Candidate],
) -> Iterator[TrainingSet]:
    """Find what each candidate trains on while some labels are hidden.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters.
    visible : GivenLabels
        The labels that are not hidden.
    hidden : ndarray of shape (n_hidden,), dtype=intp
        Positions of the samples whose label is hidden: they are in no training set.
    spreads : dict of tuple to Spread
        The labels of all samples, spread from the visible ones in each candidate's way.
    candidates : sequence of Candidate
        The candidates.

    Yields
    ------
    training_set : TrainingSet
        What to train on, in the order of the candidates.
    """
    for candidate in candidates:
        found = spreads[candidate.spreading]
        kept = keep(clusters, found, visible.positions, candidate.fraction)
        kept = np.setdiff1d(kept, hidden, assume_unique=True)
        yield TrainingSet(
            kept,
            found.codes[kept],
            found.confidence[kept],
            np.isin(kept, visible.positions, assume_unique=True),
        )


def subsample(training_set: TrainingSet, is_drawn: NDArray[np.bool_]) -> TrainingSet:
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
    classes: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    classes : ndarray of shape (n_classes,)
        All classes, sorted.

    Returns
    -------
    correct : ndarray of shape (n_hidden,), dtype=float64
        1 where the prediction is right, else 0.
    probabilities : ndarray of shape (n_hidden, n_classes), dtype=float64
        Those of each class; where the classifier tells none, 1 of that predicted.
    """
    seen = np.unique(np.asarray(y_train))
    if len(seen) == 1:
        predicted = np.repeat(seen, len(hidden))
        return (predicted == labels).astype(np.float64), _certain(predicted, classes)
    X_train, X_hidden = take_rows(X, training_set.positions), take_rows(X, hidden)
    trained = train(estimator, X_train, y_train, fit_params)
    predicted = trained.predict(X_hidden)
    correct = (predicted == labels).astype(np.float64)
    if not hasattr(trained.estimator, "predict_proba"):
        return correct, _certain(predicted, classes)
    probabilities = np.zeros((len(hidden), len(classes)))
    # A network may be told of classes that no label has.
    is_class = np.isin(trained.classes, classes)
    columns = np.searchsorted(classes, trained.classes[is_class])
    probabilities[:, columns] = trained.predict_proba(X_hidden)[:, is_class]
    return correct, probabilities


def _certain(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Give all probability to one class of each sample."""
    return (labels[:, np.newaxis] == classes).astype(np.float64)


def neighbors_shares(found: Spread, hidden: NDArray[np.intp]) -> NDArray[np.float64]:
    """Predict hidden labels by the neighbours, from the visible ones.

    Parameters
    ----------
    found : Spread
        The labels of all samples, spread from the visible ones over the graph.
    hidden : ndarray of shape (n_hidden,), dtype=intp
        Positions of the samples whose label is hidden.

    Returns
    -------
    shares : ndarray of shape (n_hidden, n_classes), dtype=float64
        Probability of each class; all 0 where no label reaches.
    """
    assert found.distributions is not None, "spread over the graph"
    shares = np.zeros((len(hidden), found.distributions.shape[1]))
    reached = found.codes[hidden] >= 0
    shares[reached] = as_probabilities(found.distributions[hidden[reached]])
    return shares


def outcome_of(
    probabilities: NDArray[np.float64],
    codes: NDArray[np.intp],
    is_compared: NDArray[np.bool_],
) -> Outcome:
    """Tell how labels were predicted by probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (n_hidden, n_classes), dtype=float64
        Of each class; all 0 where nothing is predicted.
    codes : ndarray of shape (n_hidden,), dtype=intp
        The true classes.
    is_compared : ndarray of shape (n_classes,), dtype=bool
        Which classes any split hides. Those with one label are never hidden: to name
        them could only be wrong, and who forgets them would be ahead. So probabilities
        are those among the others.

    Returns
    -------
    outcome : Outcome
        For each hidden label.
    """
    is_right = (likeliest(probabilities) == codes).astype(np.float64)
    among = probabilities[:, is_compared].sum(axis=1)
    right = probabilities.any(axis=1) / max(1, is_compared.sum())  # if all are others
    at = np.arange(len(codes)), codes
    np.divide(probabilities[at], among, out=right, where=among > 0)
    return Outcome(is_right, right, is_right)


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that it takes to compare candidates on hidden labels.

    Attributes
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples.
    y : array-like of shape (n_samples,) or None
        Gives the container of labels.
    clusters : Clusters
        The samples in their clusters.
    given : GivenLabels
        All labels there are.
    spread_params : dict of str to object
        ``alpha`` and ``class_prior``.
    estimator : classifier
        Trained in each split, by each candidate that has a classifier.
    params_of : callable
        Makes the fit parameters of a training set, and of what the classifier is
        given.
    is_hidden : ndarray of shape (n_splits, n_given), dtype=bool
        Which labels each split hides.
    groups : ndarray of shape (n_given,), dtype=intp or None
        The group of each label.
    candidates : sequence of Candidate
        The candidates.
    max_samples : int
        At most so many propagated labels train each candidate.
    share_asked : float
        The share of the labels that were asked for, not known from the start.
    n_jobs : int or None
        How many classifiers are trained at the same time.
    is_seeded : bool
        Whether classifiers without a seed get one.
    verbose : int
        Whether to tell how far it is.
    """

    X: Any
    y: ArrayLike | None
    clusters: Clusters
    given: GivenLabels
    spread_params: dict[str, Any]
    estimator: Any
    params_of: Callable[[TrainingSet, str], dict[str, Any]]
    is_hidden: NDArray[np.bool_]
    groups: NDArray[np.intp] | None
    candidates: Sequence[Candidate]
    max_samples: int
    share_asked: float
    n_jobs: int | None
    is_seeded: bool
    verbose: int

    @property
    def n_fits(self) -> int:
        """Number of classifiers to be trained."""
        return len(trainings(self.candidates)) * len(self.is_hidden)

    @cached_property
    def _is_compared(self) -> NDArray[np.bool_]:
        """Which classes any split hides."""
        hidden = self.given.codes[self.is_hidden.any(axis=0)]
        return np.isin(np.arange(len(self.given.classes)), hidden)

    def run(
        self, rng: np.random.RandomState
    ) -> tuple[Outcome, dict[int, list[Exception]]]:
        """Predict each hidden label by each candidate.

        Parameters
        ----------
        rng : RandomState
            Seeds the classifiers, and draws the samples that take part.

        Returns
        -------
        outcome : Outcome
            In arrays of shape (n_splits, n_candidates, n_given).
        errors : dict of int to list of Exception
            What went wrong with each candidate, whose outcome is NaN.
        """
        splits = [(hidden, rng.randint(MAX_SEED)) for hidden in self.is_hidden]
        shape = (len(splits), len(self.candidates), len(self.given))
        outcomes = np.full((3, *shape), np.nan)
        errors: dict[int, list[Exception]] = {}
        shares: list[dict[bool, NDArray[np.float64]]] = [{} for _ in splits]
        found = run_parallel(self._tasks(splits, shares), self.n_jobs)
        trained = trainings(self.candidates)
        with Progress(
            "predicting hidden labels", self.n_fits, self.verbose
        ) as progress:
            parts: list[dict[Candidate, Any]] = [{} for _ in splits]
            for split, of_split in enumerate(parts):
                for training in trained:
                    with progress.step(f"split {split}: {training}"):
                        of_split[training] = next(found)
            for _ in found:  # finishes the last split without a classifier
                pass
        for split, (is_hidden, _) in enumerate(splits):
            codes = self.given.codes[is_hidden]
            for index, candidate in enumerate(self.candidates):
                part = self._outcome(candidate, parts[split], shares[split], codes)
                if isinstance(part, Exception):
                    errors.setdefault(index, []).append(part)
                    continue
                outcomes[:, split, index, is_hidden] = part
        outcomes[:, :, list(errors)] = np.nan
        return Outcome(*outcomes), errors

    def _tasks(
        self,
        splits: Sequence[tuple[NDArray[np.bool_], int]],
        shares: Sequence[dict[bool, NDArray[np.float64]]],
    ) -> Iterator[Any]:
        """List the classifiers to train; put what the neighbours say into `shares`."""
        given, trained = self.given, trainings(self.candidates)
        for split, (is_hidden, seed) in enumerate(splits):
            visible, hidden = given.take(~is_hidden), given.positions[is_hidden]
            codes = given.codes[is_hidden]
            spreads = {}
            for rule, is_equal in {c.spreading for c in self.candidates}:
                prior = {"class_prior": "uniform"} if is_equal else {}
                spreads[rule, is_equal] = spread(
                    self.clusters, visible, rule, **(self.spread_params | prior)
                )
                if rule == "graph":
                    shares[split][is_equal] = neighbors_shares(
                        spreads[rule, is_equal], hidden
                    )
            order = check_random_state(seed).permutation(len(self.clusters))
            is_drawn = order < self.max_samples
            sets = training_sets(self.clusters, visible, hidden, spreads, trained)
            for candidate, full in zip(trained, sets, strict=True):
                used = subsample(full, is_drawn)
                labels = given.classes[used.codes]
                yield delayed(_predict_or_fail)(
                    # The same seed for all candidates: they differ in the labels alone.
                    set_unset(self.estimator, seed if self.is_seeded else None),
                    self.X if candidate.train_on == "samples" else self.clusters.E,
                    labels_like(self.y, used.positions, labels),
                    used,
                    hidden,
                    given.classes[codes],
                    self.params_of(used, candidate.train_on),
                    given.classes,
                )

    def _outcome(
        self,
        candidate: Candidate,
        parts: dict[Candidate, Any],
        shares_by_sizes: dict[bool, NDArray[np.float64]],
        codes: NDArray[np.intp],
    ) -> Outcome | Exception:
        """Tell how a candidate predicts the hidden labels of a split."""
        if candidate.train_on == "neighbors":
            shares = shares_by_sizes[candidate.equal_classes]
            if not hasattr(self.estimator, "predict_proba"):
                # All are scored alike: by right and wrong alone.
                shares = _certain(likeliest(shares), np.arange(shares.shape[1]))
            return outcome_of(shares, codes, self._is_compared)
        part = parts[candidate.training]
        if isinstance(part, Exception):
            return part
        correct, probabilities = part
        if candidate.with_neighbors:
            shares = shares_by_sizes[candidate.equal_classes]
            probabilities = join(probabilities, shares)
        found = outcome_of(probabilities, codes, self._is_compared)
        is_right = found.correct if candidate.with_neighbors else correct
        return Outcome(is_right, found.probability, correct)


def _predict_or_fail(
    *arguments: Any,
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | Exception:
    """Do as `predict_hidden` does; if the classifier fails, return the error.

    A classifier that cannot be trained on what one candidate keeps may do with what
    others keep: the given labels alone are few. Nor is it worth a warning if the
    training of one has not converged, which need not be the one that is chosen.
    """
    try:
        with warnings.catch_warnings():
            # Last: what the user has set comes first.
            warnings.simplefilter("ignore", ConvergenceWarning, append=True)
            return predict_hidden(*arguments)
    except MemoryError:
        raise  # no fault of the candidate
    except Exception as error:  # of any classifier; told in a warning
        return error


def warn_of_failures(
    errors: dict[int, list[Exception]],
    candidates: Sequence[Candidate],
    n_splits: int,
) -> None:
    """Say which candidates could not be compared; fail if none could.

    Parameters
    ----------
    errors : dict of int to list of Exception
        What went wrong with each candidate.
    candidates : sequence of Candidate
        The candidates.
    n_splits : int
        Number of splits.

    Raises
    ------
    ValueError
        If every training failed, most likely not because of the labels.
    """
    if not errors:
        return
    first = next(iter(errors.values()))[0]
    if len(errors) == sum(c.train_on != "neighbors" for c in candidates):
        raise ValueError(
            "Every training failed while candidates were compared: the classifier "
            f"could not be trained or did not predict. {type(first).__name__}: {first}"
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
