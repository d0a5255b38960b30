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
    """List the texts that samples are.

    Parameters
    ----------
    X : array-like
        The samples: a list, an array, a Series or a single column.

    Returns
    -------
    texts : list of str or None
        The texts, empty where one is missing; None if samples are no texts.
    """
    column = single_column(X) if getattr(X, "shape", ())[1:] == (1,) else X
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
        For each those whose mean tf-idf in its cluster is most above that of the rest,
        four at most.
    """
    pattern = re.compile(r"\w\w+")
    if not any(map(pattern.search, texts)):
        return [[] for _ in positions]
    vectorizer = TfidfVectorizer(
        token_pattern=pattern.pattern, max_features=20_000, dtype=np.float32
    )
    weights = vectorizer.fit_transform(texts)
    words = vectorizer.get_feature_names_out()
    found = []
    for cluster in clusters[positions]:
        more = _differences(weights, clusters == cluster)
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
        For each one line for a column, five at most, with its value. Columns are ranked
        by the difference of the means in the cluster and in the rest, in standard
        deviations; of a column of categories the share of the commonest one is the
        mean. A triangle says whether the cluster is above the rest or below.
    """
    names, numbers, categories = _read_table(X)
    at = list(numbers)
    scaled = _scale(X, numbers)
    cell = X.iloc if hasattr(X, "iloc") else X
    found = []
    for position in positions.tolist():
        inside = clusters == clusters[position]
        differences = _differences(scaled, inside)
        lines = []
        # No more of the numbers can be among the first.
        for i in np.argsort(-np.abs(differences), kind="stable")[:_N_COLUMNS]:
            sign = "▲" if differences[i] > 0 else "▼"
            value = _format(cell[position, at[i]])
            lines.append((abs(differences[i]), f"{names[at[i]]}: {value} {sign}"))
        for j, (values, codes) in categories.items():
            common = int(np.bincount(codes[inside]).argmax())
            is_common = np.asarray(codes == common, dtype=np.float64)[:, np.newaxis]
            difference = _differences(is_common, inside)[0]
            mostly = "" if codes[position] == common else f" (mostly {values[common]})"
            lines.append(
                (
                    difference / (is_common.std() or 1),
                    f"{names[j]}: {values[codes[position]]}{mostly}",
                )
            )
        lines.sort(key=lambda line: -line[0])
        found.append([line for _, line in lines[:_N_COLUMNS]])
    return found


def _differences(values: Any, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Subtract the mean of the rows outside from that of those inside."""
    n_inside = np.count_nonzero(inside)
    within, total = (
        np.asarray(rows.sum(axis=0)).ravel() for rows in (values[inside], values)
    )
    return within / n_inside - (total - within) / max(1, len(inside) - n_inside)


def _read_table(
    X: Any,
) -> tuple[list[str], dict[int, Any], dict[int, tuple[Any, NDArray[np.intp]]]]:
    """Sort the columns of a table into numbers and categories.

    Parameters
    ----------
    X : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples.

    Returns
    -------
    names : list of str
        The names of all columns.
    numbers : dict of int to ndarray of shape (n_samples,) or None
        The columns of numbers, dates and durations; of arrays that hold nothing else
        None, as they are in X itself.
    categories : dict of int to (list of str, ndarray of shape (n_samples,))
        Of all others the values, and which of them each sample has.
    """
    places = [f"x{j}" for j in range(X.shape[1])]
    names = [str(name) for name in getattr(X, "columns", places)]
    if not hasattr(X, "columns") and X.dtype.kind in "biuf":
        return names, dict.fromkeys(range(X.shape[1])), {}
    numbers, categories = {}, {}
    for j in range(len(names)):
        column = X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]
        values = _as_numbers(column)
        if values is None:
            texts = [_format(value) for value in column]
            categories[j] = np.unique(texts, return_inverse=True)
        else:
            numbers[j] = values
    return names, numbers, categories


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


def _scale(X: Any, numbers: dict[int, Any]) -> Any:
    """Divide numbers by their standard deviation; a missing one is at the mean."""
    if not numbers:
        return np.empty((X.shape[0], 0))
    if issparse(X):
        return StandardScaler(with_mean=False).fit_transform(X.tocsr())
    is_plain = numbers[next(iter(numbers))] is None
    matrix = X if is_plain else np.column_stack(list(numbers.values()))
    return np.nan_to_num(StandardScaler().fit_transform(matrix))


def _format(value: Any) -> str:
    if is_missing_item(value, None):
        return "missing"
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        number = float(value)
        return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"
    return str(value).removesuffix(" 00:00:00")
