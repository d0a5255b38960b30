"""Read samples block by block, again and again, from whatever holds them."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from .._blocks import concatenate
from .._containers import describe_odd, refuse_masked, single_column
from .._labels import check_vector, label_vector

# Rows by which a data set is told from others.
_N_SPREAD = 100


@dataclass(frozen=True, eq=False)
class Source:
    """Rows that can be read more than once.

    Attributes
    ----------
    pieces : callable
        Called with a number of rows; yields pieces of about so many, or of any length.
    n_rows : int
        Number of rows; 0 if that is not known.
    is_sliced : bool
        Whether ``pieces`` takes a first row, too.
    names : list of str or None
        Names of the columns, where the pieces do not tell.
    """

    pieces: Callable[..., Iterable[Any]]
    n_rows: int = 0
    is_sliced: bool = False
    names: list[str] | None = None

    def spread_rows(self) -> Iterator[Any]:
        """Yield rows from all over the samples, where that does not read them all."""
        n_spread = min(_N_SPREAD, self.n_rows // 10)
        if self.is_sliced:
            for first in np.linspace(0, self.n_rows - 1, n_spread).astype(int):
                yield next(iter(self.pieces(1, int(first))))

    def read(self, length: int, first: int = 0) -> Iterator[Any]:
        """Yield blocks of one length, but for the last, from a row on.

        Parameters
        ----------
        length : int
            Number of rows of a block.
        first : int, default=0
            The first row.

        Yields
        ------
        block : {ndarray, dataframe, series}
            In memory of its own.
        """
        if self.is_sliced:
            yield from self.pieces(length, first)
            return
        parts: list[Any] = []
        n_parts, columns = 0, None
        for piece in self.pieces(length):
            columns = _columns(piece) if columns is None else columns
            if _columns(piece) != columns:
                raise ValueError(
                    "All blocks of X must be of one kind and have the same columns. "
                    f"Got {_columns(piece)} in one of them, and {columns} in the first."
                )
            if first >= piece.shape[0]:
                first -= piece.shape[0]
                continue
            # No more of a piece than a block is copied: it may be a file.
            while first < piece.shape[0]:
                part = _rows(piece, first, first + length - n_parts)
                release(piece)
                parts.append(part)
                n_parts += part.shape[0]
                first += part.shape[0]
                if n_parts == length:
                    yield concatenate(parts)
                    parts, n_parts = [], 0
            first = 0
        if parts:
            yield concatenate(parts)


def fingerprint(data: Any) -> Any:
    """Tell samples from those of before the last change.

    Parameters
    ----------
    data : object
        What the user passed.

    Returns
    -------
    fingerprint : object
        A hash of all that is in memory; size and time of files; None for what can only
        be called.
    """
    if _is_path(data):
        data = _open_dataset(data)
    if hasattr(data, "files"):
        return [_time_of(name) for name in data.files if Path(name).exists()]
    file = getattr(getattr(data, "file", None), "filename", None)
    if file is not None and Path(file).exists():
        return data.name, _time_of(file)  # of h5py
    if isinstance(data, list | tuple) and len(data) and hasattr(data[0], "shape"):
        return [fingerprint(piece) for piece in data]
    base = data
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    if isinstance(base, np.memmap) and base.filename and base.mode != "c":
        return _time_of(base.filename)
    if type(data).__module__ == "pyarrow.lib":
        return joblib.hash(data)  # a table in memory
    if callable(data) or hasattr(data, "to_batches") or _is_iterable(data):
        return None
    return joblib.hash(data)


def _time_of(name: Any) -> tuple[int, int]:
    status = Path(name).stat()
    return status.st_size, status.st_mtime_ns


def _columns(piece: Any) -> Any:
    """List the names of the columns, or count them."""
    if len(piece.shape) == 1:
        return ()
    return list(piece.columns) if hasattr(piece, "columns") else piece.shape[1]


def open_source(data: Any, name: str, column: str | None = None) -> Source:
    """Find out how to read samples or labels.

    Parameters
    ----------
    data : object
        What the user passed: an array, memmap or dataframe; a list of such, or
        anything that yields such each time it is gone through; a callable that returns
        an iterator of such; a pyarrow dataset or table, or the paths of one.
    name : str
        "X" or "y", for the error messages.
    column : str or None, default=None
        The column of labels in a dataset.

    Returns
    -------
    source : Source
        Reads it.

    Raises
    ------
    TypeError
        If it can be read only once, or not at all.
    ValueError
        If a file holds something else.
    """
    if _is_path(data) or type(data).__module__ == "pyarrow.lib":
        data = _open_dataset(data) if name == "X" or column else data
    if hasattr(data, "to_batches") and hasattr(data, "count_rows"):
        return _from_dataset(data, name, column)
    if column is not None:
        raise ValueError(
            "y can be the name of a column if X is a data set or the path of one. Got "
            f"{column!r}, and {type(data).__name__} as X."
        )
    if callable(data):
        return Source(lambda length: _called(data, name))
    if _is_iterable(data):
        return Source(lambda length: _called(data.__iter__, name))
    if isinstance(data, list | tuple) and len(data) and _is_block(data[0], name):
        pieces = [_as_piece(piece, name) for piece in data]
        n_rows = sum(piece.shape[0] for piece in pieces)
        return Source(lambda length: pieces, n_rows)
    if isinstance(data, Iterator):
        raise TypeError(
            f"{name} is read several times, and an iterator only once. Pass a callable "
            f"that returns a new one each time. Got {type(data).__name__} instead."
        )
    whole = _as_piece(data, name)

    def slices(length: int, first: int = 0) -> Iterator[Any]:
        for start in range(first, whole.shape[0], length):
            rows = _rows(whole, start, start + length)
            release(whole)
            yield rows

    return Source(slices, whole.shape[0], is_sliced=True)


def _called(function: Callable[[], Iterable[Any]], name: str) -> Iterator[Any]:
    pieces: Any = function()
    if not isinstance(pieces, Iterable) or hasattr(pieces, "shape"):
        raise TypeError(
            f"{name}, if it can be called, must return an iterator over blocks. Got "
            f"{type(pieces).__name__} instead."
        )
    for piece in pieces:
        yield _as_piece(piece, name)


def _is_path(data: Any) -> bool:
    """Tell whether data are the path of a file or folder, or several."""
    if isinstance(data, list | tuple) and len(data):
        return all(isinstance(path, str | Path) for path in data)
    return isinstance(data, str | Path)


def _is_iterable(data: Any) -> bool:
    """Tell whether something yields blocks, again and again, and is nothing else."""
    marks = "shape", "__array__", "to_batches", "collect"
    if isinstance(data, Sequence | Mapping | Set | Iterator):
        return False
    return isinstance(data, Iterable) and not any(hasattr(data, m) for m in marks)


def _is_block(item: Any, name: str) -> bool:
    if name == "y" and isinstance(item, list | tuple):
        return True
    shape = getattr(item, "shape", ())
    return len(shape) == 2 or (name == "y" and len(shape) == 1)


def _as_piece(data: Any, name: str) -> Any:
    """Check the dimensions of samples or labels; turn lists into arrays."""
    refuse_masked(data, name)
    if hasattr(data, "to_dask_array"):
        raise TypeError(
            f"{name} must be read block by block here. Got {type(data).__name__} of "
            "Dask instead: kmeans_labelprop.dask has the propagator for it."
        )
    if hasattr(data, "tocsr"):
        raise TypeError(
            f"{name} must be dense blocks. Got {type(data).__name__} instead: reduce "
            "sparse samples first, or propagate in memory."
        )
    if name == "y":
        check_vector(data)
        data = _plain_labels(single_column(data))
    else:
        _refuse_odd(data)
    if hasattr(data, "shape") and len(data.shape) == (2 if name == "X" else 1):
        return data
    # scikit-learn's words for what has the wrong shape.
    return check_array(data, ensure_2d=name == "X", dtype=None, input_name=name)


def _plain_labels(labels: Any) -> Any:
    """Turn labels into an array, except for a series of pandas: that has an index."""
    is_array = isinstance(getattr(labels, "dtype", None), np.dtype)
    if is_array or hasattr(labels, "iloc"):
        return labels
    if hasattr(labels, "isna"):  # of pandas: NumPy would make floats of nulls
        return np.asarray(labels, dtype=object)
    # So it would of those of polars.
    return label_vector(labels.to_list() if hasattr(labels, "to_list") else labels)


def _refuse_odd(data: Any) -> None:
    """Refuse what holds no samples, or samples beside something else."""
    odd = describe_odd(data)
    first = data
    while isinstance(first, list | tuple) and len(first):
        first = first[0]
    if first is not data and len(getattr(first, "shape", ())) > 1:
        # X and y of a loader, for instance.
        odd = f"Got a {type(data).__name__} of {type(first).__name__} instead."
    if odd:
        raise TypeError(
            "X must hold blocks of samples: arrays or DataFrames, a list of these, a "
            "callable that returns an iterator over these, a data set of pyarrow, or "
            f"paths of Parquet files. {odd}"
        )


def _rows(data: Any, first: int, last: int) -> Any:
    if hasattr(data, "iloc"):
        return data.iloc[first:last]
    part = data[first:last]
    if isinstance(data, np.ndarray):
        return np.array(part)  # a view of a file would be read, and kept, later
    return part if hasattr(data, "columns") else np.asarray(part)


def release(data: Any) -> None:
    """Let go of the pages of a memory-mapped file that were read.

    They would count as memory of this process until the system needs it elsewhere.

    Parameters
    ----------
    data : object
        An array, maybe of a file.
    """
    base, mode = data, None
    while isinstance(base, np.ndarray):
        mode, base = getattr(base, "mode", None), base.base
    # Of other maps pages may be in memory only, and would be lost.
    is_of_file = mode in ("r", "r+", "w+")
    if is_of_file and isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)


def _open_dataset(data: Any) -> Any:
    """Open Parquet files, one or many or folders, or a table in memory."""
    paths = data if isinstance(data, list | tuple) else [data]
    paths = [path for path in paths if isinstance(path, str | Path)]
    for path in paths:
        if not Path(path).exists():
            raise FileNotFoundError(
                f"X must be the path of a Parquet file or folder. Got {str(path)!r}, "
                "which does not exist."
            )
    try:
        import pyarrow.dataset
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Parquet files are read by pyarrow, which is not installed. Install it "
            "with: pip install 'kmeans-labelprop[streaming]'"
        ) from error
    if not paths:
        return pyarrow.dataset.dataset(data)
    files = [str(path) for path in paths]
    source = files if isinstance(data, list | tuple) else files[0]
    try:
        # Folders called "day=7" hold a column of that name, as elsewhere.
        return pyarrow.dataset.dataset(source, format="parquet", partitioning="hive")
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise ValueError(
            f"X must be the path of a Parquet file or folder. Got {files[0]!r}, which "
            f"pyarrow cannot read: {error}"
        ) from error


def _from_dataset(dataset: Any, name: str, column: str | None) -> Source:
    """Read the columns of a pyarrow dataset: those of X, or the one of the labels."""
    names: list[str] = list(dataset.schema.names)
    if column is not None and column not in names:
        raise ValueError(
            f"y must be the name of a column of X, one of {names}. Got {column!r} "
            "instead."
        )
    index = [other for other in _index_columns(dataset.schema) if other != column]
    columns = [other for other in names if other != column and other not in index]
    if name == "y":
        columns = [str(column)]
    elif not columns or len(set(names)) < len(names):
        raise ValueError(
            "X must have one column at least beside that of y and the index, and "
            f"another name for each. Got {names}."
        )
    are_lists = any(_is_list(dataset.schema.field(column).type) for column in columns)
    if name == "y" or are_lists:
        index = []

    def pieces(length: int) -> Iterator[Any]:
        for batch in dataset.to_batches(columns=columns + index, batch_size=length):
            if batch.num_rows and name == "y":
                yield _label_column(batch.column(0))
            elif batch.num_rows:
                yield batch.to_pandas() if index else _table(batch)

    if name == "X":
        _check_types(dataset.schema, columns)
    own = None if name == "y" or are_lists else columns
    return Source(pieces, int(dataset.count_rows()), names=own)


def _index_columns(schema: Any) -> list[str]:
    """List the columns in which pandas has written the index: they are no features."""
    written = (schema.pandas_metadata or {}).get("index_columns", [])
    return [column for column in written if column in schema.names]


def _is_list(dtype: Any) -> bool:
    return hasattr(dtype, "value_field")


def _check_types(schema: Any, columns: list[str]) -> None:
    """Refuse columns that are neither plain values nor lists of these."""
    import pyarrow.types as kinds

    for name in columns:
        dtype = schema.field(name).type
        if _is_list(dtype):
            value = dtype.value_type
            is_odd = kinds.is_nested(value) or kinds.is_temporal(value)
        else:
            odd = kinds.is_struct, kinds.is_union, kinds.is_map
            is_odd = hasattr(dtype, "storage_type") or any(is_(dtype) for is_ in odd)
        if is_odd:
            raise TypeError(
                "X must have columns of numbers, strings, dates, or lists of numbers. "
                f"Got {dtype} in column {name!r}."
            )


def _label_column(column: Any) -> NDArray[Any]:
    if column.null_count:  # in numbers they would become NaN
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _table(batch: Any) -> Any:
    """Make a table of the columns of a batch; one that holds lists has its values."""
    import pyarrow.types as kinds

    if any(kinds.is_temporal(dtype) for dtype in batch.schema.types):
        return batch.to_pandas()  # no array holds dates beside numbers
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if _is_list(column.type):
            lengths = column.value_lengths().unique().to_pylist()
            if len(lengths) > 1 or lengths[0] is None:
                raise ValueError(
                    "X must hold lists of one length in each column of lists, and none "
                    f"that is null. Got lengths {lengths[:5]} in column {name!r}."
                )
            column = column.flatten()
        values = column.to_numpy(zero_copy_only=False)
        columns.append(values.reshape(batch.num_rows, -1))
    return np.concatenate(columns, axis=1)
