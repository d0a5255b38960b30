"""Strings with numbers in them, and strings that have an order."""

import base64

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kmeans_labelprop.embedding import default_embedding, describe
from kmeans_labelprop.embedding._formats import find_format, read_as
from kmeans_labelprop.embedding._orders import order_of_strings
from kmeans_labelprop.embedding._parts import find_form, find_parts, weigh_first

N_SAMPLES = 300


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def beside(rng, strings):
    return pd.DataFrame({"x": rng.normal(size=len(strings)), "odd": strings})


def kinds_of(X):
    return {
        column: name.rstrip("0123456789")
        for name, _, columns in default_embedding(X)[0].transformers
        for column in columns
    }


def embedded(X):
    embedding = default_embedding(X)
    for key in embedding.get_params():
        if key.endswith("random_state"):
            embedding.set_params(**{key: 0})
    return embedding.fit(X), embedding.transform(X)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1h 20m", "45m", "2h"], [4800, 2700, 7200]),
        (["3 min 20 s", "1 min", "5 s"], [200, 60, 5]),
        (["PT1H20M", "PT45M", "P1DT1H"], [4800, 2700, 90_000]),
        (["0 days 01:20:00", "2 days 00:00:01"], [4800, 172_801]),
        (["900 g", "1.2 kg", "1,200 kg"], [900, 1200, 1_200_000]),
        (["512 B", "1.5 KB", "2 MiB"], [512, 1536, 2 * 2**20]),
        (["900 m", "2 km"], [900, 2000]),
        (["5'11\"", "6'", "5' 2\""], [1.8034, 1.8288, 1.5748]),
        (["5 ft 11 in", "6 feet"], [1.8034, 1.8288]),
        (["47°12'N", "3°30'S", "5°W"], [47.2, -3.5, -5]),
        (["-3 d", "4 d"], [-3 * 86_400, 4 * 86_400]),
        (["3:05 PM", "12:10 am", "9:00 AM"], [905, 10, 540]),
        (["<0.5", "1.25", "> 20", "90+", "≥3"], [0.5, 1.25, 20, 90, 3]),
        (["120 km/h", "1,080.5 km/h"], [120, 1080.5]),
        (["850 sq. ft.", "1,200 sq. ft."], [850, 1200]),
        (["85.5m2", "1200 m2"], [85.5, 1200]),
        (["21,5 °C", "-3 °C", "<2°C"], [21.5, -3, 2]),
        (["$90 per night", "$1,250 per night"], [90, 1250]),
        (["1 day ago", "12 days ago", "30+ days ago"], [1, 12, 30]),
        (["$1.5 million", "$2 billion", "900 Thousand"], [1.5e6, 2e9, 9e5]),
        (["42.5 Lac", "1.2 crore"], [42.5e5, 1.2e7]),
        (["Rs. 550", "Rs. 12,34,567"], [550, 1_234_567]),
        (["28.5N", "12 S", "94.8W"], [28.5, -12, -94.8]),
    ],
    ids=lambda values: str(values[0]),
)
def test_amounts_in_several_units(values, numbers):
    how = find_format(values * 20)
    if values[0] == "-3 d":  # one unit in all: the number as it is
        numbers = [-3, 4]
    assert_allclose([read_as(value, how) for value in values], numbers)


def test_what_stands_after_numbers_must_be_the_same():
    speeds = [f"{n} km/h" for n in range(30)]
    assert find_format([*speeds, "fast", "40"]) == find_format(speeds)
    how = find_format(speeds)
    assert read_as("40 mi/h", how) is None
    for unlike in (
        "{} km/h {}",
        "street {} left",
        "00{} km/h",
        "{}@home.org",
    ):
        assert find_format([unlike.format(n, n % 7) for n in range(10, 60)]) is None


def test_what_is_no_amount():
    for values in (["3 kg", "4 s"], ["1.2.3 kg", "4 g"], ["1 kg or", "2 g"], ["PT"]):
        assert find_format(values * 20) is None


