"""The README's tables are what the committed results say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def update_readme():
    spec = importlib.util.spec_from_file_location(
        "update_readme", ROOT / "scripts/update_readme.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_up_to_date(update_readme):
    readme = update_readme.README.read_text()
    tables = update_readme.make_tables()
    assert list(tables) == ["results", "benchmark", "known"]
    assert min(table.count("\n| ") for table in tables.values()) >= 5
    assert update_readme.with_tables(readme, tables) == readme


def test_every_link_of_the_readme_leads_somewhere(update_readme):
    targets = [
        part.partition(")")[0]
        for part in update_readme.README.read_text().split("](")[1:]
    ]
    assert len(targets) > 5
    for target in targets:
        assert (ROOT / target).exists(), target
