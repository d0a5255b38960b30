"""What a notebook shows of an estimator: its diagram, and a card once it is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr

from ._report import count_labels

_MOST_CLASSES = 12

# Text and borders take the colour of the page, be it light or dark.
_STYLE = """<style>
.klp-card {border: 1px solid rgba(128, 128, 128, .4); border-radius: 6px;
  color: inherit; font: 13px/1.45 system-ui, sans-serif; margin: .6em 0;
  max-width: 52em; padding: .7em .9em}
.klp-card p {margin: .7em 0 0; white-space: pre-wrap}
.klp-counts {display: flex; flex-wrap: wrap; gap: .3em 1.5em}
.klp-counts b {display: block; font-size: 1.35em; font-variant-numeric: tabular-nums}
.klp-shares {align-items: center; display: grid; gap: .15em .7em; margin-top: .2em;
  grid-template-columns: fit-content(35%) minmax(2em, 16em) max-content}
.klp-shares span {overflow: hidden; text-overflow: ellipsis; white-space: nowrap}
.klp-shares i {background: rgba(128, 128, 128, .22); border-radius: 2px; height: .8em}
.klp-shares i i {background: #2b8cc4; display: block; height: 100%}
</style>"""


class SummaryHTMLMixin:
    """Mixin for propagators, and classifiers that have one, with a ``summary``."""

    def _repr_html_(self) -> str:
        diagram: str = estimator_html_repr(self)
        try:
            text = self.summary()  # type: ignore[attr-defined]
        except NotFittedError:
            return diagram
        card = "".join(_draw_card(getattr(self, "propagator_", self), text))
        return f"{diagram}{_STYLE}<div class='klp-card'>{card}</div>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_()
        return bundle


def _draw_card(propagator: Any, text: str) -> Iterator[str]:
    counts, told = count_labels(propagator)
    numbers = (f"<div><b>{n:,}</b>{name}</div>" for name, n in counts.items())
    yield f"<div class='klp-counts'>{''.join(numbers)}</div>"
    if hasattr(propagator, "spread_"):
        yield from _draw_shares(propagator)
    # What the numbers above do not say.
    rest = "\n".join(line for line in text.splitlines() if line not in told)
    yield f"<p>{_escape(rest)}</p>"


def _draw_shares(propagator: Any) -> Iterator[str]:
    """Draw a bar for each class: its share of the samples that have a label."""
    codes, given = propagator.spread_.codes, propagator.given_
    sizes = np.bincount(codes[codes >= 0], minlength=len(given.classes))
    n_given = np.bincount(given.codes, minlength=len(given.classes))
    shares = sizes / sizes.sum()
    largest = np.argsort(-sizes, kind="stable")[:_MOST_CLASSES]
    yield "<p>Share of each class in the samples reached, and labels given:</p>"
    yield "<div class='klp-shares'>"
    for code in np.sort(largest).tolist():
        name = _escape(given.classes[code])
        width = 100 * shares[code] / shares.max()
        yield (
            f"<span title='{name}'>{name}</span>"
            f"<i><i style='width: {width:.1f}%'></i></i>"
            f"<span>{100 * shares[code]:.1f} % · {n_given[code]:,} given</span>"
        )
    yield "</div>"
    n_others = len(sizes) - len(largest)
    if n_others:
        rest = 100 * (1 - shares[largest].sum())
        yield f"<div>and {n_others:,} smaller classes, {rest:.1f} %</div>"


def _escape(text: Any) -> str:
    # A notebook cannot store half of a surrogate pair.
    return escape(str(text).encode("utf-8", "replace").decode("utf-8"))
