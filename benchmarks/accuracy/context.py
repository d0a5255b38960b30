"""What a method may use: the split, the classifier, and what is shared.

The space, the neighbours and the clusterings are the library's own, computed once per
training part and reused by every method that can take them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import default_embedding

from .classifiers import make_classifier
from .data import Problem
from .measure import Shared

#: Neighbours found once; methods take the nearest of them.
MAX_NEIGHBORS = 20
#: How the library's fixed rules and the automatic choice pick their representatives.
REPRESENTATIVE = "closest"


def make_embedding(problem: Problem) -> Any:
    """Make the library's ready embedding for these samples, unfitted, or None."""
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
    """Samples embedded before, as an embedding for the propagator."""

    def __init__(self, embedded=None):
        self.embedded = embedded

    def __sklearn_clone__(self):
        return GivenEmbedding(self.embedded)

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Return the embedded samples."""
        if X.shape[0] != self.embedded.shape[0]:
            raise ValueError("only the samples embedded before can be transformed")
        return self.embedded


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
    """Neighbours found before, as a neighbours transformer."""

    def __init__(self, graph=None):
        self.graph = graph

    def __sklearn_clone__(self):
        return GivenNeighbors(self.graph)

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Return the graph of distances, found anew where copies were dropped."""
        if X.shape[0] == self.graph.shape[0]:
            return self.graph
        return KNeighborsTransformer(n_neighbors=10).fit_transform(X)


def neighbor_graph(
    distances: NDArray[Any], indices: NDArray[Any], n_columns: int, binary: bool = False
) -> csr_matrix:
    """Build the sparse graph of rows of neighbours."""
    n_rows, n_neighbors = indices.shape
    starts = np.arange(0, n_rows * n_neighbors + 1, n_neighbors)
    data = np.ones(indices.size) if binary else distances.ravel().astype(float)
    return csr_matrix((data, indices.ravel(), starts), shape=(n_rows, n_columns))


@dataclass
class Outcome:
    """What a method gives back to be scored.

    `positions` and `labels` are the training set it made, if it makes one; `detail` is
    kept with the result, for the report and the curious.
    """

    y_pred: NDArray[Any]
    positions: NDArray[np.intp] | None = None
    labels: NDArray[Any] | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Context:
    """One cell: a split, a budget of labels, a seed, a classifier."""

    problem: Problem
    budget: int
    seed: int
    classifier_name: str
    shared: Shared

    @property
    def is_large(self) -> bool:
        """Whether an n x n matrix of the training samples is out of the question."""
        return self.problem.X_train.shape[0] > 10_000

    def make_classifier(self) -> Any:
        """Make the classifier on top, unfitted."""
        return make_classifier(self.classifier_name, self.seed)

    def train(
        self, positions: NDArray[Any], labels: NDArray[Any], **detail: Any
    ) -> Outcome:
        """Train the classifier on these samples and labels, predict the test part."""
        classifier = self.make_classifier().fit(self.problem.X_train[positions], labels)
        y_pred = classifier.predict(self.problem.X_test)
        return Outcome(y_pred, positions, labels, detail)

    def score(self, outcome: Outcome) -> dict[str, Any]:
        """Compare with the true labels, which no method has seen."""
        problem = self.problem
        scores: dict[str, Any] = {
            "accuracy": float(accuracy_score(problem.y_test, outcome.y_pred)),
            "balanced_accuracy": float(
                balanced_accuracy_score(problem.y_test, outcome.y_pred)
            ),
        }
        if outcome.positions is not None and outcome.labels is not None:
            scores["n_training"] = len(outcome.positions)
            scores["label_accuracy"] = float(
                np.mean(problem.y_train[outcome.positions] == outcome.labels)
            )
        return scores | outcome.detail

    # ------------------------------------------------------------ shared

    def _named(self, what: str) -> str:
        return f"{self.problem.split_name}-{what}"

    def space(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Training and test samples in the library's ready embedding."""

        def compute(shared: Shared) -> tuple[NDArray[Any], NDArray[Any]]:
            problem = self.problem
            embedding = make_embedding(problem)
            if embedding is None:
                return problem.X_train, problem.X_test
            train = embedding.fit_transform(problem.X_train)
            return np.asarray(train), np.asarray(embedding.transform(problem.X_test))

        return self.shared.get(self._named("space"), compute)

    def neighbors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Distances and positions of the neighbours, each sample itself first."""

        def compute(shared: Shared) -> tuple[NDArray[Any], NDArray[Any]]:
            train, _ = self.with_shared(shared).space()
            finder = NearestNeighbors(n_neighbors=MAX_NEIGHBORS + 1).fit(train)
            return finder.kneighbors(train)

        return self.shared.get(self._named("neighbors"), compute)

    def test_neighbors(self) -> NDArray[Any]:
        """Positions of the training samples nearest to each test sample."""

        def compute(shared: Shared) -> NDArray[Any]:
            train, test = self.with_shared(shared).space()
            finder = NearestNeighbors(n_neighbors=MAX_NEIGHBORS + 1).fit(train)
            return finder.kneighbors(test, return_distance=False)

        return self.shared.get(self._named("test-neighbors"), compute)

    def propagator(self, **parameters: Any) -> KMeansLabelPropagator:
        """Make a propagator on the shared space, clusters and neighbours; unfitted.

        It takes the samples as they are, and its embedding knows where they lie.
        """

        def compute(shared: Shared) -> tuple[NDArray[Any], NDArray[Any]]:
            train, _ = self.with_shared(shared).space()
            kmeans = KMeans(self.budget, random_state=self.seed).fit(train)
            return kmeans.cluster_centers_, kmeans.labels_

        name = self._named(f"kmeans-{self.budget}-{self.seed}")
        centers, labels = self.shared.get(name, compute)
        distances, indices = self.neighbors()
        graph = neighbor_graph(distances[:, :11], indices[:, :11], len(indices))
        train, _ = self.space()
        return KMeansLabelPropagator(
            self.budget,
            embedding=GivenEmbedding(train),
            clusterer=GivenClusters(centers, labels, self.budget),
            neighbors=GivenNeighbors(graph),
            representative=REPRESENTATIVE,
            random_state=self.seed,
            **parameters,
        )

    def representatives(self) -> NDArray[np.intp]:
        """Positions of the library's representatives."""
        propagator = self.propagator(propagation="cluster", fraction=0.0)
        return np.sort(propagator.query(self.problem.X_train))

    def random_positions(self) -> NDArray[np.intp]:
        """Draw samples at random; the same for every method of this seed."""
        rng = np.random.default_rng((self.seed, self.budget))
        n_samples = self.problem.X_train.shape[0]
        return np.sort(rng.choice(n_samples, self.budget, replace=False))

    def labelled(self, source: str) -> NDArray[np.intp]:
        """Positions of the labels paid for: "random" or "representatives"."""
        if source == "random":
            return self.random_positions()
        return self.representatives()

    def with_shared(self, shared: Shared) -> Context:
        """Return the same cell with another keeper of what is shared."""
        return Context(
            self.problem, self.budget, self.seed, self.classifier_name, shared
        )

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
