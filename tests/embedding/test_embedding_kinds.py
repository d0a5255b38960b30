"""What people bring: tables of any columns, texts, images, vectors."""

import datetime as dt
import pickle
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA, FastICA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import (
    ImageFeatures,
    TextFeatures,
    default_embedding,
    describe,
)
from kmeans_labelprop.embedding._formats import (
    CLOCK,
    COMMA,
    POINT,
    find_format,
    read_as,
)

N_SAMPLES = 240


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def embedded(X, embedding=None):
    """Embed samples as the propagator does: cloned, seeded, saved and loaded."""
    embedding = clone(default_embedding(X) if embedding is None else embedding)
    for key in embedding.get_params():
        if key.endswith("random_state"):
            embedding.set_params(**{key: 0})
    fitted = pickle.loads(pickle.dumps(embedding.fit(X)))
    return fitted, fitted.transform(X)


def texts_of_two_topics(rng, n_samples=N_SAMPLES):
    words = {
        "sport": ["goal", "match", "team", "win", "coach"],
        "money": ["bank", "market", "stock", "price", "rate"],
    }
    topics = rng.choice(list(words), n_samples)
    return [" ".join(rng.choice(words[topic], 6)) for topic in topics], topics


def kinds_of_columns(rng):
    """Make a table with every kind of column that pandas has."""
    n = N_SAMPLES
    day = pd.Timestamp("2024-01-01")
    minutes = pd.to_timedelta(rng.integers(0, 500_000, n), "min")
    return pd.DataFrame(
        {
            "float": rng.lognormal(3, 1, n),
            "integer": rng.integers(0, 90, n),
            "Int64": pd.array(rng.integers(0, 90, n), dtype="Int64"),
            "Float64": pd.array(rng.random(n) * 50, dtype="Float64"),
            "decimal": [Decimal(int(value)) / 7 for value in rng.integers(0, 999, n)],
            "some": [None if value < 0.2 else value for value in rng.random(n)],
            "strings of numbers": [f"{value:.3f}" for value in rng.random(n)],
            "with marks": ["?" if v < 0.05 else f"{v:.3f}" for v in rng.random(n)],
            "duration": minutes,
            "bool": rng.random(n) < 0.5,
            "boolean": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "object": rng.choice(["Ghent", "Turin", "Graz"], n).astype(object),
            "string": pd.array(rng.choice(["x", "y"], n), dtype="string"),
            "category": pd.Categorical(rng.choice(list("abc"), n)),
            "category of numbers": pd.Categorical(rng.integers(0, 4, n)),
            "ordered": pd.Categorical(
                rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"], True
            ),
            "datetime": day + minutes,
            "time zone": (day + minutes).tz_localize("UTC").tz_convert("Asia/Tokyo"),
            "date": [dt.date(2024, 1, 1) + dt.timedelta(int(i)) for i in range(n)],
            "written date": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(n)],
            "period": pd.period_range("2000-01", periods=n, freq="M"),
            "comment": texts_of_two_topics(rng)[0],
            "code": [f"id-{i}-{rng.integers(1e9)}" for i in range(n)],
            "row": np.arange(n),
            "key": rng.permutation(2 * n)[:n],
            "constant": 1.5,
            "empty": [None] * n,
        }
    )


NUMBERS = ["float", "integer", "Int64", "Float64", "decimal", "some"]
NUMBERS += ["strings of numbers", "with marks", "duration"]
DATES = ["datetime", "time zone", "date", "written date", "period"]
CATEGORIES = ["bool", "boolean", "object", "string", "category", "category of numbers"]
LEFT_OUT = {
    "constant": ["constant", "empty"],
    "nearly all values differ": ["code", "key"],
    "numbers the rows": ["row"],
}
PARTS = {"numbers": NUMBERS, "dates": DATES, "ordered": ["ordered"]}
PARTS |= {"categories": CATEGORIES, "text0": ["comment"], **LEFT_OUT}


def parts_of(embedding):
    table = embedding[0] if isinstance(embedding, Pipeline) else embedding
    return {name: columns for name, _, columns in table.transformers}


# --------------------------------------------------------------- columns of tables


def test_every_kind_of_column_is_known(rng):
    X = kinds_of_columns(rng)
    embedding = default_embedding(X)
    assert parts_of(embedding) == PARTS
    _, E = embedded(X)
    assert E.shape[0] == N_SAMPLES
    assert np.isfinite(E).all()


def test_arrow_types_are_the_same(rng):
    X = kinds_of_columns(rng).drop(columns=["some", "empty", "period"])
    arrow = X.convert_dtypes(dtype_backend="pyarrow")
    assert parts_of(default_embedding(arrow)) == parts_of(default_embedding(X))
    assert_allclose(embedded(arrow)[1], embedded(X)[1], atol=1e-6)


def test_polars_is_the_same(rng):
    X = kinds_of_columns(rng).drop(columns=["period", "ordered", "decimal"])
    X = X.drop(columns=["some", "category of numbers"])
    frame = pl.from_pandas(X)
    expected = parts_of(default_embedding(X))
    assert parts_of(default_embedding(frame)) == expected
    assert_allclose(embedded(frame)[1], embedded(X)[1], atol=1e-6)


