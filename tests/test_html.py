"""What a notebook shows of propagators and classifiers."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)


class Card(HTMLParser):
    """Reads the card below the diagram."""

    def __init__(self, estimator):
        super().__init__()
        html = estimator._repr_html_()
        self.html = html[html.index("<style>\n.klp-card") :]
        self.tags, self.texts, self.open = [], [], []
        self.feed(self.html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] != "style" and data.strip():
            self.texts.append(data)

    def counts(self):
        """Give the numbers at the top by what they are of."""
        numbers = re.findall(r"<b>([\d,]+)</b>([^<]+)<", self.html)
        return {name: int(number.replace(",", "")) for number, name in numbers}

    def widths(self):
        styles = (attrs.get("style", "") for tag, attrs in self.tags if tag == "i")
        return [float(style[7:-1]) for style in styles if style]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.mark.parametrize(
    "estimator",
    [KMeansLabelPropagator(), PropagatedClassifier(None), PropagatedClassifierCV(None)],
)
def test_before_fit_there_is_the_diagram_alone(estimator):
    assert "klp-card" not in estimator._repr_html_()
    assert "klp-card" not in estimator._repr_mimebundle_()["text/html"]


def test_after_query_the_counts_stand_without_classes(digits):
    X, _ = digits
    propagator = KMeansLabelPropagator(20, random_state=0)
    propagator.query(X)
    card = Card(propagator)
    assert card.counts() == {
        "samples": 1797,
        "clusters": 20,
        "labels known": 0,
        "asked for": 20,
        "answered": 0,
    }
    assert card.widths() == []


def test_labels_are_counted_and_shared_out(digits):
    X, y = digits
    partly = np.where(np.arange(len(y)) % 100 == 0, y, -1)
    propagator = KMeansLabelPropagator(20, random_state=0)
    positions = propagator.query(X, partly)
    propagator.propagate(dict(zip(positions.tolist(), y[positions], strict=True)))
    card = Card(propagator)
    assert card.counts() == {
        "samples": 1797,
        "clusters": 20,
        "labels known": 18,
        "asked for": len(positions),
        "answered": len(positions),
        "labels used": 18 + len(positions),
        "reached": 1797,
        "kept": 1797,
    }
    shares = np.bincount(propagator.transduction_) / 1797
    np.testing.assert_allclose(card.widths(), 100 * shares / shares.max(), atol=0.06)
    rows = card.texts[next(i for i, t in enumerate(card.texts) if "Share" in t) :]
    given = np.bincount(y[propagator.given_.positions])
    for label in range(10):
        row = f"{100 * shares[label]:.1f} % · {given[label]} given"
        assert rows[rows.index(str(label)) + 1] == row
    assert "summary" not in card.texts
    # Below the diagram.
    html = propagator._repr_html_()
    assert html.index("sk-top-container") < html.index("klp-card")


def test_the_choice_is_told_once(digits):
    X, y = digits
    propagator = KMeansLabelPropagator(30)
    classifier = PropagatedClassifierCV(GaussianNB(), propagator, random_state=0)
    card = Card(classifier.fit(X, y))
    told = card.texts[-1].splitlines()
    lines = classifier.summary().splitlines()
    assert lines[1] == "Embedding: as they are."
    assert told == [lines[1], *lines[4:]]
    assert any(line.startswith("Chosen of") for line in told)
    plain = PropagatedClassifier(GaussianNB(), KMeansLabelPropagator(30)).fit(X, y)
    told = "Embedding: as they are.\nTrained on 1,797 samples."
    assert Card(plain).texts[-1] == told


def test_names_are_escaped_and_nothing_runs(digits):
    X, y = digits
    names = np.array(["<script>alert(1)</script>", "'\" onload='x", "half \udc80"])
    propagator = KMeansLabelPropagator(12, random_state=0).fit(X, names[y % 3])
    card = Card(propagator)
    assert {tag for tag, _ in card.tags} == {"style", "div", "b", "p", "span", "i"}
    assert set(card.texts) >= {names[0], names[1], "half ?"}
    assert {name for _, attrs in card.tags for name in attrs} == {
        "class",
        "title",
        "style",
    }
    card.html.encode("utf-8")
    assert "http" not in card.html
    assert "url(" not in card.html


def test_many_classes_are_cut_short(digits):
    X, _ = digits
    y = np.arange(len(X)) // 60
    card = Card(KMeansLabelPropagator(60, random_state=0).fit(X, y))
    assert len(card.widths()) == 12
    assert max(card.widths()) == 100
    assert re.search(r"^and \d+ smaller classes, \d+\.\d %$", card.texts[-2])


def test_text_is_shown_where_diagrams_are_switched_off(digits):
    fitted = KMeansLabelPropagator(5, random_state=0).fit(*digits)
    with config_context(display="text"):
        assert list(fitted._repr_mimebundle_()) == ["text/plain"]
