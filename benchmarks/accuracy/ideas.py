"""What was tried to get more out of a hundred labels, and what it gave.

    python -m benchmarks.accuracy.ideas [--seeds 3] [--only PREFIX ...]
    python -m benchmarks.accuracy.ideas --report-only

Each idea ends in a class for each of the 60,000 training images of Fashion-MNIST; its
figure is the share that is right. The test images have no part in it: this is the
evidence on the training side by which the library's design was chosen. The seeds (100,
101, …) are not those of the accuracy benchmark. What is in ``results/ideas.json`` is
not computed again; delete it to compute anew. Writes it after every seed, with the
table ``ideas.md`` beside it, and in the end ``docs/_static/ideas.png``. Needs the
extra ``keras``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from joblib import Memory
from scipy.sparse.linalg import eigsh
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import pairwise_distances_argmin
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from examples.fashion_mnist.store import write_atomically
from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._graph import affinity_graph, neighbor_distances
from kmeans_labelprop._propagation import choose_alpha
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures, _images

from .context import GivenClusters
from .report import describe_machine
from .statistics import paired_difference, summarize

RESULTS = Path(__file__).parents[1] / "results" / "ideas.json"
FIGURE = Path(__file__).parents[2] / "docs" / "_static" / "ideas.png"
MEMORY = Memory("build/ideas", verbose=0)
N_LABELS = 100
FIRST_SEED = 100
N_CLASSES = 10
DEFAULT = "space-features"  # the idea that the library follows
TOLERANCE = 0.7  # the paper's; towards 0 the loss is the cross-entropy


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
    propagator = KMeansLabelPropagator(N_LABELS, memory=MEMORY, random_state=seed)
    propagator.set_params(**{"propagation": "graph", "fraction": 1, **parameters})
    return propagator.fit(space, IMAGES.y if y is None else y)


def in_space(name: str, seed: int, **parameters: Any) -> Any:
    """Propagate in one of the spaces."""
    return propagate(IMAGES.spaces[name], seed, **parameters).transduction_


# ---------------------------------------------------------------- without networks


def spread_from(
    chosen: Any, space: Any, seed: int, labels: Any = None, **parameters: Any
) -> Any:
    """Spread the labels of the samples given, the true ones, over a space's graph."""
    known = np.full(len(space), -1)
    known[chosen] = IMAGES.y[chosen] if labels is None else labels
    # A cluster around each of them: all of them are representatives.
    centers = space[chosen]
    around = GivenClusters(centers, pairwise_distances_argmin(space, centers))
    return propagate(
        space, seed, known, n_clusters=len(chosen), clusterer=around, **parameters
    )


def consensus(seed: int) -> Any:
    """Multiply what three graphs say."""
    chosen = propagate(IMAGES.spaces["features"], seed).representative_indices_
    shares = [
        spread_from(chosen, IMAGES.spaces[name], seed).label_distributions_ + 0.01
        for name in ("pixels", "edges", "patches")
    ]
    return np.prod(shares, axis=0).argmax(axis=1)


def with_features(
    seed: int, constants: dict[str, Any] | None = None, **parameters: Any
) -> Any:
    """Spread the labels of the default's representatives by other image features."""
    chosen = propagate(IMAGES.spaces["features"], seed).representative_indices_
    space = _other_features(constants or {}, parameters)
    return spread_from(chosen, space, seed).transduction_


def first_features(seed: int) -> Any:
    """Cluster and propagate by the image features that were there first."""
    return propagate(
        _other_features(FIRST_CONSTANTS, FIRST_FEATURES), seed
    ).transduction_


@MEMORY.cache
def _other_features(constants: dict[str, Any], parameters: dict[str, Any]) -> Any:
    with ExitStack() as changes:
        for name, value in constants.items():
            changes.enter_context(patch.object(_images, name, value))
        features = ImageFeatures((28, 28), random_state=0, **parameters)
        return features.fit_transform(IMAGES.X)


def in_one_cell(n_pixels: int, n_cells: int) -> Any:
    """Give each pixel to one cell, which ``cell_weights`` shares between two."""
    cell = np.arange(n_pixels) * n_cells // n_pixels
    return (cell == np.arange(n_cells)[:, np.newaxis]).astype(np.float32)


