"""What other packages offer for the same task, at their defaults and tuned.

Tuning hides a third of the paid labels at a time, fits with the others, and counts the
hidden ones that come out right; the test part and all other labels stay unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import KFold
from sklearn.semi_supervised import (
    LabelPropagation,
    SelfTrainingClassifier,
)

from .classifiers import Forgiving
from .context import Context, Outcome, neighbor_graph, probabilities_of

#: Some choices hold a dense matrix over samples: they are offered no more than that.
MAX_DENSE_POOL = 6_000
#: Above that, no dense kernel is among the candidates of the tuning.
MAX_DENSE_KERNEL = 1_500
#: SelfTrainingClassifier is tuned on that many of the samples: each fit is many fits.
MAX_TUNING_POOL = 10_000


class GivenKernel:
    """Affinities found before, as a callable kernel of LabelSpreading and its like.

    The same affinities as ``kernel="knn"`` or ``"rbf"`` would find, without the search
    for neighbours in every fit.
    """

    def __init__(self, train: Any, test: Any) -> None:
        self.train = train  # (n_train, n_train)
        self.test = test  # (n_train, n_test)

    def __call__(self, X: Any, Y: Any) -> Any:
        """Return the affinities of the training samples to these samples."""
        # LabelPropagation divides in place.
        return self.train.copy() if Y is X else self.test


def knn_kernel(
    train: NDArray[Any], test: NDArray[Any], n_neighbors: int
) -> GivenKernel:
    """Build the kernel from the neighbours of training and test samples."""
    n_samples = len(train)
    graphs = [
        neighbor_graph(rows, rows[:, :n_neighbors], n_samples, binary=True)
        for rows in (train, test)
    ]
    return GivenKernel(graphs[0], csr_matrix(graphs[1].T))


def hidden_accuracy(
    fit_predict: Callable[[NDArray[Any]], NDArray[Any]],
    positions: NDArray[Any],
    y_semi: NDArray[Any],
    seed: int,
) -> float:
    """Share of the paid labels that come out right when they are hidden in turn."""
    right = 0
    for _, hidden in KFold(3, shuffle=True, random_state=seed).split(positions):
        y_partial = y_semi.copy()
        y_partial[positions[hidden]] = -1
        right += np.sum(
            fit_predict(y_partial)[positions[hidden]] == y_semi[positions[hidden]]
        )
    return float(right / len(positions))


def best_by_hidden_labels(
    candidates: Iterable[tuple[dict[str, Any], Callable[[], Any]]],
    fit_predict: Callable[[Any, NDArray[Any]], NDArray[Any]],
    positions: NDArray[Any],
    y_semi: NDArray[Any],
    seed: int,
) -> tuple[Any, dict[str, Any]]:
    """Return the first of the best candidates, and what is told of the choice."""
    best: tuple[float, Any, dict[str, Any]] = (-1.0, None, {})
    for described, make in candidates:
        score = hidden_accuracy(
            lambda y, make=make: fit_predict(make(), y), positions, y_semi, seed
        )
        if score > best[0]:
            best = (score, make, described)
    score, make, described = best
    return make(), {"chosen": described, "hidden_accuracy": score}


def semi_labels(context: Context, source: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Positions of the paid labels, and all labels with -1 for those not paid for."""
    positions = context.labelled(source)
    codes = context.problem.codes_train
    y_semi = np.full(len(codes), -1)
    y_semi[positions] = codes[positions]
    return positions, y_semi


# ---------------------------------------------------------------- label propagation


def _transduced(model: Any, X: Any, y_semi: NDArray[Any]) -> NDArray[Any]:
    return model.fit(X, y_semi).transduction_


