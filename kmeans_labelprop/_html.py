"""What a notebook shows of an estimator: its diagram, and its summary once fitted."""

from __future__ import annotations

from html import escape
from typing import Any

from sklearn import get_config
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr


class SummaryHTMLMixin:
    """Mixin for estimators with a ``summary`` method."""

    def _repr_html_(self) -> str:
        diagram: str = estimator_html_repr(self)
        try:
            text = self.summary()  # type: ignore[attr-defined]
        except NotFittedError:
            return diagram
        return f"{diagram}<pre>{escape(text)}</pre>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_()
        return bundle
