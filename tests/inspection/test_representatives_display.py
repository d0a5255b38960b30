import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import RepresentativesDisplay
from kmeans_labelprop.inspection._plotting import VERMILLION

X = np.arange(9 * 4.0).reshape(9, 4)
LABELS = [0, 0, 1, 1, 1, 1, 2, 2, 2]
Y = [5, 5, 8, 8, 8, 5, -1, -1, -1]
REPRESENTATIVES = [0, 5, 7]
GIVEN = [5, 5, -1]


def draw(X=X, y=Y, **kwargs):
    kwargs = {"image_shape": (2, 2)} | kwargs
    return RepresentativesDisplay.from_predictions(
        X, LABELS, REPRESENTATIVES, GIVEN, y, **kwargs
    )


def captions(display):
    return [ax.get_title() for ax in display.axes_]


def is_framed(ax):
    return ax.spines["top"].get_edgecolor() == to_rgba(VERMILLION)


@pytest.mark.parametrize("container", [np.asarray, csr_array, pd.DataFrame])
def test_cells(container):
    display = draw(container(X))
    # The largest cluster first.
    assert_array_equal(display.order_, [1, 2, 0])
    assert captions(display) == ["5\nn=4, 75%", "no label\nn=3", "5\nn=2, 100%"]
    for ax, row in zip(display.axes_, [5, 7, 0], strict=True):
        assert_array_equal(ax.images[0].get_array(), X[row].reshape(2, 2))
    # 5 is not what most of cluster 1 is; of the others that is not known, or not so.
    assert [is_framed(ax) for ax in display.axes_] == [True, False, False]
    assert display.ax_.get_title(loc="left") == (
        "n: cluster size, %: purity, framed: not the majority"
    )


def test_without_true_labels():
    display = draw(y=None)
    assert captions(display) == ["5\nn=4", "no label\nn=3", "5\nn=2"]
    assert not any(is_framed(ax) for ax in display.axes_)
    assert display.ax_.get_title(loc="left") == "n: cluster size"


def test_a_tie_is_a_majority():
    display = draw(y=[5, 5, 8, 8, 5, 5, -1, -1, -1])
    assert not any(is_framed(ax) for ax in display.axes_)


def test_renderer_and_names():
    drawn = []

    def render(ax, sample):
        drawn.append(np.asarray(sample))
        ax.plot(sample)

    names = {5: "a name that is much too long"}
    display = draw(image_shape=None, renderer=render, display_labels=names)
    assert_array_equal(drawn, X[[5, 7, 0]])
    assert len(display.axes_[0].lines) == 1
    assert captions(display)[0] == "a name th…long\nn=4, 75%"
    frame = draw(
        pd.DataFrame(X, columns=list("abcd")),
        image_shape=None,
        renderer=lambda ax, sample: ax.set_xlabel(sample["b"]),
    )
    assert frame.axes_[0].get_xlabel() == "21.0"


def test_names_in_order_and_with_dollars(picture):
    display = draw(X.tolist(), display_labels=["$5-$10"])
    assert captions(display)[0] == "\\$5-\\$10\nn=4, 75%"
    picture(display.figure_)  # no mathematics in it
    assert captions(draw(display_labels=[r"$\alpha {x"]))[0].startswith("\\$")
    assert sum(caption.startswith("no label") for caption in captions(display)) == 1


def test_labels_of_another_kind_than_y_are_refused():
    names = np.array(["five", "eight", "-1"])[[0, 0, 1, 1, 1, 0, 2, 2, 2]]
    with pytest.raises(TypeError, match="both strings or both numbers"):
        draw(y=names)
    # Without a label there is nothing to compare.
    unlabelled = RepresentativesDisplay.from_predictions(
        X, LABELS, REPRESENTATIVES, [None] * 3, names, image_shape=(2, 2)
    )
    assert all(caption.startswith("no label") for caption in captions(unlabelled))


