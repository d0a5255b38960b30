"""Spread given labels to other samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import sqrt
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import (
    connected_components,
    dijkstra,
    reverse_cuthill_mckee,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches

from ._distances import nearest
from ._messages import warn_user
from ._parallel import threads

# Residual relative to that of no propagation at all; the solver needs some 10 to 100
# iterations for it.
_TOLERANCE = 1e-6
_MAX_ITER = 1000
# Classes solved for together: with more, products with the graph leave the cache.
_N_TOGETHER = 16
# Rows copied at once.
_N_ROWS = 4096
# Rows of a graph that a thread multiplies at a time.
_N_ROWS_TOGETHER = 8192
# Shares beyond that take half the memory.
_MOST_IN_FLOAT64 = 2**27
# Times the solver's error: shares from there on have two digits.
_TRUSTED = 100
# Closer to 1 the solver takes longer and longer.
_MAX_ALPHA = 0.99
# Rounds of scaling to known class sizes.
_N_TURNS = 20
# Power that turns shares into probabilities.
_SHARPNESS = 1.5


def nearest_in_cluster(
    cluster_ids: NDArray[np.intp],
    E: Any,
    given_ids: NDArray[np.intp],
    E_given: Any,
    codes: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Find the class of the nearest given sample of the same cluster.

    Parameters
    ----------
    cluster_ids : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples, embedded.
    given_ids : ndarray of shape (n_given,), dtype=intp
        The cluster of each given sample.
    E_given : {ndarray, CSR matrix} of shape (n_given, n_components)
        The given samples, embedded.
    codes : ndarray of shape (n_given,), dtype=intp
        Their classes.

    Returns
    -------
    sample_codes : ndarray of shape (n_samples,), dtype=intp
        The class of each sample; -1 where no sample of its cluster is given.
    """
    n_clusters = 1 + max(cluster_ids.max(initial=-1), given_ids.max(initial=-1))
    lowest = np.full(n_clusters, np.iinfo(np.intp).max)
    highest = np.full(n_clusters, -1)
    np.minimum.at(lowest, given_ids, codes)
    np.maximum.at(highest, given_ids, codes)
    sample_codes = highest[cluster_ids]
    # Distances matter only where labels of a cluster differ.
    is_mixed = lowest < highest
    in_mixed = np.flatnonzero(is_mixed[cluster_ids])
    starts = in_mixed[np.argsort(cluster_ids[in_mixed], kind="stable")]
    for cluster in np.flatnonzero(is_mixed).tolist():
        first, last = np.searchsorted(cluster_ids[starts], [cluster, cluster + 1])
        members = starts[first:last]
        own = np.flatnonzero(given_ids == cluster)
        if len(members):
            found = nearest(E[members], E_given[own])
            sample_codes[members] = codes[own[found]]
    return sample_codes


def check_class_prior(class_prior: Any) -> None:
    """Refuse illegal shares of classes.

    Parameters
    ----------
    class_prior : object
        The parameter; only a dict can be wrong.

    Raises
    ------
    ValueError
        If it is empty, or a share is not above 0.
    """
    if not isinstance(class_prior, Mapping):
        return
    if not class_prior:
        raise ValueError(
            "The 'class_prior' parameter must have a share for each class. Got an "
            "empty dict instead."
        )
    for label, share in class_prior.items():
        if not (isinstance(share, Real) and 0 < float(share) < np.inf):
            raise ValueError(
                "The 'class_prior' parameter must have shares above 0. Got "
                f"{share!r} for the label {label!r} instead."
            )


def choose_alpha(n_samples: int, n_labels: int) -> float:
    """Choose how far labels spread by how many samples there are for each.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    n_labels : int
        Number of labels, 1 or more.

    Returns
    -------
    alpha : float
        ``1 - 1 / (2 * sqrt(m))`` for m samples a label, in [0.5, 0.99]. A label
        takes about ``1 / (1 - alpha)`` steps over the graph, so that they grow with
        the width of the region that it has to cover. A rule of thumb:
        ``benchmarks.accuracy --setting graph_rules`` has it beside fixed ones.
    """
    return min(_MAX_ALPHA, 1 - sqrt(n_labels / n_samples) / 2)


