from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from sklearn.datasets import load_digits, load_wine, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop._selection import _label_curve
from kmeans_labelprop._selection._label_curve import TYPICAL
from kmeans_labelprop.model_selection import LabelLearningCurve, label_learning_curve

# Labels that contradict their neighbours are no matter here.
pytestmark = pytest.mark.filterwarnings("ignore:.* labels that differ from")


@pytest.fixture(scope="module")
def propagator():
    X, y = load_digits(return_X_y=True)
    return KMeansLabelPropagator(40, random_state=0).fit(X[:600], y[:600])


@pytest.fixture
def solves(monkeypatch):
    """Record which labels are spread, and what becomes of them."""
    recorded = []

    def spread(clusters, given, propagation, **parameters):
        found = real(clusters, given, propagation, **parameters)
        recorded.append((given, found))
        return found

    real = _label_curve.spread
    monkeypatch.setattr(_label_curve, "spread", spread)
    return recorded


def make_curve(accuracies, n_labels=40, n_known=0, n_left=960):
    """Make a curve with a single repeat."""
    budgets = np.array([n_labels // 4, n_labels // 2, 3 * n_labels // 4])
    accuracies = np.array(accuracies, dtype=float)[:, np.newaxis]
    return LabelLearningCurve(n_labels, n_known, n_left, budgets, accuracies)


# ------------------------------------------------------------------ the curve


def test_the_same_seed_makes_the_same_curve(propagator):
    curve = label_learning_curve(propagator, random_state=3)
    again = label_learning_curve(propagator, random_state=np.random.RandomState(3))
    other = label_learning_curve(propagator, random_state=4)
    assert_array_equal(curve.accuracies, again.accuracies)
    assert not np.array_equal(curve.accuracies, other.accuracies)
    assert curve.expected_gain(40) == again.expected_gain(40)


@pytest.mark.parametrize("n_repeats", [1, 4, 6])
def test_three_spreads_a_repeat_and_no_more(propagator, solves, n_repeats):
    curve = label_learning_curve(propagator, n_repeats=n_repeats, random_state=0)
    assert curve.accuracies.shape == (3, n_repeats)
    assert len(solves) == 3 * n_repeats


def test_twelve_spreads_by_default(propagator, solves):
    label_learning_curve(propagator, random_state=0)
    assert len(solves) == 12


@pytest.mark.parametrize(
    ("n_labels", "budgets"), [(10, [3, 5, 8]), (40, [10, 20, 30]), (41, [10, 21, 31])]
)
def test_budgets_are_quarters_of_the_labels(propagator, solves, n_labels, budgets):
    X, y = load_digits(return_X_y=True)
    fitted = KMeansLabelPropagator(n_labels, random_state=1).fit(X[:600], y[:600])
    curve = label_learning_curve(fitted, random_state=0)
    assert curve.n_labels == n_labels
    assert curve.n_left == 600 - n_labels
    assert curve.n_known == 0
    assert_array_equal(curve.budgets, budgets)
    sizes = [len(visible) for visible, _ in solves]
    assert sizes == budgets * 4


def test_four_repeats_hide_each_label_equally_often(propagator, solves):
    label_learning_curve(propagator, random_state=0)
    counts = np.zeros(600, dtype=int)
    for visible, _ in solves:
        counts[visible.positions] += 1
    expected = np.zeros(600, dtype=int)
    expected[propagator.given_.positions] = 1 + 2 + 3
    assert_array_equal(counts, expected)


def test_hidden_labels_alone_are_counted(propagator, solves):
    curve = label_learning_curve(propagator, random_state=0)
    labels = dict(
        zip(propagator.given_.positions, propagator.given_.codes, strict=True)
    )
    found = []
    for visible, spread in solves:
        hidden = sorted(set(labels) - set(visible.positions))
        found.append(np.mean([spread.codes[p] == labels[p] for p in hidden]))
        assert [labels[p] for p in visible.positions] == visible.codes.tolist()
    assert_allclose(curve.accuracies.T.ravel(), found)
    assert np.all(np.diff(curve.accuracies.mean(axis=1)) > 0)


def test_hidden_labels_are_never_read(solves):
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(40, random_state=0).fit(X[:600], y[:600])
    curve = label_learning_curve(propagator, random_state=0)
    true = solves.copy()
    solves.clear()
    position = int(propagator.given_.positions[7])
    wrong = (y[position] + 1) % 10
    propagator.propagate({position: wrong})
    corrupted = label_learning_curve(propagator, random_state=0)
    n_hidden = 0
    for (visible, found), (visible_now, found_now) in zip(true, solves, strict=True):
        # The same labels are hidden, and without the wrong one all is as before.
        assert_array_equal(visible.positions, visible_now.positions)
        if position not in visible.positions:
            n_hidden += 1
            assert_array_equal(found.distributions, found_now.distributions)
    assert n_hidden == 6
    # Only what is counted changes.
    assert not np.array_equal(curve.accuracies, corrupted.accuracies)


def test_the_propagator_stays_as_it_is(propagator):
    labels, answers = propagator.transduction_.copy(), dict(propagator.answers_)
    label_learning_curve(propagator, random_state=0)
    assert_array_equal(propagator.transduction_, labels)
    assert propagator.answers_ == answers


def test_alpha_and_class_prior_are_those_of_the_propagator(propagator, solves):
    X, y = load_digits(return_X_y=True)
    other = KMeansLabelPropagator(40, alpha=0.6, class_prior=None, random_state=0)
    first = label_learning_curve(propagator, random_state=0)
    second = label_learning_curve(other.fit(X[:600], y[:600]), random_state=0)
    assert_array_equal(first.budgets, second.budgets)
    assert not np.allclose(solves[0][1].distributions, solves[12][1].distributions)


# ------------------------------------------------------------------ the gain


def test_the_error_is_that_of_the_power_law():
    # By 0.16 * (s / n) ** -0.5 and half a wrong label more.
    errors = 0.16 * np.array([0.25, 0.5, 0.75]) ** -0.5
    curve = make_curve(1 - errors, n_labels=4000, n_left=6000)
    assert curve.hidden_error == pytest.approx(0.16, abs=1e-4)
    few = make_curve([1, 1, 1], n_labels=40)
    weights = 30 * 0.25**-0.5 + 20 * 0.5**-0.5 + 10 * 0.75**-0.5
    assert few.hidden_error == pytest.approx(0.5 / weights)


def test_gain_grows_with_the_number_of_labels():
    curve = make_curve([0.5, 0.6, 0.7])
    gains, lows, highs = np.array(
        [curve.expected_gain(n_more) for n_more in (1, 2, 5, 10, 40, 100, 900)]
    ).T
    assert np.all(np.diff(gains) > 0)
    assert np.all(np.diff(highs) > 0)
    assert np.all((lows < gains) & (gains < highs))
    assert gains[0] < 0.005  # a single label brings little
    assert gains[-1] < curve.hidden_error


def test_a_larger_error_leaves_more_to_gain():
    gains, _, highs = np.array(
        [
            make_curve([right, right, right]).expected_gain(40)
            for right in (1, 0.9, 0.7, 0.4, 0)
        ]
    ).T
    assert np.all(np.diff(gains) > 0)
    assert np.all(np.diff(highs) > 0)
    assert gains[0] < 0.005


def test_the_interval_widens_with_its_level():
    curve = make_curve([0.5, 0.6, 0.7])
    found = [curve.expected_gain(40, level) for level in (0.5, 0.8, 0.95)]
    for (gain, low, high), (wider_gain, lower, higher) in pairwise(found):
        assert gain == wider_gain
        assert lower < low
        assert high < higher


def test_the_interval_leaves_out_as_much_on_both_sides(monkeypatch):
    levels = []

    class Recorder:
        def quantile(self, level, *of_curve):
            levels.append(level)
            return level

    monkeypatch.setattr(_label_curve, "TYPICAL", Recorder())
    assert_allclose(
        make_curve([0.5, 0.6, 0.7]).expected_gain(40, 0.9), [0.5, 0.05, 0.95]
    )
    assert_allclose(levels, [0.5, 0.05, 0.95])


def test_fewer_labels_make_a_wider_interval():
    widths = []
    for n_labels in (12, 40, 200):
        _, low, high = make_curve([0.5, 0.6, 0.7], n_labels).expected_gain(n_labels)
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]


def test_known_labels_leave_more_to_gain_than_representatives():
    gains = [
        make_curve([0.5, 0.6, 0.7], n_known=n_known).expected_gain(40)[0]
        for n_known in (0, 20, 40)
    ]
    assert gains[0] < gains[1] < gains[2]
    assert gains[2] / gains[0] == pytest.approx(
        TYPICAL.scale_known / TYPICAL.scale_asked
    )


def test_known_labels_are_counted():
    X, y = load_digits(return_X_y=True)
    known = np.full(600, -1)
    known[:50] = y[:50]
    propagator = KMeansLabelPropagator(20, random_state=0).fit(X[:600], known)
    curve = label_learning_curve(propagator, random_state=0)
    assert (curve.n_labels, curve.n_known) == (50, 50)
    more = propagator.query_more(10)
    propagator.propagate(y[more])
    curve = label_learning_curve(propagator, random_state=0)
    assert (curve.n_labels, curve.n_known) == (60, 50)


def test_where_labels_say_nothing_more_is_expected_than_where_all_are_right():
    X, y = make_blobs(400, centers=4, cluster_std=0.5, random_state=0)
    shuffled = np.random.default_rng(0).permutation(y)
    easy, hard = (
        label_learning_curve(
            KMeansLabelPropagator(40, random_state=0).fit(X, labels), random_state=0
        )
        for labels in (y, shuffled)
    )
    assert np.all(easy.accuracies == 1)
    gain, low, high = easy.expected_gain(40)
    assert 0 < gain < 0.005
    assert low < 0 < high
    assert hard.expected_gain(40)[0] > 10 * gain


@pytest.mark.parametrize("known_share", [0, 0.3, 1])
def test_density_and_quantiles_are_of_the_same_distribution(known_share):
    given = {
        "error": 0.3,
        "n_labels": 40,
        "n_more": 40,
        "known_share": known_share,
    }

    def density(gain):
        return float(np.exp(TYPICAL.log_density(gain, **given)))

    median = TYPICAL.scale(known_share) * 0.3 * (1 - 2**-0.5)
    assert TYPICAL.quantile(0.5, **given) == pytest.approx(median)
    assert TYPICAL.standardize(median, **given) == pytest.approx(0, abs=1e-12)
    ends = [float(TYPICAL.quantile(level, **given)) for level in (0.1, 0.5, 0.9)]
    for low, high in pairwise(ends):
        assert quad(density, low, high)[0] == pytest.approx(0.4, abs=1e-6)


# ------------------------------------------------------------------ in words


def test_the_summary_says_it_in_points():
    curve = make_curve([0.5, 0.6, 0.7])
    gain, low, high = (100 * share for share in curve.expected_gain(25))
    assert curve.summary(25) == (
        f"The next 25 labels are likely to bring {gain:.1f} points "
        f"(80 % interval {low:.1f} to {high:.1f}).\n"
        "  By 10, 20 and 30 of the 40 labels given, 50, 60 and 70 % of the hidden ones "
        "come out right."
    )
    assert curve.summary().startswith("The next 40 labels are likely to bring")
    assert curve.summary(1).startswith("The next label is likely to bring")


def test_the_summary_knows_how_many_samples_are_left():
    curve = make_curve([0.5, 0.6, 0.7], n_left=7)
    assert curve.summary().startswith("The next 7 labels")
    text = make_curve([1, 1, 1], n_left=0).summary()
    assert text == "All samples have a label, or are copies of one that has."


@pytest.mark.parametrize(
    ("accuracies", "n_labels", "is_told"),
    [
        ([0.5, 0.5, 0.5], 40, True),
        ([0.55, 0.5, 0.55], 40, True),
        ([0.5, 0.6, 0.7], 40, False),  # as on most data
        ([0.5, 0.5, 0.5], 8, False),  # by chance alone, perhaps
        ([0.98, 0.98, 0.98], 40, False),
        ([1, 1, 1], 40, False),
        ([1, 1, 1], 4000, False),
        ([0, 0, 0], 40, True),
    ],
)
def test_labels_that_have_hardly_helped_are_told(accuracies, n_labels, is_told):
    text = make_curve(accuracies, n_labels).summary()
    assert ("hardly helped so far" in text) == is_told
    assert text.count("\n") == 1 + is_told


def test_shuffled_labels_promise_nothing():
    X, y = load_wine(return_X_y=True)
    shuffled = np.random.default_rng(0).permutation(y)
    for labels, is_told in ((y, False), (shuffled, True)):
        propagator = KMeansLabelPropagator(50, random_state=0).fit(X, labels)
        curve = label_learning_curve(propagator, random_state=0)
        assert ("may bring nothing" in curve.summary()) == is_told


def test_nothing_is_written_as_minus_zero():
    text = make_curve([1, 1, 1], n_labels=4000, n_left=5000).summary(1)
    assert "-0.0" not in text
    assert "bring 0.0 points (80 % interval 0.0 to 0.0)" in text


# ------------------------------------------------------------------ refusals


def test_too_few_labels_are_refused():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(9, random_state=0).fit(X[:300], y[:300])
    with pytest.raises(ValueError, match=r"needs 10 labels or more, .* Got 9 instead"):
        label_learning_curve(propagator)


def test_one_label_per_class_is_refused(rng):
    X = rng.normal(size=(60, 2))
    y = np.full(60, -1)
    y[:12] = np.arange(12)
    propagator = KMeansLabelPropagator(4, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="Got 12 labels, each of its own class"):
        label_learning_curve(propagator)
    y[12] = 0
    propagator.fit(X, y)
    curve = label_learning_curve(propagator, random_state=0)
    # Labels that are alone in their class count as wrong wherever they are hidden.
    assert curve.accuracies.max() < 0.5


def test_one_class_is_refused(rng):
    X = rng.normal(size=(60, 2))
    propagator = KMeansLabelPropagator(12, random_state=0)
    with pytest.warns(UserWarning, match="only class"):
        propagator.fit(X, np.ones(60, dtype=int))
    with pytest.raises(ValueError, match="two classes or more"):
        label_learning_curve(propagator)


def test_the_cluster_rule_is_refused():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(20, propagation="cluster", random_state=0)
    propagator.fit(X[:300], y[:300])
    with pytest.raises(ValueError, match="propagation='graph'"):
        label_learning_curve(propagator)


def test_only_fitted_propagators_are_taken():
    with pytest.raises(NotFittedError):
        label_learning_curve(KMeansLabelPropagator())
    classifier = PropagatedClassifier(DecisionTreeClassifier())
    with pytest.raises(NotFittedError, match="PropagatedClassifier instance"):
        label_learning_curve(classifier)
    with pytest.raises(TypeError, match=r"or a classifier that has one\. Got Decision"):
        label_learning_curve(DecisionTreeClassifier())


@pytest.mark.parametrize("n_repeats", [0, 1.5, "4"])
def test_illegal_numbers_of_repeats(propagator, n_repeats):
    with pytest.raises(ValueError, match="'n_repeats' parameter"):
        label_learning_curve(propagator, n_repeats=n_repeats)


def test_illegal_questions():
    curve = make_curve([0.5, 0.6, 0.7])
    for n_more in (0, -1, 2.5):
        with pytest.raises(ValueError, match="'n_more' parameter"):
            curve.expected_gain(n_more)
    with pytest.raises(ValueError, match=r"without a label, 960, .* Got 961 instead"):
        curve.expected_gain(961)
    for level in (0, 1, 80):
        with pytest.raises(ValueError, match="'confidence_level' parameter"):
            curve.expected_gain(10, level)
