"""What a method may use: the split, the classifier, and what is shared.

The space, the neighbours and the clusterings are the library's own, computed once per
training part and reused by every method that can take them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.metrics.pairwise import paired_distances
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import default_embedding

from .classifiers import make_classifier
from .data import Problem
from .measure import Shared
from .statistics import calibration_error, log_loss

#: What the labels of a cell are: a number of them, or how known ones were drawn.
Budget = int | str

#: Neighbours found once; methods take the nearest of them.
MAX_NEIGHBORS = 20
#: Hard samples are those far from the centres of so many clusters.
N_CLUSTERS_OF_CLASS = 5
#: The library's own number of neighbours, and the sample itself.
N_FOUND = 21


def make_embedding(problem: Problem) -> Any:
    """Make the library's ready embedding for these samples, unfitted, or None."""
    if problem.is_space:
        return None
    embedding = default_embedding(problem.X_train, image_shape=problem.image_shape)
    if embedding is None:
        return None
    seeds = {
        name: problem.seed
        for name, value in embedding.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return embedding.set_params(**seeds) if seeds else embedding


class GivenEmbedding(TransformerMixin, BaseEstimator):
    """Samples embedded before, as an embedding for the propagator.

    Knows samples by their content: `pairs` holds samples and what became of them. It
    refuses any others.
    """

    def __init__(self, pairs=()):
        self.pairs = pairs

    def __sklearn_clone__(self):
        return GivenEmbedding(self.pairs)

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Return the embedded samples."""
        for samples, embedded in self.pairs:
            if is_same(X, samples):
                return embedded
        raise ValueError("only samples embedded before can be transformed")


def is_same(X: Any, other: Any) -> bool:
    """Tell whether two matrices hold the same samples in the same order."""
    if X is other:
        return True
    if X.shape != other.shape or issparse(X) != issparse(other):
        return False
    if issparse(X):
        return (other != X).nnz == 0
    return np.array_equal(X, other, equal_nan=True)


class GivenClusters(ClusterMixin, BaseEstimator):
    """A clustering found before, as a clusterer for the propagator."""

    def __init__(self, centers=None, labels=None, n_clusters=8):
        self.centers = centers
        self.labels = labels
        self.n_clusters = n_clusters

    def __sklearn_clone__(self):
        return GivenClusters(self.centers, self.labels, self.n_clusters)

    def fit(self, X, y=None):
        """Take the clusters over."""
        self.cluster_centers_ = np.array(self.centers)
        self.labels_ = np.array(self.labels)
        self.inertia_ = float("nan")
        return self


class GivenNeighbors(TransformerMixin, BaseEstimator):
    """Neighbours found before, as a neighbours transformer.

    Knows samples by their content, in parts and in any order: `of_train` are the
    embedded training samples with the distances and positions of their neighbours,
    `of_test` is called for the same of the test samples if they are needed. Of other
    samples, or among others, the neighbours are found anew.
    """

    def __init__(self, of_train=None, of_test=None):
        self.of_train = of_train
        self.of_test = of_test

    def __sklearn_clone__(self):
        return GivenNeighbors(self.of_train, self.of_test)

    def fit(self, X, y=None):
        """Keep the samples among which neighbours are found."""
        self.samples_ = X
        self.is_known_ = is_same(X, self.of_train[0])  # not so without copies
        return self

    def transform(self, X):
        """Return the graph of distances."""
        if self.is_known_:
            for known in (lambda: self.of_train, self.of_test):
                rows = _find_rows(X, known()[0])
                if rows is not None:
                    distances, indices = (part[rows] for part in known()[1:])
                    return neighbor_graph(distances, indices, self.samples_.shape[0])
        n_neighbors = min(N_FOUND - 1, self.samples_.shape[0] - 1)
        finder = KNeighborsTransformer(n_neighbors=n_neighbors).fit(self.samples_)
        return finder.transform(X)


def _find_rows(X: Any, known: Any) -> Any:
    """Find which rows of a matrix the rows of another are; None if some are not."""
    if is_same(X, known):
        return slice(None)
    if issparse(X) or issparse(known) or X.dtype != known.dtype:
        return None
    place = {row.tobytes(): position for position, row in enumerate(known)}
    rows = [place.get(row.tobytes(), -1) for row in X]
    return None if -1 in rows else np.array(rows, dtype=np.intp)


def neighbor_graph(
    distances: NDArray[Any], indices: NDArray[Any], n_columns: int, binary: bool = False
) -> csr_matrix:
    """Build the sparse graph of rows of neighbours."""
    n_rows, n_neighbors = indices.shape
    starts = np.arange(0, n_rows * n_neighbors + 1, n_neighbors)
    data = np.ones(indices.size) if binary else distances.ravel().astype(float)
    return csr_matrix((data, indices.ravel(), starts), shape=(n_rows, n_columns))


def _nearest(found: tuple[Any, Any]) -> tuple[Any, Any]:
    distances, indices = found
    return distances[:, :N_FOUND], indices[:, :N_FOUND]


def first_and_of_each_class(
    order: NDArray[np.intp], codes: NDArray[np.intp], share: float
) -> NDArray[np.intp]:
    """Take a share of the samples, two at least, and the first of each other class.

    Parameters
    ----------
    order : ndarray of shape (n_samples,), dtype=intp
        Positions of all samples, in the order in which they are taken.
    codes : ndarray of shape (n_samples,), dtype=intp
        The class of each sample.
    share : float
        How many to take, in (0, 1].

    Returns
    -------
    positions : ndarray of shape (n_taken,), dtype=intp
        In increasing order.
    """
    n_taken = max(2, round(share * len(order)))
    _, first = np.unique(codes[order], return_index=True)
    return np.union1d(order[:n_taken], order[first])


Probabilities = Callable[[], tuple[NDArray[Any], NDArray[Any]]]


@dataclass
class Outcome:
    """What a method gives back to be scored.

    `positions` and `labels` are the training set it made, if it makes one, and
    `transduction` its labels of all training samples, if it has more; `probabilities`
    gives the classes and the probabilities of the test samples, and is called when the
    clock has stopped; `detail` is kept with the result, for the report and the curious.
    """

    y_pred: NDArray[Any] | None
    positions: NDArray[np.intp] | None = None
    labels: NDArray[Any] | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    transduction: NDArray[Any] | None = None
    probabilities: Probabilities | None = None


def probabilities_of(
    model: Any, X: Any, classes: NDArray[Any] | None = None
) -> Probabilities | None:
    """Prepare the probabilities that a fitted model gives; None if it gives none.

    `classes` are what its classes stand for, if these are codes.
    """
    if not hasattr(model, "predict_proba"):
        return None

    def predict() -> tuple[NDArray[Any], NDArray[Any]]:
        own = np.asarray(model.classes_)
        return own if classes is None else classes[own], model.predict_proba(X)

    return predict


@dataclass
class Context:
    """One cell: a split, a budget of labels, a seed, a classifier."""

    problem: Problem
    budget: Budget
    seed: int
    classifier_name: str
    shared: Shared

    @property
    def is_large(self) -> bool:
        """Whether an n x n matrix of the training samples is out of the question."""
        return self.problem.X_train.shape[0] > 10_000

    @property
    def n_labels(self) -> int:
        """Number of labels to pay for."""
        if not isinstance(self.budget, int):
            raise TypeError(f"{self.budget!r} is no number of labels to choose")
        return self.budget

    def make_classifier(self) -> Any:
        """Make the classifier on top, unfitted."""
        return make_classifier(self.classifier_name, self.seed)

    def train(
        self, positions: NDArray[Any], labels: NDArray[Any], **detail: Any
    ) -> Outcome:
        """Train the classifier on these samples and labels, predict the test part."""
        X_test = self.problem.X_test
        classifier = self.make_classifier().fit(self.problem.X_train[positions], labels)
        return Outcome(
            classifier.predict(X_test),
            positions,
            labels,
            detail,
            probabilities=probabilities_of(classifier, X_test),
        )

    def score(self, outcome: Outcome) -> dict[str, Any]:
        """Compare with the true labels, which no method has seen."""
        problem = self.problem
        scores: dict[str, Any] = {}
        if outcome.y_pred is not None:
            truth = problem.y_test
            scores["accuracy"] = float(accuracy_score(truth, outcome.y_pred))
            with warnings.catch_warnings():
                # A class may be predicted that the test part lacks.
                warnings.filterwarnings("ignore", "y_pred contains classes not in")
                scores["balanced_accuracy"] = float(
                    balanced_accuracy_score(truth, outcome.y_pred)
                )
        if outcome.probabilities is not None:
            classes, probabilities = outcome.probabilities()
            # A sample that no label reaches has none by some methods.
            if np.isfinite(probabilities).all():
                for metric in (log_loss, calibration_error):
                    scores[metric.__name__] = metric(
                        problem.y_test, classes, probabilities
                    )
        if outcome.positions is not None and outcome.labels is not None:
            scores["n_training"] = len(outcome.positions)
            scores["label_accuracy"] = float(
                np.mean(problem.y_train[outcome.positions] == outcome.labels)
            )
        return scores | outcome.detail

    # ------------------------------------------------------------ shared

    def shared_by_split(self, what: str, compute: Callable[[Context], Any]) -> Any:
        """Compute once for all cells on these training samples."""
        return self.shared.get(
            f"{self.problem.split_name}-{what}",
            lambda shared: compute(self.with_shared(shared)),
        )

    def space(self) -> tuple[Any, Any]:
        """Training and test samples in the library's ready embedding."""
        embedded = self._embedded()
        if embedded is None:
            return self.problem.X_train, self.problem.X_test
        return embedded

    def _embedded(self) -> tuple[Any, Any] | None:
        """Training and test samples embedded, or None where they are left as is."""

        def compute(context: Context) -> tuple[Any, Any] | None:
            problem = context.problem
            embedding = make_embedding(problem)
            if embedding is None:
                return None
            train = embedding.fit_transform(problem.X_train)
            return np.asarray(train), np.asarray(embedding.transform(problem.X_test))

        return self.shared_by_split("space", compute)

    def neighbors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Distances and positions of the neighbours, each sample itself first."""

        def compute(context: Context) -> tuple[NDArray[Any], NDArray[Any]]:
            train, _ = context.space()
            finder = NearestNeighbors(n_neighbors=MAX_NEIGHBORS + 1).fit(train)
            return finder.kneighbors(train)

        return self.shared_by_split("neighbors", compute)

    def test_neighbors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Distances and positions of the training samples next to each test sample."""

        def compute(context: Context) -> tuple[NDArray[Any], NDArray[Any]]:
            train, test = context.space()
            finder = NearestNeighbors(n_neighbors=MAX_NEIGHBORS + 1).fit(train)
            return finder.kneighbors(test)

        return self.shared_by_split("test-neighbors", compute)

    def clusters(self, n_clusters: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Centres and cluster ids of k-means with the seed of the cell."""

        def compute(context: Context) -> tuple[NDArray[Any], NDArray[Any]]:
            train, _ = context.space()
            kmeans = KMeans(n_clusters, random_state=context.seed).fit(train)
            return kmeans.cluster_centers_, kmeans.labels_

        return self.shared_by_split(f"kmeans-{n_clusters}-{self.seed}", compute)

    def propagator(
        self, n_clusters: int | None = None, **parameters: Any
    ) -> KMeansLabelPropagator:
        """Make a propagator on the shared space, clusters and neighbours; unfitted.

        It takes the samples as they are, and its embedding knows where they lie.
        """
        n_clusters = self.n_labels if n_clusters is None else n_clusters
        problem, embedded = self.problem, self._embedded()
        train, test = self.space()
        return KMeansLabelPropagator(
            n_clusters,
            embedding=None
            if embedded is None
            else GivenEmbedding([(problem.X_train, train), (problem.X_test, test)]),
            clusterer=GivenClusters(*self.clusters(n_clusters), n_clusters),
            neighbors=GivenNeighbors(
                (train, *_nearest(self.neighbors())),
                lambda: (test, *_nearest(self.test_neighbors())),
            ),
            random_state=self.seed,
            **parameters,
        )

    def representatives(self) -> NDArray[np.intp]:
        """Positions of the library's representatives."""
        propagator = self.propagator(propagation="cluster", fraction=0.0)
        return np.sort(propagator.query(self.problem.X_train))

    def random_positions(self) -> NDArray[np.intp]:
        """Draw samples at random; the same for every method of this seed."""
        rng = np.random.default_rng((self.seed, self.n_labels))
        n_samples = self.problem.X_train.shape[0]
        return np.sort(rng.choice(n_samples, self.n_labels, replace=False))

    def labelled(self, source: str) -> NDArray[np.intp]:
        """Positions of the labels: "random", "representatives" or "known"."""
        sources = {
            "random": self.random_positions,
            "representatives": self.representatives,
            "known": self.known_positions,
        }
        return sources[source]()

    def known_positions(self) -> NDArray[np.intp]:
        """Positions of the labels that are there from the start, by the budget."""
        way, _, percent = str(self.budget).partition("-")
        share = float(percent) / 100
        codes = self.problem.codes_train
        if way == "random":
            # A larger share holds the smaller ones.
            order = np.random.default_rng((self.seed, 1)).permutation(len(codes))
        else:
            order = self._hardest_first()
        return first_and_of_each_class(order, codes, share)

    def _hardest_first(self) -> NDArray[np.intp]:
        """Sort training samples by their distance to the centre, the farthest first."""
        n_samples = self.problem.X_train.shape[0]
        n_clusters = min(N_CLUSTERS_OF_CLASS * len(self.problem.classes), n_samples)
        centers, ids = self.clusters(n_clusters)
        train, _ = self.space()
        distances = paired_distances(train, np.asarray(centers, train.dtype)[ids])
        return np.argsort(-distances, kind="stable")

    def with_shared(self, shared: Shared) -> Context:
        """Return the same cell with another keeper of what is shared."""
        return replace(self, shared=shared)

    def peer_features(self) -> tuple[Any, Any]:
        """Training and test samples as the peers get them.

        The prepared features; on Fashion-MNIST the library's embedding, because
        neighbours among 60,000 samples in 784 dimensions take minutes.
        """
        if self.is_large:
            return self.space()
        return self.problem.X_train, self.problem.X_test

    def dense_space(self) -> NDArray[Any]:
        """Training samples in the embedding, as a dense array."""
        train, _ = self.space()
        return train.toarray() if issparse(train) else np.asarray(train)
