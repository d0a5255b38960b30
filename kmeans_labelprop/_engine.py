"""The algorithm: pure functions on a few frozen objects, for all estimators alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics.pairwise import paired_euclidean_distances
from sklearn.utils import gen_batches

from ._clustering import (
    assign_clusters,
    distances_to_centers,
    fit_clusterer,
    mean_of_clusters,
)
from ._copies import distinct_rows
from ._distances import far_offset, nearest
from ._fraction import rank_confidence, rank_in_clusters, within_fraction
from ._given import GivenLabels, majority_codes
from ._graph import (
    Graph,
    affinity_graph,
    count_links,
    fit_neighbors,
    make_neighbors,
    neighbor_weights,
)
from ._labels import plain
from ._messages import stage, warn_user
from ._mixing import mixed_order
from ._propagation import (
    as_probabilities,
    choose_alpha,
    estimate_class_shares,
    likeliest,
    margin,
    match_class_sizes,
    nearest_in_cluster,
    normalize_class_mass,
    spread_over_graph,
)
from ._representatives import are_shares_typical
from ._rounds import most_valuable_next

# For copies of a labelled sample its neighbours count as so much of a label more. One
# would be a tie where they have another label.
_WEIGHT_OF_NEIGHBORS = 0.99
# Samples predicted at once: many for each list of neighbours, in little memory.
_BATCH_SIZE = 2**16
# Samples from which to estimate how many samples each label stands for.
_N_PROBES = 5000


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
    names : ndarray of shape (n_samples,) or None
        The index of the samples, if they have one of their own.
    seed : int or None
        Which of equally good samples are asked about.
    askable : ndarray of shape (n_samples,), dtype=bool, or None
        Which samples may be asked about; None for all.
    """

    E: Any
    ids: NDArray[np.intp]
    distances: NDArray[np.float64]
    clusterer: Any
    graph: Graph | None = None
    names: Any = None
    seed: int | None = None
    askable: NDArray[np.bool_] | None = None

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
    E: Any, clusterer: Any, cache: Callable[[Any], Any], verbose: int
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
    centers = clusterer_.cluster_centers_
    is_plain = type(clusterer_) in (KMeans, MiniBatchKMeans)
    if is_plain and not np.bincount(ids, minlength=len(centers)).all():
        # Where clusters are empty theirs may not be the labels of the nearest centres.
        first, node_of = distinct_rows(E)
        ids = assign_clusters(clusterer_, E[first])[node_of]
    # Centres differ in the last bit with the number of threads: ties must stay ties.
    # In float32 that is too much for rounding.
    if type(clusterer_) is KMeans and E.dtype == np.float32:
        centers = mean_of_clusters(E, ids, len(centers))
    distances = distances_to_centers(E, ids, centers)
    unit = float(distances.max(initial=0)) or 1.0
    distances = np.round(distances / unit, 9) * unit
    return Clusters(E, ids, distances, clusterer_)


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
        Finds neighbours, not fitted; None for 20, nearly all of them if samples are
        many.
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
    offset = far_offset(nodes)
    if offset is not None:
        nodes = nodes - offset
    finder = make_neighbors(neighbors, nodes)
    with stage("finding neighbours", verbose):
        finder_, distances = cache(fit_neighbors)(prepare(finder), nodes)
    n_links = count_links(distances)
    affinity, scales = affinity_graph(distances, n_links)
    _warn_of_zeros(distances, nodes)
    return Graph(affinity, scales, node_of, finder_, n_links, offset)


def _warn_of_zeros(distances: csr_array, nodes: Any) -> None:
    """Warn if samples that lie far apart are neighbours at distance 0."""
    links = distances.tocoo()
    is_zero = links.data == 0
    if not is_zero.any() or is_zero.all():
        return
    between = paired_euclidean_distances(
        nodes[links.row[is_zero]], nodes[links.col[is_zero]]
    )
    n_wrong = int(np.sum(between > np.median(links.data[~is_zero])))
    if n_wrong:
        warn_user(
            f"The 'neighbors' parameter yields distance 0 for {n_wrong} pairs of "
            "samples that lie farther apart than most neighbours. If 0 stands for no "
            "neighbour, leave these entries out of the graph."
        )


