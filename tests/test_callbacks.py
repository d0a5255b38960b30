"""What scikit-learn's callbacks see of a fit, from scikit-learn 1.9 on."""

import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
    streaming,
)

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.8")

X, Y = make_blobs(120, centers=4, random_state=0)


class Recorder:
    """Keeps what it is told, each task with its depth."""

    def __init__(self):
        self.told, self.lines = [], []

    def setup(self, estimator, context):
        self.told.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.told.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context):
        self.note("begin", estimator, context)

    def on_fit_task_end(self, estimator, context):
        self.note("end", estimator, context)

    def note(self, event, estimator, context):
        assert type(estimator).__name__ == context.estimator_name
        path = path_of(context)
        self.told.append((event, path))
        if event == "begin":
            self.lines.append("  " * (len(path) - 1) + path[-1])


class Propagating(Recorder):
    """Is handed down to the parts, as a progress bar is."""

    max_propagation_depth = None


def path_of(context):
    above = () if context.parent is None else path_of(context.parent)
    return (*above, f"{context.estimator_name}: {context.task_name}")


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 8, "random_state": 0} | params)


def seen(estimator, y=Y, recorder=None):
    recorder = Propagating() if recorder is None else recorder
    estimator.set_callbacks(recorder).fit(X, y)
    return recorder


def is_nested(told):
    """Tell whether each task ends after it began, before its parent does."""
    open_ = []
    for event, path in told:
        if event == "begin":
            assert path[:-1] == (open_[-1] if open_ else ())
            open_.append(path)
        elif event == "end":
            assert open_.pop() == path
    return not open_


STAGES = [
    "  KMeansLabelPropagator: embedding (numbers: up to 1 component)",
    "  KMeansLabelPropagator: clustering 120 samples",
    "  KMeansLabelPropagator: finding neighbours",
    "  KMeansLabelPropagator: asking the oracle for 8 labels",
    "  KMeansLabelPropagator: spreading labels",
]


@pytest.mark.parametrize("kind", [Recorder, Propagating])
def test_each_stage_of_a_propagator_is_a_task(kind):
    recorder = seen(propagator(embedding=PCA(1)), recorder=kind())
    assert recorder.lines == ["KMeansLabelPropagator: fit", *STAGES]
    first, *within, last = recorder.told
    assert first == ("setup", "KMeansLabelPropagator")
    assert last == ("teardown", "KMeansLabelPropagator")
    assert is_nested(within)


def test_each_retry_is_a_task():
    answers = [[None] * 8, [0, 1] * 4]
    recorder = seen(
        propagator(oracle=lambda rows: answers.pop(0), max_retries=1), np.full(120, -1)
    )
    assert sum("asking the oracle" in line for line in recorder.lines) == 2


def test_query_and_propagate_are_tasks_of_their_own():
    recorder = Recorder()
    asking = propagator().set_callbacks(recorder)
    asking.propagate(Y[asking.query(X)])
    assert recorder.lines == [
        "KMeansLabelPropagator: query",
        *STAGES[1:3],
        "KMeansLabelPropagator: propagate",
        STAGES[4],
    ]
    assert sum(event == "setup" for event, _ in recorder.told) == 2
    assert sum(event == "teardown" for event, _ in recorder.told) == 2


def test_a_classifier_hands_callbacks_down_to_what_it_fits():
    model = PropagatedClassifier(LogisticRegression(max_iter=100), propagator())
    recorder = seen(model)
    lines = [line for line in recorder.lines if "lbfgs" not in line]
    assert lines == [
        "PropagatedClassifier: fit",
        "  KMeansLabelPropagator: ask",
        *(f"  {line}" for line in STAGES[1:4]),
        "  KMeansLabelPropagator: propagate",
        f"  {STAGES[4]}",
        "  PropagatedClassifier: training on 120 samples",
        "    LogisticRegression: fit",
    ]
    assert len(recorder.lines) > len(lines)  # its iterations, too
    assert is_nested(recorder.told[1:-1])
    assert [told for told in recorder.told if told[0] in ("setup", "teardown")] == [
        ("setup", "PropagatedClassifier"),
        ("teardown", "PropagatedClassifier"),
    ]