def test_arrays_of_objects_are_the_same(rng):
    X = kinds_of_columns(rng)[["float", "object", "comment", "date", "code"]]
    of_objects = X.to_numpy(dtype=object)
    assert parts_of(default_embedding(of_objects)) == {
        "numbers": [0],
        "dates": [3],
        "categories": [1],
        "text0": [2],
        "nearly all values differ": [4],
    }
    assert_allclose(embedded(of_objects)[1], embedded(X)[1])
    assert_allclose(embedded(of_objects.tolist())[1], embedded(X)[1])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas], ids=["pandas", "pl"])
def test_missing_values_everywhere(rng, make):
    X = kinds_of_columns(rng).drop(columns=[*LEFT_OUT["constant"], "row", "key"])
    if make is not pd.DataFrame:
        X = X.drop(columns=["period", "decimal", "category of numbers"])
    for name in X.columns.drop(["integer", "bool"]):
        X[name] = X[name].mask(rng.random(N_SAMPLES) < 0.1)
    X = make(X)
    parts = {name: [c for c in PARTS[name] if c in X.columns] for name in PARTS}
    found = parts_of(default_embedding(X))
    assert {name: set(columns) for name, columns in found.items()} == {
        name: set(columns) for name, columns in parts.items() if columns
    }
    fitted, E = embedded(X)
    assert np.isfinite(E).all()
    nothing = X.head(2)
    if make is pd.DataFrame:
        nothing = nothing.astype(object)
        nothing.loc[:, :] = None
    else:
        nothing = nothing.with_columns(pl.lit(None).alias(c) for c in X.columns)
    assert np.isfinite(fitted.transform(nothing)).all()


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical(["mid", "low", "high"] * 9, ["low", "mid", "high"], True),
        pl.Series(["mid", "low", "high"] * 9, dtype=pl.Enum(["low", "mid", "high"])),
    ],
    ids=["pandas", "polars"],
)
def test_the_order_of_categories_is_kept(values):
    make = pl.DataFrame if isinstance(values, pl.Series) else pd.DataFrame
    X = make({"size": values, "x": np.arange(27.0) ** 2})
    fitted, E = embedded(X)
    E = np.asarray(fitted[0].named_transformers_["ordered"].transform(X[["size"]]))
    middle, low, high = E[:3, 0]
    assert low < middle < high
    missing = X[["size"]].head(1)
    missing = (
        missing.iloc[:0].reindex([0]) if make is pd.DataFrame else missing.clear(1)
    )
    assert_allclose(fitted[0].named_transformers_["ordered"].transform(missing), middle)


def test_dates_follow_time_and_units_do_not_matter():
    days = pd.date_range("2020-01-01", periods=60, freq="37h")
    x = np.arange(60.0) % 7
    for unit in ("s", "ms", "ns"):
        X = pd.DataFrame({"x": x, "day": days.as_unit(unit)})
        fitted, _ = embedded(X)
        rank = fitted[0].named_transformers_["dates"].transform(X[["day"]])
        assert (np.diff(rank[:, 0]) > 0).all()
        again = pd.DataFrame({"x": x, "day": days.as_unit("us")})
        assert_allclose(fitted.transform(again), fitted.transform(X))


def test_the_time_on_the_clock_counts():
    local = pd.date_range("2020-03-28", periods=50, freq="h", tz="Europe/Brussels")
    x = np.arange(50.0) % 7
    zoned = pd.DataFrame({"x": x, "at": local})
    naive = pd.DataFrame({"x": x, "at": local.tz_localize(None)})
    for make in (pd.DataFrame, pl.from_pandas):
        assert_allclose(embedded(make(zoned))[1], embedded(make(naive))[1])


def test_dates_are_the_same_whoever_holds_them(rng):
    """Days with a gap, and how long each took, in all types that hold such."""
    days = np.datetime64("2024-01-01", "s") + rng.integers(0, 10**7, 60)
    lasting = rng.integers(1, 900, 60).astype("m8[s]")
    days[7], lasting[8] = "NaT", "NaT"
    rows = list(zip(days, lasting, strict=True))
    X = pd.DataFrame({"day": days, "lasting": lasting})
    objects = X.astype(object)
    _, E = embedded(X)
    for other in (
        X.convert_dtypes(dtype_backend="pyarrow"),
        X.assign(day=X["day"].dt.tz_localize("Asia/Tokyo")),
        pl.from_pandas(X),
        objects,
        objects.to_numpy(),
        np.array([[day.item(), span.item()] for day, span in rows], dtype=object),
        pd.DataFrame(rows, columns=X.columns, dtype=object),
        np.array(rows, dtype=object),
    ):
        embedding, found = embedded(other)
        assert list(parts_of(embedding)) == ["numbers", "dates"]
        assert_allclose(found, E, atol=1e-6)


