"""Files that are there in full, as before, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


class DamagedFileError(ValueError):
    """A file of an earlier run is not what it should be."""


def write_atomically(path: Path, text: str) -> None:
    """Write a file in full, or leave what was there."""
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