def test_what_is_not_handed_down_sees_the_tasks_of_the_whole():
    model = PropagatedClassifier(LogisticRegression(), propagator())
    assert seen(model, recorder=Recorder()).lines == [
        "PropagatedClassifier: fit",
        "  PropagatedClassifier: getting labels",
        "  PropagatedClassifier: propagating labels",
        "  PropagatedClassifier: training on 120 samples",
        "    PropagatedClassifier: fit",
    ]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_each_fit_of_the_comparison_is_a_task(n_jobs):
    model = PropagatedClassifierCV(
        GaussianNB(), propagator(), cv=2, n_jobs=n_jobs, random_state=0
    )
    recorder = seen(model)
    fits = [
        "predicting hidden labels by 4 fits",
        "  split 0: the given labels alone",
        "  split 0: graph at fraction 1",
        "  split 1: the given labels alone",
        "  split 1: graph at fraction 1",
    ]
    before = [
        "PropagatedClassifierCV: fit",
        "  KMeansLabelPropagator: ask",
        *(f"  {line}" for line in STAGES[1:4]),
    ]
    assert recorder.lines[:5] == before
    assert [
        line.replace("PropagatedClassifierCV: ", "") for line in recorder.lines[5:10]
    ] == [f"  {line}" for line in fits]
    assert recorder.lines[10:12] == [
        "  KMeansLabelPropagator: propagate",
        f"  {STAGES[4]}",
    ]
    assert is_nested(recorder.told[1:-1])


def test_blocks_have_tasks_too():
    blocks = streaming.KMeansLabelPropagator(8, oracle="y", random_state=0)
    recorder = seen(blocks)
    stages = ["drawing a sample", "asking the oracle for 8 labels", "writing labels"]
    for stage in stages:
        assert f"  KMeansLabelPropagator: {stage}" in recorder.lines
    assert is_nested(recorder.told[1:-1])


