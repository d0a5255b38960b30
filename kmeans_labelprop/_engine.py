"""The algorithm: pure functions on a few frozen objects, for all estimators alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import gen_batches

from ._clustering import assign_clusters, distances_to_centers, fit_clusterer
from ._fraction import rank_confidence, rank_in_clusters, within_fraction
from ._given import GivenLabels, majority_codes
from ._graph import (
    Graph,
    affinity_graph,
    distinct_rows,
    fit_neighbors,
    make_neighbors,
    neighbor_weights,
)
from ._messages import stage
from ._propagation import (
    choose_alpha,
    estimate_class_shares,
    likeliest,
    margin,
    nearest_in_cluster,
    normalize_class_mass,
    spread_in_clusters,
    spread_over_graph,
)

# Samples predicted at once: what is found of their neighbours stays small.
_BATCH_SIZE = 4096


@dataclass(frozen=True, eq=False)
class Clusters:
    """The samples in their clusters: all that is known of them without labels.

    Attributes
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    ids : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    distances : ndarray of shape (n_samples,), dtype=float64
        Distance of each sample to the centre of its cluster.
    clusterer : clusterer
        The fitted clusterer.
    graph : Graph or None
        The graph of neighbours; None where only the cluster rule is wanted.
    names : pandas Index or None
        The index of the samples, if they have one of their own.
    """

    E: Any
    ids: NDArray[np.intp]
    distances: NDArray[np.float64]
    clusterer: Any
    graph: Graph | None = None
    names: Any = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Spread:
    """The label that reaches each sample, and how sure it is.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,), dtype=intp
        The class of each sample; -1 where no label reaches.
    confidence : ndarray of shape (n_samples,), dtype=float64
        In [0, 1]: 1 for a given label, 0 where no label reaches.
    costs : ndarray of shape (n_samples,), dtype=float64
        What ranks the samples of a cluster, smallest first.
    distributions : ndarray of shape (n_samples, n_classes) or None
        Share of each class in what reaches a sample; None without a graph.
    node_distributions : ndarray of shape (n_nodes, n_classes) or None
        The same for the nodes of the graph.
    """

    codes: NDArray[np.intp]
    confidence: NDArray[np.float64]
    costs: NDArray[np.float64]
    distributions: NDArray[np.float64] | None = None
    node_distributions: NDArray[np.float64] | None = None


def find_clusters(
    E: Any,
    clusterer: Any,
    cache: Callable[[Any], Any],
    verbose: int,
    names: Any = None,
) -> Clusters:
    """Cluster the samples.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    clusterer : clusterer
        The clusterer, not fitted.
    cache : callable
        Wraps the function whose results are to be cached.
    verbose : int
        Whether to tell of the stage.
    names : pandas Index or None, default=None
        The index of the samples.

    Returns
    -------
    clusters : Clusters
        The clusters, without a graph.
    """
    with stage(f"clustering {E.shape[0]} samples", verbose):
        clusterer_ = cache(fit_clusterer)(clusterer, E)
    ids = (
        np.asarray(clusterer_.labels_, dtype=np.intp)
        if hasattr(clusterer_, "labels_")
        else assign_clusters(clusterer_, E)
    )
    distances = distances_to_centers(E, ids, clusterer_.cluster_centers_)
    return Clusters(E, ids, distances, clusterer_, names=names)


def find_graph(
    E: Any,
    neighbors: Any,
    prepare: Callable[[Any], Any],
    cache: Callable[[Any], Any],
    verbose: int,
) -> Graph:
    """Find the neighbours of the samples, and weigh the links between them.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    neighbors : transformer or None
        Finds neighbours, not fitted; None for ten, found exactly.
    prepare : callable
        Sets seeds and number of jobs of the transformer.
    cache : callable
        Wraps the function whose results are to be cached.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    graph : Graph
        The graph.
    """
    first, node_of = distinct_rows(E)
    nodes = E if len(first) == E.shape[0] else E[first]
    finder = prepare(make_neighbors(neighbors, len(first)))
    with stage("finding neighbours", verbose):
        finder_, distances = cache(fit_neighbors)(finder, nodes)
    affinity, scales = affinity_graph(distances)
    return Graph(affinity, scales, node_of, finder_)


def spread(
    clusters: Clusters,
    given: GivenLabels,
    propagation: str,
    alpha: float | str = "auto",
    class_prior: str | Mapping[Any, Any] | None = "estimated",
) -> Spread:
    """Give each sample its class, and the confidence in it.

    A given label stays what it is. Copies of one sample speak with one voice to all
    others: that of most of them.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters; with a graph for ``propagation="graph"``.
    given : GivenLabels
        The labels there are, one at least.
    propagation : {"cluster", "graph"}
        The rule.
    alpha : float or "auto", default="auto"
        How far labels spread over the graph.
    class_prior : {"estimated", "uniform"}, dict or None, default="estimated"
        How much each class is to reach over the graph.

    Returns
    -------
    spread : Spread
        The labels and the confidence in them.
    """
    if propagation == "cluster":
        return _spread_in_clusters(clusters, given)
    assert clusters.graph is not None, "checked by the estimators"
    graph, positions = clusters.graph, given.positions
    n_classes = len(given.classes)
    voices = majority_codes(graph.node_of[positions], given.codes)
    nodes, first = np.unique(graph.node_of[positions], return_index=True)
    n_nodes = graph.affinity.shape[0]
    of_nodes = spread_over_graph(
        graph.affinity,
        nodes,
        voices[first],
        n_classes,
        choose_alpha(n_nodes, len(nodes)) if alpha == "auto" else float(alpha),
    )
    if class_prior is not None:
        shares, trust = _class_shares(clusters, given, class_prior)
        of_nodes = normalize_class_mass(of_nodes, shares, trust)
    of_nodes[nodes] = 0
    of_nodes[nodes, voices[first]] = 1
    distributions = of_nodes
    if n_nodes < len(clusters):
        distributions = of_nodes[graph.node_of]
        distributions[positions] = 0
        distributions[positions, given.codes] = 1
    confidence = margin(distributions)
    return Spread(
        likeliest(distributions), confidence, -confidence, distributions, of_nodes
    )


def _spread_in_clusters(clusters: Clusters, given: GivenLabels) -> Spread:
    positions = given.positions
    voices = majority_codes(copies_of(clusters, positions), given.codes)
    codes = spread_in_clusters(clusters.ids, clusters.E, positions, voices)
    codes[positions] = given.codes
    ranks, sizes = rank_in_clusters(clusters.ids, clusters.distances, positions)
    confidence = rank_confidence(ranks, sizes)
    confidence[positions] = 1
    confidence[codes < 0] = 0
    # By distance, so that ties are those of the confidence.
    return Spread(codes, confidence, clusters.distances)


def copies_of(clusters: Clusters, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give the same number to samples that are copies of each other.

    Parameters
    ----------
    clusters : Clusters
        The samples.
    positions : ndarray of shape (n_taken,), dtype=intp
        Positions of the samples to number.

    Returns
    -------
    groups : ndarray of shape (n_taken,), dtype=intp
        The number of each.
    """
    if clusters.graph is not None:
        return clusters.graph.node_of[positions]
    return distinct_rows(clusters.E[positions])[1]


