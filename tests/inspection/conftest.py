import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

matplotlib.use("Agg")


@pytest.fixture
def assert_legible(monkeypatch):
    """Give a check that no text of a figure overlaps another, or leaves the figure."""
    drawn = []
    draw = Text.draw

    def note(text, renderer, *args, **kwargs):
        if text.get_visible():
            drawn.append(text)
        return draw(text, renderer, *args, **kwargs)

    def check(figure):
        # Only what is really drawn: axes hold more tick labels than they show.
        figure.canvas.draw()
        drawn.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Text, "draw", note)
            figure.canvas.draw()
        boxes = []
        for text in drawn:
            # Texts turned by an odd angle fill only part of their box.
            if text.get_text().strip() and text.get_rotation() % 90 == 0:
                boxes.append((text.get_text(), text.get_window_extent()))
        page = figure.bbox
        for text, box in boxes:
            assert box.x0 >= page.x0 - 1, text
            assert box.x1 <= page.x1 + 1, text
            assert box.y0 >= page.y0 - 1, text
            assert box.y1 <= page.y1 + 1, text
        for (first, a), (second, b) in itertools.combinations(boxes, 2):
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert wide < 1 or high < 1, (first, second)
        return len(boxes)

    return check


@pytest.fixture
def picture():
    """Give a function that renders a figure to an array of pixels."""

    def render(figure):
        figure.canvas.draw()
        return np.array(figure.canvas.buffer_rgba())

    return render