def test_the_mark_is_the_propagators():
    X, y = load_iris(return_X_y=True)
    signs = np.where(y == 0, -1, 1)
    fitted = KMeansLabelPropagator(6, missing_label=0, random_state=0).fit(X, signs)
    display = RepresentativesDisplay.from_estimator(
        fitted, X, signs, image_shape=(2, 2)
    )
    assert display.labels == fitted.representative_labels_.tolist()
    assert set(display.labels) == {-1, 1}
    assert np.isfinite(display.purities).all()


def test_only_propagators_have_representatives(blobs):
    kmeans = KMeans(3, random_state=0).fit(blobs[0])
    with pytest.raises(TypeError, match=r"KMeansLabelPropagator .* Got KMeans instead"):
        RepresentativesDisplay.from_estimator(kmeans, blobs[0], image_shape=(1, 2))


def test_colours_from_0_to_255_are_not_cut():
    colours = np.linspace(0, 255, 9 * 12).reshape(9, 12)
    display = draw(colours, image_shape=(2, 2, 3))
    drawn = display.axes_[0].images[0].get_array()
    assert_array_equal(drawn, colours[5].reshape(2, 2, 3) / 255)


def test_colour_images():
    colours = np.linspace(0, 1, 9 * 12).reshape(9, 12)
    display = draw(colours, image_shape=(2, 2, 3))
    assert display.axes_[0].images[0].get_array().shape == (2, 2, 3)


@pytest.mark.parametrize("n_clusters", [5, 7, 100])
def test_digits(n_clusters, assert_legible):
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(n_clusters, random_state=0).fit(X, y)
    names = {i: f"category {i}" for i in range(10)}
    display = RepresentativesDisplay.from_estimator(
        propagator, X, y, image_shape=(8, 8), display_labels=names
    )
    assert len(display.axes_) == n_clusters
    assert assert_legible(display.figure_) == n_clusters + 1
    largest = np.bincount(propagator.labels_).argmax()
    position = np.flatnonzero(propagator.representative_clusters_ == largest)[0]
    assert display.order_[0] == position
    share = np.bincount(y[propagator.labels_ == largest]).max() / np.sum(
        propagator.labels_ == largest
    )
    label = propagator.representative_labels_[position]
    size = np.bincount(propagator.labels_)[largest]
    assert captions(display)[0] == f"category {label}\nn={size}, {share:.0%}"


def test_only_the_largest():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(30, random_state=0).fit(X, y)
    figure, axes = plt.subplots(1, 2, figsize=(14, 7))
    display = RepresentativesDisplay.from_estimator(
        propagator, X, image_shape=(8, 8), max_representatives=9, ax=axes[0]
    )
    assert len(display.axes_) == 9
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert display.ax_.get_title(loc="left") == "9 of 30, n: cluster size"
    sizes = np.bincount(propagator.labels_)[propagator.representative_clusters_]
    assert sizes[display.order_].min() >= np.sort(sizes)[-9]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"renderer": print}, "takes either 'image_shape' or 'renderer'"),
        ({"image_shape": (3, 2)}, r"with 4 pixels.* Got \(3, 2\) instead"),
        ({"image_shape": 4}, r"must be a tuple with 4 pixels.* Got 4 instead"),
        ({"max_representatives": 0}, "must be an int in the range"),
        ({"max_representatives": 2.5}, r"must be an int .* Got 2\.5"),
        ({"X": X[:8]}, "inconsistent numbers of samples"),
        ({"display_labels": ["a", "b"]}, "one name for each of the 1 classes"),
    ],
)
def test_bad_parameters(kwargs, message):
    with pytest.raises(ValueError, match=message):
        draw(**kwargs)


def test_pictures(picture):
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(5, random_state=0).fit(X, y)
    display = RepresentativesDisplay.from_estimator(
        propagator, X, y, image_shape=(8, 8), cmap="gray"
    )
    figure = display.figure_
    pixels = picture(figure)[::-1, :, 0]
    # The middle of each pixel of each image has the grey of the sample's value.
    for ax, position in zip(display.axes_, display.order_, strict=True):
        sample = X[propagator.representative_indices_[position]].reshape(8, 8)
        points = [(column, row) for row in range(8) for column in range(8)]
        across, up = ax.transData.transform(points).round().astype(int).T
        shown = pixels[up, across] / 255
        expected = (sample - sample.min()) / np.ptp(sample)
        np.testing.assert_allclose(shown, expected.ravel(), atol=0.01)