def _class_shares(
    clusters: Clusters, given: GivenLabels, class_prior: str | Mapping[Any, Any]
) -> tuple[NDArray[np.float64], float]:
    """Find how much each class is to reach, and how far to trust in that."""
    if isinstance(class_prior, Mapping):
        known = [float(share) for share in class_prior.values()]
        mean = sum(known) / len(known)
        shares = [class_prior.get(label, mean) for label in given.classes.tolist()]
        return np.array(shares, dtype=np.float64), 1.0
    if class_prior == "uniform":
        return np.ones(len(given.classes)), 1.0
    # The labels of a cluster share its samples among them.
    sizes = np.bincount(clusters.ids)
    own = clusters.ids[given.positions]
    n_labels = np.bincount(own, minlength=len(sizes))
    weights = sizes[own] / n_labels[own]
    return estimate_class_shares(given.codes, weights, len(given.classes))


def keep(
    clusters: Clusters, spread: Spread, given: NDArray[np.intp], fraction: float
) -> NDArray[np.intp]:
    """Find the samples of each cluster that keep their label.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters.
    spread : Spread
        Their labels.
    given : ndarray of shape (n_given,), dtype=intp
        Positions of the samples whose label is given: they keep it at any fraction.
    fraction : float
        Share of each cluster, in [0, 1].

    Returns
    -------
    positions : ndarray of shape (n_kept,), dtype=intp
        Positions of the samples kept, in increasing order.
    """
    ranks, sizes = rank_in_clusters(clusters.ids, spread.costs, given)
    kept = within_fraction(ranks, sizes, fraction, given)
    return np.flatnonzero(kept & (spread.codes >= 0))


