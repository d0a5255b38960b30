"""Finished cells on disk, so that no cell is computed twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is there in full, as before, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        partial.chmod(0o644)  # mkstemp's files are the owner's alone
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        raise


class DamagedFileError(ValueError):
    """A file of an earlier run is not what it should be."""


class CellStore:
    """A folder with one JSON file per finished cell.

    Parameters
    ----------
    folder : Path
        Where the files are; made when the first cell is stored.

    Notes
    -----
    A cell is known by its key, a JSON-able dict of everything that determines its
    result. The file's name holds a digest of the key, the file the key itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: dict[str, Any]) -> Path:
        """Return the file of a cell, whether it exists or not."""
        digest = hashlib.sha256(_canonical(key).encode()).hexdigest()
        return self.folder / f"{digest[:16]}.json"

    def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """Return the result stored for this key, or None."""
        path = self.path(key)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            stored = json.loads(text)
            stored_key, result = stored["key"], stored["result"]
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedFileError(
                f"{path} does not hold a finished cell; delete it to compute the "
                "cell again."
            ) from error
        if _canonical(stored_key) != _canonical(key):
            raise DamagedFileError(f"{path} belongs to another cell; delete it.")
        return dict(result)

    def put(self, key: dict[str, Any], result: dict[str, Any]) -> None:
        """Store the result of a finished cell."""
        text = json.dumps({"key": key, "result": result}, sort_keys=True)
        write_atomically(self.path(key), text + "\n")


def _canonical(key: dict[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