class Failing(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        raise MemoryError("enough")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_callbacks_are_torn_down_whatever_ends_a_fit(error):
    def oracle(rows):
        raise error

    failing = propagator(oracle=oracle)
    recorder = Propagating()
    with pytest.raises(error):
        failing.set_callbacks(recorder).fit(X)
    assert recorder.lines[-1] == STAGES[3]
    assert recorder.told[-1] == ("teardown", "KMeansLabelPropagator")
    ended = [path[-1] for event, path in recorder.told if event == "end"]
    assert [f"  {name}" for name in ended] == STAGES[1:3]
    # Nothing of it is left: the next fit tells all again.
    assert seen(failing.set_params(oracle="y")).lines[1:] == STAGES[1:]


def test_parts_lose_what_was_handed_down_also_if_training_fails():
    recorder = Propagating()
    model = PropagatedClassifier(Failing(), propagator()).set_callbacks(recorder)
    with pytest.raises(MemoryError):
        model.fit(X, Y)
    assert recorder.told[-1] == ("teardown", "PropagatedClassifier")
    told = len(recorder.told)
    model.propagator_.propagate({})
    assert len(recorder.told) == told


class Numbered(LogisticRegression):
    """Takes no labels but numbers from 0, as XGBoost."""

    def fit(self, X, y):
        if y.dtype.kind == "U":
            raise ValueError("numbers, please")
        return super().fit(X, y)


def test_a_second_training_is_a_second_task():
    model = PropagatedClassifier(Numbered(), propagator(missing_label=""))
    recorder = seen(model, Y.astype(str))
    fits = [line for line in recorder.lines if line.startswith("    ")][4:]
    assert [line for line in fits if "lbfgs" not in line] == ["    Numbered: fit"]
    told = len(recorder.told)
    clone(model.estimator_).fit(X, Y)
    assert len(recorder.told) == told


@pytest.mark.parametrize("Model", [PropagatedClassifier, PropagatedClassifierCV])
def test_results_are_the_same_to_the_last_bit(Model):
    params = {"train_on": "samples"}
    plain = Model(LogisticRegression(), propagator(), **params).fit(X, Y)
    told = Model(LogisticRegression(), propagator(), **params)
    seen(told)
    assert_array_equal(plain.predict_proba(X), told.predict_proba(X), strict=True)
    for name in ("transduction_", "confidence_", "label_distributions_"):
        pair = [getattr(model.propagator_, name) for model in (plain, told)]
        assert_array_equal(*pair, strict=True)
    # Callbacks are no parameters; clones and copies have them, and work.
    assert plain.get_params().keys() == told.get_params().keys()
    assert estimator_html_repr(clone(plain)).count("<div") == estimator_html_repr(
        clone(told)
    ).count("<div")
    copy = pickle.loads(pickle.dumps(told))
    assert_array_equal(copy.predict(X), plain.predict(X))
    assert len(seen(clone(told)).lines) > 4
    # But for the callbacks a fit leaves nothing else behind.
    assert set(vars(told)) - set(vars(plain)) == {"_skl_callbacks"}
    assert set(vars(told.estimator_)) == set(vars(plain.estimator_))
    assert set(vars(told.propagator_)) == set(vars(plain.propagator_))


def test_pipelines_and_searches_hand_callbacks_down():
    model = make_pipeline(
        StandardScaler(), PropagatedClassifier(GaussianNB(), propagator())
    )
    lines = seen(model).lines
    assert "  PropagatedClassifier: fit" in lines
    assert f"    {STAGES[4]}" in lines
    search = GridSearchCV(
        PropagatedClassifier(GaussianNB(), propagator()),
        {"propagator__fraction": [0.5, 1]},
        cv=2,
    )
    lines = seen(search).lines
    # Of each of two parameters in each of two folds, and of the best one.
    assert sum(line.endswith(STAGES[4]) for line in lines) == 5


def test_callbacks_of_parts_that_belong_to_the_whole_are_refused_before_the_oracle():
    def oracle(rows):
        raise AssertionError("asked")

    for part in ("estimator", "propagator"):
        parts = {
            "estimator": LogisticRegression(),
            "propagator": propagator(oracle=oracle),
        }
        parts[part].set_callbacks(Propagating())
        message = r"can't have auto-propagated callbacks \(\['Propagating'\]\)"
        with pytest.raises(TypeError, match=message):
            PropagatedClassifier(**parts).fit(X)


def test_callbacks_of_its_own_go_with_a_classifier():
    own = Recorder()
    model = PropagatedClassifier(LogisticRegression().set_callbacks(own), propagator())
    recorder = seen(model)
    assert own.told[0] == ("setup", "LogisticRegression")
    assert own.told[-1] == ("teardown", "LogisticRegression")
    assert own.told[1][1] == recorder.told[-4][1]


def test_a_refused_use_while_asking_leaves_callbacks_alone():
    found = []

    def use():
        try:
            asking.propagate({0: 1})
        except RuntimeError as error:
            found.append(str(error))

    def oracle(rows):
        use()
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        return np.arange(len(rows)) % 2

    asking = propagator(oracle=oracle)
    recorder = seen(asking, np.full(120, -1))
    assert len(found) == 2
    assert recorder.lines[1:] == STAGES[1:]
    assert [event for event, _ in recorder.told].count("teardown") == 1
    assert recorder.told[-1][0] == "teardown"


def test_a_fit_inside_a_stage_is_its_own():
    def oracle(rows):
        propagator(n_clusters=3).fit(X, Y)
        return [0, 1] * (len(rows) // 2)

    recorder = seen(propagator(oracle=oracle), np.full(120, -1))
    assert recorder.lines[1:] == STAGES[1:]


def test_progress_bars(capsys):
    pytest.importorskip("rich")
    model = PropagatedClassifierCV(GaussianNB(), propagator(), random_state=0)
    model.set_callbacks(callback.ProgressBar()).fit(X, Y)
    told = capsys.readouterr().out
    for name in ("getting labels", "predicting hidden labels by", "propagating labels"):
        assert f"PropagatedClassifierCV - {name}" in told
    running = {type(thread).__name__ for thread in threading.enumerate()}
    assert "RichProgressMonitor" not in running