def test_amounts_are_numbers(rng):
    amounts = rng.uniform(500, 50_000, N_SAMPLES).round(2)
    town = rng.choice(["Ghent", "Graz"], N_SAMPLES)
    plain = pd.DataFrame({"town": town, "amount": amounts})
    expected = embedded(plain)[1]
    for written in (
        *("${:,.2f}", "{:,.2f} €", "+{:.2f}", "{:.2f} %", " $ {:,.2f}", "USD {:.2f}"),
        *("{:.2f}kg", "R${:.2f}", "{:,.2f}°", "~{:.2f}", "{:.2f}"),
    ):
        table = plain.assign(amount=[written.format(value) for value in amounts])
        comma = [
            text.translate(str.maketrans(",.", ".,"))
            for text in table["amount"].str.strip()
        ]
        spaces = [text.replace(",", "\u202f") for text in table["amount"]]
        for make in (pd.DataFrame, pl.from_pandas):
            for column in (table["amount"], comma, spaces):
                found = embedded(make(table.assign(amount=column)))[1]
                assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1,234", "12", "1,000,000"], [1234, 12, 1_000_000]),
        (["1.234", "12", "1.000.000"], [1234, 12, 1_000_000]),
        (["1,5", "2,25", "1.234,5"], [1.5, 2.25, 1234.5]),
        (["1.5k", "2M", "300"], [1500, 2_000_000, 300]),
        (["(3.5)", "\u22124", "-5", "6"], [-3.5, -4, -5, 6]),
        (["1e3", "2.5E-1", "inf"], [1000, 0.25, np.inf]),
        (["0:20", "12:05", "1:00"], [20, 725, 60]),
        (["0:20:01", "1:00:00", "0:00:09"], [1201, 3600, 9]),
    ],
    ids=lambda values: str(values[0]),
)
def test_what_numbers_are_written_as(values, numbers):
    how = find_format(values * 20)
    assert [read_as(value, how) for value in values] == numbers


@pytest.mark.parametrize(
    "values",
    [
        [f"A{n}" for n in range(60)],
        [f"{n}{'ab'[n % 2]}" for n in range(60)],
        [f"{n} kg" if n % 2 else f"{n} s" for n in range(60)],
        [f"{n:05}" for n in range(60)],
        [f"10.0.{n}.7" for n in range(60)],
        [f"{n}-{n + 1}" for n in range(60)],
        [f"{n} {n + 1}" for n in range(60)],
        [f"row {n}" for n in range(60)],
    ],
    ids=lambda values: values[0],
)
def test_what_is_no_number(values):
    assert find_format(values) is None