FIRST_CONSTANTS = {"_SIGMA": 0.7, "_N_ORIENTATIONS": 8, "cell_weights": in_one_cell}
FIRST_FEATURES = {"patch_size": 6, "n_components": 50}


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


def more_starts(seed: int) -> Any:
    """Cluster ten times, and take the tightest clusters."""
    clusterer = KMeans(N_LABELS, n_init=10, random_state=seed)
    return in_space("features", seed, clusterer=clusterer)


def spread_cores(seed: int, share: float = 0.03) -> Any:
    """Spread from the samples nearest to each centre, all with its label."""
    space = IMAGES.spaces["features"]
    cores = propagate(space, seed, propagation="cluster", fraction=share)
    chosen = cores.sample_indices_
    alpha = choose_alpha(len(space), N_LABELS)
    labels = cores.transduction_[chosen]
    return spread_from(chosen, space, seed, labels, alpha=alpha).transduction_


def discriminants(seed: int) -> Any:
    """Build the graph anew, with what parts the propagated labels linearly."""
    space = IMAGES.spaces["features"]
    fitted = propagate(space, seed)
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1)
    learned = analysis.fit(space, fitted.transduction_).transform(space)
    learned = (learned / np.sqrt((learned**2).sum(axis=1).mean())).astype(space.dtype)
    both = np.hstack([space, learned])
    return spread_from(fitted.representative_indices_, both, seed).transduction_


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


def _network(seed: int, epochs: int, build: Callable[..., Any] | None = None) -> Any:
    from examples.fashion_mnist.network import make_convolutional_classifier

    network = make_convolutional_classifier(epochs, random_state=seed)
    return network.set_params(model=build) if build else network


def build_augmented(meta: dict[str, Any]) -> Any:
    """Build the convolutional network behind images mirrored and shifted at random."""
    import keras

    from examples.fashion_mnist.network import build_convolutional_network

    network = build_convolutional_network(meta)
    augmented = keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Reshape((28, 28, 1)),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant"),
            keras.layers.Flatten(),
            network,
        ]
    )
    augmented.compile(network.optimizer, network.loss, jit_compile=False)
    return augmented


def build_tolerant(meta: dict[str, Any]) -> Any:
    """Build the convolutional network for labels some of which are wrong.

    Its loss is the generalised cross-entropy of Zhang and Sabuncu (NeurIPS 2018), in
    which a label that the network finds unlikely counts less.
    """
    import keras

    from examples.fashion_mnist.network import build_convolutional_network

    def loss(y_true: Any, y_pred: Any) -> Any:
        of_label = keras.ops.one_hot(keras.ops.reshape(y_true, [-1]), N_CLASSES)
        probability = keras.ops.sum(of_label * y_pred, axis=-1)
        return (1 - (probability + 1e-7) ** TOLERANCE) / TOLERANCE

    network = build_convolutional_network(meta)
    network.compile(network.optimizer, loss, jit_compile=False)
    return network


def relabel(
    seed: int,
    held_out: bool,
    with_graph: bool,
    build: Callable[..., Any] | None = None,
) -> Any:
    """Train a convolutional network on the propagated labels, and let it speak."""
    fitted = propagate(IMAGES.spaces["features"], seed)
    shares = _network_shares(
        fitted.transduction_, fitted.confidence_, held_out, seed, build
    )
    if with_graph:
        shares = shares * (fitted.label_distributions_ + 0.01)
    return shares.argmax(axis=1)