def spread(
    clusters: Clusters,
    given: GivenLabels,
    propagation: str,
    alpha: float | str = "auto",
    class_prior: str | Mapping[Any, Any] | None = "estimated",
) -> Spread:
    """Give each sample its class, and the confidence in it.

    A given label stays what it is. To other samples, all copies of a sample pass on the
    label that most of them have.

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
        The share of the samples that each class is to reach over the graph.

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
    voices = _voices(clusters, given)
    nodes, first = np.unique(graph.node_of[positions], return_index=True)
    n_nodes = graph.affinity.shape[0]
    of_nodes = spread_over_graph(
        graph.affinity,
        nodes,
        voices[first],
        n_classes,
        choose_alpha(n_nodes, len(nodes)) if alpha == "auto" else float(alpha),
    )
    if class_prior == "estimated":
        shares, trust = _estimated_shares(clusters, given)
        normalize_class_mass(of_nodes, shares, trust, out=of_nodes)
    elif class_prior is not None:
        match_class_sizes(of_nodes, _known_shares(given, class_prior), out=of_nodes)
    of_nodes[nodes] = 0
    of_nodes[nodes, voices[first]] = 1
    distributions = of_nodes
    if n_nodes < len(clusters):
        of_copies = _for_copies(of_nodes, graph, given, nodes)
        distributions = of_copies[graph.node_of]
        distributions[positions] = 0
        distributions[positions, given.codes] = 1
    confidence = margin(distributions)
    return Spread(
        likeliest(distributions), confidence, -confidence, distributions, of_nodes
    )


def _for_copies(
    of_nodes: NDArray[np.float64],
    graph: Graph,
    given: GivenLabels,
    nodes: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Believe less in a label for copies of its sample: theirs may be others."""
    counts = np.zeros((len(nodes), len(given.classes)))
    node_of = graph.node_of[given.positions]
    np.add.at(counts, (np.searchsorted(nodes, node_of), given.codes), 1)
    n_given = counts.sum(axis=1)
    sizes = np.bincount(graph.node_of, minlength=len(of_nodes))[nodes]
    some = np.flatnonzero(sizes > n_given)
    arriving = graph.affinity[nodes[some]] @ of_nodes
    is_alone = ~arriving.any(axis=1)
    arriving[is_alone] = of_nodes.mean(axis=0)
    arriving *= _WEIGHT_OF_NEIGHBORS / arriving.sum(axis=1, keepdims=True)
    total = n_given[some, np.newaxis] + _WEIGHT_OF_NEIGHBORS
    of_copies = of_nodes.copy()
    of_copies[nodes[some]] = (counts[some] + arriving) / total
    return of_copies


def _spread_in_clusters(clusters: Clusters, given: GivenLabels) -> Spread:
    positions = given.positions
    codes = _nearest_codes(clusters, given, clusters.ids, clusters.E)
    codes[positions] = given.codes
    ranks, sizes = rank_in_clusters(clusters.ids, clusters.distances, positions)
    confidence = rank_confidence(ranks, sizes)
    confidence[positions] = 1
    confidence[codes < 0] = 0
    # By distance, so that ties are those of the confidence.
    return Spread(codes, confidence, clusters.distances)


def _nearest_codes(
    clusters: Clusters, given: GivenLabels, ids: NDArray[np.intp], E: Any
) -> NDArray[np.intp]:
    """Find the class of the given sample nearest to each in its cluster."""
    labelled = clusters.ids[given.positions], clusters.E[given.positions]
    return nearest_in_cluster(ids, E, *labelled, _voices(clusters, given))


def _voices(clusters: Clusters, given: GivenLabels) -> NDArray[np.intp]:
    """Find the class that each given sample passes on: that of most of its copies."""
    copies = copies_of(clusters, given.positions)
    return majority_codes(copies, given.codes, given.positions)


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


def _known_shares(
    given: GivenLabels, class_prior: str | Mapping[Any, Any]
) -> NDArray[np.float64]:
    """List the share of the samples that each class is to reach."""
    if not isinstance(class_prior, Mapping):  # "uniform"
        return np.ones(len(given.classes))
    shares = {plain(label): float(share) for label, share in class_prior.items()}
    mean = sum(shares.values()) / len(shares)
    return np.array([shares.get(label, mean) for label in given.classes.tolist()])