@pytest.mark.parametrize(
    "form",
    [
        *("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%y", "%d %b %Y"),
        *("%b %d, %Y", "%B %d, %Y", "%d-%b-%y", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p"),
        *("%Y.%m.%d", "%Y.%m.%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %I:%M %p"),
        *("%a, %d %b %Y %H:%M:%S +0000", "%a %b %d %H:%M:%S GMT %Y", "%b. %d, %Y"),
        *("%A, %B %d, %Y", "%b %d %Y", "%B %dth, %Y", "%a %b %d %H:%M:%S %Y"),
        *("%Y-%m-%d %H:%M:%S UTC", "%Y/%m/%d %H:%M:%S +0200", "%Y-%m-%d %H:00 CET"),
        *(
            "%Y-%m-%d %H:%M:%S.0 +0000 UTC",
            "%b-%d-%Y",
            "%d/%b/%Y",
            "%d%b%Y",
            "%Y-%b-%d",
        ),
        *("%d/%b/%Y:%H:%M:%S +0000", "%d%b%Y:%H:%M:%S", "%d. %B %Y", "%Y%m%dT%H%M%SZ"),
        *("%m/%d/%Y, %I:%M:%S %p", "%d.%m.%Y, %H:%M", "%Y:%m:%d %H:%M:%S"),
        *("%B %d, %Y at %I:%M %p", "%a %b %d %Y %H:%M:%S GMT+0100 (Central Europe)"),
    ],
)
def test_dates_as_tables_write_them(rng, form):
    hours = 24 if "%H" not in form and "%I" not in form else 7
    days = pd.date_range("2019-01-01", periods=200, freq=f"{hours}h")[
        rng.permutation(200)
    ]
    town = rng.choice(["Ghent", "Graz"], 200)
    X = pd.DataFrame({"town": town, "day": days})
    written = X.assign(day=days.strftime(form))
    for make in (pd.DataFrame, pl.from_pandas):
        fitted, found = embedded(make(written))
        assert_allclose(found, embedded(X)[1])
        assert_allclose(fitted.transform(make(written[:1])), found[:1])
    # In another table they may be dates.
    assert_allclose(embedded(written)[0].transform(X), embedded(X)[1])


@pytest.mark.parametrize(
    ("freq", "write"),
    [
        ("MS", "%b %Y"),
        ("MS", "%B %Y"),
        ("MS", "%b-%Y"),
        ("MS", "%Y-%b"),
        ("MS", "%Y-%m"),
        ("MS", "%Y/%m"),
        ("MS", "%m/%Y"),
        ("MS", "%m/%y"),
        ("QS", lambda day: f"Q{day.quarter} {day.year}"),
        ("QS", lambda day: f"{day.year}Q{day.quarter}"),
        ("QS", lambda day: f"{day.year}-Q{day.quarter}"),
        ("W-MON", "%G-W%V"),
        ("W-MON", "%G-W%V-%u"),
        ("D", "%Y-%m-%d"),
    ],
)
def test_months_quarters_and_weeks_are_the_times_when_they_begin(rng, freq, write):
    days = pd.date_range("1980-01-01", periods=120, freq=freq)[rng.permutation(120)]
    written = days.strftime(write) if isinstance(write, str) else days.map(write)
    town = rng.choice(["Ghent", "Graz"], 120)
    expected = embedded(pd.DataFrame({"town": town, "day": days}))[1]
    X = pd.DataFrame({"town": town, "day": written})
    fitted, found = embedded(X)
    assert_allclose(found, expected)
    assert_allclose(fitted.transform(X[:1]), found[:1])
    # What stands for a missing date does not make them another thing.
    if write != "%m/%y":
        gaps = X.assign(day=["?", "n/a", None, *written[3:]])
        assert parts_of(default_embedding(gaps))["dates"] == ["day"]
        assert_allclose(embedded(gaps)[1][3:], expected[3:], rtol=0.1, atol=0.1)


@pytest.mark.parametrize(
    "values",
    [
        ["12/20", "05/21"],  # days, or months of one of two centuries
        ["12/45", "05/87"],
        [*(f"{month:02}/87" for month in range(1, 13)), "13/87"],
        ["5/87", "12/87"],
        ["2004-05", "2005-06"],  # seasons
        ["2004-5", "2004-11"],
        ["2019-13", "2019-14"],
        ["0123-05", "0123-06"],
        ["9123-05", "9123-06"],
        ["2019.5.12", "2019.11.3"],  # versions
        ["3/2019", "4/2019"],
        ["Q5 2019", "Q0 2018"],
        ["Q3 0019", "Q3 19"],
        ["q3 2019", "q4 2019"],
        ["2019-07", "red"],
    ],
    ids=lambda values: values[0],
)
def test_what_may_be_something_else_is_no_date(values):
    assert find_format(values) is None


def test_words_in_a_column_of_numbers_are_told(rng, recwarn):
    town = rng.choice(["Ghent", "Graz"], N_SAMPLES)
    height = [f"{value:.3f}" for value in rng.normal(size=N_SAMPLES)]
    height[3], height[4], height[5] = "?", "N/A", None
    X = pd.DataFrame({"town": town, "height": height})
    fitted, _ = embedded(X)
    assert not recwarn  # these stand for nothing else
    words = X.assign(height=["tall"] * 3 + ["small"] + height[4:])
    for table in (words, pl.from_pandas(words)):
        with pytest.warns(UserWarning, match="'height' of X holds numbers, but 4 of"):
            found = fitted.transform(table)
        missing = fitted.transform(X.assign(height=[None] * 4 + height[4:]))
        assert_allclose(found, missing)
    with pytest.warns(UserWarning, match=r"count as missing: 'tall', 'small'\."):
        embedded(words)


def test_measurements_are_no_keys(rng):
    n = 1000
    X = pd.DataFrame(
        {
            "income": rng.permutation(np.arange(0, 10**6, 7))[:n],  # all different
            "weight": rng.normal(size=n),
            "year": rng.integers(1990, 2020, n),
        }
    )
    assert len(X["income"].unique()) == n
    assert "left out" not in describe(default_embedding(X))
    X["user_id"] = X["income"]
    assert parts_of(default_embedding(X))["nearly all values differ"] == ["user_id"]
    X["income"] = rng.permutation(n) + 5
    assert parts_of(default_embedding(X))["nearly all values differ"] == [
        "income",
        "user_id",
    ]


def test_ids_do_not_matter(rng):
    X, y = make_blobs(300, 3, centers=3, random_state=0)
    X = pd.DataFrame(X * [1, 100, 1], columns=list("abc"))
    X["town"] = np.where(y == 0, "Ghent", "Graz")
    more = X.assign(
        row=np.arange(300), code=[f"{i:x}-{i * 7919:x}" for i in range(300)]
    )
    assert_allclose(embedded(more)[1], embedded(X)[1])


def test_ranks_alone_are_numbers(rng):
    """Nothing else is left where all columns look like keys."""
    ranks = np.array([rng.permutation(200) for _ in range(4)]).T + 1
    X = pd.DataFrame(ranks, columns=list("abcd"))
    assert default_embedding(X) is None  # of one scale, as they are


def test_the_only_column_is_kept():
    for column in (range(40), [f"id{i}" for i in range(40)], [1.0] * 40):
        X = pd.DataFrame({"only": column})
        embedding = default_embedding(X)
        assert embedding is None or embedded(X)[1].shape[0] == 40


def test_nothing_that_tells_samples_apart():
    X = pd.DataFrame(
        {"row": [1.0, 2.0, 3.0], "when": pd.to_datetime(["2026-01-01"] * 3)}
    )
    with pytest.raises(ValueError, match=r"'when'.*\(constant\).*'row'.*\(numbers the"):
        default_embedding(X)


def test_objects_that_stand_for_strings(rng):
    # As drivers of databases give them.
    colour = Enum("Colour", "RED BLUE")
    colours = [list(colour)[i] for i in rng.integers(2, size=60)]
    X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    odd = X.assign(id=[UUID(int=i) for i in range(60)], colour=colours)
    plain = X.assign(id=odd["id"].astype(str), colour=odd["colour"].astype(str))
    E = embedded(plain)[1]
    assert E.shape[1] > 2
    assert_array_equal(embedded(odd)[1], E)


def test_short_strings_that_repeat_are_categories(rng):
    n = 400
    X = pd.DataFrame(
        {
            "title": rng.choice(["head of sales", "head of research and art"], n),
            "comment": texts_of_two_topics(rng, n)[0],
            "x": rng.random(n),
        }
    )
    parts = parts_of(default_embedding(X))
    assert parts["categories"] == ["title"]
    assert parts["text0"] == ["comment"]


def test_thousands_of_columns(rng):
    X = pd.DataFrame(rng.normal(size=(60, 2000))).add_prefix("x")
    X["town"] = rng.choice(["Ghent", "Graz"], 60)
    _, E = embedded(X)
    assert E.shape == (60, 30)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1j, "a"] * 5, "Got complex in column 'odd'"),
        (np.arange(10) * 1j, "Got column 'odd' of dtype complex128"),
        ([range(3)] * 10, "Got range in column 'odd'"),
    ],
)
def test_columns_that_have_no_embedding(column, message):
    X = pd.DataFrame({"x": np.arange(10.0) ** 2, "odd": list(column)})
    with pytest.raises(TypeError, match=message):
        default_embedding(X)


