"""Fashion-MNIST: found on this machine, or downloaded, and always checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .._validation import StrOptions, validated

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

# The authors' address.
_BASE_URL = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"

_DEBIAN_PACKAGE = "dataset-fashion-mnist"
_DEBIAN_PATH = "usr/share/datasets/fashion-mnist"
_DEBIAN_FOLDER = Path("/", _DEBIAN_PATH)
_TIMEOUT = 30  # seconds without an answer before the address counts as unreachable

_PREFIXES = {"train": ("train",), "test": ("t10k",), "all": ("train", "t10k")}

_CLASSES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"

_DESCR = """\
Fashion-MNIST: pictures of articles from an online shop, of 28 x 28 grey levels, in ten
classes; 60,000 for training and 10,000 for testing, as many of each class.

H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
Benchmarking Machine Learning Algorithms", arXiv:1708.07747, 2017.
https://github.com/zalandoresearch/fashion-mnist, MIT licence.
"""


@validated(
    data_home=[str, os.PathLike, None],
    subset=[StrOptions({"train", "test", "all"})],
    return_X_y=["boolean"],
    download_if_missing=["boolean"],
)
def fetch_fashion_mnist(
    data_home: str | os.PathLike[str] | None = None,
    *,
    subset: str = "train",
    return_X_y: bool = False,
    download_if_missing: bool = True,
) -> Any:
    """Load Fashion-MNIST, from this machine or with a checked download.

    The files are searched for, in this order, in

    1. ``<data_home>/fashion-mnist``, where downloads are kept;
    2. ``<data_home>/usr/share/datasets/fashion-mnist``, which is what
       ``dpkg-deb -x dataset-fashion-mnist_*.deb <data_home>`` makes;
    3. ``/usr/share/datasets/fashion-mnist``, the Debian package
       ``dataset-fashion-mnist``;
    4. the authors' address on the internet.

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
    home = _resolve_data_home(data_home)
    images, target = (
        np.concatenate(
            [
                _load_idx(home, f"{prefix}-{kind}-ubyte", download_if_missing)
                for prefix in _PREFIXES[subset]
            ]
        )
        for kind in ("images-idx3", "labels-idx1")
    )
    data, target = images.reshape(len(images), -1), target.astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=images,
        target=target,
        feature_names=[f"pixel_{r}_{c}" for r in range(28) for c in range(28)],
        target_names=_CLASSES.split(","),
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


def _load_idx(home: Path, name: str, download: bool) -> NDArray[np.uint8]:
    """Read one IDX file from the first place that has it, or download it."""
    paths = (folder / f"{name}.gz" for folder in _folders(home))
    path = next((path for path in paths if os.path.lexists(path)), None)
    if path is None and not download:
        raise OSError(_how_to_get(home, name, "download_if_missing=False"))
    path = path or _download(home, name)
    content = _read_checked(path, name, _advice(path, home))
    # Sixteen bytes of an IDX file of images tell its shape, eight of one of labels.
    if "labels" in name:
        return np.frombuffer(content, dtype=np.uint8, offset=8)
    return np.frombuffer(content, dtype=np.uint8, offset=16).reshape(-1, 28, 28)


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
        problem = "is no regular file"
    elif path.stat().st_size > size + 2**16:
        problem = f"is larger than what it should hold, {size:,} bytes"
    else:
        try:
            with gzip.open(path, "rb") as stream:
                content = stream.read(size + 1)
            found = hashlib.sha256(content).hexdigest()
            problem = f"has other content, with the SHA-256 checksum {found}"
            if len(content) > size:
                problem = f"decompresses to more than {size:,} bytes"
            elif found == expected:
                return content
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            problem = f"is truncated or damaged and cannot be decompressed ({error})"
    raise OSError(
        f"{path} {problem}. A file of Fashion-MNIST holds {size:,} bytes with "
        f"the SHA-256 checksum {expected}. {advice}"
    )


def _download(home: Path, name: str) -> Path:
    """Download one file into ``<home>/fashion-mnist``; return its path.

    The file appears under its name only when it is complete and checked: it is
    written beside it under a name of its own first, and moved in one step. So an
    interruption leaves nothing to be taken for good, and processes that download
    at once do not meet.
    """
    url = f"{_BASE_URL}{name}.gz"
    try:
        import pooch
    except ImportError as error:
        reason = 'a download needs pooch: pip install "kmeans-labelprop[datasets]"'
        raise ImportError(_how_to_get(home, name, reason)) from error
    target = home / "fashion-mnist" / f"{name}.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    download = pooch.HTTPDownloader(progressbar=False, timeout=_TIMEOUT)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent) as folder:
        partial = Path(folder) / target.name
        try:
            download(url, str(partial), None)
        except OSError as error:  # the base of all errors of requests
            raise OSError(_how_to_get(home, name, f"{url}: {error}")) from error
        _read_checked(partial, name, f"It came from {url} and was not kept.")
        os.replace(partial, target)
    return target


def _how_to_get(home: Path, name: str, reason: str) -> str:
    """Write the message for a file that is nowhere: where it was sought, ways out."""
    places = "\n".join(f"  {folder}" for folder in _folders(home))
    return f"""\
Fashion-MNIST's {name}.gz was not found and not downloaded ({reason}).
It was looked for in
{places}
Ways to get the data:
* Debian and Ubuntu: apt-get install {_DEBIAN_PACKAGE}
* the same without root: apt-get download {_DEBIAN_PACKAGE}, then
  dpkg-deb -x {_DEBIAN_PACKAGE}_*.deb {home}
* a download: call with download_if_missing=True on a machine with internet, or put
  the .gz files into {home / "fashion-mnist"}; they are at {_BASE_URL}
* files elsewhere on this machine: data_home=<the folder that contains fashion-mnist>"""