def _propagation_candidates(
    context: Context, kind: type
) -> list[tuple[dict[str, Any], Callable[[], Any]]]:
    """List the settings to choose from: neighbours, alpha, and an rbf kernel."""
    _, train = context.neighbors()
    _, test = context.test_neighbors()
    sizes = (7, 15)
    kernels: list[tuple[dict[str, Any], Any]] = [
        ({"kernel": "knn", "n_neighbors": n}, knn_kernel(train, test, n)) for n in sizes
    ]
    if context.problem.X_train.shape[0] <= MAX_DENSE_KERNEL:
        space, test_space = context.space()
        distances, _ = context.neighbors()
        gamma = 1 / max(float(np.median(distances[:, 10])) ** 2, 1e-12)
        dense = GivenKernel(
            rbf_kernel(space, space, gamma=gamma),
            rbf_kernel(space, test_space, gamma=gamma),
        )
        kernels.append(({"kernel": "rbf", "gamma": gamma}, dense))
    if kind is LabelPropagation:
        # Its many iterations are for the final fit, where there are many samples.
        max_iter = 200 if context.is_large else 1000
        return [
            (told, lambda k=k: kind(kernel=k, max_iter=max_iter)) for told, k in kernels
        ]
    return [
        ({**told, "alpha": a}, lambda k=k, a=a: kind(kernel=k, alpha=a, max_iter=100))
        for told, k in kernels
        for a in (0.2, 0.8, 0.99)
    ]


def label_propagation(
    kind: type, source: str = "random", tuned: bool = False, then_train: bool = False
) -> Callable[[Context], Outcome]:
    """Make the method: LabelSpreading or LabelPropagation, its own prediction.

    With `then_train`, the classifier on top is trained on the labels that it gives to
    all training samples instead.
    """

    def run(context: Context) -> Outcome:
        problem = context.problem
        positions, y_semi = semi_labels(context, source)
        X, X_test = context.peer_features()
        detail: dict[str, Any] = {}
        if tuned:
            candidates = _propagation_candidates(context, kind)
            model, detail = best_by_hidden_labels(
                candidates,
                lambda model, y: _transduced(model, X, y),
                positions,
                y_semi,
                context.seed,
            )
            if kind is LabelPropagation:
                model.set_params(max_iter=1000)
        elif context.is_large:
            n_samples = problem.X_train.shape[0]
            gigabytes = n_samples**2 * 8 / 1e9
            detail["note"] = (
                f"the default kernel='rbf' is infeasible: {gigabytes:.1f} GB for the "
                f"{n_samples:,} x {n_samples:,} matrix; kernel='knn', else defaults"
            )
            _, train = context.neighbors()
            _, test = context.test_neighbors()
            model = kind(kernel=knn_kernel(train, test, 7))
        else:
            model = kind()
        model.fit(X, y_semi)
        transduced = problem.classes[model.transduction_]
        everything = np.arange(len(transduced))
        if then_train:
            return context.train(everything, transduced, **detail)
        return Outcome(
            problem.classes[model.predict(X_test)],
            everything,
            transduced,
            detail,
            probabilities=probabilities_of(model, X_test, problem.classes),
        )

    return run


# ---------------------------------------------------------------- self-training


def self_training(
    source: str = "random", tuned: bool = False
) -> Callable[[Context], Outcome]:
    """Make the method: SelfTrainingClassifier around a logistic regression."""

    def make(threshold: float = 0.75, C: float = 1.0, max_iter: int = 1000) -> Any:
        base = Forgiving(LogisticRegression(C=C, max_iter=max_iter))
        return SelfTrainingClassifier(base, threshold=threshold)

    def run(context: Context) -> Outcome:
        problem = context.problem
        positions, y_semi = semi_labels(context, source)
        X, X_test = context.peer_features()
        if context.is_large:
            # The embedding's rows have length 1, for which C = 1 is far too strict.
            scale = X.std()
            X, X_test = X / scale, X_test / scale
        detail: dict[str, Any] = {}
        model = make()
        if tuned:
            candidates = [
                ({"threshold": t, "C": c}, lambda t=t, c=c: make(t, c))
                for t in (0.6, 0.75, 0.9)
                for c in ((1.0,) if context.is_large else (1.0, 10.0))
            ]
            pool = np.arange(len(y_semi))
            if len(pool) > MAX_TUNING_POOL:
                rng = np.random.default_rng(context.seed)
                drawn = rng.choice(pool, MAX_TUNING_POOL, replace=False)
                pool = np.union1d(positions, drawn)
            model, detail = best_by_hidden_labels(
                candidates,
                lambda model, y: model.fit(X[pool], y).predict(X[pool]),
                np.searchsorted(pool, positions),
                y_semi[pool],
                context.seed,
            )
            if len(pool) < len(y_semi):
                detail["note"] = (
                    f"tuned with {MAX_TUNING_POOL:,} of the samples, drawn at random, "
                    "and the labelled ones"
                )
        model.fit(X, y_semi)
        known = np.flatnonzero(model.transduction_ >= 0)
        return Outcome(
            problem.classes[model.predict(X_test)],
            known,
            problem.classes[model.transduction_[known]],
            detail,
            probabilities=probabilities_of(model, X_test, problem.classes),
        )

    return run