# -------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    "make",
    [
        list,
        np.array,
        lambda texts: np.array(texts, dtype=object),
        lambda texts: np.array(texts)[:, np.newaxis],
        lambda texts: [[text] for text in texts],
        lambda texts: np.array([text.encode() for text in texts]),
        pd.Series,
        lambda texts: pd.Series(texts, dtype="string[pyarrow]"),
        lambda texts: pd.Series(texts, dtype="category"),
        lambda texts: pd.DataFrame({"text": texts}),
        pl.Series,
        lambda texts: pl.DataFrame({"text": texts}),
    ],
)
def test_texts_in_every_container(rng, make):
    texts, topics = texts_of_two_topics(rng)
    X = make(texts)
    assert isinstance(default_embedding(X)[0], TextFeatures)
    _, E = embedded(X)
    assert_allclose(E, embedded(texts)[1], atol=1e-6)
    propagator = KMeansLabelPropagator(8, embedding=None, random_state=0)
    assert np.mean(propagator.fit(E, topics).transduction_ == topics) > 0.99


@pytest.mark.parametrize(
    "scripts",
    [
        ("天地玄黄宇宙洪荒", "日月盈昃辰宿列张"),
        ("กขคงจฉชซ", "ณดตถทธนบ"),
        ("あいうえおかきく", "たちつてとなにぬ"),
    ],
    ids=["Chinese", "Thai", "Japanese"],
)
def test_scripts_without_spaces(rng, scripts):
    topics = rng.integers(2, size=N_SAMPLES)
    texts = ["".join(rng.choice(list(scripts[topic]), 9)) for topic in topics]
    _, E = embedded(texts)
    same = E @ E.T
    is_same = topics[:, None] == topics
    assert same[is_same].mean() > same[~is_same].mean() + 0.1
    # As a column among others they are texts, too, though they have no words.
    X = pd.DataFrame({"x": rng.random(N_SAMPLES), "note": texts})
    assert parts_of(default_embedding(X))["text0"] == ["note"]


@pytest.mark.parametrize(
    "texts",
    [
        [""] * 5,
        ["same"] * 60 + ["other words"] * 3,
        ["one"],
        ["a", "1", "!?"],
        [None, "some words", float("nan"), "some others"],
    ],
    ids=["empty", "equal", "one", "no words", "missing"],
)
def test_few_words_are_no_error(texts):
    fitted, E = embedded(texts)
    assert E.shape == (len(texts), len(fitted[0].components_))
    assert E.dtype == np.float32
    lengths = np.linalg.norm(E, axis=1) / fitted[-1].scale_
    assert_allclose(lengths.round(6) % 1, 0)
    new = fitted.transform(["", "unheard-of", None, *texts])
    assert_allclose(new[3:], E)
    assert_allclose(new[[0, 2]], 0)


def test_texts_stand_for_themselves(rng):
    texts, _ = texts_of_two_topics(rng)
    fitted, E = embedded(texts)
    assert_allclose(fitted.transform(texts[7:9]), E[7:9], atol=1e-6)
    assert_allclose(fitted.fit_transform(texts), E, atol=1e-6)
    assert next(iter(fitted.get_feature_names_out())) == "textfeatures0"
    two_columns = pd.DataFrame({"a": texts, "b": texts})
    with pytest.raises(ValueError, match="Got 2 columns instead"):
        fitted.transform(two_columns)


# ----------------------------------------------------------------- images, vectors


@pytest.mark.parametrize(
    ("shape", "n_pixels"),
    [
        ((20, 16), 320),
        ((20, 16, 3), 960),
        ((3, 20, 16), 960),
        ((1, 20, 16), 320),
        ((100, 130), 50 * 65),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool])