@pytest.mark.parametrize(
    "order",
    [
        ["18-24", "25-34", "35-44", "45+"],
        ["<$30k", "$30k-$60k", "$60k - $90k", ">$90k"],
        ["under 18", "18 to 30", "31 to 50", "over 50"],
        ["(-5.0, 0.0]", "(0.0, 10.5]", "(10.5, 20.0]"],
        ["(-inf, 0.0]", "(0.0, 10.5]", "(10.5, inf]"],
        ["[0, 18)", "[18, 65)", "[65, inf)"],
        ["$5,000 - $9,999", "$10,000 - $14,999", "$15,000 - $19,999"],
        ["0-5 years", "6-10 years", "10+ years"],
        ["0-39g/day", "40-79", "80-119", "120+"],
        ["0", "1", "2", "3+"],
        ["< 1 year", "1 year", "2 years", "10+ years"],
        ["F", "B-", "B", "A", "A+"],
        ["S", "M", "L", "XL"],
        ["Low", "medium", "HIGH"],
        ["none", "mild", "severe"],
        ["strongly disagree", "disagree", "neutral", "agree", "Strongly agree"],
        ["never", "sometimes", "often", "always"],
    ],
    ids=lambda order: order[0],
)
def test_ranges_and_ranks_have_an_order(rng, order):
    assert order_of_strings(order[::-1]) == order
    places = rng.integers(len(order), size=N_SAMPLES)
    X = beside(rng, np.array(order)[places])
    plain = X.assign(odd=pd.Categorical.from_codes(places, order, ordered=True))
    expected = embedded(plain)[1]
    for same in (X, pl.from_pandas(X), X.astype({"odd": "category"})):
        assert_allclose(embedded(same)[1], expected)
    for missing in ("unknown", "<NA>", "#N/A", ".", "n.a."):
        gaps = X.copy()
        gaps.loc[:9, "odd"] = [missing, None] * 5
        assert kinds_of(gaps)["odd"] == "ordered"
        assert np.isfinite(embedded(gaps)[1]).all()


@pytest.mark.parametrize(
    "values",
    [
        ["A", "B", "C"],
        ["A+", "A-", "O+", "AB+", "B+"],
        ["3-1", "2-2", "0-1"],
        ["2020-21", "2021-22", "2019-20"],
        ["S", "C", "Q"],
        ["no", "yes", "maybe"],
        ["low", "high"],
        ["0-9", "10-19", "red"],
        ["1", "2", "3"],
        ["<1", "<2", ">3"],
        ["1 kg", "2 kg", "3 kg"],
    ],
    ids=lambda values: values[-1],
)
def test_what_has_no_order(values):
    assert order_of_strings(values) is None


def test_codes_that_differ_are_no_ranges(rng):
    X = beside(rng, [f"{i}-{i + 7}" for i in rng.permutation(N_SAMPLES)])
    assert kinds_of(X)["odd"] == "nearly all values differ"


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("{0}/{1}", [0, 1]),
        ("{0:.3f}, {1:.3f}", [0, 1]),
        ("[{0:.2f}, -{1:.2f}, 7]", [0, 1]),
        ("{0}.{1}.0", [0, 1]),
        ("10.0.{0}.{1}", [2, 3]),
        ("INV-{0}-{2:05}", [0]),
        ("{0} of {1} at {2}", [0, 1]),
        ("{0}-{1}", [0, 1]),
    ],
)
def test_strings_of_several_numbers(rng, form, parts):
    numbers = rng.integers(60, 90, (N_SAMPLES, 2))
    row = rng.permutation(N_SAMPLES)
    strings = [form.format(a, b, i) for (a, b), i in zip(numbers, row, strict=True)]
    assert find_parts(sorted(set(strings))) == parts
    X = beside(rng, strings)
    assert "1 string of numbers" in describe(default_embedding(X))
    fitted, E = embedded(X)
    assert E.shape == (N_SAMPLES, 1 + len(parts))
    # What one column tells weighs as one number.
    assert_allclose(E[:, 1:].var(axis=0).sum(), 1, atol=0.2)
    assert abs(np.corrcoef(E[:, 1], numbers[:, 0])[0, 1]) > 0.98
    assert_allclose(embedded(pl.from_pandas(X))[1], E)
    assert len(fitted.get_feature_names_out()) == E.shape[1]
    other = X[:4].assign(odd=["none", None, "", strings[3]])
    found = fitted.transform(other)
    assert_allclose(found[3], E[3])
    assert_allclose(found[0, 1:], found[1, 1:])


