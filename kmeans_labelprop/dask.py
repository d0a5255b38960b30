"""The propagator for samples on many machines: Dask arrays and DataFrames."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._asking import check_index
from ._asking import check_names as check_row_names
from ._block_engine import Blocks
from ._block_propagator import BaseBlockPropagator, has_graph
from ._blocks import (
    Arrays,
    Measure,
    Merge,
    add,
    append,
    batch_length,
    check_names,
    compare_names,
    in_batches,
)
from ._containers import refuse_masked, single_column
from ._labels import check_vector, label_vector

__all__ = ["KMeansLabelPropagator"]

# Results that one task merges.
_N_MERGED = 8


def _import_dask() -> Any:
    try:
        import dask
        import dask.array
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "kmeans_labelprop.dask needs Dask, which is not installed. Install it "
            "with: pip install 'kmeans-labelprop[dask]'"
        ) from error
    return dask


def _run(
    measure: Measure,
    merge: Merge,
    embed: tuple[Any, ...],
    n_rows: int,
    start: int,
    *columns: Any,
) -> Arrays:
    """Measure one chunk, piece by piece; each column has a function that embeds it."""

    def embedded(start: int, *pieces: Any) -> Arrays:
        pairs = zip(embed, pieces, strict=True)
        return measure(start, *(c if space is None else space(c) for space, c in pairs))

    return in_batches(embedded, merge, n_rows, start, *columns)


def _merge_pieces(merge: Merge, n_made: int, left: Arrays, right: Arrays) -> Arrays:
    """Merge what is derived of two pieces of a chunk: columns, and the rest."""
    columns = append(left[:n_made], right[:n_made])
    return (*columns, *merge(left[n_made:], right[n_made:]))


def _length(chunk: Any) -> int:
    return int(chunk.shape[0])


def _head(chunk: Any) -> Any:
    return chunk.iloc[:100] if hasattr(chunk, "iloc") else chunk[:100]


def _label_chunk(labels: Any) -> NDArray[Any]:
    labels = single_column(labels)
    # Nulls of numbers would become NaN.
    if hasattr(labels, "isna") and not isinstance(labels.dtype, np.dtype):
        labels = labels.astype(object)
    elif hasattr(labels, "to_list"):
        labels = labels.to_list()
    return label_vector(labels)


def _index_chunk(rows: Any) -> NDArray[Any]:
    return np.asarray(rows.index, dtype=object)


def _as_series(labels: NDArray[Any], rows: Any) -> Any:
    series = rows.index.to_series()
    return type(series)(labels, rows.index, dtype=_series_dtype(labels.dtype))


def _series_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(object) if dtype.kind == "U" else dtype


def _kept_rows(rows: Any, kept: NDArray[np.bool_], labels: Any) -> tuple[Any, Any]:
    return rows[kept], _as_series(labels[kept], rows[kept])


def _predict_part(rows: Any, *, predict: Callable[[Any], NDArray[Any]]) -> Any:
    return _as_series(predict(rows), rows)


def _check_vector(y: Any) -> None:
    """Refuse what is no column of labels, before anything is computed."""
    is_collection = hasattr(y, "__dask_graph__")
    is_odd = is_collection and not isinstance(getattr(y, "shape", None), tuple)
    if is_odd or issparse(y):
        raise TypeError(
            "y must be an array-like of labels, one for each sample: a Dask array or "
            f"Series, or in memory. Got {type(y).__name__} instead."
        )
    check_vector(y)


def _as_collection(X: Any) -> Any:
    """Turn what is in memory into a Dask collection; columns stay together."""
    dask = _import_dask()
    is_collection = hasattr(X, "__dask_graph__")
    first = X[0] if isinstance(X, list | tuple) and len(X) else None
    if len(getattr(first, "shape", ())) == 2:
        raise TypeError(
            "X must be a Dask array or DataFrame, or a table in memory. Got a "
            f"{type(X).__name__} of {type(first).__name__} instead: pass "
            "dask.array.concatenate of them."
        )
    if is_collection and not isinstance(getattr(X, "shape", None), tuple):
        raise TypeError(
            "X must be a Dask array or DataFrame, or a table in memory. Got "
            f"{type(X).__name__} instead."
        )
    if not is_collection and not hasattr(X, "iloc"):
        given, X = X, np.asarray(X)
        if not X.shape:
            raise TypeError(
                "X must be a Dask array or DataFrame, or a dense table in memory. Got "
                f"{type(given).__name__} instead."
            )
    if len(X.shape) != 2:
        raise ValueError(
            "Expected 2D array: X must be a dense table, in memory or of Dask. Got an "
            f"array of shape {X.shape} instead."
        )
    if is_collection:
        return X if hasattr(X, "to_dask_array") else X.rechunk({1: -1})
    if hasattr(X, "iloc"):
        import dask.dataframe as dd

        return dd.from_pandas(X, npartitions=1, sort=False)
    return dask.array.from_array(X, chunks=(-1 if X.dtype.kind == "O" else "auto", -1))


class DaskBlocks(Blocks):
    """The chunks of a Dask collection, and columns that the workers keep.

    Parameters
    ----------
    X : {Dask array, Dask DataFrame} of shape (n_samples, n_features)
        The samples.
    y : {Dask array, Dask Series, array-like} of shape (n_samples,) or None
        The labels.

    Attributes
    ----------
    chunks : list
        The chunks of the samples, those without any, too.
    columns : dict of str to list
        The chunks of each column, not computed or kept by the workers.
    first : {ndarray, dataframe}
        The first rows.
    """

    def __init__(self, X: Any, y: Any) -> None:
        super().__init__()
        self._dask = _import_dask()
        delayed = self._dask.delayed
        chunks = np.ravel(X.to_delayed()).tolist()
        if hasattr(y, "__dask_graph__"):
            # It may come from the same table, and is needed five times. Workers keep it
            # as long as it is referred to.
            self._y = y = y.persist()
        has_names = all(hasattr(table, "to_dask_array") for table in (X, y))
        lengths = (np.nan,) if hasattr(X, "to_dask_array") else X.chunks[0]
        counted = chunks
        if has_names:  # kept until they are compared
            counted = self._dask.persist(*(chunk.index for chunk in chunks))
        if np.isnan(lengths).any():
            lengths = self._dask.compute(*map(delayed(_length), counted))
        self.chunks, self._all_lengths = chunks, [int(n) for n in lengths]
        filled = [i for i, n in enumerate(lengths) if n]
        if not filled:
            raise ValueError("X must hold at least one sample. Got none.")
        self._lengths = [int(lengths[i]) for i in filled]
        self._starts = np.cumsum([0, *self._lengths]).tolist()
        self.n_samples = self._starts.pop()
        self.columns: dict[str, list[Any]] = {"X": [chunks[i] for i in filled]}
        if y is not None:
            self.columns["y"] = self._aligned(y, _label_chunk)
        self.first = self._dask.delayed(_head)(self.columns["X"][0]).compute()
        if hasattr(self.first, "tocsr"):
            raise TypeError(
                f"X must be of dense chunks. Got {type(self.first).__name__} instead: "
                "reduce sparse samples first, or propagate in memory."
            )
        self._n_rows = batch_length(self.first.shape[1])
        if has_names:
            self._check_names([counted[i] for i in filled], y)

    def _check_names(self, own: list[Any], y: Any) -> None:
        """Refuse labels whose index is neither that of the samples nor 0, 1, 2, ..."""
        self.columns |= {"own": own, "names": self._aligned(y, _index_chunk)}
        check_names(*self.reduce(compare_names, add, "own", "names"))
        del self.columns["own"], self.columns["names"]

    def _aligned(self, y: Any, read: Callable[[Any], NDArray[Any]]) -> list[Any]:
        """Cut labels where the samples are cut."""
        if hasattr(y, "to_dask_array"):
            if len(y.shape) == 2 and len(y.columns) == 1:
                y = y[y.columns[0]]
            y = y.map_partitions(read, meta=np.empty(0, object))
        elif not hasattr(y, "__dask_graph__"):
            refuse_masked(y, "y")
            y = self._dask.array.from_array(_label_chunk(y), chunks=-1)
        if y.shape[1:] == (1,):
            y = y[:, 0]
        if len(y.shape) == 1 and np.isnan(y.shape[0]):
            y = y.compute_chunk_sizes()
        if len(y.shape) != 1 or y.shape[0] != self.n_samples:
            raise ValueError(
                f"X and y must have the same number of samples. Got {self.n_samples} "
                f"in X and y of shape {y.shape}."
            )
        y = y.rechunk((tuple(self._lengths),), method="tasks")
        chunks: list[Any] = y.to_delayed().tolist()
        return chunks

    def _tasks(self, measure: Measure, merge: Merge, names: tuple[str, ...]) -> Any:
        """Yield the task of each chunk; what they share is sent once."""
        delayed = self._dask.delayed
        embed = tuple(self.space if name == "E" else None for name in names)
        shared = delayed(partial(_run, measure, merge, embed, self._n_rows))
        columns = [self.columns["X" if name == "E" else name] for name in names]
        for start, *chunk in zip(self._starts, *columns, strict=True):
            yield delayed(operator.call)(shared, start, *chunk)

    def reduce(
        self,
        measure: Measure,
        merge: Merge,
        *columns: str,
        at: NDArray[np.intp] | None = None,
    ) -> Arrays:
        """Measure the chunks, and merge the results as a tree; see Blocks."""
        tasks = list(self._tasks(measure, merge, columns))
        if at is not None:
            wanted = np.searchsorted(self._starts, at, side="right") - 1
            tasks = [tasks[i] for i in np.unique(wanted).tolist()] or tasks[:1]
        result: Arrays = self._tree(merge, tasks).compute()
        return result

    def _tree(self, merge: Merge, tasks: list[Any]) -> Any:
        """Merge results, some at a time."""
        while len(tasks) > 1:
            tasks = [
                self._dask.delayed(reduce)(merge, tasks[i : i + _N_MERGED])
                for i in range(0, len(tasks), _N_MERGED)
            ]
        return tasks[0]

    def derive(
        self,
        function: Callable[..., Arrays],
        made: Mapping[str, Any],
        *columns: str,
        merge: Merge | None = None,
    ) -> Arrays:
        """Compute columns, and let the workers keep them; see Blocks."""
        n_made = len(made)
        pieces = partial(_merge_pieces, merge or append, n_made)
        chunks = list(self._tasks(function, pieces, columns))
        # One graph, so that each chunk is read once for columns and result.
        kept = [chunk[i] for i in range(n_made) for chunk in chunks]
        if merge is not None:
            kept.append(self._tree(merge, [chunk[n_made:] for chunk in chunks]))
        kept = list(self._dask.persist(*kept))
        result: Arrays = () if merge is None else kept.pop().compute()
        for i, name in enumerate(made):
            self.columns[name] = kept[i * len(chunks) : (i + 1) * len(chunks)]
        return result

    def finish(
        self, function: Callable[..., Arrays], made: Mapping[str, Any], *columns: str
    ) -> dict[str, Any]:
        """Make Dask arrays, computed when they are needed; see Blocks."""
        found = {}
        tasks = list(self._tasks(function, append, columns))
        for i, (name, dtype) in enumerate(made.items()):
            filled = iter([task[i] for task in tasks])
            # Chunks without samples stay: columns go beside the table they belong to.
            nothing = self._dask.delayed(np.empty(0, dtype))
            parts = [next(filled) if n else nothing for n in self._all_lengths]
            found[name] = self._join(parts, name, dtype)
        return found

    def _join(self, parts: list[Any], name: str, dtype: Any) -> Any:
        """Make an array of chunks; Dask's own function leaves out empty ones."""
        from dask.highlevelgraph import HighLevelGraph

        name = f"{name}-{self._dask.base.tokenize(*parts)}"
        layer = {(name, i): part.key for i, part in enumerate(parts)}
        graph = HighLevelGraph.from_collections(name, layer, dependencies=parts)
        lengths = tuple(self._all_lengths)
        return self._dask.array.Array(graph, name, (lengths,), dtype=dtype)