def test_images_of_any_shape(rng, shape, n_pixels, dtype):
    X = (rng.random((40, *shape)) * 255).astype(dtype)
    embedding = default_embedding(X)
    assert isinstance(embedding[-2], ImageFeatures)
    fitted, E = embedded(X)
    assert fitted[-2].n_features_in_ == n_pixels
    assert_allclose(fitted.transform(X[3:5]), E[3:5], atol=1e-5)
    assert isinstance(default_embedding(list(X))[-2], ImageFeatures)
    with pytest.raises(ValueError, match="must be images of shape"):
        fitted.transform(X[:, :-1])


def test_channels_first_and_last_are_alike(rng):
    X = rng.random((40, 20, 16, 3))
    assert_allclose(embedded(X)[1], embedded(np.moveaxis(X, -1, 1))[1])


def test_large_images_are_averaged(rng):
    small = rng.random((40, 50, 60)).astype(np.float32)
    large = np.kron(small, np.ones((1, 2, 2), dtype=np.float32))
    assert_allclose(embedded(large)[1], embedded(small)[1], atol=1e-4)


def test_small_images_are_pixels():
    X = load_digits().images[:, 1:, 1:]
    fitted, E = embedded(X)
    assert_allclose(E, X.reshape(-1, 49) * fitted[-1].scale_)
    assert describe(fitted) == "images 7 × 7: as they are"


def test_windows_of_series_are_no_images(rng):
    X = rng.normal(size=(N_SAMPLES, 64, 9))
    fitted, E = embedded(X)
    rows = X.reshape(N_SAMPLES, -1)
    assert_allclose(E, embedded(rows)[1])
    assert describe(fitted) == "series 64 × 9: 50 components"
    # Unless somebody says so.
    told = default_embedding(X, image_shape=(64, 9))
    assert describe(told) == "images 64 × 9: edges, patches, brightness"
    as_wide = default_embedding(rng.random((9, 8, 32)))
    assert describe(as_wide) == "images 8 × 32: edges, patches, brightness"


def test_images_and_their_shape_must_agree(rng):
    X = rng.random((9, 20, 16))
    assert isinstance(default_embedding(X, image_shape=(20, -1))[-2], ImageFeatures)
    with pytest.raises(ValueError, match=r"shape \(20, 16\) do not have image_shape"):
        default_embedding(X, image_shape=(16, 20))


@pytest.mark.parametrize("n_features", [64, 384])
def test_vectors_made_elsewhere_are_compared_by_angle(rng, n_features):
    X = rng.normal(size=(N_SAMPLES, n_features)) * np.geomspace(1, 9, n_features)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    for vectors in (X, X * (1 + 0.001 * rng.random((N_SAMPLES, 1)))):
        embedding = default_embedding(vectors)
        assert "rows of unit length" in describe(embedding)
        assert (len(embedding) == 3) == (n_features > 100)
    lengths = rng.lognormal(0, 1, (N_SAMPLES, 1))
    assert "unit length" not in describe(default_embedding(X * lengths))


# ------------------------------------------------------------------------ messages


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.arange(3), ValueError, "Expected 2D array, got 1D array"),
        (coo_array([1, 0, 2]), ValueError, "Expected 2D array, got sparse 1D array"),
        (pd.Series([1.0, 2.0]), ValueError, "Expected 2D array, got 1D array"),
        (pl.Series([1, None]), ValueError, "Expected 2D array, got 1D array"),
        ([[1.0, 2.0], [3.0]], ValueError, "different lengths.*inhomogeneous shape"),
        ([np.ones((3, 3)), np.ones((4, 3))], ValueError, "images to one size"),
        (["a", 1.0], TypeError, "Got strings and float in one list"),
        (
            np.array(["2026-01-01"], "M8[D]"),
            TypeError,
            "dates and durations as columns",
        ),
        (pd.Series([dt.date(2026, 1, 1)]), TypeError, "dates and durations as columns"),
        ([Path("1.png"), Path("2.png")], TypeError, "Got a list of PosixPath instead"),
        (np.ones((2, 3, 3, 3, 3)), ValueError, "5 dimensions"),
    ],
)
def test_what_cannot_be_taken(X, error, message):
    with pytest.raises(error, match=message):
        default_embedding(X)


# ------------------------------------------------------------------------ describe


def test_a_line_for_every_kind(rng):
    X = kinds_of_columns(rng)
    assert describe(default_embedding(X)) == (
        "table: 9 numbers, 5 dates, 1 ordered category, 6 categories, 1 text; left "
        "out: 'constant', 'empty' (constant), 'code', 'key' (nearly all values "
        "differ), 'row' (numbers the rows)"
    )
    texts, _ = texts_of_two_topics(rng)
    assert describe(default_embedding(texts)) == "text: tf-idf, up to 100 components"
    assert describe(embedded(texts[:9])[0]).endswith(" 9 components")
    images = rng.integers(0, 255, (9, 96, 96, 3))
    assert describe(default_embedding(images)) == (
        "images 96 × 96 × 3: 2 times smaller, edges, patches, brightness"
    )
    assert (
        describe(ImageFeatures((28, 28)))
        == "images 28 × 28: edges, patches, brightness"
    )
    assert describe(None) == "as they are"
    numbers = X[["float", "integer", "row"]].assign(float=1000 * X["float"])
    assert describe(default_embedding(numbers)) == (
        "table: 2 numbers, standard scores without extremes; left out: 'row' (numbers "
        "the rows)"
    )


