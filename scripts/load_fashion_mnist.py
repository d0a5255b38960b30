"""Load Fashion-MNIST once; say that it is there, or how to get it.

python scripts/load_fashion_mnist.py DATA_HOME [--download]
"""

from __future__ import annotations

import argparse
import sys

from kmeans_labelprop.datasets import fetch_fashion_mnist

parser = argparse.ArgumentParser()
parser.add_argument("data_home")
parser.add_argument("--download", action="store_true", help="download it if missing")
args = parser.parse_args()
try:
    X, _ = fetch_fashion_mnist(
        args.data_home,
        subset="all",
        return_X_y=True,
        download_if_missing=args.download,
    )
except (ImportError, OSError) as error:
    sys.exit(str(error))
print(f"Fashion-MNIST: {len(X)} images, all checksums right")
