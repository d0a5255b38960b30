"""Without matplotlib every display says how to get it, before anything is computed."""

import builtins

import pytest

from kmeans_labelprop import inspection

ARGUMENTS = {
    ("AuditDisplay", "from_audit"): [None],
    ("ClusterCompositionDisplay", "from_estimator"): [None, None, []],
    ("ClusterCompositionDisplay", "from_predictions"): [None, None],
    ("ElbowDisplay", "from_curve"): [None],
    ("ElbowDisplay", "from_estimator"): [None, None],
    ("ElbowDisplay", "from_predictions"): [[2, 3], [1, 2]],
    ("FractionCurveDisplay", "from_estimator"): [None, None],
    ("FractionCurveDisplay", "from_predictions"): [None, None, None, None],
    ("LabelCurveDisplay", "from_curve"): [None],
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
    real = builtins.__import__

    def without_matplotlib(module, *args, **kwargs):
        if module.startswith("matplotlib"):
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    draw = getattr(getattr(inspection, name), method)
    message = rf'{name} needs matplotlib.*"kmeans-labelprop\[plot\]"'
    with pytest.raises(ImportError, match=message):
        draw(*ARGUMENTS[name, method])