def test_many_columns_left_out_are_counted():
    X = pd.DataFrame(
        {f"c{i}": [1] * 9 for i in range(8)} | {"b": [True, False, True] * 3}
    )
    line = describe(default_embedding(X))
    assert line.endswith("'c0', 'c1', 'c2', 'c3', 'c4', 3 more (constant)")


def test_embeddings_of_ones_own_are_described():
    assert describe(PCA(7)) == "numbers: up to 7 components"
    assert describe(make_pipeline(StandardScaler(), FastICA(1))) == (
        "numbers: standard scores, up to 1 component"
    )


def test_counts_of_words_and_many_columns_are_described(rng):
    words = [f"word{i}" for i in range(300)]
    texts = [" ".join(rng.choice(words, 30)) for _ in range(100)]
    counts = CountVectorizer().fit_transform(texts)
    assert describe(default_embedding(counts)) == (
        "counts of words: tf-idf, up to 50 components, rows of unit length"
    )
    wide = pd.DataFrame(rng.normal(size=(100, 400))).rename(columns=str)
    wide["kind"] = rng.choice(list("abc"), 100)
    assert describe(default_embedding(wide)) == (
        "table: 400 numbers, 1 category, up to 50 components"
    )


@pytest.mark.parametrize("channels", [(), (3,)])
def test_pixels_that_are_missing_are_filled_in(rng, channels):
    X = rng.random((30, 12, 12, *channels))
    X[0, 0, 0] = np.nan
    embedding = default_embedding(X)
    assert "missing ones filled in, edges, patches, brightness" in describe(embedding)
    E = embedding.fit_transform(X)
    assert np.isfinite(E).all()
    assert np.abs(E).sum(axis=1).all()


def test_long_texts_are_compared_by_words_and_short_ones_by_pieces(rng):
    words = [f"word{i}" for i in range(300)]
    for n_words, analyzer in ((100, "word"), (20, "char"), (5, "char_wb")):
        texts = [" ".join(rng.choice(words, n_words)) for _ in range(60)]
        features = TextFeatures(random_state=0).fit(texts)
        assert features.vectorizer_.analyzer == analyzer
    for letters, length in (("一二三四五六七八九", 6), ("ACGT", 60)):
        texts = ["".join(rng.choice(list(letters), length)) for _ in range(60)]
        features = TextFeatures(random_state=0).fit(texts)
        assert features.vectorizer_.analyzer == "char"


def test_short_texts_are_told_by_the_ends_of_their_words(rng):
    """Half of the names begin with letters that the others end with."""
    y = rng.integers(2, size=400)
    inner = ["".join(rng.choice(list("bcdeghimnoprstu"), 5)) for _ in y]
    names = [
        f"lak{i}" if label else f"{i}lak" for i, label in zip(inner, y, strict=True)
    ]
    fitted = KMeansLabelPropagator(20, random_state=0).fit(names, y)
    assert np.mean(fitted.transduction_ == y) > 0.95


def test_samples_that_do_not_differ_and_masks_that_hide_nothing(rng):
    same = np.ones((50, 3))
    assert describe(default_embedding(same)) == "as they are"
    same[3, 1] = np.nan
    assert describe(default_embedding(same)) == "numbers: missing ones filled in"
    X = rng.normal(size=(50, 3))
    masked = default_embedding(np.ma.MaskedArray(X))
    assert describe(masked) == describe(default_embedding(X))
    ragged = np.empty(3, dtype=object)
    ragged[:] = [[1], [1, 2], [3]]
    with pytest.raises(ValueError, match="got samples of different lengths"):
        default_embedding(ragged)


# ------------------------------------------------------------ forms that people bring


def right_of(X, y):
    return np.mean(
        KMeansLabelPropagator(30, random_state=0).fit(X, y).transduction_ == y
    )


@pytest.mark.parametrize("length", [80, 300, 450, 900])
@pytest.mark.parametrize("in_lines", [False, True])
def test_letters_that_are_no_words_are_read_by_pieces(rng, length, in_lines):
    """No cliff at 400 characters, where texts are read by words."""
    y = rng.integers(2, size=200)
    pairs = np.array(["ACGT", "AACC"])[y]
    texts = ["".join(rng.choice(list(letters), length)) for letters in pairs]
    if in_lines:
        texts = ["\n".join(t[i : i + 60] for i in range(0, length, 60)) for t in texts]
    assert right_of(texts, y) == 1
    assert right_of(texts[:45], y[:45]) == 1


def test_the_usual_of_few_words_tell_texts_apart(rng):
    """Each command is in most traces: how often it is used tells them apart."""
    y = rng.integers(3, size=300)
    chances = np.random.default_rng(1).dirichlet(np.full(12, 2.0), size=3)
    texts = [" ".join(f"c{i:02}" for i in rng.choice(12, 150, p=chances[k])) for k in y]
    assert right_of(texts, y) > 0.95


def test_usual_words_among_many_others_are_left_out(rng):
    others = [f"w{i}" for i in range(300)]
    texts = [" ".join(["the", "of", *rng.choice(others, 120)]) for _ in range(120)]
    words = set(TextFeatures().fit(texts).vectorizer_.get_feature_names_out())
    assert words
    assert not words & {"the", "of"}


