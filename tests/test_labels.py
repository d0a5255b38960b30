import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop._containers import with_values
from kmeans_labelprop._labels import (
    check_labels,
    is_missing,
    is_missing_item,
    label_array,
    label_vector,
    labelled_rows,
    split_labels,
    with_missing,
)


@pytest.mark.parametrize(
    ("y", "missing_label", "expected"),
    [
        (np.array([0, -1, 2]), -1, [0, 1, 0]),
        (np.array([0, 255, 2], dtype=np.uint8), -1, [0, 0, 0]),
        (np.array([0.0, -1.0, 2.0]), -1, [0, 1, 0]),
        (np.array([0.0, np.nan, 2.0]), np.nan, [0, 1, 0]),
        (np.array([0.0, np.nan, -1.0]), np.nan, [0, 1, 0]),
        (np.array([True, False]), -1, [0, 0]),
        (np.array([1, 2]), "none", [0, 0]),
        (np.array(["a", "-1", "b"]), -1, [0, 1, 0]),
        (np.array(["a", "?", "-1"]), "?", [0, 1, 0]),
        (np.array(["a", "None"]), None, [0, 0]),
        (np.array(["a", None, -1, np.nan], dtype=object), -1, [0, 1, 1, 1]),
        (np.array(["a", "-1"], dtype=object), -1, [0, 1]),
        (pd.Series(["a", "-1"]), -1, [0, 1]),
        (pl.DataFrame({"label": [3, None, -1]}), -1, [0, 1, 1]),
        (np.ma.masked_array([1, 2, -1], [False, True, False]), -1, [0, 1, 1]),
        (np.array(["a", pd.NA, "?"], dtype=object), "?", [0, 1, 1]),
        (pd.Series([1, None, -1], dtype="Int64"), -1, [0, 1, 1]),
        (pd.Series(["a", None], dtype="category"), -1, [0, 1]),
        (pd.Series(["a", None]), -1, [0, 1]),
        (pl.Series(["a", None]), -1, [0, 1]),
        ([1, -1], -1, [0, 1]),
    ],
)
def test_is_missing(y, missing_label, expected):
    np.testing.assert_array_equal(is_missing(y, missing_label), np.bool_(expected))


@pytest.mark.parametrize(
    ("value", "missing_label", "expected"),
    [
        (None, -1, True),
        (np.nan, -1, True),
        (pd.NA, "?", True),
        (-1, -1, True),
        (-1.0, -1, True),
        ("-1", -1, True),
        ("None", None, False),
        ("?", -1, False),
        (0, -1, False),
        (np.str_("?"), "?", True),
        (np.uint64(2**64 - 1), -1, False),
    ],
)
def test_a_single_value_is_missing_or_not(value, missing_label, expected):
    assert is_missing_item(value, missing_label) is expected
    # And alone in an array of objects alike.
    alone = np.array([value], dtype=object)
    assert is_missing(alone, missing_label).tolist() == [expected]


def test_labels_are_split_from_what_marks_the_missing():
    labels, known = split_labels([2**63 + 1, -1, 2**63 + 2], -1)
    assert labels.tolist() == [2**63 + 1, 2**63 + 2]
    np.testing.assert_array_equal(known, [True, False, True])
    labels, known = split_labels(pl.Series([None, "a"]), -1)
    assert (labels.tolist(), known.tolist()) == (["a"], [False, True])


# Labels are exact.

LARGE = 2**63


@pytest.mark.parametrize("container", [list, tuple, iter])
@pytest.mark.parametrize(
    "values",
    [
        [LARGE + 1, LARGE + 2],
        [-1, 2**62 + 1],
        [1, LARGE - 1],
        ["a", "a\0"],
        ["a\0", "a\0\0", "a"],
        ["short", "x" * 5000, "x" * 4999 + "y"],
        [True, False],
        [2.0, 3.0],
    ],
)
def test_labels_of_a_list_stay_as_they_are(container, values):
    labels = label_array(container(values), "y")
    assert labels.tolist() == values
    classes, codes = np.unique(labels, return_inverse=True)
    assert len(classes) == len(set(values))
    assert classes[codes].tolist() == values


def test_a_vector_of_labels_holds_each_as_it_is():
    mixed = [LARGE + 1, -1, 0.5, "a\0"]
    assert label_vector(mixed).tolist() == mixed
    array = np.array([1, 2])
    assert label_vector(array) is array


def test_numbers_that_no_dtype_holds_together_are_refused():
    for values in ([LARGE + 1, 0.5, 1], [LARGE + 1, -1], [2**53 + 1, 2.0]):
        with pytest.raises(ValueError, match=r"one dtype holds exactly.*strings"):
            label_array(values, "y")
    assert label_array([2**53, 2.0], "y").tolist() == [2.0**53, 2.0]


