import pytest

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._selection._candidates import Candidate, list_candidates


def listed(*arguments):
    """List candidates without the neighbours."""
    candidates = list_candidates(*arguments)
    assert not any(candidate.with_neighbors for candidate in candidates)
    return [candidate[:3] for candidate in candidates]


def test_the_given_labels_alone_come_first_and_once():
    assert listed(("graph", "cluster"), (1, 0.0, 0.5, 1)) == [
        ("cluster", 0, "samples"),
        ("graph", 0.5, "samples"),
        ("graph", 1, "samples"),
        ("cluster", 0.5, "samples"),
        ("cluster", 1, "samples"),
    ]
    assert listed(["graph"], [0.5]) == [("graph", 0.5, "samples")]


def test_a_second_space_is_tried_with_the_smallest_and_the_largest_fraction():
    candidates = listed(["cluster", "graph"], [0, 0.3, 1], ["samples", "embedding"])
    assert candidates == [
        ("cluster", 0, "samples"),
        ("cluster", 0.3, "samples"),
        ("cluster", 1, "samples"),
        ("graph", 0.3, "samples"),
        ("graph", 1, "samples"),
        ("cluster", 0, "embedding"),
        ("cluster", 1, "embedding"),
        ("graph", 1, "embedding"),
    ]
    assert listed(["graph"], [0.2, 0.5, 0.9], ["samples", "embedding"]) == [
        ("graph", 0.2, "samples"),
        ("graph", 0.5, "samples"),
        ("graph", 0.9, "samples"),
        ("graph", 0.2, "embedding"),
        ("graph", 0.9, "embedding"),
    ]


def test_a_lone_space_is_tried_with_all_fractions():
    assert listed(["graph"], [0, 0.3, 1], ["embedding"]) == [
        ("cluster", 0, "embedding"),
        ("graph", 0.3, "embedding"),
        ("graph", 1, "embedding"),
    ]


def test_neighbours_predict_where_the_graph_rule_is_tried():
    both = list_candidates(["graph", "cluster"], [0, 0.5], ["samples", "neighbors"])
    assert both[-1] == ("graph", 1, "neighbors", False, False)
    assert [c.train_on for c in both].count("neighbors") == 1
    without = list_candidates(["cluster"], [0, 0.5], ["samples", "neighbors"])
    assert {c.train_on for c in without} == {"samples"}


def test_classifiers_with_probabilities_predict_with_the_neighbours():
    spaces = ["samples", "embedding", "neighbors"]
    assert [
        candidate[:4]
        for candidate in list_candidates(["cluster", "graph"], [0, 1], spaces, True)
    ] == [
        ("cluster", 0, "samples", False),
        ("graph", 0, "samples", True),
        ("cluster", 1, "samples", False),
        ("graph", 1, "samples", True),
        ("cluster", 0, "embedding", False),
        ("graph", 0, "embedding", True),
        ("cluster", 1, "embedding", False),
        ("graph", 1, "embedding", True),
        ("graph", 1, "neighbors", False),
    ]
    # Not where a space was asked for, nor without a graph.
    assert listed(["graph"], [0, 1], ["samples"], True) == listed(["graph"], [0, 1])
    spaces = ["samples", "neighbors"]
    assert listed(["cluster"], [0, 1], spaces, True) == listed(["cluster"], [0, 1])


def test_what_differs_in_the_neighbours_alone_is_trained_once():
    candidates = list_candidates(["graph"], [0, 1], ["embedding", "neighbors"], True)
    *candidates, neighbors = candidates
    assert neighbors.train_on == "neighbors"
    assert [candidate.training[:4] for candidate in candidates] == [
        ("cluster", 0, "embedding", False),
        ("cluster", 0, "embedding", False),
        ("graph", 1, "embedding", False),
    ]
    assert [candidate.propagates for candidate in candidates] == [False, True, True]


def test_classes_of_one_size_are_tried_by_the_graph_rule_alone():
    spaces = ["samples", "neighbors"]
    candidates = list_candidates(["cluster", "graph"], [0, 1], spaces, True, True)
    assert candidates == [
        Candidate("cluster", 0, "samples"),
        Candidate("graph", 0, "samples", True),
        Candidate("graph", 0, "samples", True, True),
        Candidate("cluster", 1, "samples"),
        Candidate("graph", 1, "samples", True),
        Candidate("graph", 1, "samples", True, True),
        Candidate("graph", 1, "neighbors"),
        Candidate("graph", 1, "neighbors", False, True),
    ]
    # The given labels alone are the same for all.
    assert len({candidate.training for candidate in candidates[:6]}) == 4
    for candidate in candidates:
        told = candidate.params.pop("class_prior", None)
        assert told == ("uniform" if candidate.equal_classes else None)


@pytest.mark.parametrize(
    ("candidate", "text"),
    [
        (Candidate("cluster", 0), "the given labels alone"),
        (Candidate("graph", 0.7), "graph at fraction 0.7"),
        (Candidate("cluster", 1.0), "cluster at fraction 1"),
        (
            Candidate("cluster", 0, "embedding"),
            "the given labels alone, in the embedding",
        ),
        (
            Candidate("graph", 0.25, "embedding"),
            "graph at fraction 0.25, in the embedding",
        ),
        (Candidate("graph", 1, "neighbors"), "graph, predicted by the neighbours"),
        (
            Candidate("graph", 0, "samples", True),
            "the given labels with the neighbours",
        ),
        (
            Candidate("graph", 1, "embedding", True),
            "graph at fraction 1 with the neighbours, in the embedding",
        ),
        (
            Candidate("graph", 1, "embedding", True, True),
            "graph at fraction 1 with the neighbours, classes of one size, in the "
            "embedding",
        ),
        (
            Candidate("graph", 1, "neighbors", False, True),
            "graph, predicted by the neighbours, classes of one size",
        ),
    ],
)
def test_names(candidate, text):
    assert str(candidate) == text


def test_parameters_are_those_of_the_propagator():
    params = Candidate("cluster", 0.4, "embedding").params
    assert params == {"propagation": "cluster", "fraction": 0.4}
    KMeansLabelPropagator(**params)