@pytest.mark.parametrize(
    ("form", "step"),
    [
        ("#{0:x}{1:x}{2:x}", 17),
        ("#{0:02x}{1:02X}{2:02x}", 1),
        ("#{0:02x}{1:02x}{2:02x}80", 1),
        ("#{0:02x}{1:02x}{2:02x}{3:02x}", 1),
    ],
)
def test_colours_are_their_red_green_and_blue(rng, form, step):
    levels = rng.integers(16, size=(N_SAMPLES, 4)) * (1 if step == 17 else 16)
    n_parts = 4 if "{3" in form else 3
    colours = [form.format(*row) for row in levels.tolist()]
    X = beside(rng, colours)
    written = [" ".join(map(str, row[:n_parts])) for row in levels.tolist()]
    expected = embedded(X.assign(odd=written))[1]
    fitted, E = embedded(X)
    assert_allclose(E, expected)
    assert_allclose(embedded(pl.from_pandas(X))[1], E)
    other = X[:3].assign(odd=["red", None, colours[2]])
    found = fitted.transform(other)
    assert np.isfinite(found).all()
    assert_allclose(found[2], E[2])


def test_few_colours_and_shorter_ones_are_colours(rng):
    """All shades of which there are many are told, and few are as far apart."""
    names = np.array(["#FF0000", "#ee0000", "#0000ff"])
    X = beside(rng, np.resize(names, N_SAMPLES))
    fitted, E = embedded(X)
    red, near, blue = E[:3, 1:]
    assert np.linalg.norm(red - blue) > 5 * np.linalg.norm(red - near)
    assert E.shape[1] == 3  # nothing is green
    short = fitted.transform(X[:3].assign(odd=["#f00", "#e00", "#00f"]))
    assert_allclose(short[[0, 2]], E[[0, 2]])
    any_shade = rng.integers(256, size=(N_SAMPLES, 3))
    colours = ["#{:02x}{:02x}{:02x}".format(*row) for row in any_shade]
    assert find_parts(colours) == [0, 1, 2]


def test_what_is_no_colour():
    for values in (
        ["#123", "#456", "#789"],
        ["#123456", "#456789"],
        ["#abc", "#aabbdd"],
        ["#abg", "#abc"],
        ["#abcd", "#abce"],
        ["abc", "abd"],
        [],
    ):
        assert find_parts(values) == []


def test_the_first_number_of_a_version_counts_most(rng):
    parts = rng.integers(9, size=(N_SAMPLES, 4))
    for form, n_parts in (("{}.{}.{}", 3), ("v{}.{}.{}-beta", 3), ("{}.{}.{}.{}", 4)):
        X = beside(rng, [form.format(*row) for row in parts])
        _, E = embedded(X)
        variances = E[:, 1:].var(axis=0)
        assert len(variances) == n_parts
        assert_allclose(variances[:-1] / variances[1:], 4, rtol=0.3)
        assert_allclose(variances.sum(), E[:, 0].var(), rtol=0.2)
    _, E = embedded(beside(rng, [f"1.{b}.{c}" for _, b, c, _ in parts]))
    assert_allclose(E[:, 1].var() / E[:, 2].var(), 4, rtol=0.3)
    for equal in ("{}/{}/{}", "{}, {}, {}"):
        _, E = embedded(beside(rng, [equal.format(*row) for row in parts]))
        assert_allclose(E[:, 1:].var(axis=0), E[:, 0].var() / 3, rtol=0.2)


