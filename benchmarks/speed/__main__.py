"""Speed and memory of whole fits, beside peers and as the data grow.

    python -m benchmarks.speed [--quick] [--out DIR] [--parts fits growth]

writes speed.json, speed.md and speed.png. Seconds are those of one machine; the ratios
are what to look at: all that is compared runs in turns, in one process.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import sklearn

from . import fits, growth

PARTS = {"fits": fits, "growth": growth}


def main() -> None:
    """Run the parts asked for, and write what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed")
    parser.add_argument("--quick", action="store_true", help="a minute, to try it out")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path("benchmarks", "results"))
    options = parser.parse_args()
    path = options.out / "speed.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name in options.parts:
        found[name] = PARTS[name].run(options.quick)
    found["versions"] = {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    sections = [PARTS[name].to_markdown(found[name]) for name in PARTS if name in found]
    text = "\n".join(
        [
            "# Speed",
            "",
            "Made by `python -m benchmarks.speed`, scikit-learn "
            f"{sklearn.__version__}.",
            "",
            *sections,
        ]
    )
    (options.out / "speed.md").write_text(text)
    if "growth" in found:
        growth.draw(found["growth"], options.out / "speed.png")
    print(text)


if __name__ == "__main__":
    main()
