"""The programs of this folder by name."""

from __future__ import annotations

from .budget import BUDGET
from .embeddings import EMBEDDINGS
from .graph_rules import GRAPH_RULES
from .harness import Setting
from .partly import PARTLY
from .rounds import ROUNDS

SETTINGS: dict[str, Setting] = {
    each.name: each for each in (BUDGET, PARTLY, ROUNDS, GRAPH_RULES, EMBEDDINGS)
}