# ------------------------------------------------------------- texts and tables

TEXTS = [
    "A warm and sunny day",
    "sunny, and a warm wind",
    "a warm day",
    "Stocks fell on Monday",
    "stocks rose and fell",
    "the market fell",
]
TOPICS = [0, 0, 0, 1, 1, 1]


def written(display):
    """Give the lines in each cell, those of the words last."""
    return [[text.get_text() for text in reversed(ax.texts)] for ax in display.axes_]


@pytest.mark.parametrize(
    "container",
    [
        list,
        np.array,
        pd.Series,
        pl.Series,
        lambda texts: pd.DataFrame({"text": texts}),
        lambda texts: np.array(texts, dtype=object).reshape(-1, 1),
    ],
)
def test_texts(container, assert_legible):
    display = RepresentativesDisplay.from_predictions(
        container(TEXTS), TOPICS, [0, 4], [None, "markets"], questions=[1, 0]
    )
    assert captions(display) == ["question 1, n=3", "markets, n=3"]
    (first, weather), (second, markets) = written(display)
    assert (first, second) == ("A warm and sunny day", "stocks rose and fell")
    assert weather.split(", ")[0] == "warm"
    assert set(weather.split(", ")) == {"warm", "sunny", "day", "wind"}
    assert set(markets.split(", ")[:2]) == {"fell", "stocks"}
    assert "and" not in weather.split(", ")[:3]
    assert display.ax_.get_title(loc="left") == (
        "n: cluster size, blue: words of the cluster"
    )
    assert_legible(display.figure_)


def test_long_strange_and_missing_texts(assert_legible, picture):
    texts = [
        "word " * 500,
        "x" * 3000,
        None,
        "half a pair \udc80 and $\\alpha {",
        "==== !!",
        "",
    ]
    display = RepresentativesDisplay.from_predictions(
        texts, range(6), range(6), [None] * 6
    )
    assert_legible(display.figure_)
    picture(display.figure_)
    lines = [cell[0].splitlines() for cell in written(display)]
    assert [len(cell) for cell in lines] == [4, 4, 0, 1, 1, 0]
    assert lines[0][-1].endswith(" …")
    empty = RepresentativesDisplay.from_predictions(["", "?"], [0, 1], [0, 1], [5, 6])
    assert empty.apart == [[], []]


def make_table():
    rng = np.random.default_rng(0)
    group = np.arange(120) % 3
    days = pd.to_timedelta(np.arange(120) % 2 + 100 * (group == 2), unit="D")
    return group, pd.DataFrame(
        {
            "same": 7,
            "noise": rng.normal(size=120),
            "mass": np.where(np.arange(120) % 10, 3000.0 + 900 * (group == 0), np.nan),
            "count": pd.array([None, *(group == 1)[1:].astype(int)], dtype="Int64"),
            "when": pd.Timestamp("2024-02-01") + days,
            "island": np.where(
                group == 1, "Dream", np.array(["Ross", "Biscoe"])[group % 2]
            ),
            "wild": group == 0,
        }
    )


@pytest.mark.parametrize("container", [lambda table: table, pl.from_pandas])
def test_rows_of_tables(container, assert_legible):
    group, table = make_table()
    display = RepresentativesDisplay.from_predictions(
        container(table), group, [3, 1, 2], [None] * 3, questions=[3, 1, 2]
    )
    # In the order of the questions, whatever the sizes.
    assert captions(display) == [f"question {i}, n=40" for i in (1, 2, 3)]
    by_cluster = [set(lines) for lines in display.apart]
    assert {"mass: 3,900 ▲", "wild: True"} <= by_cluster[0]
    assert {"count: 1 ▲", "island: Dream"} <= by_cluster[1]
    assert "when: 2024-05-11 ▲" in by_cluster[2]
    assert not any("same" in line for lines in display.apart for line in lines)
    assert [cell[0].splitlines() for cell in written(display)] == [
        display.apart[i] for i in (1, 2, 0)
    ]
    assert "▲ above the rest" in display.ax_.get_title(loc="left")
    assert_legible(display.figure_)