def test_what_tells_of_gaps_beside_versions_counts_as_it_did():
    weighed = weigh_first(np.ones((2, 5)), 3)
    assert_allclose(weighed[0, :2] / weighed[0, 1:3], 2)
    assert_allclose(np.sum(weighed[0, :3] ** 2), 3)
    assert_array_equal(weighed[:, 3:], 1)


def test_words_among_versions_do_not_hide_them():
    versions = [f"{i % 4}.{i % 5}.{i % 7}" for i in range(60)]
    assert find_form([*versions, "beta", "48.2, 16.4"]) == "1.2.10"
    assert find_form([*versions[:40], *(["beta"] * 20)]) is None


def test_strings_that_are_no_numbers(rng):
    for strings in (
        [f"A{i}" for i in range(60)],
        [f"{i}{'xyz'[i % 3]}{i % 7}" for i in range(60)],
        ["1/2", "2/3"] * 5,
        [f"{i}-7" for i in range(60)],
    ):
        assert find_parts(sorted(set(strings))) == []


def test_numbers_with_leading_zeros_are_numbers_if_many_differ(rng):
    area = rng.integers(5, size=N_SAMPLES)
    zips = [f"{20_000 * i + rng.integers(9999):05}" for i in area]
    X = beside(rng, zips)
    expected = embedded(X.assign(odd=[int(code) for code in zips]))[1]
    assert_allclose(embedded(X)[1], expected)
    few = beside(rng, [f"{i:02}" for i in rng.integers(30, size=N_SAMPLES)])
    assert kinds_of(few)["odd"] == "categories"
    keys = beside(rng, [f"{i:05}" for i in rng.permutation(N_SAMPLES)])
    assert kinds_of(keys)["odd"] == "nearly all values differ"


def test_numbers_drawn_by_chance_are_left_out(rng):
    ends = rng.integers(256, size=(N_SAMPLES, 2))
    nets = rng.choice(["10.0", "192.168", "84.23"], N_SAMPLES)
    hosts = [f"{net}.{a}.{b}" for net, (a, b) in zip(nets, ends, strict=True)]
    assert find_parts(sorted(hosts)) == [0, 1]
    anywhere = [".".join(map(str, row)) for row in rng.integers(256, size=(900, 4))]
    assert find_parts(sorted(anywhere)) == []
    codes = beside(rng, [f"{code:05}" for code in rng.integers(10**5, size=N_SAMPLES)])
    assert kinds_of(codes)["odd"] == "nearly all values differ"
    pressure = rng.normal([120, 80], [15, 10], (N_SAMPLES, 2)).astype(int)
    assert find_parts(sorted({f"{a}/{b}" for a, b in pressure})) == [0, 1]


def test_tags_and_records_are_read_as_words(rng):
    tags = [["red", "small"], ["red", "large"], ["blue", "small"]]
    at = rng.integers(3, size=N_SAMPLES)
    X = beside(rng, [", ".join(tags[i]) for i in at])
    expected = embedded(X)[1]
    lists = [tags[i] for i in at]
    for same in (
        X.assign(odd=lists),
        X.assign(odd=[tuple(each) for each in lists]),
        pl.DataFrame({"x": X["x"].to_numpy(), "odd": lists}),
    ):
        assert_array_equal(embedded(same)[1], expected)
    records = [{"kind": tags[i][0], "sizes": {"small"}} for i in at]
    assert embedded(X.assign(odd=records))[1].shape == (N_SAMPLES, 3)


@pytest.mark.parametrize("value", [["1"], {"1": 1}, ("1",), {"1"}])
@pytest.mark.parametrize(
    "column",
    [
        np.array([True, False]),
        np.array(["1", "2"]),
        np.array(["low", "mid", "high"]),
        np.array([f"{'AB'[i % 2]}-{i:04}" for i in range(N_SAMPLES)]),
        np.array([f"${i % 70}.50" for i in range(N_SAMPLES)]),
        np.array([f"2026-{1 + i % 12:02}-{1 + i % 27:02}" for i in range(N_SAMPLES)]),
    ],
    ids=["booleans", "categories", "ordered", "codes", "amounts", "dates"],
)
def test_lists_are_refused_where_there_were_none_in_fit(rng, column, value):
    X = beside(rng, np.resize(column, N_SAMPLES))
    odd = pd.Series([*X["odd"][:-1], value], dtype=object)
    fitted, E = embedded(X)
    name = type(value).__name__
    with pytest.raises(TypeError, match=f"'odd' of X must hold single .* Got {name} "):
        fitted.transform(X.assign(odd=odd))
    assert_array_equal(fitted.transform(X.astype({"odd": object})), E)


