"""Which attacks run: a part by default, all of them with ATTACK=full (make attack)."""

from __future__ import annotations

import pytest
from attack.tools import FULL


def pytest_collection_modifyitems(config, items):
    if FULL:
        return
    left_out = [item for item in items if item.get_closest_marker("full_attack")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture
def groups():
    """Four groups of 30 samples far from each other, in whole eighths, mixed."""
    from attack.tools import make_groups

    return make_groups()
