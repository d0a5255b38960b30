"""Run the measurements of one stage, or of all: each is a module beside this one.

    python -m benchmarks.speed neighbors
    python -m benchmarks.speed spreading --quick

A stage has ``measure(quick)``, which returns what goes into the JSON file, and
``report(results)``, which makes the page of it.
"""

import argparse
import importlib
import json
import pkgutil
from pathlib import Path

import benchmarks.speed

from . import harness

HELPERS = {"__main__", "harness"}


def main():
    names = {module.name for module in pkgutil.iter_modules(benchmarks.speed.__path__)}
    modules = {
        name: importlib.import_module(f"benchmarks.speed.{name}")
        for name in sorted(names - HELPERS)
    }
    # Others are programs of their own.
    stages = [name for name, module in modules.items() if hasattr(module, "report")]
    stages = [name for name in stages if hasattr(modules[name], "measure")]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", choices=[*stages, []], metavar="STAGE")
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("--out", type=Path, default=Path("build/speed"))
    args = parser.parse_args()
    for name in args.stages or stages:
        stage = modules[name]
        results = {"machine": harness.machine(), **stage.measure(args.quick)}
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(results, indent=1) + "\n"
        (args.out / f"{name}.json").write_text(text, encoding="utf-8")
        page = stage.report(results)
        (args.out / f"{name}.md").write_text(page, encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
