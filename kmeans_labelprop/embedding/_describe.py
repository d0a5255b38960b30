"""What an embedding does, in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from ._gaps import add_gaps
from ._global_scale import GlobalScaler
from ._images import ImageFeatures
from ._kinds import (
    CATEGORIES,
    CODES,
    DATES,
    NAMES,
    NUMBERS,
    ORDERED,
    PARTS,
    REASONS,
    TEXT,
)
from ._pictures import flatten, is_row, looks_like_series
from ._texts import TextFeatures

_MOST_NAMES = 5
_STEPS = {
    "ImageFeatures": "edges, patches, brightness",
    "MaxAbsScaler": "divided by the largest",
    "Normalizer": "rows of unit length",
    "Profiles": "logarithms of shares of the row, and of its sum",
    "QuantileTransformer": "ranks",
    "RobustScores": "standard scores without extremes",
    "SimpleImputer": "missing ones filled in",
    "StandardScaler": "standard scores",
    "TextFeatures": "tf-idf",
    "TfidfTransformer": "tf-idf",
    "TfidfVectorizer": "tf-idf",
    "UnitRows": "rows of unit length, and their means",
}
# One and several columns of a kind.
_COLUMNS = {
    NUMBERS: ("number", "numbers"),
    DATES: ("date", "dates"),
    ORDERED: ("ordered category", "ordered categories"),
    CATEGORIES: ("category", "categories"),
    CODES: ("kind of codes", "kinds of codes"),
    TEXT: ("text", "texts"),
    PARTS: ("string of numbers", "strings of numbers"),
    NAMES: ("name", "names"),
}


def describe(embedding: Any) -> str:
    """Tell in one line what an embedding does.

    Parameters
    ----------
    embedding : transformer or None
        What :func:`default_embedding` returned, fitted or not, or another transformer.

    Returns
    -------
    line : str
        What the samples are taken for, what is done with them, and which columns are
        left out and why.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from kmeans_labelprop.embedding import default_embedding, describe
    >>> describe(default_embedding(load_wine().data))
    'numbers: standard scores without extremes'
    >>> describe(default_embedding(["a red apple", "a green apple"]))
    'text: tf-idf, up to 100 components'
    >>> describe(None)
    'as they are'
    """
    steps = _steps(embedding)
    if not steps:
        return "as they are"
    if isinstance(steps[0], ColumnTransformer) and _is_ours(steps[0]):
        return "; ".join(_of_table(steps[0], steps[1:]))
    return f"{_subject(steps)}: {_done(steps)}"


def image_shape_of(embedding: Any) -> tuple[int, ...] | None:
    """Tell the shape of the images that a row of pixels is.

    Parameters
    ----------
    embedding : transformer or None
        Fitted or not.

    Returns
    -------
    image_shape : tuple of int or None
        As the row holds them; None if it is no image.
    """
    steps = _steps(embedding)
    if not any(isinstance(step, ImageFeatures) for step in steps):
        return None
    for step in steps:
        if getattr(step, "func", None) is flatten:
            shape = tuple(step.kw_args["image_shape"])
            if not is_row(shape):
                return shape
    return getattr(steps[-1], "image_shape_", getattr(steps[-1], "image_shape", None))


def read_pixels(embedding: Any, X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Take the pixels of a table without the ids beside them.

    Parameters
    ----------
    embedding : transformer or None
        Fitted or not.
    X : {array-like, dataframe} of shape (n_samples, n_features)
        The samples.

    Returns
    -------
    X : {array-like, dataframe} of shape (n_samples, n_pixels)
        The pixels, of a table as numbers; of rows that are no images the samples.
    image_shape : tuple of int or None
        As a row holds them; None if it is no image.
    """
    table = next(iter(_steps(embedding)), None)
    if isinstance(table, ColumnTransformer) and _is_ours(table):
        for _, part, columns in table.transformers:
            if (shape := image_shape_of(part)) is not None:
                X = X if hasattr(X, "shape") else np.array(X, dtype=object)
                return part[0].transform(_safe_indexing(X, columns, axis=1)), shape
    return X, image_shape_of(embedding)


def _steps(embedding: Any) -> list[Any]:
    """List the steps, including those of nested pipelines, but for the unit."""
    if embedding is None or isinstance(embedding, GlobalScaler):
        return []
    if isinstance(embedding, Pipeline):
        return [part for _, step in embedding.steps for part in _steps(step)]
    return [embedding]


def _is_ours(table: ColumnTransformer) -> bool:
    kinds = {name.rstrip("0123456789") for name, _, _ in table.transformers}
    return kinds <= {*_COLUMNS, *REASONS}


def _subject(steps: list[Any]) -> str:
    if any(isinstance(step, TfidfVectorizer | TextFeatures) for step in steps):
        return "text"
    if any(isinstance(step, TfidfTransformer) for step in steps):
        return "counts of words"
    is_image = any(isinstance(step, ImageFeatures) for step in steps)
    for step in steps:
        if getattr(step, "func", None) is flatten:
            shape = step.kw_args["image_shape"]
            has_units = "units" in step.kw_args
            is_series = looks_like_series(shape) or (has_units and len(shape) == 2)
            if not is_image and is_series:
                return "series " + " × ".join(map(str, shape))
            if is_image and is_row(shape):
                continue  # a later step knows
        elif isinstance(step, ImageFeatures):
            shape = getattr(step, "image_shape_", step.image_shape)
            shape = () if shape is None else shape
            shape = shape[:2] if shape[2:] == (1,) else shape
        else:
            continue
        return f"images {' × '.join(map(str, shape))}".strip()
    return "numbers"


def _done(steps: list[Any]) -> str:
    done = []
    for step in steps:
        if getattr(step, "func", None) is flatten:
            if (factor := step.kw_args["factor"]) > 1:
                done.append(f"{factor} times smaller")
            continue
        if getattr(step, "func", None) is add_gaps:
            done.append(f"gaps of {len(step.kw_args['columns'])} told")
            continue
        name = type(step).__name__
        projects = hasattr(step, "n_components") and not isinstance(step, ImageFeatures)
        if name in _STEPS or not projects:
            done.append(_STEPS.get(name, name))
        if projects:
            found = getattr(step, "components_", None)
            wanted = step.n_components if found is None else len(found)
            up_to = "up to " if found is None else ""
            done.append(f"{up_to}{wanted} component{'s' * (wanted != 1)}")
    return ", ".join(done) or "as they are"


def _of_table(table: ColumnTransformer, further: list[Any]) -> list[str]:
    """Tell the columns used, the steps after them, and the columns left out."""
    counts: dict[str, int] = {}
    left_out = []
    only_numbers = image = ""
    for name, part, columns in table.transformers:
        if name in REASONS:
            names = [repr(column) for column in columns[:_MOST_NAMES]]
            if len(columns) > _MOST_NAMES:
                names.append(f"{len(columns) - _MOST_NAMES} more")
            left_out.append(f"{', '.join(names)} ({name})")
            continue
        kind = name.rstrip("0123456789")
        counts[kind] = counts.get(kind, 0) + len(columns)
        if kind == NUMBERS:
            steps = _steps(part)[1:]
            only_numbers = _done(steps)
            image = _subject(steps) if image_shape_of(part) else ""
    told = [f"{n} {_COLUMNS[kind][n > 1]}" for kind, n in counts.items()]
    if list(counts) == [NUMBERS]:
        told = [image or told[0], only_numbers]
    if further:
        told.append(_done(further))
    line = [f"table: {', '.join(told)}"]
    return [*line, f"left out: {', '.join(left_out)}"] if left_out else line