# ---------------------------------------------------------------- Poisson learning


def poisson_learning(
    source: str = "random", solver: str = "conjugate_gradient"
) -> Callable[[Context], Outcome]:
    """Make the method: graphlearning's Poisson learning, then the classifier on top.

    Its default solver is conjugate gradients; "gradient_descent" is the iteration of
    the paper, stopped early, which also copes with a graph of several parts.
    """

    def run(context: Context) -> Outcome:
        import graphlearning

        positions, y_semi = semi_labels(context, source)
        distances, indices = context.neighbors()
        weights = graphlearning.weightmatrix.knn(
            None, 10, knn_data=(np.array(indices), np.array(distances))
        )
        # It wants classes counted from 0 without gaps.
        found, codes = np.unique(y_semi[positions], return_inverse=True)
        model = graphlearning.ssl.poisson(weights, solver=solver)
        labels = found[np.asarray(model.fit_predict(positions, codes), dtype=int)]
        everything = np.arange(len(y_semi))
        return context.train(everything, context.problem.classes[labels])

    return run


# ---------------------------------------------------------------- choice of samples


def typiclust(context: Context) -> Outcome:
    """Choose by scikit-activeml's TypiClust, train on the labels of the chosen."""
    from skactiveml.pool import TypiClust

    space = context.dense_space()
    positions = TypiClust(random_state=context.seed).query(
        space, np.full(len(space), np.nan), batch_size=context.n_labels
    )
    return context.train(positions, context.problem.y_train[positions])


def _dense_pool(
    context: Context, space: NDArray[Any]
) -> tuple[NDArray[np.intp], dict[str, Any]]:
    """Positions of the samples offered to a method that compares all with all."""
    pool = np.arange(len(space))
    if len(space) <= MAX_DENSE_POOL:
        return pool, {}
    rng = np.random.default_rng(context.seed)
    drawn = rng.choice(pool, MAX_DENSE_POOL, replace=False)
    return np.sort(drawn), {
        "note": f"chosen among {MAX_DENSE_POOL:,} samples drawn at random: it holds a "
        "dense matrix that compares all of them"
    }


def _choose(context: Context, strategy: Any, space: NDArray[Any]) -> Outcome:
    pool, detail = _dense_pool(context, space)
    nothing = np.full(len(pool), np.nan)
    query = strategy.query(space[pool], nothing, batch_size=context.n_labels)
    positions = pool[query]
    return context.train(positions, context.problem.y_train[positions], **detail)


def probcover(context: Context) -> Outcome:
    """Choose by scikit-activeml's ProbCover, train on the labels of the chosen.

    Its radii are meant for vectors of length 1: the space is scaled to that on average.
    It is told the number of classes.
    """
    from skactiveml.pool import ProbCover

    space = context.dense_space()
    n_classes = len(context.problem.classes)
    return _choose(
        context,
        ProbCover(n_classes=n_classes, random_state=context.seed),
        space / np.linalg.norm(space, axis=1).mean(),
    )


def max_herding(context: Context) -> Outcome:
    """Choose by scikit-activeml's MaxHerding, train on the labels of the chosen."""
    from skactiveml.pool import MaxHerding

    strategy = MaxHerding(random_state=context.seed)
    return _choose(context, strategy, context.dense_space())