def test_the_callers_care_about_overflow_is_none_of_labels():
    with np.errstate(all="raise"):
        for value, dtype in ((np.nan, np.int64), (7e4, np.float16)):
            with pytest.raises(ValueError, match="must fit the dtype of y"):
                label_array(np.array([value]), "the oracle", np.dtype(dtype))


def test_long_strings_cost_their_own_length_only():
    labels = label_array(["a"] * 1000 + ["b" * 100_000], "y")
    assert labels.nbytes < 100_000
    assert label_array(["a", "b" * 100], "y").dtype == np.dtype("<U100")


def test_a_number_that_y_could_only_round_is_refused():
    with pytest.raises(ValueError, match="must fit the dtype of y, float64"):
        label_array([2**53 + 1], "the oracle", np.dtype(float))
    for dtype, value in ((np.int64, LARGE), (np.uint64, -1), (np.int8, 128)):
        with pytest.raises(ValueError, match="must fit the dtype of y"):
            label_array([value], "the oracle", np.dtype(dtype))


def test_check_labels_refuses_an_unexplained_nan():
    y = np.array([0.0, np.nan])
    with pytest.raises(ValueError, match=r"missing_label=np\.nan"):
        check_labels(y, -1)
    np.testing.assert_array_equal(check_labels(y, np.nan)[1], [True, False])


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([3, None, 5], dtype="Int64"),
        pl.Series([3, None, 5]),
        pd.Series([3, -1, 5]),
        np.array([3, None, 5], dtype=object),
        pd.DataFrame({"label": pd.Series([3, None, 5], dtype="Int64")}),
        pl.DataFrame({"label": [3, None, 5]}),
        np.ma.masked_array([3, 4, 5], [False, True, False]),
    ],
)
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_check_labels_keeps_integers_beside_nulls(y):
    labels, known = check_labels(y, -1)
    np.testing.assert_array_equal(known, [True, False, True])
    assert labels.tolist() == [3, 5]
    assert all(isinstance(label, int) for label in labels.tolist())


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([0.0, np.inf], "infinity"),
        ([0.5, 1.25], "Unknown label type: continuous"),
        (np.array([[0, 1], [1, 0]]), "Multilabel and multioutput"),
        (np.zeros((2, 2, 2)), "dim 3"),
    ],
)
def test_check_labels_refuses_what_is_no_class(y, match):
    with pytest.raises(ValueError, match=match):
        check_labels(y, -1)


@pytest.mark.parametrize(
    ("y", "error", "match"),
    [
        ([(0, 1), (1, 0), None], ValueError, r"one label for each .* Got \(0, 1\)"),
        ([["a", "b"], ["a"]], ValueError, r"one label for each .* Got \['a', 'b'\]"),
        ([{1}, {2}], ValueError, "one label for each sample"),
        ("ab", TypeError, "Got str"),
        ({0: 1, 1: 0}, TypeError, "Got dict"),
        ({0, 1}, TypeError, "Got set"),
        (iter([0, 1]), TypeError, "Got list_iterator"),
        (3, TypeError, "Got int"),
        (None, TypeError, "Got NoneType"),
        (csr_array([[0], [1]]), TypeError, "Sparse data was passed for y"),
    ],
)
def test_what_is_no_vector_of_labels_is_named(y, error, match):
    with pytest.raises(error, match=match):
        check_labels(y, -1)


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("kind", ["propagator", "choice", "score"])
@pytest.mark.parametrize(
    ("y", "error", "match"),
    [
        ([(0, 1), (1, 0)], ValueError, "one label for each sample"),
        ([["a", "b"], ["a"]], ValueError, "one label for each sample"),
        ("ab", TypeError, "y must be an array-like of labels"),
        (csr_array([[0], [1]]), TypeError, "Sparse data was passed for y"),
    ],
)
def test_estimators_name_what_is_no_vector_of_labels(y, error, match, kind):
    X = np.array([[0.0], [1.0]])
    model = KMeansLabelPropagator(2, random_state=0)
    if kind != "propagator":
        model = PropagatedClassifierCV(GaussianNB(), model, cv=2)
    call = model.fit
    if kind == "score":
        call = PropagatedClassifier(GaussianNB(), model.propagator).fit(X, [0, 1]).score
    with pytest.raises(error, match=match):
        call(X, y)


@pytest.mark.parametrize("values", [["a", 1], [1, "a", 2.0], [[1], [2]], [object()]])
def test_label_array_refuses_mixed_and_unknown_types(values):
    with pytest.raises(TypeError, match="all strings or all numbers"):
        label_array(values, "the oracle")


@pytest.mark.parametrize("values", [[2**70, 2**70 + 1], [2**64, 0], [-(2**63) - 1]])
def test_whole_numbers_too_large_for_any_dtype_are_called_numbers(values):
    with pytest.raises(ValueError, match=r"one dtype holds exactly.*pass strings"):
        label_array(values, "the oracle")