def spread_over_graph(
    affinity: csr_array,
    given: NDArray[np.intp],
    codes: NDArray[np.intp],
    n_classes: int,
    alpha: float,
) -> NDArray[np.float64]:
    """Spread the classes of given nodes over a graph.

    Solves ``(I - alpha * S) F = (1 - alpha) Y`` [1]_, where S is the graph and Y tells
    the given nodes of each class.

    Parameters
    ----------
    affinity : csr_array of shape (n_nodes, n_nodes), dtype=float64
        The normalised, symmetric affinities S.
    given : ndarray of shape (n_given,), dtype=intp
        The nodes with a label.
    codes : ndarray of shape (n_given,), dtype=intp
        Their classes.
    n_classes : int
        Number of classes.
    alpha : float
        How far labels spread, in (0, 1).

    Returns
    -------
    distributions : ndarray of shape (n_nodes, n_classes)
        Share of each class in what reaches a node; all 0 where nothing does. In
        float64, but in float32 if that took more than 1 GB.

    Warns
    -----
    ConvergenceWarning
        If it has not converged after 1,000 iterations.

    References
    ----------
    .. [1] D. Zhou et al., "Learning with Local and Global Consistency", NIPS 2003.
    """
    n_nodes = affinity.shape[0]
    is_large = n_nodes * n_classes > _MOST_IN_FLOAT64
    mass = np.empty((n_nodes, n_classes), np.float32 if is_large else np.float64)
    order = _near_each_other(affinity)
    ordered, places = affinity[order][:, order], np.argsort(order)
    n_failed = 0
    with _multiplication(ordered) as multiply:
        for block in gen_batches(n_classes, _N_TOGETHER):
            target = np.zeros((n_nodes, block.stop - block.start))
            is_here = (block.start <= codes) & (codes < block.stop)
            target[places[given[is_here]], codes[is_here] - block.start] = 1 - alpha
            mass[order, block], n_missed = _conjugate_gradients(multiply, target, alpha)
            n_failed += n_missed
    if n_failed:
        warn_user(
            f"The propagation of {n_failed} of {n_classes} classes has not converged "
            f"after {_MAX_ITER} iterations. A lower alpha converges faster.",
            ConvergenceWarning,
        )
    # What the solver leaves elsewhere is rounding.
    _, component = connected_components(affinity, directed=False)
    is_reached = np.isin(component, component[given])
    mass[~is_reached] = 0
    np.maximum(mass, 0, out=mass)
    # So is what is left of it far away, which must not be handed on.
    largest = np.bincount(codes, minlength=1).max()
    noise = _TOLERANCE * sqrt(largest / n_nodes)
    total = mass.sum(axis=1, keepdims=True)
    mass[total[:, 0] < _TRUSTED * noise] = 0
    total = mass.sum(axis=1, keepdims=True)
    distributions = np.divide(mass, total, out=mass, where=total > 0)
    _reach_out(affinity, distributions, is_reached)
    return distributions


def _near_each_other(affinity: csr_array) -> NDArray[np.intp]:
    """Order nodes so that linked ones stand near each other, also in the cache."""
    most = int(np.diff(affinity.indptr).max(initial=0))
    if most**2 > affinity.nnz:  # it sorts the neighbours of a node by insertion
        return np.arange(affinity.shape[0])
    return reverse_cuthill_mckee(affinity, symmetric_mode=True)


@contextmanager
def _multiplication(graph: csr_array) -> Iterator[Callable[[Any], Any]]:
    """Give the function that multiplies a graph with columns, a large one in threads.

    Each row is summed up by itself: the blocks change no bit.
    """
    if graph.shape[0] <= _N_ROWS_TOGETHER:
        yield graph.__matmul__
        return
    batches = list(gen_batches(graph.shape[0], _N_ROWS_TOGETHER))
    blocks = [graph[rows] for rows in batches]

    def multiply(columns: NDArray[Any]) -> NDArray[Any]:
        product = np.empty_like(columns)

        def fill(number: int) -> None:
            product[batches[number]] = blocks[number] @ columns

        run(fill, range(len(blocks)))
        return product

    with threads() as run:
        yield multiply


