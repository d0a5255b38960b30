"""What sets a cluster apart from the rest: words of texts, columns of tables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from .._containers import single_column
from .._labels import is_missing_item

_N_WORDS, _N_COLUMNS = 4, 5


def as_texts(X: Any) -> list[str] | None:
    """Read samples as texts, if they are texts.

    Parameters
    ----------
    X : array-like
        The samples: a list, an array, a Series or a single column.

    Returns
    -------
    texts : list of str or None
        The texts, empty where one is missing; None if samples are no texts.
    """
    column = single_column(X)
    if issparse(column) or len(getattr(column, "shape", (0,))) != 1:
        return None
    values = list(column)
    if not any(isinstance(value, str) for value in values):
        return None
    if not all(isinstance(v, str) or is_missing_item(v, None) for v in values):
        return None
    return [value if isinstance(value, str) else "" for value in values]


def words_apart(
    texts: list[str], clusters: NDArray[np.intp], positions: NDArray[np.intp]
) -> list[list[str]]:
    """Find the words that are most typical of the clusters of some samples.

    Parameters
    ----------
    texts : list of str
        All samples.
    clusters : ndarray of shape (n_samples,), dtype=intp
        Their clusters.
    positions : ndarray of shape (n_positions,), dtype=intp
        Positions of the samples.

    Returns
    -------
    words : list of list of str
        For each sample four words at most: those whose mean tf-idf in its cluster
        exceeds that in the rest most.
    """
    pattern = re.compile(r"\w\w+")
    if not any(map(pattern.search, texts)):
        return [[] for _ in positions]
    vectorizer = TfidfVectorizer(
        token_pattern=pattern.pattern, max_features=20_000, dtype=np.float32
    )
    weights = vectorizer.fit_transform(texts)
    words, total = vectorizer.get_feature_names_out(), _sum(weights)
    found = []
    for cluster in clusters[positions]:
        more = _differences(weights, total, clusters == cluster)
        best = np.argsort(-more, kind="stable")[:_N_WORDS]
        found.append(words[best[more[best] > 0]].tolist())
    return found


def columns_apart(
    X: Any, clusters: NDArray[np.intp], positions: NDArray[np.intp]
) -> list[list[str]]:
    """Tell what some samples have in the columns that set their clusters apart.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        All samples.
    clusters : ndarray of shape (n_samples,), dtype=intp
        Their clusters.
    positions : ndarray of shape (n_positions,), dtype=intp
        Positions of the samples.

    Returns
    -------
    lines : list of list of str
        For each sample five lines at most, one for a column, with its value. Columns
        are ranked by the difference of the means in the cluster and in the rest, in
        standard deviations; for a column of categories the mean is the share of the
        commonest one. A triangle says whether the cluster is above the rest or below.
    """
    names, at, numbers, categories = _read_table(X)
    scaled = _scale(numbers)
    total = _sum(scaled)
    cell = X.iloc if hasattr(X, "iloc") else X
    found = []
    for position in positions.tolist():
        inside = clusters == clusters[position]
        differences = _differences(scaled, total, inside)
        lines = []
        # No more of the numbers can be among the first.
        for i in np.argsort(-np.abs(differences), kind="stable")[:_N_COLUMNS]:
            sign = "▲" if differences[i] > 0 else "▼"
            value = _format(cell[position, at[i]])
            lines.append((abs(differences[i]), f"{names[at[i]]}: {value} {sign}"))
        for j, (values, codes) in categories.items():
            common = int(np.bincount(codes[inside]).argmax())
            is_common = np.asarray(codes == common, dtype=np.float64)[:, np.newaxis]
            difference = _differences(is_common, _sum(is_common), inside)[0]
            mostly = "" if codes[position] == common else f" (mostly {values[common]})"
            line = f"{names[j]}: {values[codes[position]]}{mostly}"
            lines.append((difference / (is_common.std() or 1), line))
        lines.sort(key=lambda line: -line[0])
        found.append([line for _, line in lines[:_N_COLUMNS]])
    return found


def _sum(values: Any) -> NDArray[np.float64]:
    return np.asarray(values.sum(axis=0)).ravel()


def _differences(
    values: Any, total: NDArray[np.float64], inside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Subtract the mean of the rows outside from that of those inside."""
    n_inside, within = int(np.count_nonzero(inside)), _sum(values[inside])
    n_outside = max(1, len(inside) - n_inside)
    return within / n_inside - (total - within) / n_outside


def _read_table(X: Any) -> tuple[list[str], list[int], Any, dict[int, Any]]:
    """Sort the columns of a table into numbers and categories.

    Parameters
    ----------
    X : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples.

    Returns
    -------
    names : list of str
        The names of all columns.
    at : list of int
        Which columns hold numbers, dates or durations.
    numbers : {ndarray, sparse matrix} of shape (n_samples, n_numbers)
        These columns.
    categories : dict of int to (ndarray of str, ndarray of shape (n_samples,))
        For each other column its values, and which of them each sample has.
    """
    n_samples, n_columns = X.shape
    names = [str(name) for name in getattr(X, "columns", ())]
    if not names:
        names = [f"x{j}" for j in range(n_columns)]
        if X.dtype.kind in "biuf":
            return names, list(range(n_columns)), X, {}
    numbers, categories = {}, {}
    for j in range(n_columns):
        column = X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]
        values = _as_numbers(column)
        if values is None:
            texts = [_format(value) for value in column]
            categories[j] = np.unique(texts, return_inverse=True)
        else:
            numbers[j] = values
    columns = [np.empty((n_samples, 0)), *numbers.values()]
    return names, list(numbers), np.column_stack(columns), categories


def _as_numbers(column: Any) -> NDArray[np.float64] | None:
    """Turn a column of numbers, dates or durations into floats; None for others."""
    dtype = column.dtype
    if hasattr(dtype, "is_numeric"):  # polars
        if dtype.is_temporal():
            column = column.to_physical()
        elif not dtype.is_numeric():
            return None
        return np.asarray(column.cast(float).to_numpy())
    if dtype.kind in "mM":
        column = (column - column.min()).dt.total_seconds()
    elif dtype.kind not in "iuf":
        return None
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _scale(numbers: Any) -> Any:
    """Standardise numbers; what is missing or infinite is at the mean."""
    if not numbers.shape[1]:
        return numbers
    is_sparse = issparse(numbers)
    scaler = StandardScaler(with_mean=not is_sparse).set_output(transform="default")
    if is_sparse:
        return scaler.fit_transform(numbers.tocsr())
    known = np.where(np.isfinite(numbers), numbers, np.nan)
    with np.errstate(invalid="ignore"):  # nothing is known of a column
        return np.nan_to_num(scaler.fit_transform(known))


def _format(value: Any) -> str:
    if is_missing_item(value, None):
        return "missing"
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        number = float(value)
        return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"
    return str(value).removesuffix(" 00:00:00")