class KMeansLabelPropagator(BaseBlockPropagator):
    """The propagator for samples on many machines.

    It takes Dask arrays and DataFrames, and computes where these are: with the
    distributed scheduler if there is a :class:`distributed.Client`, else with the
    threads of this process. The client gets the sample that centres start from,
    centres, representatives, anchors, thresholds, and the known labels with their rows,
    but nothing that grows with the number of other samples. The workers keep 20 bytes
    for each sample, and read or compute `X` three times, twice by the cluster rule if
    no two labels of a cluster differ (once more to count the rows of a DataFrame; once
    or twice more if the sample is small beside the number of clusters): persist it,
    where it fits. `y` is read once, and kept by the workers, too.

    The algorithm is that of :class:`kmeans_labelprop.streaming.KMeansLabelPropagator`:
    by the cluster rule the results are those in memory with the same centres. Sums are
    exact and ties go by position, so that neither chunks nor workers change anything.

    Read more in the :ref:`User Guide <large>`.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and so the number of labels asked for where none is known.
    fraction : float, default=1.0
        Share of each cluster that keeps its labels, in [0, 1], as in memory.
    oracle : callable, "y" or None, default=None
        Gives labels, called once on the client as ``oracle(X_query)`` with the rows to
        label; or `y` plays the oracle, as in memory.
    embedding : transformer, "auto" or None, default="auto"
        Fitted on a sample, on the client; then each chunk is transformed. ``"auto"``
        chooses by the sample, as in memory.
    propagation : {"cluster", "graph"}, default="graph"
        How labels spread.
    n_anchors : int, default=4096
        Number of anchors of the graph. More follow the samples more closely, and each
        sample is compared with all of them.
    missing_label : int, float or str, default=-1
        Marks a sample without a label.
    random_state : int, RandomState instance or None, default=None
        Seeds the sample, the embedding and k-means, and says which of equally near
        samples are asked about. Pass an int for the same result every time.
    verbose : int, default=0
        If not 0, tells on stderr which stage runs and how long it took.

    Attributes
    ----------
    transduction_ : Dask array of shape (n_samples,)
        The label of each sample, whatever the `fraction`; `missing_label` where none
        reaches it, as a string beside strings. Computed where and when it is needed,
        in the chunks of `X`.
    kept_ : Dask array of shape (n_samples,), dtype=bool
        Whether a sample keeps its label.
    confidence_ : Dask array of shape (n_samples,), dtype=float32
        With ``propagation="graph"`` the difference of the two largest shares, 1 for a
        given label, 0 where there is none.
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Centres of the clusters, in the space of the embedding.
    cluster_sizes_ : ndarray of shape (n_clusters,), dtype=intp
        Number of samples of each cluster.
    representative_indices_ : ndarray of shape (n_representatives,), dtype=intp
        Position of the representative of each cluster that has samples.
    representative_clusters_ : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    representative_labels_ : ndarray of shape (n_representatives,)
        The label of each representative; `missing_label` where none was given.
    queries_ : ndarray of shape (n_queries,), dtype=intp
        Positions of the samples asked about last, in the order of the question.
    answers_ : dict of int to label or None
        What was answered, by position.
    n_known_ : int
        Number of labels given that are those of `y`.
    n_queries_ : int
        Number of samples whose label was asked for, or handed to :meth:`propagate`.
    classes_ : ndarray of shape (n_classes,)
        The distinct labels given.
    given_ : GivenLabels
        The labels given: ``positions`` of the samples, in increasing order, and
        ``codes``, the positions of their labels in `classes_`.
    n_features_in_ : int
        Number of features seen during :meth:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, of a DataFrame with string names.
    embedding_ : transformer or None
        The fitted embedding.

    See Also
    --------
    kmeans_labelprop.streaming.KMeansLabelPropagator : On one machine, past memory.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop.dask import KMeansLabelPropagator
    >>> X, y = load_digits(return_X_y=True)
    >>> X = da.from_array(X, chunks=(500, -1))
    >>> propagator = KMeansLabelPropagator(n_clusters=50, oracle="y", random_state=0)
    >>> propagator.fit(X, y).transduction_
    dask.array<transduction, shape=(1797,), dtype=int64, chunksize=(500,), ...>
    >>> bool((propagator.transduction_ == y).mean().compute() > 0.9)
    True
    """

    _blocks: DaskBlocks

    def fit_resample(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """Fit, and return the samples that keep a label.

        Parameters
        ----------
        X : {Dask array, Dask DataFrame} of shape (n_samples, n_features)
            The samples.
        y : {Dask array, Dask Series, array-like} of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere.

        Returns
        -------
        X_res : same type as `X`
            The samples kept, not computed yet.
        y_res : {Dask array, Dask Series}
            Their labels.
        """
        dask = _import_dask()
        X = _as_collection(X)
        self.fit(X, y)
        if not hasattr(X, "to_dask_array"):
            taken = zip(self._blocks.chunks, self.kept_.to_delayed(), strict=True)
            rows = [
                dask.array.from_delayed(
                    dask.delayed(operator.getitem)(*chunk),
                    (np.nan, X.shape[1]),
                    dtype=X.dtype,
                )
                for chunk in taken
            ]
            return (
                dask.array.concatenate(rows, allow_unknown_chunksizes=True),
                self.transduction_[self.kept_],
            )
        import dask.dataframe as dd

        first, dtype = self._blocks.first, _series_dtype(self.transduction_.dtype)
        parts = [
            dask.delayed(_kept_rows)(*chunk)
            for chunk in zip(
                self._blocks.chunks,
                self.kept_.to_delayed(),
                self.transduction_.to_delayed(),
                strict=True,
            )
        ]
        labels = first.index[:0].to_series().astype(dtype)
        return (
            dd.from_delayed([part[0] for part in parts], meta=first.iloc[:0]),
            dd.from_delayed([part[1] for part in parts], meta=labels),
        )

    def predict(self, X: Any) -> Any:
        """Predict the label of each sample, by the rule.

        Parameters
        ----------
        X : {Dask array, Dask DataFrame, array-like} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : {Dask array, Dask Series, ndarray} of shape (n_samples,)
            The labels, of a Dask collection computed when they are needed.
        """
        check_is_fitted(self, "classes_")
        predict = self._predictor()
        if not hasattr(X, "__dask_graph__"):
            return super().predict(X)
        dtype = predict.keywords["table"].dtype
        if hasattr(X, "to_dask_array"):
            self._check_columns(X)
            part = partial(_predict_part, predict=predict)
            return X.map_partitions(part, meta=(None, _series_dtype(dtype)))
        X = _as_collection(X)
        return X.map_blocks(predict, dtype=dtype, drop_axis=1, meta=np.empty(0, dtype))

    @available_if(has_graph)
    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class, over the graph.

        Parameters
        ----------
        X : {Dask array, Dask DataFrame, array-like} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        probabilities : {Dask array, ndarray} of shape (n_samples, n_classes)
            One column for each of `classes_`, of a Dask collection computed when they
            are needed; rows sum to 1.
        """
        check_is_fitted(self, "classes_")
        predict = self._predictor(shares=True)
        if not hasattr(X, "__dask_graph__"):
            return super().predict_proba(X)
        n_classes = len(self.classes_)
        meta = np.empty((0, n_classes))
        X = _as_collection(X)
        if hasattr(X, "to_dask_array"):
            self._check_columns(X)
            return X.map_partitions(predict, meta=meta)
        return X.map_blocks(predict, meta=meta, chunks=(X.chunks[0], (n_classes,)))

    def _check_columns(self, X: Any) -> None:
        """Refuse a DataFrame with other columns than in fit, without reading it."""
        import pandas as pd

        self._check_like_fit(pd.DataFrame(0, index=[0], columns=X.columns))

    def _open(self, X: Any, y: Any) -> tuple[DaskBlocks, Any]:
        collection = _as_collection(X)
        if y is not None:
            _check_vector(y)
        if hasattr(y, "iloc") and not hasattr(y, "__dask_graph__"):
            if hasattr(X, "to_dask_array"):
                check_row_names(X.index.compute(), y, "y")
            check_index(X, y, "y")
        blocks = DaskBlocks(collection, y)
        return blocks, blocks.first
