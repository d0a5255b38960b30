"""Fashion-MNIST: found on this machine, or downloaded, and always checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .._validation import StrOptions, check_parameters

# SHA-256 of the *decompressed* IDX files: the .gz files of different sources
# hold the same content in differently written gzip headers.
_CONTENT_SHA256 = {
    "train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}

# Their sizes in bytes: not a byte more is decompressed.
_CONTENT_SIZE = {
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}

# The authors' addresses, tried in this order while they cannot be reached.
_BASE_URLS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
)

_DEBIAN_PACKAGE = "dataset-fashion-mnist"
_DEBIAN_PATH = "usr/share/datasets/fashion-mnist"
_DEBIAN_FOLDER = Path("/", _DEBIAN_PATH)
_TIMEOUT = 30  # seconds without an answer before an address counts as unreachable

_PREFIXES = {"train": ("train",), "test": ("t10k",), "all": ("train", "t10k")}

_TARGET_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]

_DESCR = """\
Fashion-MNIST
-------------

Pictures of articles from an online shop, in ten classes, as a drop-in
replacement for the MNIST digits.

=================   ==========================
Classes             10
Training samples    60,000 (6,000 per class)
Test samples        10,000 (1,000 per class)
Dimensionality      784 (28 x 28 grey levels)
Features            integers from 0 to 255
=================   ==========================

Licence: MIT. Source: https://github.com/zalandoresearch/fashion-mnist

Reference: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image
Dataset for Benchmarking Machine Learning Algorithms", arXiv:1708.07747, 2017.
"""

_CONSTRAINTS: dict[str, list[Any]] = {
    "data_home": [str, os.PathLike, None],
    "subset": [StrOptions({"train", "test", "all"})],
    "return_X_y": ["boolean"],
    "download_if_missing": ["boolean"],
}


class _Images(NamedTuple):
    data: NDArray[np.uint8]
    target: NDArray[np.int64]


@overload
def fetch_fashion_mnist(
    data_home: str | os.PathLike[str] | None = None,
    *,
    subset: Literal["train", "test", "all"] = "train",
    return_X_y: Literal[False] = False,
    download_if_missing: bool = True,
) -> Bunch: ...
@overload
def fetch_fashion_mnist(
    data_home: str | os.PathLike[str] | None = None,
    *,
    subset: Literal["train", "test", "all"] = "train",
    return_X_y: Literal[True],
    download_if_missing: bool = True,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]: ...
def fetch_fashion_mnist(
    data_home: str | os.PathLike[str] | None = None,
    *,
    subset: Literal["train", "test", "all"] = "train",
    return_X_y: bool = False,
    download_if_missing: bool = True,
) -> Bunch | tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load Fashion-MNIST, from this machine or with a checked download.

    The files are searched for, in this order, in

    1. ``<data_home>/fashion-mnist``, where downloads are kept;
    2. ``<data_home>/usr/share/datasets/fashion-mnist``, which is what
       ``dpkg-deb -x dataset-fashion-mnist_*.deb <data_home>`` makes;
    3. ``/usr/share/datasets/fashion-mnist``, the Debian package
       ``dataset-fashion-mnist``;
    4. the authors' addresses on the internet.

    Wherever a file comes from, its content must have the known checksum. A file
    that is damaged or is another data set raises an error; it is never skipped
    in favour of the next place. Only the files of the wanted subset are read.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder for data sets. By default scikit-learn's: the environment variable
        ``SCIKIT_LEARN_DATA`` or else ``~/scikit_learn_data``.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training images, the 10,000 test images, or both, the training
        images first.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    download_if_missing : bool, default=True
        If False, raise an error if the files are not on this machine. A download
        needs the extra ``datasets``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : ndarray of shape (n_samples, 784), dtype uint8
            Grey levels from 0 to 255, one image a row.
        images : ndarray of shape (n_samples, 28, 28), dtype uint8
            The same memory as ``data``.
        target : ndarray of shape (n_samples,), dtype int64
            Classes from 0 to 9.
        feature_names : list of 784 str
            ``"pixel_<row>_<column>"``.
        target_names : list of 10 str
            Names of the classes.
        DESCR : str
            Description of the data set.

    (data, target) : tuple if ``return_X_y`` is True
        The two arrays of those names.

    Raises
    ------
    OSError
        If the files are not here and cannot be or may not be downloaded, or if a
        file is damaged. The message says what to do.
    ImportError
        If a download is needed and the extra ``datasets`` is not installed.

    References
    ----------
    .. [1] H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset
       for Benchmarking Machine Learning Algorithms", 2017.
       https://doi.org/10.48550/arXiv.1708.07747

    Examples
    --------
    >>> from kmeans_labelprop.datasets import fetch_fashion_mnist
    >>> X, y = fetch_fashion_mnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((10000, 784), (10000,))
    """
    check_parameters(
        _CONSTRAINTS,
        {
            "data_home": data_home,
            "subset": subset,
            "return_X_y": return_X_y,
            "download_if_missing": download_if_missing,
        },
        "fetch_fashion_mnist",
    )
    home = _resolve_data_home(data_home)
    parts = [
        _load_part(home, prefix, download_if_missing) for prefix in _PREFIXES[subset]
    ]
    data = np.concatenate([part.data for part in parts])
    target = np.concatenate([part.target for part in parts])
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=data.reshape(-1, 28, 28),
        target=target,
        feature_names=[f"pixel_{r}_{c}" for r in range(28) for c in range(28)],
        target_names=list(_TARGET_NAMES),
        DESCR=_DESCR,
    )


