"""Two runs that write to one folder."""

from __future__ import annotations

import json

from examples.fashion_mnist import cli
from examples.fashion_mnist.parts import Part


def test_a_part_finished_meanwhile_is_not_lost(tmp_path, monkeypatch):
    """The slow run reads what is there when it writes, not when it starts."""
    parts: dict[str, Part] = {}

    def write_nothing(section, out, data_home):
        return []

    def part(compute):
        return Part(compute, lambda section: f"## {section['name']}\n", write_nothing)

    def slow(run):
        assert cli.main(["--parts", "fast", "--out", str(tmp_path)]) == 0
        return {"name": "slow"}

    parts["fast"] = part(lambda run: {"name": "fast"})
    parts["slow"] = part(slow)
    monkeypatch.setattr(cli, "PARTS", parts)

    assert cli.main(["--parts", "slow", "--out", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert [section["name"] for section in results["parts"].values()] == [
        "fast",
        "slow",
    ]
    assert "## fast" in (tmp_path / "results.md").read_text()