@MEMORY.cache
def _network_shares(
    y: Any, weight: Any, held_out: bool, seed: int, build: Callable[..., Any] | None
) -> Any:
    X = IMAGES.X
    shares = np.zeros((len(X), N_CLASSES))
    everything = np.arange(len(X))
    folds = (
        KFold(3, shuffle=True, random_state=seed).split(X)
        if held_out
        else [(everything, everything)]
    )
    for train, predicted in folds:
        network = _network(seed, epochs=3, build=build)
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
        "cluster rule on pixels: unit rows, PCA 50",
        partial(pixels, propagation="cluster"),
    ),
    "space-pixels": ("graph rule on the same pixels", pixels),
    "space-edges": (
        "graph rule, histograms of edge directions alone",
        partial(in_space, "edges"),
    ),
    "space-patches": (
        "graph rule, k-means features of patches alone",
        partial(in_space, "patches"),
    ),
    "space-features": ("default: graph rule, `ImageFeatures` (both)", features),
    "features-patches-6": (
        "patches of 6 pixels for 4, same representatives",
        partial(with_features, patch_size=6),
    ),
    "features-components-50": (
        "50 components each for 80, same representatives",
        partial(with_features, n_components=50),
    ),
    "features-directions-8": (
        "8 directions of edges for 24, same representatives",
        partial(with_features, constants={"_N_ORIENTATIONS": 8}),
    ),
    "features-one-cell": (
        "each pixel in one cell, same representatives",
        partial(with_features, constants={"cell_weights": in_one_cell}),
    ),
    "features-blur-0.7": (
        "blur of 0.7 pixels for 1, same representatives",
        partial(with_features, constants={"_SIGMA": 0.7}),
    ),
    "features-first": (
        "all five: `ImageFeatures` as they first were",
        first_features,
    ),
    "graph-no-prior": (
        "no class mass normalisation",
        partial(features, class_prior=None),
    ),
    "graph-alpha-0.9": ("alpha 0.9", partial(features, alpha=0.9)),
    "graph-alpha-0.8": ("alpha 0.8", partial(features, alpha=0.8)),
    "graph-alpha-0.99": ("alpha 0.99", partial(features, alpha=0.99)),
    "graph-neighbors-5": (
        "5 neighbours",
        partial(features, neighbors=KNeighborsTransformer(n_neighbors=5)),
    ),
    "graph-neighbors-20": (
        "20 neighbours",
        partial(features, neighbors=KNeighborsTransformer(n_neighbors=20)),
    ),
    "graph-cores": (
        "from the 3 % nearest to each centre, with its label",
        spread_cores,
    ),
    "graph-discriminants": (
        "graph of `ImageFeatures` and of discriminants of the labels",
        discriminants,
    ),
    "ask-more-starts": ("tightest clusters of ten k-means", more_starts),
    "ask-densest": (
        "densest representatives",
        partial(features, representative="densest"),
    ),
    "ask-two-rounds": (
        "50 labels, then 50 where the graph is unsure",
        two_rounds,
    ),
    "ask-graph-clusters": (
        "clusters of the graph: k-means on its eigenvectors",
        graph_clusters,
    ),
    "ask-fewer": (
        "half the labels: 50 in all",
        partial(features, n_clusters=50),
    ),
    "consensus": ("product of three graphs: pixels, edges, patches", consensus),
    "network-relabels": (
        "convolutional network, trained on all, relabels all",
        partial(relabel, held_out=False, with_graph=False),
    ),
    "network-augmented": (
        "convolutional network, taught on images mirrored and shifted",
        partial(relabel, held_out=False, with_graph=False, build=build_augmented),
    ),
    "network-tolerant": (
        "convolutional network, loss that tolerates wrong labels",
        partial(relabel, held_out=False, with_graph=False, build=build_tolerant),
    ),
    "network-held-out": (
        "networks trained on two thirds relabel the others",
        partial(relabel, held_out=True, with_graph=False),
    ),
    "network-held-out-graph": (
        "the same, times what the graph says",
        partial(relabel, held_out=True, with_graph=True),
    ),
    "network-graph": (
        "graph of `ImageFeatures` and of what a network learned",
        graph_of_network,
    ),
    "learned-views": (
        "embedding learned from augmented views, unlabelled",
        partial(learned_views, with_features=False),
    ),
    "learned-views-features": (
        "the same and `ImageFeatures`",
        partial(learned_views, with_features=True),
    ),
    "consistency-pixels": (
        "consistency training from the graph of pixels",
        partial(consistency, space="pixels"),
    ),
    "consistency-features": (
        "consistency training from the default",
        partial(consistency, space="features"),
    ),
}


# ---------------------------------------------------------------- report

Records = dict[str, dict[str, dict[str, float]]]  # by idea and seed