def test_what_a_row_lacks_and_what_is_common():
    group, table = make_table()
    table.loc[1, "island"] = "Ross"
    display = RepresentativesDisplay.from_predictions(
        table, group, [0, 1], [None] * 2, questions=[1, 2]
    )
    assert "mass: missing ▲" in display.apart[0]
    assert "island: Ross (mostly Dream)" in display.apart[1]


def test_the_columns_are_those_of_the_largest_standardised_difference():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 8)) * 10.0 ** np.arange(8)
    labels = np.arange(60) % 3
    display = RepresentativesDisplay.from_predictions(X, labels, [4], [0])
    inside = labels == 1
    difference = (X[inside].mean(axis=0) - X[~inside].mean(axis=0)) / X.std(axis=0)
    expected = np.argsort(-np.abs(difference))[:5]
    assert [line.split(":")[0] for line in display.apart[0]] == [
        f"x{j}" for j in expected
    ]
    signs = ["▲" if difference[j] > 0 else "▼" for j in expected]
    assert [line[-1] for line in display.apart[0]] == signs
    sparse = RepresentativesDisplay.from_predictions(csr_array(X), labels, [4], [0])
    assert sparse.apart == display.apart
    assert RepresentativesDisplay.from_predictions(
        X, np.zeros(60, int), [4], [0]
    ).apart  # a single cluster has no rest


def test_columns_of_any_kind():
    labels = np.arange(12) % 2
    table = pd.DataFrame(
        {
            "infinite": np.where(labels, np.inf, 1.0),
            "never": pd.Series([pd.NaT] * 12),
            "empty": np.nan,
            "zone": pd.date_range("2020", periods=12, tz="Europe/Paris"),
            "month": pd.period_range("2020", periods=12, freq="M"),
            "time": pd.to_timedelta(np.arange(12), unit="h"),
            "kind": pd.Categorical(list("ab") * 6, ordered=True),
            "flag": pd.array([True, None] * 6, dtype="boolean"),
        }
    )
    table.columns = [*table.columns[:-1], "kind"]  # two of that name
    shown = RepresentativesDisplay.from_predictions(table, labels, [0, 1], [None] * 2)
    assert shown.apart[0][:2] == ["kind: a", "kind: True"]
    assert shown.apart[1][:2] == ["kind: b", "kind: missing"]
    mixed = [[1, "x"], [2, "y"]] * 6
    shown = RepresentativesDisplay.from_predictions(mixed, labels, [1], [None])
    assert shown.apart == [["x0: 2", "x1: y"]]
    with pytest.raises(ValueError, match=r"must be texts, .* Got shape \(12,\)"):
        RepresentativesDisplay.from_predictions(np.arange(12), labels, [1], [None])


# ----------------------------------------------------------------------- images


def test_images_need_no_shape():
    grey = X.reshape(-1, 2, 2)
    flat = draw()
    for images in (grey, grey[..., np.newaxis], grey[:, np.newaxis]):
        display = draw(images, image_shape=None)
        for ax, same in zip(display.axes_, flat.axes_, strict=True):
            assert_array_equal(ax.images[0].get_array(), same.images[0].get_array())
    colours = np.random.default_rng(0).integers(0, 256, size=(9, 5, 6, 3))
    for images in (colours, np.moveaxis(colours, -1, 1)):
        display = draw(images.astype(np.uint8), image_shape=None)
        assert_array_equal(display.axes_[0].images[0].get_array(), colours[5] / 255)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.uint16, 0, 65535), (float, 0, 16), (float, -1, 1), (bool, 0, 1), (int, 0, 1)],
)
def test_colours_of_any_range_are_neither_black_nor_cut(dtype, low, high):
    shares = np.random.default_rng(0).integers(0, 2, size=(9, 5, 6, 3))
    colours = (low + shares * (high - low)).astype(dtype)
    for images in (colours, np.moveaxis(colours, -1, 1)):
        display = draw(images, image_shape=None)
        assert_array_equal(display.axes_[0].images[0].get_array(), shares[5])