@pytest.mark.parametrize("shape", [(24, 12), (128, 9)])
def test_sensors_have_units_of_their_own(rng, shape):
    y = rng.integers(3, size=150)
    windows = (
        rng.normal(size=(150, *shape)) + 1.5 * rng.normal(size=(3, 1, shape[1]))[y]
    )
    units = np.exp(1.5 * rng.normal(size=shape[1]))
    in_units = windows * units + 5 * units.max() * rng.normal(size=shape[1])
    assert right_of(in_units, y) >= right_of(windows, y) - 0.02
    assert describe(default_embedding(in_units)).startswith("series")


def test_channels_have_units_of_their_own(rng):
    y = rng.integers(3, size=150)
    colours = rng.normal(size=(150, 12, 12, 3)) + 2 * np.eye(3)[y][:, None, None]
    depth = 1e4 * rng.normal(size=(150, 12, 12, 1))
    for images in (colours, np.concatenate([colours, depth], axis=3)):
        for X in (images, np.moveaxis(images, 3, 1)):
            assert right_of(X, y) > 0.9


@pytest.mark.parametrize("name", ["digits", "noise", "dark"])
def test_lines_of_images_are_no_time_steps(rng, name):
    """Borders hardly vary, and are no sensors."""
    images = load_digits().images
    if name == "noise":
        images = images + rng.normal(size=images.shape)
    if name == "dark":
        images = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    assert describe(default_embedding(images)).startswith("images")


def test_images_that_do_not_vary_have_no_units():
    for dtype in (float, object):
        for shape in ((30, 10, 12), (30, 10, 12, 3)):
            assert default_embedding(np.ones(shape, dtype=dtype)) is not None


def test_the_form_that_fits_most_is_taken():
    """Few rows may tell: the 13th is no month, and a comma no point."""
    days = [
        f"{day:02}/{month:02}/2020" for month in range(1, 13) for day in range(1, 9)
    ]
    assert find_format(days) == "%m/%d/%Y"
    assert find_format([*days, "13/01/2020"]) == "%d/%m/%Y"
    amounts = [f"{n}.{n:03}" for n in range(101, 190)]
    assert find_format(amounts) == POINT
    assert find_format([*amounts, "1.250,50"]) == COMMA
    assert find_format(["--", "n/a", *days]) == "%m/%d/%Y"


@pytest.mark.parametrize("writes", [("True", "False"), ("true", "false")])
def test_the_same_answer_is_one_category_however_it_is_written(rng, writes):
    answers = rng.random(90) < 0.5
    X = pd.DataFrame({"x": rng.normal(size=90), "answer": answers})
    fitted, E = embedded(X)
    for yes, no in (writes, [word.upper() for word in writes]):
        words = np.where(answers, yes, no).astype(object)
        for same in (words, [word.encode() for word in words]):
            assert_allclose(fitted.transform(X.assign(answer=same)), E)
            assert_allclose(embedded(X.assign(answer=same))[1], E)


def test_ordered_categories_that_are_the_same_count_as_one(rng):
    order = ["no", "perhaps", "True", "true"]
    ranked = pd.Categorical.from_codes(rng.integers(4, size=90), order, ordered=True)
    X = pd.DataFrame({"x": rng.normal(size=90), "answer": ranked})
    assert embedded(X)[1].shape == (90, 2)


def test_days_and_months_without_zeros_are_dates():
    days = pd.date_range("2019-01-01", periods=90)
    for sign in "-/":
        values = [f"{day.year}{sign}{day.month}{sign}{day.day}" for day in days]
        how = find_format(values)
        assert [read_as(value, how) for value in values] == list(days)


def test_days_that_cannot_be_read_are_no_dates(rng):
    """A column that looks like dates must not become one of missing values."""
    X = pd.DataFrame(
        {
            "x": rng.normal(size=90),
            "day": [f"2020-02-{i % 30 + 1:02} 10:00 or so" for i in range(90)],
        }
    )
    assert "date" not in describe(default_embedding(X))


def test_what_is_not_written_so_is_not_read():
    for how in (POINT, COMMA, CLOCK, f"{POINT} km/h", "%d.%m.%Y", "%d %b %Y"):
        for text in ("soon", "1:2:3:4", "1.2.3,4,5", "12 34"):
            assert read_as(text, how) is None


def test_amounts_of_one_unit_are_no_distances(rng):
    y = rng.integers(3, size=300)
    logs = rng.normal(size=(300, 8)) + 1.2 * rng.normal(size=(3, 8))[y]
    assert right_of(np.exp(logs), y) >= right_of(logs, y) - 0.05
    assert default_embedding(logs) is None
    assert default_embedding(rng.uniform(1, 2, (300, 8))) is None
    assert default_embedding(load_digits().data) is None


def test_a_column_of_vectors_is_told_what_to_do(rng):
    vectors = pd.Series(list(rng.normal(size=(30, 8))))
    with pytest.raises(ValueError, match=r"vectors of shape \(8,\).*numpy\.stack"):
        default_embedding(vectors)