def table(records: Records) -> str:
    """Write what the ideas gave, in Markdown."""
    lines = [
        "| idea | labels right, % | minus default | seconds |",
        "|---|--:|--:|--:|",
    ]
    accuracies = {
        name: {seed: 100 * record["accuracy"] for seed, record in by_seed.items()}
        for name, by_seed in records.items()
    }
    done = [name for name in IDEAS if records.get(name)]
    for name in done:
        gain = ""
        if name != DEFAULT and DEFAULT in done:
            difference = paired_difference(accuracies[name], accuracies[DEFAULT])
            gain = f"{difference.mean:+.1f} ± {difference.error:.1f}"
        right = summarize(accuracies[name].values())
        seconds = np.median([record["seconds"] for record in records[name].values()])
        idea = f"**{IDEAS[name][0]}**" if name == DEFAULT else IDEAS[name][0]
        lines.append(
            f"| {idea} | {right.mean:.1f} ± {right.std:.1f} | {gain} | {seconds:.0f} |"
        )
    counts = sorted({len(records[name]) for name in done})
    seeds = " to ".join(str(count) for count in (counts[:1] + counts[1:][-1:]))
    lines += [
        "",
        f"{seeds} seeds from {FIRST_SEED} on, {N_LABELS} labels, 60,000 training "
        "images; mean ± standard deviation, paired differences ± standard error. "
        "Seconds are the median of the seeds, on both cores, beyond the embedding, "
        "the clustering, the neighbours and the networks that an idea shares with one "
        "above it.",
    ]
    return "\n".join(lines) + "\n"


def draw(records: Records, path: Path) -> None:
    """Draw the difference of each idea to the default, seed by seed."""
    import matplotlib.pyplot as plt

    done = [name for name in IDEAS if records.get(name) and name != DEFAULT]
    figure, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(done)), layout="constrained")
    for row, name in enumerate(done):
        base = records[DEFAULT]
        differences = [
            100 * (record["accuracy"] - base[seed]["accuracy"])
            for seed, record in records[name].items()
            if seed in base
        ]
        axes.plot(
            differences, [row] * len(differences), "o", color="tab:blue", alpha=0.5
        )
        axes.plot(np.mean(differences), row, "k|", markersize=12)
    axes.axvline(0, color="tab:orange")
    axes.set_yticks(
        range(len(done)), [IDEAS[name][0].replace("`", "") for name in done]
    )
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("labels right minus those of the default, percentage points")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write(path: Path, machine: dict[str, Any], records: Records) -> None:
    """Write JSON and table."""
    text = json.dumps({"machine": machine, "ideas": records}, indent=1)
    write_atomically(path, text + "\n")
    write_atomically(path.with_suffix(".md"), table(records))


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is missing, and write after each seed of an idea."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.ideas", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    parser.add_argument("--only", nargs="+", default=[""], help="names that begin so")
    parser.add_argument("--report-only", action="store_true", help="compute nothing")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(argv)
    found = json.loads(options.out.read_text()) if options.out.exists() else None
    if options.report_only and not found:
        parser.error(f"{options.out} has no results to report yet.")
    records: Records = found["ideas"] if found else {}
    machine = describe_machine(n_threads=os.cpu_count())
    if options.report_only:
        machine = found["machine"]
    elif found and found["machine"] != machine:
        parser.error(
            f"{options.out} was measured with {found['machine']}, which does not go "
            f"together with {machine}. Delete the file or pass another --out."
        )
    chosen = [name for name in IDEAS if name.startswith(tuple(options.only))]
    if not chosen:
        parser.error(f"No idea begins with {options.only}. There are: {list(IDEAS)}.")
    for name in [] if options.report_only else chosen:
        text, idea = IDEAS[name]
        by_seed = records.setdefault(name, {})
        for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
            if str(seed) in by_seed:
                continue
            start = time.perf_counter()
            predicted = idea(seed)
            by_seed[str(seed)] = {
                "accuracy": float(np.mean(predicted == IMAGES.y)),
                "seconds": round(time.perf_counter() - start, 1),
            }
            write(options.out, machine, records)
            print(f"{100 * by_seed[str(seed)]['accuracy']:.1f}  {text}", flush=True)
    write(options.out, machine, records)
    if records.get(DEFAULT):
        is_published = options.out == RESULTS
        draw(records, FIGURE if is_published else options.out.with_suffix(".png"))
    print(table(records), end="")


if __name__ == "__main__":
    main()
