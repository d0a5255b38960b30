"""The embedding of tables: each column by what it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
)
from sklearn.utils import check_array

from .._containers import holds_numbers
from ._columns import (
    as_strings,
    columns_of,
    floats_of,
    is_frame,
    nested_type,
    strings_of,
)
from ._formats import POINT
from ._gaps import imputer, imputers
from ._kinds import (
    CATEGORIES,
    CODES,
    CONSTANT,
    DATES,
    ID,
    NAMES,
    NUMBERS,
    ORDERED,
    PARTS,
    REASONS,
    ROW_NUMBER,
    TEXT,
    Kind,
    as_numbers,
    kind_of,
)
from ._names import kinds_of_codes
from ._numbers import n_components, numbers_embedding
from ._parts import VERSION, names_of_parts, read_parts, weigh_first
from ._pictures import found_images_embedding, rows_embedding
from ._pixels import LEAST_PIXELS
from ._scores import RobustScores
from ._texts import TextFeatures

# More columns than this are projected on fewer components.
_WIDE = 300
_N_COMPONENTS = 50
# Bounds the number of columns made of a column of names.
_MAX_CATEGORIES = 100
# For each column of texts beside other columns.
_N_TEXT_COMPONENTS = 30
# Different categories are one standard deviation of a number apart, and texts without
# a word in common as far as two samples that differ in several numbers. Names count
# half of that: of some only the letters are alike.
_WEIGHTS = {CATEGORIES: 0.5**0.5, CODES: 0.5**0.5, TEXT: 2.0, NAMES: 1.0}


def table_embedding(X: Any) -> Any:
    """Choose the embedding of a table.

    Parameters
    ----------
    X : dataframe or ndarray of shape (n_samples, n_features), dtype=object
        The table.

    Returns
    -------
    embedding : transformer or None
        The transformer, not fitted; None for numbers as they are.

    Raises
    ------
    ValueError
        If columns have the same name, or no column tells the samples apart.
    TypeError
        If a column holds values for which there is no embedding.
    """
    names = _names(X)
    columns = columns_of(X)
    is_alone = len(names) == 1
    kinds = [
        kind_of(column, name, is_alone)
        for column, name in zip(columns, names, strict=True)
    ]
    if is_alone and kinds[0].name == TEXT:
        return TextFeatures()
    has_names = is_frame(X) and all(isinstance(name, str) for name in names)
    keys = names if has_names else list(range(len(names)))
    groups: dict[str, list[Any]] = {}
    for key, kind in zip(keys, kinds, strict=True):
        groups.setdefault(kind.name, []).append(key)
    if set(groups) <= {NUMBERS, CONSTANT} and all(map(_is_plain, columns)):
        return rows_embedding(_check_numbers(X))
    if set(groups) <= {ID, CONSTANT} and all(map(_is_plain, columns)):
        return numbers_embedding(_check_numbers(X))  # ranks, say: there is nothing else
    pixels = _pixels_beside_ids(X, columns, kinds, keys)
    if pixels is not None:
        return pixels
    left_out = [
        (reason, "drop", groups.pop(reason)) for reason in REASONS if reason in groups
    ]
    if not groups:
        raise ValueError(
            "No column of X tells its samples apart: "
            + "; ".join(f"{keys!r} ({reason})" for reason, _, keys in left_out)
            + ". Pass other columns, or embedding=None for numbers as they are."
        )
    if set(groups) == {NUMBERS}:
        reader, numbers = _read_numbers(X, kinds, NUMBERS, groups[NUMBERS])
        embedding = numbers_embedding(numbers)
        steps = [reader] if embedding is None else [reader, embedding]
        parts, width = [(NUMBERS, make_pipeline(*steps), groups[NUMBERS])], 0
    else:
        parts, width = _mixed_parts(X, kinds, groups)
    weights = {
        name: _WEIGHTS[part]
        for name, _, _ in parts
        if (part := name.rstrip("0123456789")) in _WEIGHTS
    }
    # The numbers of a string weigh together what one number does.
    several = [kind for kind in kinds if kind.name == PARTS]
    weights |= {f"{PARTS}{i}": k.n_values**-0.5 for i, k in enumerate(several)}
    together = ColumnTransformer(parts + left_out, transformer_weights=weights or None)
    if width <= _WIDE:
        return together
    return make_pipeline(together, PCA(n_components(_N_COMPONENTS, X.shape[0])))


def _pixels_beside_ids(X: Any, columns: list[Any], kinds: list[Kind], keys: Any) -> Any:
    """Give the embedding of columns that are the pixels of images.

    Beside them there may be ids, and what is the same everywhere. Pixels may be
    strings, or missing here and there. None if there is anything else.
    """
    others = {kind.name for kind in kinds} - {NUMBERS, CATEGORIES, *REASONS}
    if others or len(columns) < LEAST_PIXELS:
        return None
    pixels, numbers = [], []
    reasons: dict[str, list[Any]] = {}
    for key, column, kind in zip(keys, columns, kinds, strict=True):
        is_number = kind.name not in (ID, ROW_NUMBER) and kind.how in (None, POINT)
        read = floats_of(column) if is_number else None
        if read is not None and _holds_only_numbers(column, read):
            pixels.append(key)
            numbers.append(read)
        elif kind.name in REASONS:
            reasons.setdefault(kind.name, []).append(key)
        else:
            return None
    if len(pixels) < LEAST_PIXELS:
        return None
    rows = _check_numbers(np.column_stack(numbers))
    embedding = found_images_embedding(rows)
    if embedding is None:
        return None
    reader = _reader(as_numbers, kind=NUMBERS, **_reading(X, pixels))
    part = (NUMBERS, make_pipeline(reader, embedding), pixels)
    left_out = [(reason, "drop", names) for reason, names in reasons.items()]
    return ColumnTransformer([part, *left_out])


def _holds_only_numbers(column: Any, read: Any) -> bool:
    """Tell whether nothing but what is missing could not be read as a number."""
    if not np.isnan(read).any():
        return True
    return all(text is None for text in strings_of(column)[np.isnan(read)])


def _mixed_parts(
    X: Any, kinds: list[Kind], groups: dict[str, list[Any]]
) -> tuple[list[Any], int]:
    """List the parts of a ColumnTransformer, and count their columns."""
    parts: list[Any] = []
    for kind in (NUMBERS, DATES):
        if kind in groups:
            reader, numbers = _read_numbers(X, kinds, kind, groups[kind])
            scaled = make_pipeline(reader, *imputers(numbers), RobustScores())
            parts.append((kind, scaled, groups[kind]))
    if ORDERED in groups:
        encoder = OrdinalEncoder(
            categories=[kind.order for kind in kinds if kind.name == ORDERED],
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
        )
        reader = _reader(as_strings, **_reading(X, groups[ORDERED]))
        steps = reader, encoder, imputer(), RobustScores()
        parts.append((ORDERED, make_pipeline(*steps), groups[ORDERED]))
    for part, read_strings in ((CATEGORIES, as_strings), (CODES, kinds_of_codes)):
        if part in groups:
            reader = _reader(read_strings, **_reading(X, groups[part]))
            one_hot = OneHotEncoder(
                handle_unknown="ignore",
                max_categories=_MAX_CATEGORIES,
                sparse_output=False,
                dtype=np.float32,
            )
            parts.append((part, make_pipeline(reader, one_hot), groups[part]))
    several = [kind for kind in kinds if kind.name == PARTS]
    for number, (key, found) in enumerate(
        zip(groups.get(PARTS, ()), several, strict=True)
    ):
        reader = FunctionTransformer(
            read_parts,
            kw_args={"parts": found.parts, "form": found.how},
            feature_names_out=names_of_parts,
        )
        numbers = _check_numbers(reader.transform(_take(X, [key])))
        weigh = [_reader(weigh_first, n_parts=found.n_values)]
        scaled = make_pipeline(
            reader,
            *imputers(numbers),
            RobustScores(),
            *(weigh if found.how == VERSION else ()),
        )
        parts.append((f"{PARTS}{number}", scaled, [key]))
    for part in (TEXT, NAMES):
        for number, key in enumerate(groups.get(part, ())):
            parts.append((f"{part}{number}", TextFeatures(_N_TEXT_COMPONENTS), [key]))
    widths = dict.fromkeys(REASONS, 0) | {ORDERED: 1}
    widths |= dict.fromkeys((TEXT, NAMES), _N_TEXT_COMPONENTS)
    width = sum(
        widths.get(kind.name, min(kind.n_values, _MAX_CATEGORIES)) for kind in kinds
    )
    return parts, width


def _read_numbers(
    X: Any, kinds: list[Kind], name: str, keys: list[Any]
) -> tuple[FunctionTransformer, Any]:
    """Make what reads the columns of a kind as numbers, and read them."""
    ways = [kind.how for kind in kinds if kind.name == name]
    formats = {"formats": ways} if any(ways) else {}
    options = {"kind": name, **formats, **_reading(X, keys)}
    numbers = _check_numbers(as_numbers(_take(X, keys), **options))
    return _reader(as_numbers, **options), numbers


def _reading(X: Any, keys: list[Any]) -> dict[str, Any]:
    """Tell how columns are named, and which hold lists by now, and may do so later."""
    columns = columns_of(_take(X, keys))
    nested = [i for i, column in enumerate(columns) if nested_type(column)]
    # Parts of an array do not know where their columns stood.
    options: dict[str, Any] = {} if is_frame(X) else {"names": keys}
    return options | ({"nested": nested} if nested else {})


def _names(X: Any) -> list[Any]:
    if not is_frame(X):
        return list(range(X.shape[1]))
    names = list(X.columns)
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            "The columns of X must have different names. Got more than one of "
            f"{twice!r}."
        )
    return names


def _take(X: Any, keys: list[Any]) -> Any:
    """Take columns by their names, or by their positions."""
    if not is_frame(X):
        return X[:, keys]
    return X[keys] if isinstance(keys[0], str) else X.iloc[:, keys]


def _is_plain(column: Any) -> bool:
    """Tell numbers that scikit-learn takes as they are."""
    if not holds_numbers(column.dtype):
        return False
    if hasattr(column, "to_physical"):  # polars
        return not str(column.dtype).startswith("Decimal")
    return isinstance(column.dtype, np.dtype)


def _check_numbers(X: Any) -> Any:
    return check_array(
        X,
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan",
        input_name="X",
    )


def _reader(function: Any, **options: Any) -> FunctionTransformer:
    return FunctionTransformer(
        function, kw_args=options or None, feature_names_out="one-to-one"
    )
