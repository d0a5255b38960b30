"""Run the experiments: ``python -m examples.fashion_mnist`` or the folder itself."""

import sys
from pathlib import Path

if __package__:
    from .cli import main
else:
    # ``python examples/fashion_mnist`` puts this folder on the path, not its parent,
    # so that the modules beside this one would not know their package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from fashion_mnist.cli import main

if __name__ == "__main__":
    sys.exit(main())