def test_lists_of_polars_are_refused_where_there_were_none_in_fit(rng):
    X = pl.from_pandas(beside(rng, np.resize(["a", "b"], N_SAMPLES)))
    fitted, _ = embedded(X)
    with pytest.raises(TypeError, match="'odd' of X must hold single"):
        fitted.transform(X.with_columns(odd=pl.Series([["a"]] * N_SAMPLES)))


def test_lists_stay_legal_in_columns_that_held_some(rng):
    """Some rows with one tag are enough, and columns beside them hold none still."""
    tags = np.array([["a"], "b", None, ["a", "b"]], dtype=object)
    X = beside(rng, np.resize(tags, N_SAMPLES)).assign(plain=list("ab") * 150)
    fitted, E = embedded(X)
    assert_array_equal(fitted.transform(X), E)
    assert_array_equal(fitted.transform(X[:3]), E[:3])
    other = X.assign(plain=[["a"]] * N_SAMPLES)
    with pytest.raises(TypeError, match="'plain' of X"):
        fitted.transform(other)


def test_numbers_in_lists_stay_legal_where_fit_saw_some(rng):
    X = beside(rng, np.resize([f"${i}.50" for i in range(70)], N_SAMPLES))
    X["odd"] = pd.Series([["$3.50"], *X["odd"][1:]], dtype=object)
    fitted, E = embedded(X)
    assert_array_equal(fitted.transform(X[:9]), E[:9])


def pixels(vector):
    return " ".join(f"{value:.0f}" for value in 99 * abs(vector))


@pytest.mark.parametrize("make", [list, tuple, np.array, str, pixels])
@pytest.mark.parametrize("library", [pd, pl])
def test_vectors_are_no_single_values(rng, make, library):
    """They would weigh what one number does, or be left out."""
    vectors = rng.normal(size=(N_SAMPLES, 40))
    values = [make(vector.tolist() if make is str else vector) for vector in vectors]
    X = library.DataFrame({"x": rng.normal(size=N_SAMPLES), "odd": values})
    message = (
        r"'odd' of X must hold one value .* Got vectors of 40 .* \(n_samples, 40\)"
    )
    with pytest.raises(ValueError, match=message):
        default_embedding(X)
    with pytest.raises(ValueError, match=message):
        default_embedding(X[["odd"]])
    if isinstance(values[0], str):
        with pytest.raises(ValueError, match=r"^X must hold .* Got vectors of 40 "):
            default_embedding(values)


@pytest.mark.parametrize("n_numbers", [40, 2000])
@pytest.mark.parametrize("write", [str, repr, lambda vector: str(list(vector))])
def test_vectors_as_python_writes_them_are_no_texts(rng, n_numbers, write):
    vectors = rng.normal(size=(30, n_numbers))
    vectors[:, -1] = np.abs(vectors[:, -1])  # all others of both signs
    texts = [write(vector) for vector in vectors]
    is_abridged = n_numbers == 2000 and "..." in texts[0]
    says = "lack most of their numbers" if is_abridged else f"vectors of {n_numbers} "
    for X in (texts, beside(rng, texts)):
        with pytest.raises(ValueError, match=says):
            default_embedding(X)


