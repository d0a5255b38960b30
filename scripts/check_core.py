"""Import every module and fit once, as installed and without any extra."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import kmeans_labelprop
from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier

OPTIONAL = ["keras", "matplotlib", "pandas", "polars", "pooch", "tensorflow", "tqdm"]

installed = [name for name in OPTIONAL if importlib.util.find_spec(name)]
if installed:
    sys.exit(f"Not the core alone, installed are also: {', '.join(installed)}")
package = Path(kmeans_labelprop.__file__).parent
if not package.is_relative_to(sys.prefix) or not (package / "py.typed").exists():
    sys.exit(f"Not an installed package with its types: {package}")
names = [
    module.name
    for module in pkgutil.walk_packages(
        kmeans_labelprop.__path__, f"{kmeans_labelprop.__name__}."
    )
]
for name in names:
    importlib.import_module(name)
X, y = load_iris(return_X_y=True)
propagator = KMeansLabelPropagator(n_clusters=9, random_state=0)
classifier = PropagatedClassifier(DecisionTreeClassifier(random_state=0), propagator)
score = classifier.fit(X, y).score(X, y)
if score < 0.7:
    sys.exit(f"A propagator and a tree score {score:.2f} on iris, expected 0.9")
print(f"{len(names)} modules imported; accuracy on iris {score:.2f} with 9 labels")
