"""Without matplotlib every display says how to get it, before anything is computed."""

import sys

import pytest

from kmeans_labelprop import inspection

MESSAGE = r'{} needs matplotlib.*"kmeans-labelprop\[plot\]"'
ARGUMENTS = {
    ("ClusterCompositionDisplay", "from_estimator"): [None, None, []],
    ("ClusterCompositionDisplay", "from_predictions"): [None, None],
    ("ElbowDisplay", "from_estimator"): [None, None],
    ("ElbowDisplay", "from_predictions"): [[2, 3], [1, 2]],
    ("FractionCurveDisplay", "from_estimator"): [None, None],
    ("FractionCurveDisplay", "from_predictions"): [None, None, None, None],
    ("RepresentativesDisplay", "from_estimator"): [None, None],
    ("RepresentativesDisplay", "from_predictions"): [None, None, None, None],
    ("SilhouetteDisplay", "from_estimator"): [None, None],
    ("SilhouetteDisplay", "from_predictions"): [None, None],
}


def test_every_constructor_is_tried():
    assert set(ARGUMENTS) == {
        (name, method)
        for name in inspection.__all__
        for method in dir(getattr(inspection, name))
        if method.startswith("from_")
    }


@pytest.mark.parametrize(("name", "method"), ARGUMENTS)
def test_matplotlib_is_asked_for(name, method, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    draw = getattr(getattr(inspection, name), method)
    with pytest.raises(ImportError, match=MESSAGE.format(name)):
        draw(*ARGUMENTS[name, method])


@pytest.mark.parametrize("name", ["AuditDisplay", "LabelCurveDisplay"])
def test_matplotlib_is_asked_for_by_plot(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=MESSAGE.format(name)):
        getattr(inspection, name)(None).plot()