def test_label_array_casts_without_loss_only():
    assert label_array([1.0, 2.0], "y", np.dtype(np.uint8)).dtype == np.uint8
    with pytest.raises(ValueError, match=r"must fit the dtype of y, uint8.*300"):
        label_array([1, 300], "the oracle", np.dtype(np.uint8))


@pytest.mark.parametrize("labels", [np.arange(30), [f"c{i}" for i in range(30)]])
def test_many_classes_of_few_labels_are_no_reason_to_warn(labels):
    assert len(label_array(labels, "y")) == 30


def test_label_array_checks_classes():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        label_array([0.5, 1.0], "the oracle")


@pytest.mark.parametrize(
    ("classes", "missing_label", "expected"),
    [
        (np.array([3, 7]), -1, np.array([7, -1, 3])),
        (np.array([3, 7], dtype=np.uint8), -1, np.array([7, -1, 3], dtype=np.int16)),
        (np.array([3, 7]), np.nan, np.array([7, np.nan, 3])),
        (np.array(["b", "cc"]), "none", np.array(["cc", "none", "b"])),
        (np.array(["b", "cc"]), -1, np.array(["cc", -1, "b"], dtype=object)),
        (np.array([3, 7]), None, np.array([7, None, 3], dtype=object)),
    ],
)
def test_with_missing_holds_classes_and_sentinel(classes, missing_label, expected):
    labels = with_missing(np.array([1, -1, 0]), classes, missing_label)
    assert labels.dtype == expected.dtype
    np.testing.assert_array_equal(labels, expected)


def test_with_missing_keeps_the_dtype_of_the_classes_where_nothing_is_missing():
    for classes in (np.array([3, 7], dtype=np.uint8), np.array(["b", "cc"])):
        labels = with_missing(np.array([1, 0]), classes, None)
        assert labels.dtype == classes.dtype
        np.testing.assert_array_equal(labels, classes[::-1])


def test_with_missing_rounds_no_large_integer():
    classes = np.array([2**53, 2**53 + 1])
    labels = with_missing(np.array([1, -1]), classes, np.nan)
    assert labels[0] == 2**53 + 1
    unsigned = np.array([2**63 + 1, 2**63 + 2], dtype=np.uint64)
    assert with_missing(np.array([1, -1]), unsigned, -1).tolist() == [2**63 + 2, -1]


def test_with_missing_cuts_no_string():
    classes = np.array(["a", "a\0"], dtype=object)
    labels = with_missing(np.array([1, -1, 0]), classes, "")
    assert labels.tolist() == ["a\0", "", "a"]


def test_labelled_rows():
    X, labels, weights = labelled_rows(list("abcd"), [-1, 4, -1, 5], -1, [1, 2, 3, 4])
    assert (X, labels.tolist(), weights) == (["b", "d"], [4, 5], [2, 4])
    with pytest.raises(ValueError, match="at least one label to be scored"):
        labelled_rows(list("ab"), [-1, -1], -1)


def test_labelled_rows_gives_numbers_that_scorers_take():
    y = np.array([1, None, 2, True], dtype=object)
    _, labels, weights = labelled_rows(np.zeros((4, 1)), y, -1)
    assert labels.dtype.kind == "i"
    assert weights is None


@pytest.mark.parametrize(
    ("values", "mark", "expected"),
    [
        (np.array([False, True]), 2**63, [False, False]),
        (np.array([False, True]), 2, [False, False]),
        (np.array([0, 1], dtype=np.int8), -0.5, [False, False]),
        (np.array([0, 1], dtype=np.uint64), -1, [False, False]),
        (np.array([0, 1], dtype=np.int8), 1.0, [False, True]),
        (np.array([0, 2.0**53]), 2**53 + 1, [False, False]),
        (np.array([0, 1.0]), 10**400, [False, False]),
        (np.array([0, 0.1], dtype=np.float32), 0.1, [False, True]),
    ],
)
def test_a_mark_that_the_dtype_does_not_hold_equals_nothing(values, mark, expected):
    assert is_missing(values, mark).tolist() == expected


@pytest.mark.parametrize(("dtype", "least"), [(np.float64, 2**53), (np.float32, 2**24)])
def test_floats_that_may_have_been_several_numbers_are_refused(dtype, least):
    assert len(label_array(np.array([least - 1, 2], dtype=dtype), "y")) == 2
    for value in (least, -least, 2.0**70):
        with pytest.raises(ValueError, match=f"below {least} .* pass integers"):
            label_array(np.array([value, 2], dtype=dtype), "y")


def test_strings_stay_strings_beside_numbers():
    names = np.array(["one", "two"])
    for template in (np.array([1, 2]), np.array([1.5, 2])):
        assert with_values(template, names).tolist() == ["one", "two"]