def _conjugate_gradients(
    multiply: Callable[[Any], Any], target: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], int]:
    """Solve ``(I - alpha * S) F = Y`` for all columns, each until it has converged.

    `multiply` is the product with S, all that columns share: none depends on the
    others. Takes the memory of Y, and five times as much. Returns F, and the number of
    columns that have not converged.
    """
    solution = np.zeros_like(target)
    columns = np.arange(target.shape[1])
    found, residual, direction = solution.copy(), target, target.copy()
    scaled = np.empty_like(target)
    squares = _column_products(residual, residual)
    limits = _TOLERANCE**2 * squares
    for _ in range(_MAX_ITER):
        goes_on = squares > limits
        if not goes_on.all():
            solution[:, columns[~goes_on]] = found[:, ~goes_on]
            found, residual = found[:, goes_on], residual[:, goes_on]
            direction, columns = direction[:, goes_on], columns[goes_on]
            squares, limits = squares[goes_on], limits[goes_on]
            scaled = np.empty_like(direction)
        if not len(columns):
            break
        product = multiply(direction)
        product *= -alpha
        product += direction
        step = squares / _column_products(direction, product)
        found += np.multiply(direction, step, out=scaled)
        product *= step
        residual -= product
        before, squares = squares, _column_products(residual, residual)
        direction *= squares / before
        direction += residual
    solution[:, columns] = found
    return solution, int(np.sum(squares > limits))


