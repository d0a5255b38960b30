"""Bring functions of blocks to samples in files, and go on where a run was stopped."""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import joblib
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from .._block_engine import Blocks
from .._blocks import (
    Arrays,
    Measure,
    Merge,
    add,
    append,
    batch_length,
    check_names,
    compare_names,
)
from .._labels import label_array
from .._sources import source_digest
from ._sources import Source, open_source

# Progress is saved, and told, so often.
_SECONDS_BETWEEN = 5


class FileBlocks(Blocks):
    """Samples of a source, and columns in files of a folder.

    Each result is stored by a hash of the samples, of the function, its code included,
    and of what it was given: a run that is started again finds what it had. Answers are
    found again by some samples: they outlive a new version, and a correction of a few
    samples.

    Parameters
    ----------
    X : Source
        The samples.
    y : Source or None
        The labels.
    folder : Path
        Gets the columns, and what is done so far.
    first : object
        The first rows.
    fingerprint : object
        Tells whether any sample has changed, as far as that can be told.
    verbose : int
        Whether to tell how far a pass is.
    """

    def __init__(
        self,
        X: Source,
        y: Source | None,
        folder: Path,
        first: Any,
        fingerprint: Any,
        verbose: int,
    ) -> None:
        super().__init__()
        self._sources = {"X": X, "y": y}
        self._folder, self._verbose = folder, verbose
        self._progress = folder / "progress"
        try:
            self._progress.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"The 'folder' parameter must be a folder, or where one can be made. "
                f"Got {str(folder)!r}: {error}"
            ) from error
        self.names = X.names
        self._has_index = hasattr(first, "iloc")
        self._columns: dict[str, Path] = {}
        self._length = batch_length(first.shape[1])
        self.n_samples = X.n_rows
        some = [np.asarray(rows) for rows in (first, *X.spread_rows())]
        self.samples_key: str = joblib.hash((X.n_rows, some))
        self._result_key = version("kmeans-labelprop"), self.samples_key, fingerprint

    def check_names(self) -> None:
        """Compare the index of labels with that of samples, if they have any."""
        y = self._sources["y"]
        if y is None or not self._has_index:
            return
        if hasattr(next(y.read(1), None), "iloc"):
            check_names(*self.reduce(_compare_index, add, "X", "y"))

    def reduce(
        self,
        measure: Measure,
        merge: Merge,
        *columns: str,
        at: NDArray[np.intp] | None = None,
    ) -> Arrays:
        """Measure the blocks one after the other; see Blocks."""
        # Labels may be others next time, beside the same samples.
        store = None if "y" in columns else self._store(measure, merge, columns)
        state = self._load(store)
        if state[0] < 0:
            assert state[1] is not None, "stored when done"
            return state[1]
        result = self._go_on(store, state, measure, merge, columns, at)
        if result is None:
            raise ValueError(
                f"{columns[0]} must hold at least one sample each time it is read. Got "
                "none."
            )
        self._save(store, (-1, result))
        return result

    def _go_on(
        self,
        store: Path | None,
        state: tuple[int, Arrays | None],
        measure: Measure,
        merge: Merge,
        columns: tuple[str, ...],
        at: NDArray[np.intp] | None = None,
    ) -> Arrays | None:
        """Measure the blocks that are not done yet; store the state now and then."""
        n_done, result = state
        saved = time.monotonic()
        try:
            for start, block in self.read(columns, n_done, at):
                found = measure(start, *block)
                merged = found if result is None else merge(result, found)
                result, n_done = merged, start + block[0].shape[0]
                if time.monotonic() - saved > _SECONDS_BETWEEN:
                    self._save(store, (n_done, result))
                    saved = time.monotonic()
        except BaseException:
            self._save(store, (n_done, result))
            raise
        return result

    def derive(
        self,
        function: Callable[..., Arrays],
        made: Mapping[str, Any],
        *columns: str,
        merge: Merge | None = None,
    ) -> Arrays:
        """Write columns to files; see Blocks."""
        key = self._store(function, made, columns).stem
        paths = {name: self._progress / f"{name}-{key}.npy" for name in made}
        result = self._write(function, made, paths, columns, merge)
        self._columns |= paths
        return result

    def finish(
        self, function: Callable[..., Arrays], made: Mapping[str, Any], *columns: str
    ) -> dict[str, Any]:
        """Write the files that the user gets; see Blocks."""
        paths = {name: self._folder / f"{name}.npy" for name in made}
        for name in ("transduction", "kept", "confidence"):
            (self._folder / f"{name}.npy").unlink(missing_ok=True)
        self._write(function, made, paths, columns)
        return {name: np.load(path, mmap_mode="r") for name, path in paths.items()}

    def once(self, compute: Callable[[], Any]) -> Any:
        """Compute, unless an earlier run has; see Blocks."""
        store = self._store(compute, ())
        _, result = self._load(store)
        if result is None:
            result = (compute(),)
            self._save(store, (-1, result))
        return result[0]

    def recall(self) -> tuple[dict[int, Any], set[int]]:
        """Find the answers of an earlier run.

        Returns
        -------
        answers : dict of int to label or None
            By position.
        withdrawn : set of int
            Positions of labels of `y` that were withdrawn.

        Raises
        ------
        ValueError
            If they are about other samples.
        """
        path = self._folder / "answers.json"
        if not path.exists():
            return {}, set()
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
            samples, answers = noted["samples"], dict(noted["answers"])
            if not all(
                isinstance(position, int) and 0 <= position < self.n_samples
                for position in answers
            ):
                raise ValueError(f"there are {self.n_samples} samples")
            withdrawn = set(noted.get("withdrawn", ()))
            given = [label for label in answers.values() if label is not None]
            label_array(given, f"{path.name}")
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"The file {str(path)!r} of the 'folder' parameter cannot be read as "
                f"answers by position ({error}). Mend or move it."
            ) from error
        if samples != self.samples_key:
            raise ValueError(
                f"The 'folder' parameter, {str(self._folder)!r}, holds answers about "
                "other samples than X. Use a folder for each data set."
            )
        return answers, withdrawn

    def note(self, answers: Mapping[int, Any], known: NDArray[np.intp]) -> None:
        """Write down the answers there are: they may have cost money.

        Answers that only the file has, of another run in the same folder, stay there.

        Parameters
        ----------
        answers : dict of int to label or None
            By position. What is neither a string nor a number is no label: it stays
            where it is, to be refused, and keeps no other from the file.
        known : ndarray of shape (n_known,), dtype=intp
            Positions of the labels of `y`.
        """
        plain = {
            position: label.item() if hasattr(label, "dtype") else label
            for position, label in answers.items()
            if not np.ndim(label)
        }
        legal = {
            position: float(label) if isinstance(label, np.floating) else label
            for position, label in plain.items()
            if label is None or isinstance(label, str | int | float | np.floating)
        }
        earlier, withdrawn = self.recall()
        merged = earlier | legal
        open_ = [position for position, label in legal.items() if label is None]
        withdrawn.update(known[np.isin(known, open_)].tolist())
        noted = {
            "samples": self.samples_key,
            "answers": list(merged.items()),
            "withdrawn": sorted(p for p in withdrawn if merged.get(p) is None),
        }
        path = self._folder / "answers.json"
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(noted), encoding="utf-8")
        os.replace(partial, path)

    def _store(self, *parts: Any) -> Path:
        """Name the file of a result: by all that it depends on."""
        columns = {name: path.name for name, path in self._columns.items()}
        used = {name: columns.get(name) for name in parts[-1]}
        space = self.space if "E" in used else None
        try:
            key = source_digest((self._result_key, parts, used, space))
        except pickle.PicklingError:
            key = uuid4().hex  # nothing tells it from others: never found again
        return self._progress / f"{key}.stored"

    @staticmethod
    def _load(store: Path | None) -> tuple[int, Arrays | None]:
        """Read the number of rows done, -1 for all, and the result so far."""
        if store is None or not store.exists():
            return 0, None
        stored = store.read_bytes()
        if sha256(stored[32:]).digest() != stored[:32]:
            return 0, None  # damaged: computed anew
        n_done, result = pickle.loads(stored[32:])
        return n_done, result

    @staticmethod
    def _save(store: Path | None, state: tuple[int, Arrays | None]) -> None:
        if store is None:
            return
        partial = store.with_suffix(".part")
        stored = pickle.dumps(state, protocol=5)
        partial.write_bytes(sha256(stored).digest() + stored)
        os.replace(partial, store)

    def _is_whole(self, path: Path) -> bool:
        """Tell whether there is a file of a column, and nothing cut off."""
        try:
            return np.load(path, mmap_mode="r").shape == (self.n_samples,)
        except (OSError, ValueError, EOFError):
            return False

    def _write(
        self,
        function: Callable[..., Arrays],
        made: Mapping[str, Any],
        paths: dict[str, Path],
        columns: tuple[str, ...],
        merge: Merge | None = None,
    ) -> Arrays:
        """Write columns block by block; their files are there once all is."""
        store = self._store(function, made, columns)
        n_done, result = self._load(store)
        is_merged = merge is None or n_done < 0
        if is_merged and all(map(self._is_whole, paths.values())):
            return result or ()
        # Of two runs that were stopped neither goes on with rows of the other.
        parts = {name: self._progress / f"{name}-{store.stem}.part" for name in made}
        if n_done <= 0 or not all(map(self._is_whole, parts.values())):
            n_done, result = 0, None
            store.unlink(missing_ok=True)  # what it says is done is not
            for name, part in parts.items():
                shape = (self.n_samples,)
                open_memmap(part, mode="w+", dtype=made[name], shape=shape).flush()

        def write(start: int, *block: Any) -> Arrays:
            found = function(start, *block)
            for part, rows in zip(parts.values(), found, strict=False):
                _write_rows(part, start, rows)
            return found[len(made) :]

        state = n_done, result
        result = self._go_on(store, state, write, merge or append, columns)
        for name, path in paths.items():
            os.replace(parts[name], path)
            for earlier in self._progress.glob(f"{name}-*"):
                if earlier != path:
                    earlier.unlink()
        if merge is None:
            store.unlink(missing_ok=True)
        else:
            self._save(store, (-1, result))
        return result or ()

    def read(
        self,
        columns: tuple[str, ...],
        first: int = 0,
        at: NDArray[np.intp] | None = None,
        quiet: bool = False,
    ) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Yield the position of each block and its columns, from a row on.

        Parameters
        ----------
        columns : tuple of str
            The columns.
        first : int, default=0
            The row, the first one of a block.
        at : ndarray of shape (n_wanted,), dtype=intp, default=None
            Only blocks with rows at these positions are yielded. None for all.
        quiet : bool, default=False
            Whether nothing is told of how far it is.

        Yields
        ------
        start : int
            Position of the first row of a block.
        block : tuple of {ndarray, dataframe, series}
            The rows, of each column.
        """
        wanted = None if at is None else set((at // self._length).tolist()) or {0}
        readers: list[Iterator[Any]] = [
            self._reader(name, first, wanted) for name in columns
        ]
        began = told = time.monotonic()
        start = first
        for block in zip(*readers, strict=True):
            n_rows = next((len(b) for b in block if b is not None), self._length)
            if block[0] is not None:
                yield start, block
            start += n_rows
            if wanted is not None and start // self._length > max(wanted):
                return
            now = time.monotonic()
            if self._verbose and not quiet and now - told > _SECONDS_BETWEEN:
                told = now
                self._tell(start, (now - began) / (start - first))

    def _tell(self, n_done: int, seconds: float) -> None:
        of_all = ""
        if self.n_samples:
            left = (self.n_samples - n_done) * seconds
            of_all = f" of {self.n_samples:,}, about {left:.0f} s left"
        print(
            f"[kmeans_labelprop] {n_done:,} samples{of_all}",
            file=sys.stderr,
            flush=True,
        )

    def _reader(self, name: str, first: int, wanted: set[int] | None) -> Iterator[Any]:
        """Yield the blocks of one column; None for those that are not wanted."""
        source = self._sources.get("X" if name == "E" else name)
        if source is None:
            path = self._columns[name]
            if not path.exists():
                raise FileNotFoundError(
                    f"The 'folder' parameter, {str(self._folder)!r}, lacks "
                    f"progress/{path.name}: it was deleted, or another run has used "
                    "the folder since. Call fit or query again; the answers are kept."
                )
            source = open_source(np.load(path, mmap_mode="r"), name)
        if wanted is not None and source.is_sliced:
            n_blocks = -(-self.n_samples // self._length)
            for i in range(first // self._length, n_blocks):
                if i in wanted:
                    yield next(self._reader(name, i * self._length, None))
                else:
                    yield None
            return
        n_read = first
        for i, rows in enumerate(source.read(self._length, first)):
            n_read += len(rows)
            # All labels are read: their number is compared elsewhere.
            if name != "y" and n_read > (self.n_samples or n_read):
                break
            is_wanted = wanted is None or i + first // self._length in wanted
            embed = name == "E" and is_wanted
            yield self.space(rows) if embed else rows if is_wanted else None
        if name != "y" and n_read != (self.n_samples or n_read):
            raise ValueError(
                "X must hold the same samples each time it is read: a callable must "
                f"return a new iterator. Got {n_read} samples or more this time, and "
                f"{self.n_samples} before."
            )


def _compare_index(start: int, X: Any, y: Any) -> Arrays:
    return compare_names(start, X.index, np.asarray(y.index, dtype=object))


def _write_rows(path: Path, start: int, rows: NDArray[Any]) -> None:
    """Write rows into an NPY file; where it is mapped, a full disk ends the process."""
    column = open_memmap(path, mode="r")
    with path.open("r+b") as file:
        file.seek(column.offset + start * column.itemsize)
        file.write(rows.astype(column.dtype).tobytes())
