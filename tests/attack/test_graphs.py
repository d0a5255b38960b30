"""Graphs of neighbours that users bring: right by a simple search, or refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from attack.tools import RefusesToAnswer, propagator, quiet, tries
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.neighbors import KNeighborsTransformer, RadiusNeighborsTransformer

N = 30


class Table(TransformerMixin, BaseEstimator):
    """Yields a graph that is given, whatever the samples."""

    def __init__(self, graph=None):
        self.graph = graph

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return self.graph

    def fit_transform(self, X, y=None):
        return self.graph


def samples(n=N):
    return np.arange(float(n))[:, None]


def fit(graph, given, **params):
    y = np.full(graph.shape[0], -1)
    for i, label in given.items():
        y[i] = label
    p = propagator(n_clusters=3, propagation="graph", neighbors=Table(graph), **params)
    with quiet():
        return p.fit(samples(len(y)), y)


@st.composite
def graphs(draw, n=N):
    """Draw links in both directions or one, with rows without any."""
    links = draw(
        st.dictionaries(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)),
            st.integers(1, 40).map(lambda d: d / 8),
            max_size=60,
        )
    )
    dense = np.zeros((n, n))
    for (i, j), d in links.items():
        dense[i, j] = d
        if draw(st.booleans()):
            dense[j, i] = d
    return sp.csr_array(dense)


given_labels = st.dictionaries(
    st.integers(0, N - 1), st.integers(0, 3), min_size=1, max_size=8
)


@tries(60, 2000)
@given(graphs(), given_labels, st.sampled_from(["auto", 0.3, 0.9]))
def test_labels_reach_what_is_connected_and_nothing_else(graph, labels, alpha):
    others = graph.copy().tolil()
    others.setdiag(0)
    others = sp.csr_array(others)
    others.eliminate_zeros()
    _, component = connected_components(others, directed=False)
    fitted = fit(graph, labels, alpha=alpha, class_prior=None)
    for i in range(N):
        there = {labels[j] for j in labels if component[j] == component[i]}
        found = fitted.transduction_[i]
        if not there:
            assert found == -1
            assert fitted.confidence_[i] == 0
        elif len(there) == 1 or i in labels:
            assert found == labels.get(i, min(there))
        else:
            assert found in there
    for i, label in labels.items():
        assert fitted.transduction_[i] == label


def shuffled(C, rng):
    """Write the entries of each row in any order, one of them in two parts."""
    coo = C.tocoo()
    order = rng.permutation(coo.nnz)
    return sp.coo_array(
        (coo.data[order], (coo.row[order], coo.col[order])), shape=C.shape
    )


def unsorted(C, rng):
    C = C.copy()
    for i in range(C.shape[0]):
        at = slice(C.indptr[i], C.indptr[i + 1])
        order = rng.permutation(C.indptr[i + 1] - C.indptr[i])
        C.indices[at], C.data[at] = C.indices[at][order], C.data[at][order]
    C.has_sorted_indices = False
    return C


def in_parts(C, rng):
    coo = C.tocoo()
    return sp.coo_array(
        (
            np.r_[coo.data / 4, coo.data * 3 / 4],
            (np.r_[coo.row, coo.row], np.r_[coo.col, coo.col]),
        ),
        shape=C.shape,
    )


def with_itself(C, rng):
    loops = sp.csr_array(C.tolil())
    coo = loops.tocoo()
    n = C.shape[0]
    return sp.csr_array(
        (
            np.r_[coo.data, np.zeros(n)],
            (np.r_[coo.row, np.arange(n)], np.r_[coo.col, np.arange(n)]),
        ),
        shape=C.shape,
    )


FORMS = {
    "csc": lambda C, rng: sp.csc_array(C),
    "coo": shuffled,
    "parts": in_parts,
    "unsorted": unsorted,
    "matrix": lambda C, rng: sp.csr_matrix(C),
    "lil": lambda C, rng: sp.lil_array(C),
    "dok": lambda C, rng: sp.dok_array(C),
    "float32": lambda C, rng: C.astype(np.float32),
    "loops": with_itself,
    "int64": lambda C, rng: C,
}


@tries(40, 1500)
@given(graphs(), given_labels, st.sampled_from(sorted(FORMS)), st.integers(0, 2**31))
def test_any_form_of_a_graph_is_as_its_canonical_one(graph, labels, form, seed):
    made = FORMS[form](graph, np.random.default_rng(seed))
    if form == "int64":
        made = graph.copy()
        made.indices = made.indices.astype(np.int64)
        made.indptr = made.indptr.astype(np.int64)
    before = made.toarray()
    expected, found = fit(graph, labels), fit(made, labels)
    assert_array_equal(found.transduction_, expected.transduction_)
    assert_allclose(found.confidence_, expected.confidence_, atol=1e-9)
    assert_array_equal(made.toarray(), before)


@tries(30, 1000)
@given(graphs(), given_labels, st.data())
def test_stored_zeros_are_told_of_or_mean_the_same_sample(graph, labels, data):
    """A zero stored for "no neighbour" would make the farthest samples one."""
    n_zeros = data.draw(st.integers(1, 20))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    coo = graph.tocoo()
    free = np.argwhere((graph.toarray() == 0) & ~np.eye(N, dtype=bool))
    apart = free[np.abs(free[:, 0] - free[:, 1]) > 10]
    zeros = apart[rng.choice(len(apart), n_zeros, replace=False)]
    made = sp.csr_array(
        (
            np.r_[coo.data, np.zeros(n_zeros)],
            (np.r_[coo.row, zeros[:, 0]], np.r_[coo.col, zeros[:, 1]]),
        ),
        shape=graph.shape,
    )
    y = np.full(N, -1)
    for i, label in labels.items():
        y[i] = label
    is_other = coo.row != coo.col
    if not is_other.any() or np.median(coo.data[is_other]) > 10:
        return  # nothing tells that they are far
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        propagator(n_clusters=3, neighbors=Table(made)).fit(samples(), y)
    assert any("distance 0" in str(w.message) for w in caught)


def chain(n=N):
    return sp.diags_array([np.ones(n - 1)] * 2, offsets=[-1, 1], format="csr")


def changed(value):
    graph = chain().tocsr()
    graph.data[7] = value
    return graph


WRONG = {
    "too small": chain(N - 1),
    "too large": chain(N + 1),
    "not square": sp.csr_array((N, N + 1)),
    "for others": sp.csr_array((5, N)),
    "dense": chain().toarray(),
    "none": None,
    "list": [[1.0]],
    "NaN": changed(np.nan),
    "infinite": changed(np.inf),
    "negative": changed(-1.0),
    "complex": chain().astype(complex) * 1j,
    "one dimension": sp.coo_array(np.ones(N)),
}


@pytest.mark.parametrize("kind", sorted(WRONG))
def test_what_is_no_graph_is_refused_before_anyone_is_asked(kind):
    oracle = RefusesToAnswer()
    p = propagator(n_clusters=3, oracle=oracle, neighbors=Table(WRONG[kind]))
    with quiet(), pytest.raises((ValueError, TypeError), match="neighbors"):
        p.fit(samples())
    assert oracle.n_asked == 0


@pytest.mark.parametrize("alpha", ["auto", 0.5, 0.99])
@pytest.mark.parametrize("shape", ["chain", "star", "ring", "pairs", "grid", "nothing"])
def test_shapes_of_graphs_with_one_label_each(shape, alpha):
    dense = np.zeros((N, N))
    links = {
        "chain": [(i, i + 1) for i in range(N - 1)],
        "star": [(0, i) for i in range(1, N)],
        "ring": [(i, (i + 1) % N) for i in range(N)],
        "pairs": [(2 * i, 2 * i + 1) for i in range(N // 2)],
        "grid": [(i, i + 1) for i in range(N - 1) if i % 5 < 4]
        + [(i, i + 5) for i in range(N - 5)],
        "nothing": [],
    }[shape]
    for i, j in links:
        dense[i, j] = dense[j, i] = 1.0
    graph = sp.csr_array(dense)
    _, component = connected_components(graph, directed=False)
    fitted = fit(graph, {0: 3}, alpha=alpha)
    reached = component == component[0]
    assert_array_equal(fitted.transduction_, np.where(reached, 3, -1))
    both = fit(graph, {0: 3, N - 1: 1}, alpha=alpha)
    assert both.transduction_[[0, N - 1]].tolist() == [3, 1]
    at_all = np.isin(component, component[[0, N - 1]])
    assert_array_equal(both.transduction_ != -1, at_all)
    if shape == "chain":
        order = np.arange(N)
        assert_array_equal(both.transduction_, np.where(order < N / 2, 3, 1))


@pytest.mark.parametrize("exponent", [-1000, -600, -30, 30, 600, 1000])
def test_the_unit_of_distances_does_not_matter(exponent):
    graph = chain()
    coo = graph.tocoo()
    graph = sp.csr_array((1.0 + (coo.row + coo.col) % 5, (coo.row, coo.col)))
    labels = {0: 3, 11: 2, N - 1: 1}
    expected = fit(graph, labels)
    try:
        found = fit(graph * np.ldexp(1.0, exponent), labels)
    except ValueError as error:
        assert "neighbors" in str(error)
        return
    assert_array_equal(found.transduction_, expected.transduction_)
    assert_allclose(found.confidence_, expected.confidence_, atol=1e-9)


@pytest.mark.parametrize(
    "neighbors",
    [
        KNeighborsTransformer(n_neighbors=3, mode="connectivity"),
        KNeighborsTransformer(n_neighbors=12, metric="cosine"),
        KNeighborsTransformer(n_neighbors=12, metric="manhattan"),
        KNeighborsTransformer(n_neighbors=12, algorithm="ball_tree"),
        RadiusNeighborsTransformer(radius=3.0),
    ],
    ids=str,
)
def test_transformers_of_scikit_learn_keep_groups_apart(neighbors, groups):
    X, y = groups
    known = np.where(np.arange(len(y)) % 6 == 0, y, -1)
    with quiet():
        fitted = propagator(neighbors=neighbors).fit(X, known)
    reached = fitted.transduction_ != -1
    if getattr(neighbors, "metric", "") == "cosine":
        assert reached.all()  # other groups may be the nearest there
    else:
        assert_array_equal(fitted.transduction_[reached], y[reached])
        assert reached.mean() > 0.8
    with quiet():
        assert_array_equal(fitted.predict(X)[reached], fitted.transduction_[reached])
