"""What was tried to get more out of a hundred labels, and what it gave.

    python -m benchmarks.accuracy.ideas [--seeds 3] [--only PREFIX ...]

Each idea ends in a class for each of the 60,000 training images of Fashion-MNIST; its
figure is the share that is right. The test images have no part in it: this is the
evidence on the training side by which the library's design was chosen. The seeds (100,
101, …) are not those of the accuracy benchmark. Writes ``results/ideas.json``
after every idea, and the table ``ideas.md`` beside it. Needs the extra ``keras``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Memory
from scipy.sparse.linalg import eigsh
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_argmin
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._graph import affinity_graph, neighbor_distances
from kmeans_labelprop._propagation import choose_alpha
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures

from .context import GivenClusters

RESULTS = Path(__file__).parents[1] / "results"
MEMORY = Memory("build/ideas", verbose=0)
N_LABELS = 100
FIRST_SEED = 100
N_CLASSES = 10


class Images:
    """The training images, and the spaces they are compared in."""

    @cached_property
    def X(self) -> Any:
        """Pixels in [0, 1]."""
        return fetch_fashion_mnist().data.astype(np.float32) / np.float32(255)

    @cached_property
    def y(self) -> Any:
        """Classes."""
        return fetch_fashion_mnist().target

    @cached_property
    def spaces(self) -> dict[str, Any]:
        """Embedded images by name."""
        features = _embed(ImageFeatures((28, 28), random_state=0), self.X)
        pixels = _embed(make_pipeline(Normalizer(), PCA(50, random_state=0)), self.X)
        half = features.shape[1] // 2
        return {
            "pixels": pixels,
            "edges": features[:, :half],
            "patches": features[:, half:],
            "features": features,
        }


@MEMORY.cache
def _embed(embedding: Any, X: Any) -> Any:
    return embedding.fit_transform(X)


IMAGES = Images()


def propagate(space: Any, seed: int, y: Any = None, **parameters: Any) -> Any:
    """Fit a propagator in a space, by the graph rule unless told otherwise."""
    parameters = {"propagation": "graph", "n_clusters": N_LABELS, **parameters}
    propagator = KMeansLabelPropagator(
        memory=MEMORY, random_state=seed, fraction=1, **parameters
    )
    return propagator.fit(space, IMAGES.y if y is None else y)


def in_space(name: str, seed: int, **parameters: Any) -> Any:
    """Propagate in one of the spaces."""
    return propagate(IMAGES.spaces[name], seed, **parameters).transduction_


# ---------------------------------------------------------------- without networks


def spread_from(chosen: Any, space: Any, seed: int) -> Any:
    """Spread the labels of the samples given over the graph of a space."""
    known = np.full(len(space), -1)
    known[chosen] = IMAGES.y[chosen]
    # A cluster around each of them: all of them are representatives.
    centers = space[chosen]
    around = GivenClusters(centers, pairwise_distances_argmin(space, centers))
    return propagate(space, seed, known, n_clusters=len(chosen), clusterer=around)


def consensus(seed: int) -> Any:
    """Multiply what three graphs say."""
    chosen = propagate(IMAGES.spaces["features"], seed).representative_indices_
    shares = [
        spread_from(chosen, IMAGES.spaces[name], seed).label_distributions_ + 0.01
        for name in ("pixels", "edges", "patches")
    ]
    return np.prod(shares, axis=0).argmax(axis=1)


def two_rounds(seed: int, n_first: int = 50) -> Any:
    """Ask for half of the labels, then for more where the graph is unsure."""
    space = IMAGES.spaces["features"]
    first = propagate(space, seed, n_clusters=n_first)
    doubt = 1 - first.confidence_
    again = KMeans(N_LABELS - n_first, n_init=1, random_state=seed)
    again.fit(space, sample_weight=doubt)
    distances = again.transform(space).min(axis=1)
    order = np.lexsort((distances, again.labels_))
    _, nearest = np.unique(again.labels_[order], return_index=True)
    chosen = np.union1d(first.representative_indices_, order[nearest])
    return spread_from(chosen, space, seed).transduction_


def graph_clusters(seed: int) -> Any:
    """Ask about clusters of the graph: k-means on its leading eigenvectors.

    They are weighted as the graph weighs them when it spreads labels, and the rows
    scaled to length 1 as Ng et al. do (NIPS 2001).
    """
    space = IMAGES.spaces["features"]
    values, vectors = _eigenvectors(space, N_LABELS)
    alpha = choose_alpha(len(space), N_LABELS)
    coordinates = Normalizer().transform(vectors / (1 - alpha * values))
    kmeans = KMeans(N_LABELS, random_state=seed).fit(coordinates)
    chosen = pairwise_distances_argmin(kmeans.cluster_centers_, coordinates)
    return spread_from(np.unique(chosen), space, seed).transduction_


@MEMORY.cache
def _eigenvectors(space: Any, n_vectors: int) -> Any:
    neighbors = KNeighborsTransformer(n_neighbors=10)  # the library's
    affinity = affinity_graph(neighbor_distances(neighbors, space))
    start = np.ones(len(space))
    return eigsh(affinity, n_vectors, which="LA", v0=start, tol=1e-4)


# ---------------------------------------------------------------- with networks


def _network(seed: int, epochs: int) -> Any:
    from examples.fashion_mnist.network import make_convolutional_classifier

    return make_convolutional_classifier(epochs, random_state=seed)


def relabel(seed: int, held_out: bool, with_graph: bool) -> Any:
    """Train a convolutional network on the propagated labels, and let it speak."""
    fitted = propagate(IMAGES.spaces["features"], seed)
    shares = _network_shares(
        fitted.transduction_, fitted.confidence_, held_out=held_out, seed=seed
    )
    if with_graph:
        shares = shares * (fitted.label_distributions_ + 0.01)
    return shares.argmax(axis=1)


@MEMORY.cache
def _network_shares(y: Any, weight: Any, held_out: bool, seed: int) -> Any:
    X = IMAGES.X
    shares = np.zeros((len(X), N_CLASSES))
    everything = np.arange(len(X))
    folds = (
        KFold(3, shuffle=True, random_state=seed).split(X)
        if held_out
        else [(everything, everything)]
    )
    for train, predicted in folds:
        network = _network(seed, epochs=3)
        network.fit(X[train], y[train], sample_weight=weight[train])
        shares[predicted] = network.predict_proba(X[predicted])
    return shares


def graph_of_network(seed: int) -> Any:
    """Build the graph anew from what a convolutional network has learned."""
    import keras

    fitted = propagate(IMAGES.spaces["features"], seed)
    network = _network(seed, epochs=3)
    network.fit(IMAGES.X, fitted.transduction_, sample_weight=fitted.confidence_)
    model = network.model_
    inner = keras.Model(model.inputs, model.layers[-2].output)
    learned = inner.predict(IMAGES.X, batch_size=1_000, verbose=0)
    learned = PCA(50, random_state=seed).fit_transform(Normalizer().transform(learned))
    learned /= np.sqrt((learned**2).sum(axis=1).mean())
    space = np.hstack([IMAGES.spaces["features"], learned])
    return spread_from(fitted.representative_indices_, space, seed).transduction_


def learned_views(seed: int, with_features: bool) -> Any:
    """Propagate in an embedding learned from augmented views, without labels."""
    from .contrastive import learn_embedding

    learned = np.sqrt(np.maximum(_learn(learn_embedding, seed), 0))
    learned = PCA(50, random_state=seed).fit_transform(Normalizer().transform(learned))
    if not with_features:
        return propagate(learned, seed).transduction_
    learned /= np.sqrt((learned**2).sum(axis=1).mean())
    return propagate(
        np.hstack([IMAGES.spaces["features"], learned]), seed
    ).transduction_


@MEMORY.cache(ignore=["learn"])
def _learn(learn: Callable[[Any, int], Any], seed: int) -> Any:
    return learn(IMAGES.X, seed)


def consistency(seed: int, space: str, epochs: int = 5) -> Any:
    """Train on the confident labels, and on agreement under augmentation.

    As FixMatch does (Sohn et al., NeurIPS 2020): a moving average of the network
    predicts gently augmented images; where it is sure, the network must predict the
    same of strongly augmented ones. Predictions are aligned to equal shares of the
    classes, which the labels suggest.
    """
    from .consistency import train_consistently

    fitted = propagate(IMAGES.spaces[space], seed)
    return train_consistently(
        IMAGES.X,
        fitted.transduction_,
        fitted.confidence_,
        fitted.label_distributions_,
        n_epochs=epochs,
        seed=seed,
    )


pixels, features = partial(in_space, "pixels"), partial(in_space, "features")
IDEAS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "space-pixels-cluster": (
        "by cluster, unit rows and PCA 50 of pixels",
        partial(pixels, propagation="cluster"),
    ),
    "space-pixels": ("over the graph, the same space", pixels),
    "space-edges": (
        "over the graph, histograms of edge directions",
        partial(in_space, "edges"),
    ),
    "space-patches": (
        "over the graph, k-means features of patches",
        partial(in_space, "patches"),
    ),
    "space-features": ("over the graph, both: `ImageFeatures`", features),
    "graph-no-prior": (
        "`ImageFeatures`, no class mass normalisation",
        partial(features, class_prior=None),
    ),
    "graph-alpha-0.9": ("`ImageFeatures`, alpha 0.9", partial(features, alpha=0.9)),
    "graph-alpha-0.8": ("`ImageFeatures`, alpha 0.8", partial(features, alpha=0.8)),
    "graph-alpha-0.99": ("`ImageFeatures`, alpha 0.99", partial(features, alpha=0.99)),
    "ask-densest": (
        "`ImageFeatures`, densest representatives",
        partial(features, representative="densest"),
    ),
    "ask-two-rounds": (
        "`ImageFeatures`, 50 labels, then 50 where the graph is unsure",
        two_rounds,
    ),
    "ask-graph-clusters": (
        "`ImageFeatures`, k-means on the eigenvectors of the graph",
        graph_clusters,
    ),
    "ask-fewer": (
        "`ImageFeatures`, 50 labels in all",
        partial(features, n_clusters=50),
    ),
    "consensus": ("product of three graphs: pixels, edges, patches", consensus),
    "network-relabels": (
        "`ImageFeatures`; a convolutional network, trained on all, relabels all",
        partial(relabel, held_out=False, with_graph=False),
    ),
    "network-held-out": (
        "the same, trained on the other two thirds",
        partial(relabel, held_out=True, with_graph=False),
    ),
    "network-held-out-graph": (
        "the same, its probabilities times the graph's",
        partial(relabel, held_out=True, with_graph=True),
    ),
    "network-graph": (
        "graph of `ImageFeatures` and of what the network has learned",
        graph_of_network,
    ),
    "learned-views": (
        "over the graph, an embedding learned from augmented views without labels",
        partial(learned_views, with_features=False),
    ),
    "learned-views-features": (
        "the same and `ImageFeatures`",
        partial(learned_views, with_features=True),
    ),
    "consistency-pixels": (
        "consistency training from the graph of the pixels",
        partial(consistency, space="pixels"),
    ),
    "consistency-features": (
        "consistency training from the graph of `ImageFeatures`",
        partial(consistency, space="features"),
    ),
}


def table(results: dict[str, Any]) -> str:
    """Write what the ideas gave, in Markdown."""
    lines = [
        "| idea | labels right, % | minus `ImageFeatures` graph | seconds |",
        "|---|--:|--:|--:|",
    ]
    base = results.get("space-features", {}).get("accuracies")
    for name, (text, _) in IDEAS.items():
        if name not in results:
            continue
        accuracies = 100 * np.array(results[name]["accuracies"])
        gain = ""
        if base is not None and name != "space-features":
            differences = accuracies - 100 * np.array(base)[: len(accuracies)]
            error = differences.std(ddof=1) / np.sqrt(len(differences))
            gain = f"{differences.mean():+.1f} ± {error:.1f}"
        seconds = np.median(results[name]["seconds"])
        lines.append(
            f"| {text} | {accuracies.mean():.1f} ± {accuracies.std(ddof=1):.1f} "
            f"| {gain} | {seconds:.0f} |"
        )
    n_seeds = max(len(result["accuracies"]) for result in results.values())
    lines += [
        "",
        f"{n_seeds} seeds from {FIRST_SEED} on, {N_LABELS} labels, 60,000 training "
        "images; mean ± standard deviation, paired differences ± standard error. "
        "Seconds are those of a seed beyond the embedding and, where shared, the "
        "clustering and the neighbours.",
    ]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the ideas, and write after each of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.ideas", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    parser.add_argument("--only", nargs="+", default=[""], help="names that begin so")
    options = parser.parse_args(argv)
    path = RESULTS / "ideas.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name, (text, idea) in IDEAS.items():
        if not name.startswith(tuple(options.only)):
            continue
        accuracies, seconds = [], []
        for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
            start = time.perf_counter()
            predicted = idea(seed)
            seconds.append(round(time.perf_counter() - start, 1))
            accuracies.append(float(np.mean(predicted == IMAGES.y)))
        results[name] = {"accuracies": accuracies, "seconds": seconds}
        print(f"{100 * np.mean(accuracies):.1f}  {text}", flush=True)
        path.write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / "ideas.md").write_text(table(results))


if __name__ == "__main__":
    main()