def test_series_fill_their_cells(picture):
    windows = np.random.default_rng(0).normal(size=(9, 120, 6))
    for series in (windows, np.moveaxis(windows, -1, 1), windows[..., :1]):
        display = draw(series, image_shape=None)
        picture(display.figure_)
        box = display.axes_[0].get_window_extent()
        assert 1 / 2 < box.width / box.height < 2


def test_the_questions_of_every_round_are_shown_in_their_order(assert_legible):
    digits, y = load_digits(return_X_y=True)
    images = digits.reshape(-1, 8, 8)
    propagator = KMeansLabelPropagator(12, random_state=0)
    first = propagator.query(digits)
    display = RepresentativesDisplay.from_estimator(propagator, images)
    shown = propagator.representative_indices_[display.order_]
    assert_array_equal(shown, first)
    assert [text.split("\n")[0] for text in captions(display)] == [
        f"question {i}" for i in range(1, 13)
    ]
    propagator.propagate(dict(zip(first.tolist(), y[first].tolist(), strict=True)))
    more = propagator.query_more(5)
    display = RepresentativesDisplay.from_estimator(propagator, images, y)
    assert len(display.axes_) == 17
    for i, (ax, position) in enumerate(zip(display.axes_, more, strict=False), 1):
        assert ax.get_title().startswith(f"question {i}\n")
        assert_array_equal(ax.images[0].get_array(), images[position])
    assert not any("question" in text for text in captions(display)[5:])
    propagator.propagate({int(more[0]): int(y[more[0]])})
    display = RepresentativesDisplay.from_estimator(propagator, images)
    assert captions(display)[0].startswith("question 2\n")
    assert_legible(display.figure_)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_rows_of_pixels_are_drawn_as_the_images_that_they_are(container):
    images = np.kron(load_digits().images[:200], np.ones((2, 2)))
    rows = container(images.reshape(200, -1))
    propagator = KMeansLabelPropagator(5, random_state=0)
    positions = propagator.query(rows)
    display = RepresentativesDisplay.from_estimator(propagator, rows)
    for ax, at in zip(display.axes_, display.order_, strict=True):
        position = propagator.representative_indices_[at]
        assert_array_equal(ax.images[0].get_array(), images[position])
    assert len(display.axes_) == len(positions)
    drawn = []
    RepresentativesDisplay.from_estimator(
        propagator, rows, renderer=lambda ax, row: drawn.append(np.shape(row))
    )
    assert drawn == [(256,)] * len(positions)
    numbers = KMeansLabelPropagator(5, embedding=None, random_state=0)
    numbers.query(rows)
    display = RepresentativesDisplay.from_estimator(numbers, rows)
    assert not any(ax.images for ax in display.axes_)


@pytest.mark.parametrize(
    "container",
    [
        lambda table: table,
        pl.from_pandas,
        lambda table: table.to_numpy(dtype=object),
        lambda table: table.to_numpy(dtype=object).tolist(),
    ],
    ids=["pandas", "polars", "objects", "lists"],
)
def test_pixels_beside_an_id_are_drawn_as_images(container):
    images = np.kron(load_digits().images[:200], np.ones((2, 2)))
    table = pd.DataFrame(images.reshape(200, -1)).add_prefix("pixel")
    table.insert(3, "file", [f"{i:05}.png" for i in range(200)])
    rows = container(table)
    propagator = KMeansLabelPropagator(5, random_state=0)
    propagator.query(rows)
    for kwargs in ({}, {"image_shape": (16, 16)}):
        display = RepresentativesDisplay.from_estimator(propagator, rows, **kwargs)
        for ax, at in zip(display.axes_, display.order_, strict=True):
            position = propagator.representative_indices_[at]
            assert_array_equal(ax.images[0].get_array(), images[position])