def _estimated_shares(
    clusters: Clusters, given: GivenLabels
) -> tuple[NDArray[np.float64], float]:
    """Estimate the share that each class is to reach, and how far to trust it."""
    # Each label stands for the samples that it is the nearest one of.
    order = np.argsort(clusters.ids, kind="stable")
    probes = order[:: -(-len(order) // _N_PROBES)]
    own = nearest(clusters.E[probes], clusters.E[given.positions])
    weights = np.bincount(own, minlength=len(given)).astype(np.float64)
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
    probabilities : ndarray of shape (n_new, n_classes), dtype=float64
        Probability of each class. A sample whose neighbours have no label takes that of
        the nearest given one.
    """
    assert clusters.graph is not None, "checked by the estimators"
    assert spread.node_distributions is not None, "spread over the graph"
    distributions = np.empty((E.shape[0], len(given.classes)))
    for batch in gen_batches(E.shape[0], _BATCH_SIZE):
        weights = neighbor_weights(clusters.graph, E[batch])
        distributions[batch] = weights @ spread.node_distributions
    lonely = np.flatnonzero(~distributions.any(axis=1))
    if len(lonely):
        found = nearest(E[lonely], clusters.E[given.positions])
        distributions[lonely, given.codes[found]] = 1
    return as_probabilities(distributions)


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
    ids = assign_clusters(clusters.clusterer, E, clusters.ids)
    return _nearest_codes(clusters, given, ids, E)


def next_queries(
    clusters: Clusters,
    confidence: NDArray[np.float64],
    done: NDArray[np.intp],
    n_queries: int,
) -> NDArray[np.intp]:
    """Choose the samples whose labels are worth most now.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters.
    confidence : ndarray of shape (n_samples,), dtype=float64
        How sure the label of each is, in [0, 1].
    done : ndarray of shape (n_done,), dtype=intp
        Positions of samples that need not be asked about.
    n_queries : int
        Number of samples to choose.

    Returns
    -------
    queries : ndarray of shape (n_chosen,), dtype=intp
        Positions, the most valuable first; one of all copies, in no order. No sample is
        a copy of one that is done.
    """
    order = mixed_order(len(clusters), clusters.seed)
    node_of = copies_of(clusters, np.arange(len(clusters)))
    doubt, is_open = 1 - confidence, None
    if clusters.askable is not None:
        # The others count for nothing: their labels need not be known either.
        order = order[np.argsort(~clusters.askable[order], kind="stable")]
        doubt = np.where(clusters.askable, doubt, 0)
        is_open = np.bincount(node_of, clusters.askable) > 0
    _, first = np.unique(node_of[order], return_index=True)
    first = order[first]
    E = clusters.E[first]
    chosen = most_valuable_next(
        E,
        np.unique(node_of[done]),
        np.bincount(node_of, doubt).astype(np.float64),
        n_queries,
        np.lexsort((clusters.distances[first], clusters.ids[first])),
        is_open,
    )
    return first[chosen]


def costs_of_asking(clusters: Clusters) -> NDArray[np.float64]:
    """Tell how badly each sample represents its cluster.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters.

    Returns
    -------
    costs : ndarray of shape (n_samples,), dtype=float64
        Distance to the centre; infinite for a sample that nobody may be asked about.
    """
    if clusters.askable is None:
        return clusters.distances
    return np.where(clusters.askable, clusters.distances, np.inf)


def are_typical(clusters: Clusters, known: NDArray[np.intp]) -> bool:
    """Tell whether known samples could be a fair draw from their clusters.

    Parameters
    ----------
    clusters : Clusters
        The samples in their clusters.
    known : ndarray of shape (n_known,), dtype=intp
        Positions of the samples whose label is known.

    Returns
    -------
    are_typical : bool
        False if they lie at the edges, on the whole.
    """
    ranks, sizes = rank_in_clusters(clusters.ids, clusters.distances, known[:0])
    return are_shares_typical((ranks[known] + 0.5) / sizes[known])


def count_left(clusters: Clusters, given: GivenLabels) -> int:
    """Count the samples without a label, copies of each other as one.

    Parameters
    ----------
    clusters : Clusters
        The samples.
    given : GivenLabels
        The labels there are: of their copies none is left.

    Returns
    -------
    n_left : int
        The number.
    """
    node_of = copies_of(clusters, np.arange(len(clusters)))
    return len(np.unique(node_of)) - len(np.unique(node_of[given.positions]))


def share_of_copies(clusters: Clusters, given: GivenLabels) -> float:
    """Compute the share of the samples without a label that are copies of one with it.

    Parameters
    ----------
    clusters : Clusters
        The samples.
    given : GivenLabels
        The labels there are.

    Returns
    -------
    share : float
        In [0, 1]; 0 if all samples have a label.
    """
    node_of = copies_of(clusters, np.arange(len(clusters)))
    n_copies = int(np.isin(node_of, node_of[given.positions]).sum()) - len(given)
    return n_copies / max(1, len(clusters) - len(given))


def find_suspects(
    clusters: Clusters, given: GivenLabels, spread: Spread
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the given labels that their neighbours contradict.

    Parameters
    ----------
    clusters : Clusters
        The samples, with their graph.
    given : GivenLabels
        The labels that were given.
    spread : Spread
        The labels spread over the graph; without a graph nothing is found.

    Returns
    -------
    suspects : ndarray of shape (n_suspects,), dtype=intp
        Positions of the samples whose label is not the likeliest one among their
        neighbours, the one with the smallest share there first.
    alone : ndarray of shape (n_alone,), dtype=intp
        Those of them whose label is not the likeliest one of any neighbour.
    """
    if clusters.graph is None or spread.node_distributions is None:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    links = clusters.graph.affinity[clusters.graph.node_of[given.positions]]
    arriving = links @ spread.node_distributions
    total = arriving.sum(axis=1)
    own = arriving[np.arange(len(given)), given.codes]
    suspects = np.flatnonzero((total > 0) & (own < arriving.max(axis=1)))
    suspects = suspects[np.argsort(own[suspects] / total[suspects], kind="stable")]
    rows = np.repeat(np.arange(len(given)), np.diff(links.indptr))
    codes = likeliest(spread.node_distributions)[links.indices]
    agrees = np.bincount(rows, (codes == given.codes[rows]) | (codes < 0), len(given))
    return given.positions[suspects], given.positions[suspects[agrees[suspects] == 0]]


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
    return int(np.sum(_voices(clusters, given) != given.codes))