@pytest.mark.parametrize(
    "start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"]
)
@pytest.mark.parametrize(
    "hold",
    [
        lambda file, _: file,
        lambda file, _: base64.b64encode(file).decode(),
        lambda file, _: f"data:image/png;base64,{base64.b64encode(file).decode()}",
        lambda file, i: {"bytes": file, "path": f"{i}.png"},
        lambda file, i: {"path": f"{i}.png", "bytes": file},
    ],
)
def test_files_of_images_are_no_texts(rng, start, hold):
    """Their bytes tell nothing of what they show."""
    images = [hold(start + rng.bytes(60), i) for i in range(N_SAMPLES)]
    message = r" must hold one value .* Got files of images instead: read them"
    for X in (beside(rng, images), pd.DataFrame({"odd": images})):
        with pytest.raises(ValueError, match="'odd' of X" + message):
            default_embedding(X)
    if not isinstance(images[0], dict):
        with pytest.raises(ValueError, match="^X" + message):
            default_embedding(images)


def test_short_lists_are_refused_where_they_would_be_texts(rng):
    places = rng.normal(size=(N_SAMPLES, 2)).tolist()
    X = pd.DataFrame({"place": places})
    with pytest.raises(ValueError, match=r"'place' .* Got vectors of 2 numbers"):
        default_embedding(X)
    assert kinds_of(X.assign(x=rng.normal(size=N_SAMPLES)))["place"] == "parts"


def test_texts_with_many_numbers_stay_texts(rng):
    words = np.array(["of", "and", "the"])
    texts = [
        " ".join(f"{n} {rng.choice(words)}" for n in rng.integers(9, size=40))
        for _ in range(N_SAMPLES)
    ]
    uneven = [" ".join(map(str, range(n))) for n in rng.integers(40, 80, N_SAMPLES)]
    for each in (texts, uneven, [None, *texts]):
        assert describe(default_embedding(each)).startswith("text")


def test_arrays_are_the_lists_that_they_hold(rng):
    """A table read from a Parquet file has arrays in place of lists."""
    tags = np.array([["a"], "b", None, ["a", "b"]], dtype=object)
    X = beside(rng, np.resize(tags, N_SAMPLES))
    fitted, E = embedded(X)
    of_arrays = [np.array(v) if isinstance(v, list) else v for v in X["odd"]]
    X["odd"] = pd.Series(of_arrays, dtype=object)
    assert_array_equal(fitted.transform(X), E)
    assert_array_equal(embedded(X)[1], E)


def test_an_array_holds_whatever_a_table_does(rng):
    hours = pd.date_range("2026", periods=24, freq="h").time
    X = beside(rng, np.resize(hours, N_SAMPLES))
    E = embedded(X)[1]
    for rows in (X.to_numpy(dtype=object), X.to_numpy(dtype=object).tolist()):
        assert_array_equal(embedded(rows)[1], E)


@pytest.mark.parametrize("value", [1j, pd.Interval(0, 1), pd.Period("2026"), object()])
def test_an_array_of_other_values_is_refused_by_the_column(rng, value):
    X = beside(rng, [value] * N_SAMPLES).to_numpy(dtype=object)
    with pytest.raises(TypeError, match=f"Got {type(value).__name__} in column 1 "):
        default_embedding(X)


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (pd.Timestamp("2026-11-30"), "Timestamp, str"),
        (pd.Timedelta(1), "Timedelta, str"),
        (np.timedelta64(1, "s"), "str, timedelta"),
    ],
)
def test_dates_beside_strings_are_told_from_what_is_never_legal(rng, value, types):
    values = np.array([value, "no date"], dtype=object)
    X = beside(rng, np.resize(values, N_SAMPLES))
    message = rf"'odd' of X must hold values of one kind\. Got {types} instead"
    with pytest.raises(TypeError, match=message):
        default_embedding(X)


@pytest.mark.parametrize(
    ("value", "message"), [(5, "must hold dates"), ([5], "must hold single values")]
)
def test_an_error_names_the_column_of_an_array(rng, value, message):
    days = pd.date_range("2020-01-01", periods=N_SAMPLES).to_pydatetime()
    X = beside(rng, rng.permutation(days) if value == 5 else np.resize(["a", "b"], 300))
    X = X.to_numpy(dtype=object)
    fitted, _ = embedded(X)
    X[-1, 1] = value
    with pytest.raises(TypeError, match=f"Column 1 of X {message}"):
        fitted.transform(X[-1:])