def _column_products(
    A: NDArray[np.float64], B: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.einsum("ij,ij->j", A, B)


def _reach_out(
    affinity: csr_array,
    distributions: NDArray[np.float64],
    is_reached: NDArray[np.bool_],
) -> None:
    """Fill in what is too far away for the solver's tolerance.

    What reaches a node shrinks with every link; far from all labels it is lost in the
    tolerance. Such a node takes the shares of the nearest one, by links, that has some.
    """
    has_shares = distributions.any(axis=1)
    far = np.flatnonzero(is_reached & ~has_shares)
    if not len(far):
        return
    sources = np.flatnonzero(has_shares)
    _, _, nearest = dijkstra(
        affinity,
        directed=False,
        indices=sources,
        unweighted=True,
        return_predecessors=True,
        min_only=True,
    )
    distributions[far] = distributions[nearest[far]]


def estimate_class_shares(
    codes: NDArray[np.intp], weights: NDArray[np.float64], n_classes: int
) -> tuple[NDArray[np.float64], float]:
    """Estimate the share of each class from a few labels.

    Shares counted from few labels are off by chance. They are shrunk towards equal
    shares, the more so the fewer labels there are and the less they contradict that:
    the James-Stein estimate of Hausser and Strimmer [1]_. Labels that stand for
    clusters of different size count as ``sum(w) ** 2 / sum(w ** 2)`` equal ones (Kish).

    Parameters
    ----------
    codes : ndarray of shape (n_given,), dtype=intp
        The class of each label.
    weights : ndarray of shape (n_given,), dtype=float64
        How many samples each stands for.
    n_classes : int
        Number of classes.

    Returns
    -------
    shares : ndarray of shape (n_classes,), dtype=float64
        Of the classes that have a label; they sum to 1. 0 for the others.
    trust : float
        How far to trust these: ``1 - 1 / n`` for n effective labels, in [0, 1).

    References
    ----------
    .. [1] J. Hausser and K. Strimmer, "Entropy Inference and the James-Stein
       Estimator, with Application to Nonlinear Gene Association Networks", JMLR 10,
       2009, pages 1469-1484.
    """
    sums = np.bincount(codes, weights=weights, minlength=n_classes)
    counted = sums / weights.sum()
    equal = (counted > 0) / np.count_nonzero(counted)
    n_effective = weights.sum() ** 2 / (weights**2).sum()
    variance = 1 - (counted**2).sum()
    contradiction = (n_effective - 1) * ((equal - counted) ** 2).sum()
    intensity = 1.0 if variance >= contradiction else variance / contradiction
    shares = intensity * equal + (1 - intensity) * counted
    return shares, 1 - 1 / n_effective


def normalize_class_mass(
    distributions: NDArray[np.float64],
    shares: NDArray[np.float64],
    trust: float = 1.0,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Weigh classes so that each reaches as much as its share.

    A class whose samples are well connected reaches too far. The column of each class
    is scaled to the mean that its share asks for, and the rows are made to sum to 1
    again: the class mass normalisation of Zhu et al. [1]_.

    Parameters
    ----------
    distributions : ndarray of shape (n_samples, n_classes), dtype=float64
        Share of each class in what reaches a sample; all 0 where nothing does.
    shares : ndarray of shape (n_classes,), dtype=float64
        Share of each class in all samples, up to a common factor.
    trust : float, default=1.0
        Power of the factors, in [0, 1]: 0 leaves all as it is, 1 goes all the way.
    out : ndarray of shape (n_samples, n_classes) or None, default=None
        Where to write the result; may be `distributions`. None for a new array.

    Returns
    -------
    distributions : ndarray of shape (n_samples, n_classes), dtype=float64
        Share of each class after that; all 0 where nothing reaches.

    References
    ----------
    .. [1] X. Zhu, Z. Ghahramani and J. Lafferty, "Semi-Supervised Learning Using
       Gaussian Fields and Harmonic Functions", ICML 2003, section 4.
    """
    mass = distributions.sum(axis=0, dtype=np.float64)
    factors = np.divide(shares, mass, out=np.zeros_like(mass), where=mass > 0)
    factors = (factors**trust).astype(distributions.dtype)
    scaled = np.multiply(distributions, factors, out=out)
    total = scaled.sum(axis=1, keepdims=True)
    return np.divide(scaled, total, out=scaled, where=total > 0)


def match_class_sizes(
    distributions: NDArray[np.float64],
    shares: NDArray[np.float64],
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Weigh classes so that each reaches exactly as much as its known share.

    Class mass normalisation scales columns once and then rows, which undoes part of
    it; here the two take turns [1]_.

    Parameters
    ----------
    distributions : ndarray of shape (n_samples, n_classes), dtype=float64
        Share of each class in what reaches a sample; all 0 where nothing does.
    shares : ndarray of shape (n_classes,), dtype=float64
        Share of each class in all samples, up to a common factor.
    out : ndarray of shape (n_samples, n_classes) or None, default=None
        Where to write the result; may be `distributions`. None for a new array.

    Returns
    -------
    distributions : ndarray of shape (n_samples, n_classes)
        Share of each class after that; all 0 where nothing reaches.

    References
    ----------
    .. [1] R. Sinkhorn and P. Knopp, "Concerning Nonnegative Matrices and Doubly
       Stochastic Matrices", Pacific Journal of Mathematics 21, 1967,
       :doi:`10.2140/pjm.1967.21.343`.
    """
    for _ in range(_N_TURNS):
        distributions = out = normalize_class_mass(distributions, shares, out=out)
    return distributions


def as_probabilities(distributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sharpen shares, so that a share tells how often its class is right.

    Labels mix as they spread over a graph: a class that is right nine times out of ten
    has a share below 0.9. The power was chosen by log-loss on data sets of all kinds;
    ``benchmarks/accuracy`` reports calibration beside that of classifiers.

    Parameters
    ----------
    distributions : ndarray of shape (n_samples, n_classes), dtype=float64
        Shares of the classes; none all 0.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        Rows sum to 1.
    """
    shares = distributions / distributions.sum(axis=1, keepdims=True)
    sharpened: NDArray[np.float64] = shares**_SHARPNESS
    return sharpened / sharpened.sum(axis=1, keepdims=True)


def join(
    ours: NDArray[np.floating[Any]], of_neighbors: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Let a classifier and the neighbours predict together.

    Parameters
    ----------
    ours, of_neighbors : ndarray of shape (n_samples, n_classes)
        Probability of each class; all 0 where the neighbours know none.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        The mean; where the neighbours know none, the classifier's.
    """
    both = np.asarray(ours, dtype=np.float64) + of_neighbors
    return both / (1 + of_neighbors.any(axis=1, keepdims=True))


def margin(distributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute how far the likeliest class of each sample is ahead of the next.

    Parameters
    ----------
    distributions : ndarray of shape (n_samples, n_classes), dtype=float64
        Share of each class in what reaches a sample.

    Returns
    -------
    margin : ndarray of shape (n_samples,), dtype=float64
        Difference of the two largest shares, in [0, 1].
    """
    if distributions.shape[1] == 1:
        return distributions[:, 0].astype(np.float64)  # a copy: the caller's to change
    difference = np.empty(len(distributions))
    for batch in gen_batches(len(distributions), _N_ROWS):
        top = np.partition(distributions[batch], -2, axis=1)
        difference[batch] = top[:, -1] - top[:, -2]
    return difference


def likeliest(distributions: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find the likeliest class of each sample.

    Parameters
    ----------
    distributions : ndarray of shape (n_samples, n_classes), dtype=float64
        Share of each class in what reaches a sample.

    Returns
    -------
    codes : ndarray of shape (n_samples,), dtype=intp
        The class with the largest share, the first of equals; -1 where nothing
        reaches.
    """
    is_reached = distributions.any(axis=1)
    return np.where(is_reached, distributions.argmax(axis=1), -1)