def predict_distributions(
    clusters: Clusters, given: GivenLabels, spread: Spread, E: Any
) -> NDArray[np.float64]:
    """Give other samples the labels of their neighbours, weighed as the graph does.

    Parameters
    ----------
    clusters : Clusters
        The samples that have labels, with their graph.
    given : GivenLabels
        The labels that were given.
    spread : Spread
        The labels spread over the graph.
    E : {ndarray, CSR matrix} of shape (n_new, n_components)
        The other samples, embedded.

    Returns
    -------
    distributions : ndarray of shape (n_new, n_classes), dtype=float64
        Share of each class; rows sum to 1. A sample whose neighbours have no label
        takes that of the nearest given one.
    """
    assert clusters.graph is not None, "checked by the estimators"
    assert spread.node_distributions is not None, "spread over the graph"
    distributions = np.empty((E.shape[0], len(given.classes)))
    for batch in gen_batches(E.shape[0], _BATCH_SIZE):
        weights = neighbor_weights(clusters.graph, E[batch])
        distributions[batch] = weights @ spread.node_distributions
    lonely = np.flatnonzero(~distributions.any(axis=1))
    if len(lonely):
        nearest = pairwise_distances_argmin(E[lonely], clusters.E[given.positions])
        distributions[lonely, given.codes[nearest]] = 1
    return distributions / distributions.sum(axis=1, keepdims=True)


def predict_in_clusters(
    clusters: Clusters, given: GivenLabels, E: Any
) -> NDArray[np.intp]:
    """Give other samples the label of the nearest given sample of their cluster.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters.
    given : GivenLabels
        The labels that were given.
    E : {ndarray, CSR matrix} of shape (n_new, n_components)
        The other samples, embedded.

    Returns
    -------
    codes : ndarray of shape (n_new,), dtype=intp
        The class of each; -1 where its cluster has no label.
    """
    positions = given.positions
    return nearest_in_cluster(
        assign_clusters(clusters.clusterer, E),
        E,
        clusters.ids[positions],
        clusters.E[positions],
        majority_codes(copies_of(clusters, positions), given.codes),
    )


def belief_of_neighbors(
    clusters: Clusters, given: GivenLabels, spread: Spread
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Measure how far the neighbours of each given sample agree with its label.

    Parameters
    ----------
    clusters : Clusters
        The samples, with their graph.
    given : GivenLabels
        The labels that were given.
    spread : Spread
        The labels spread over the graph.

    Returns
    -------
    belief : ndarray of shape (n_given,), dtype=float64
        Share of the label in what its neighbours have; 1 without any.
    is_suspect : ndarray of shape (n_given,), dtype=bool
        Whether another label is likelier among the neighbours.
    is_alone : ndarray of shape (n_given,), dtype=bool
        Whether the likeliest label of every neighbour is another one.
    """
    assert clusters.graph is not None, "checked by the estimators"
    assert spread.node_distributions is not None, "spread over the graph"
    links = clusters.graph.affinity[clusters.graph.node_of[given.positions]]
    arriving = links @ spread.node_distributions
    total = arriving.sum(axis=1)
    own = arriving[np.arange(len(given)), given.codes]
    belief = np.divide(own, total, out=np.ones(len(given)), where=total > 0)
    rows = np.repeat(np.arange(len(given)), np.diff(links.indptr))
    codes = likeliest(spread.node_distributions)[links.indices]
    agrees = np.bincount(rows, (codes == given.codes[rows]) | (codes < 0), len(given))
    is_suspect = (total > 0) & (own < arriving.max(axis=1))
    return belief, is_suspect, is_suspect & (agrees == 0)


def count_outvoted(clusters: Clusters, given: GivenLabels) -> int:
    """Count the labels that differ from those of most copies of the same sample.

    Parameters
    ----------
    clusters : Clusters
        The samples.
    given : GivenLabels
        The labels that were given.

    Returns
    -------
    n_outvoted : int
        Their number.
    """
    voices = majority_codes(copies_of(clusters, given.positions), given.codes)
    return int(np.sum(voices != given.codes))
