"""Configuration of the site. It builds without network: nothing is fetched."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

# Before anything loads numpy, TensorFlow or matplotlib. The gallery's data are small:
# more threads would only compete.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

from sphinx.errors import ConfigError

import kmeans_labelprop

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "examples" / "fashion_mnist" / "results"
GENERATED = DOCS / "generated" / "fashion_mnist"

project = "kmeans-labelprop"
author = "The kmeans-labelprop developers"
copyright = author
version = release = kmeans_labelprop.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "myst_parser",
]
exclude_patterns = [
    "_build",
    "_templates",
    "generated/fashion_mnist",
]
default_role = "code"
templates_path = ["_templates"]
toc_object_entries = False
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}

# ---------------------------------------------------------------- reference
autodoc_typehints = "none"  # the docstrings name the types
autosummary_generate = True
numpydoc_show_class_members = False  # the template lists them
numpydoc_class_members_toctree = False

# ---------------------------------------------------------------- gallery
sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["auto_examples"],
    "filename_pattern": r"/plot_",
    # The gallery is plot_*.py; other files beside them are programs.
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("kmeans_labelprop",),
    "reference_url": {"kmeans_labelprop": None},
    "abort_on_example_error": False,  # -W makes a failed example an error, at the end
    "show_memory": False,
    "write_computation_times": False,  # a page that loads scripts from elsewhere
    "show_signature": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "plot_gallery": "True",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# ---------------------------------------------------------------- HTML
html_theme = "pydata_sphinx_theme"
html_title = "kmeans-labelprop"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
}
html_sidebars = {
    "index": [],
    "getting_started": [],
    "fashion_mnist": [],
    "benchmark": [],
    "whats_new": [],
    "contributing": [],
}


def copy_results(app: Any) -> None:
    """Put the tables and figures of the committed full run where a page includes them.

    Raises
    ------
    ConfigError
        If the program's results are not there.
    """
    table = RESULTS / "results.md"
    if not table.exists():
        raise ConfigError(
            f"{table} is missing. The page on Fashion-MNIST shows the results of a "
            "full run, which are committed. `python -m examples.fashion_mnist --out "
            "examples/fashion_mnist/results` makes them."
        )
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir(parents=True)
    text = table.read_text(encoding="utf-8")
    for image in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        if not (RESULTS / image).exists():
            raise ConfigError(f"{table} shows {image}, which is not beside it.")
    text = re.sub(
        r"(!\[[^\]]*\]\()", rf"\1{GENERATED.relative_to(DOCS).as_posix()}/", text
    )
    text = re.sub(r"\A# .*", "# Results", text)  # the page has a title
    (GENERATED / "results.md").write_text(text, encoding="utf-8")
    for image_file in RESULTS.glob("*.png"):
        shutil.copy(image_file, GENERATED)


def setup(app: Any) -> None:
    app.connect("builder-inited", copy_results, priority=100)