def _resolve_data_home(data_home: str | os.PathLike[str] | None) -> Path:
    """Find the folder for data sets, by scikit-learn's rule, without making it.

    ``sklearn.datasets.get_data_home`` makes the folder, which fails needlessly
    where the home is read-only and the Debian package is there.
    """
    if data_home is None:
        data_home = os.environ.get("SCIKIT_LEARN_DATA", "~/scikit_learn_data")
    return Path(data_home).expanduser().absolute()


def _folders(home: Path) -> list[Path]:
    """List the folders of this machine that may hold the files, in order."""
    return [home / "fashion-mnist", home / _DEBIAN_PATH, _DEBIAN_FOLDER]


def _load_part(home: Path, prefix: str, download: bool) -> _Images:
    """Load the images and labels of ``prefix``, ``"train"`` or ``"t10k"``."""
    images = _load_idx(home, f"{prefix}-images-idx3-ubyte", download)
    labels = _load_idx(home, f"{prefix}-labels-idx1-ubyte", download)
    return _Images(images.reshape(len(images), -1), labels.astype(np.int64))


def _load_idx(home: Path, name: str, download: bool) -> NDArray[np.uint8]:
    """Read one IDX file from the first place that has it, or download it."""
    filename = f"{name}.gz"
    for folder in _folders(home):
        path = folder / filename
        if os.path.lexists(path):
            break
    else:
        if not download:
            raise OSError(_how_to_get(home, filename, "download_if_missing=False"))
        path = _download(home, name)
    return _parse_idx(_read_checked(path, name, _advice(path, home)))


def _advice(path: Path, home: Path) -> str:
    """Say what to do about a damaged file at ``path``."""
    if path.parent == _DEBIAN_FOLDER:
        return (
            "Install the package anew (apt-get install --reinstall "
            f"{_DEBIAN_PACKAGE}), or put good files into {home / 'fashion-mnist'}."
        )
    return "Delete the file; the next call looks for it elsewhere or downloads it."


def _read_checked(path: Path, name: str, advice: str) -> bytes:
    """Decompress ``path``; raise an OSError that names it unless it is good."""
    expected, size = _CONTENT_SHA256[name], _CONTENT_SIZE[name]
    if not path.is_file():  # not even opened: a pipe or a device may never end
        raise OSError(f"{path} is no regular file. {advice}")
    if path.stat().st_size > size + 2**16:
        raise OSError(
            f"{path} is not the file of Fashion-MNIST: it is larger than what it "
            f"should hold, {size:,} bytes. {advice}"
        )
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(
            f"{path} is truncated or damaged and cannot be decompressed ({error}); "
            f"its content should have the SHA-256 checksum {expected}, but the "
            f"file itself has {_sha256_of_file(path)}. {advice}"
        ) from error
    if len(content) > size:
        raise OSError(
            f"{path} is not the file of Fashion-MNIST: it decompresses to more than "
            f"{size:,} bytes. {advice}"
        )
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise OSError(
            f"{path} is not the file of Fashion-MNIST: its decompressed content has "
            f"the SHA-256 checksum {found}, expected {expected}. {advice}"
        )
    return content


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Turn the content of an IDX file of unsigned bytes into a writable array."""
    # Magic number: two zero bytes, the type (8 is uint8), the number of axes;
    # then the length of every axis, big-endian.
    n_axes = content[3]
    shape = struct.unpack_from(f">{n_axes}I", content, 4)
    pixels = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_axes)
    return pixels.reshape(shape).copy()


def _download(home: Path, name: str) -> Path:
    """Download one file into ``<home>/fashion-mnist``; return its path.

    The file appears under its name only when it is complete and checked: it is
    written beside it under a name of its own first, and moved in one step. So an
    interruption leaves nothing to be taken for good, and processes that download
    at once do not meet.
    """
    filename = f"{name}.gz"
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            _how_to_get(
                home,
                filename,
                "a download needs the package pooch: "
                'pip install "kmeans-labelprop[datasets]"',
            )
        ) from error
    target = home / "fashion-mnist" / filename
    target.parent.mkdir(parents=True, exist_ok=True)
    downloader = pooch.HTTPDownloader(progressbar=False, timeout=_TIMEOUT)
    failures = []
    with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent) as folder:
        partial = Path(folder) / filename
        for base_url in _BASE_URLS:
            url = base_url + filename
            try:
                downloader(url, str(partial), None)
            except OSError as error:  # the base of all errors of requests
                failures.append(f"{url}: {_first_line(error)}")
                continue
            _read_checked(partial, name, f"It came from {url} and was not kept.")
            os.replace(partial, target)
            return target
    raise OSError(_how_to_get(home, filename, "; ".join(failures)))


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def _how_to_get(home: Path, filename: str, reason: str) -> str:
    """Write the message for a file that is nowhere: where it was sought, ways out."""
    places = "\n".join(f"  {folder}" for folder in _folders(home))
    urls = "\n".join(f"    {url}" for url in _BASE_URLS)
    return (
        f"Fashion-MNIST's {filename} was not found and not downloaded ({reason}).\n"
        f"It was looked for in\n{places}\n"
        "Ways to get the data:\n"
        f"* Debian and Ubuntu: apt-get install {_DEBIAN_PACKAGE}\n"
        f"* the same without root: apt-get download {_DEBIAN_PACKAGE}, then "
        f"dpkg-deb -x {_DEBIAN_PACKAGE}_*.deb {home}\n"
        "* a download: call with download_if_missing=True on a machine with internet, "
        f"or put the .gz files into {home / 'fashion-mnist'}; they are at\n{urls}\n"
        "* files that are elsewhere on this machine: data_home=<the folder that "
        "contains the folder fashion-mnist>"
    )
