"""Tests of the Fashion-MNIST loader, on small IDX files and a local server."""

import gzip
import hashlib
import http.server
import os
import struct
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kmeans_labelprop.datasets import _fashion_mnist, fetch_fashion_mnist

N_TRAIN, N_TEST = 7, 3
DEBIAN_FOLDER = _fashion_mnist._DEBIAN_FOLDER


def _idx(array):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _write(folder, contents, names=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or contents:
        (folder / f"{name}.gz").write_bytes(gzip.compress(contents[name], mtime=0))


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    made = {}
    for prefix, n in (("train", N_TRAIN), ("t10k", N_TEST)):
        made[f"{prefix}-images-idx3-ubyte"] = rng.integers(
            0, 256, size=(n, 28, 28), dtype=np.uint8
        )
        made[f"{prefix}-labels-idx1-ubyte"] = rng.integers(0, 10, n, dtype=np.uint8)
    return made


@pytest.fixture
def contents(arrays, monkeypatch, tmp_path):
    """Small files in place of the real ones; no Debian package, no internet."""
    made = {name: _idx(array) for name, array in arrays.items()}
    monkeypatch.setattr(
        _fashion_mnist,
        "_CONTENT_SHA256",
        {name: hashlib.sha256(content).hexdigest() for name, content in made.items()},
    )
    monkeypatch.setattr(
        _fashion_mnist,
        "_CONTENT_SIZE",
        {name: len(content) for name, content in made.items()},
    )
    monkeypatch.setattr(_fashion_mnist, "_DEBIAN_FOLDER", tmp_path / "no-package")
    monkeypatch.setattr(_fashion_mnist, "_BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return made


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass

    def do_GET(self):
        self.server.requested.append(self.path)
        super().do_GET()


@pytest.fixture
def server(contents, tmp_path, monkeypatch):
    """Serve the small files on the loopback interface."""
    folder = tmp_path / "served"
    _write(folder, contents)
    handler = partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.requested = []
        running.folder = folder
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{running.server_address[1]}/"
        monkeypatch.setattr(_fashion_mnist, "_BASE_URL", url)
        yield running
        running.shutdown()
        thread.join()


def _files_below(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "place", ["fashion-mnist", "usr/share/datasets/fashion-mnist", None]
)
def test_finds_files_in_each_local_place(
    contents, arrays, tmp_path, monkeypatch, place
):
    home = tmp_path / "home"
    if place is None:
        monkeypatch.setattr(_fashion_mnist, "_DEBIAN_FOLDER", tmp_path / "package")
        _write(tmp_path / "package", contents)
    else:
        _write(home / place, contents)
    bunch = fetch_fashion_mnist(home, download_if_missing=False)

    images = arrays["train-images-idx3-ubyte"]
    np.testing.assert_array_equal(bunch.images, images)
    np.testing.assert_array_equal(bunch.data, images.reshape(N_TRAIN, 784))
    np.testing.assert_array_equal(bunch.target, arrays["train-labels-idx1-ubyte"])
    assert bunch.data.dtype == np.uint8
    assert bunch.target.dtype == np.int64
    assert bunch.data.flags.writeable
    assert np.shares_memory(bunch.data, bunch.images)
    assert len(bunch.feature_names) == 784
    assert bunch.feature_names[29] == "pixel_1_1"
    assert len(bunch.target_names) == 10
    assert "Xiao" in bunch.DESCR


def test_cache_comes_before_the_package(contents, arrays, tmp_path, monkeypatch):
    package = tmp_path / "package"
    monkeypatch.setattr(_fashion_mnist, "_DEBIAN_FOLDER", package)
    _write(package, dict.fromkeys(contents, b"another data set"))
    _write(tmp_path / "home" / "fashion-mnist", contents)
    _, y = fetch_fashion_mnist(tmp_path / "home", return_X_y=True)
    np.testing.assert_array_equal(y, arrays["train-labels-idx1-ubyte"])


def test_subsets_and_their_order(contents, arrays, tmp_path):
    _write(tmp_path / "fashion-mnist", contents)
    X_train, y_train = fetch_fashion_mnist(tmp_path, return_X_y=True)
    X_test, y_test = fetch_fashion_mnist(tmp_path, subset="test", return_X_y=True)
    X, y = fetch_fashion_mnist(tmp_path, subset="all", return_X_y=True)
    assert X_train.shape == (N_TRAIN, 784)
    np.testing.assert_array_equal(y_test, arrays["t10k-labels-idx1-ubyte"])
    np.testing.assert_array_equal(X, np.concatenate([X_train, X_test]))
    np.testing.assert_array_equal(y, np.concatenate([y_train, y_test]))


def test_reads_only_the_files_of_the_subset(contents, tmp_path):
    folder = tmp_path / "fashion-mnist"
    _write(folder, contents, [name for name in contents if name.startswith("t10k")])
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    bunch = fetch_fashion_mnist(tmp_path, subset="test", download_if_missing=False)
    assert bunch.data.shape == (N_TEST, 784)


def test_data_home_follows_scikit_learn(contents, tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "by_variable"))
    _write(tmp_path / "by_variable" / "fashion-mnist", contents)
    assert fetch_fashion_mnist().data.shape == (N_TRAIN, 784)


def test_search_makes_no_folder(contents, tmp_path):
    with pytest.raises(OSError, match="not found"):
        fetch_fashion_mnist(tmp_path / "home", download_if_missing=False)
    assert not (tmp_path / "home").exists()


def test_truncated_file_is_named(contents, server, tmp_path):
    _write(tmp_path / "fashion-mnist", contents)
    path = tmp_path / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(OSError, match="truncated") as caught:
        fetch_fashion_mnist(tmp_path)
    message = str(caught.value)
    assert str(path) in message
    assert _fashion_mnist._CONTENT_SHA256["train-images-idx3-ubyte"] in message
    assert "Delete" in message
    assert server.requested == []  # no other source was tried in silence


@pytest.mark.parametrize("damage", [b"not gzip at all", b""])
def test_damaged_file_is_named(contents, tmp_path, damage):
    _write(tmp_path / "fashion-mnist", contents)
    path = tmp_path / "fashion-mnist" / "train-labels-idx1-ubyte.gz"
    path.write_bytes(damage)
    with pytest.raises(OSError, match="train-labels") as caught:
        fetch_fashion_mnist(tmp_path)
    assert _fashion_mnist._CONTENT_SHA256[path.stem] in str(caught.value)


def test_foreign_file_is_named_with_both_checksums(contents, server, tmp_path):
    _write(tmp_path / "fashion-mnist", contents)
    path = tmp_path / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    foreign = _idx(np.zeros((N_TRAIN, 28, 28), dtype=np.uint8))
    path.write_bytes(gzip.compress(foreign))
    with pytest.raises(OSError, match="checksum") as caught:
        fetch_fashion_mnist(tmp_path)
    message = str(caught.value)
    assert str(path) in message
    assert _fashion_mnist._CONTENT_SHA256["train-images-idx3-ubyte"] in message
    assert hashlib.sha256(foreign).hexdigest() in message
    assert server.requested == []


def test_damaged_package_advises_to_reinstall(contents, tmp_path, monkeypatch):
    package = tmp_path / "package"
    monkeypatch.setattr(_fashion_mnist, "_DEBIAN_FOLDER", package)
    _write(package, dict.fromkeys(contents, b"another data set"))
    with pytest.raises(OSError, match="--reinstall dataset-fashion-mnist"):
        fetch_fashion_mnist(tmp_path / "home")


def test_nothing_found_lists_the_ways(contents, tmp_path):
    home = tmp_path / "home"
    with pytest.raises(OSError, match="download_if_missing=False") as caught:
        fetch_fashion_mnist(home, download_if_missing=False)
    message = str(caught.value)
    for part in (
        "apt-get install dataset-fashion-mnist",
        "apt-get download dataset-fashion-mnist",
        f"dpkg-deb -x dataset-fashion-mnist_*.deb {home}",
        str(home / "fashion-mnist"),
        str(home / "usr/share/datasets/fashion-mnist"),
        "data_home=",
        "http://127.0.0.1:9/",
    ):
        assert part in message


def test_unreachable_network_lists_the_ways(contents, tmp_path):
    # Nothing listens on port 9 of the loopback interface.
    with pytest.raises(OSError, match="apt-get install") as caught:
        fetch_fashion_mnist(tmp_path / "home")
    assert "http://127.0.0.1:9/train-images-idx3-ubyte.gz: " in str(caught.value)
    assert _files_below(tmp_path / "home") == []


def test_download_is_kept_and_used_again(server, arrays, tmp_path):
    home = tmp_path / "home"
    bunch = fetch_fashion_mnist(home, subset="test")
    np.testing.assert_array_equal(bunch.images, arrays["t10k-images-idx3-ubyte"])
    expected = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    assert sorted(server.requested) == [f"/{name}" for name in expected]
    assert _files_below(home) == expected
    assert list((home / "fashion-mnist").glob(".download-*")) == []

    fetch_fashion_mnist(home, subset="test")
    assert len(server.requested) == 2


def test_address_without_the_file_is_an_error(server, tmp_path):
    (server.folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(OSError, match="404"):
        fetch_fashion_mnist(tmp_path / "home")


def test_wrong_download_is_not_kept(server, tmp_path):
    (server.folder / "train-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(b"something else")
    )
    with pytest.raises(OSError, match="was not kept") as caught:
        fetch_fashion_mnist(tmp_path / "home")
    assert _fashion_mnist._BASE_URL in str(caught.value)
    assert _files_below(tmp_path / "home") == []


def test_interrupted_download_leaves_nothing(contents, tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")

    def interrupted(self, url, output_file, pooch):
        Path(output_file).write_bytes(b"the first half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_fashion_mnist(tmp_path / "home")
    assert _files_below(tmp_path / "home") == []


def test_downloads_at_once_do_not_meet(server, arrays, tmp_path):
    home = tmp_path / "home"
    outcomes = []

    def fetch():
        outcomes.append(fetch_fashion_mnist(home, return_X_y=True))

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 6
    for X, _ in outcomes:
        np.testing.assert_array_equal(
            X.reshape(-1, 28, 28), arrays["train-images-idx3-ubyte"]
        )


def test_missing_pooch_names_the_extra(contents, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"kmeans-labelprop\[datasets\]"):
        fetch_fashion_mnist(tmp_path / "home")


def test_local_files_need_no_pooch(contents, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    _write(tmp_path / "fashion-mnist", contents)
    assert fetch_fashion_mnist(tmp_path).data.shape == (N_TRAIN, 784)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("subset", "validation"),
        ("return_X_y", "yes"),
        ("download_if_missing", None),
        ("data_home", 3),
    ],
)
def test_illegal_parameters(parameter, value):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter"):
        fetch_fashion_mnist(**{parameter: value})


@pytest.mark.skipif(
    not DEBIAN_FOLDER.exists(), reason="needs the package dataset-fashion-mnist"
)
def test_real_data(tmp_path):
    X, y = fetch_fashion_mnist(
        tmp_path, subset="all", return_X_y=True, download_if_missing=False
    )
    assert X.shape == (70_000, 784)
    np.testing.assert_array_equal(np.bincount(y[:60_000]), np.full(10, 6_000))
    np.testing.assert_array_equal(np.bincount(y[60_000:]), np.full(10, 1_000))
    # The first training image is an ankle boot; mean grey level 0.2860 of 255.
    assert y[0] == 9
    assert X[:60_000].mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    assert X.max() == 255


IMAGES = "train-images-idx3-ubyte"


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a device", "dead link"])
def test_what_is_no_regular_file_is_never_opened(contents, tmp_path, kind):
    folder = tmp_path / "fashion-mnist"
    _write(folder, contents)
    path = folder / f"{IMAGES}.gz"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "link to a device" else "nowhere")
    with pytest.raises(
        OSError, match=r"is no regular file\. .* Delete the file"
    ) as caught:
        fetch_fashion_mnist(tmp_path)
    assert str(path) in str(caught.value)


def test_a_link_to_a_regular_file_is_read(contents, arrays, tmp_path):
    folder = tmp_path / "fashion-mnist"
    _write(folder, contents)
    path = folder / f"{IMAGES}.gz"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    X, _ = fetch_fashion_mnist(tmp_path, return_X_y=True)
    np.testing.assert_array_equal(X.reshape(-1, 28, 28), arrays[IMAGES])


def test_no_more_is_decompressed_than_the_file_should_hold(
    contents, tmp_path, monkeypatch
):
    folder = tmp_path / "fashion-mnist"
    _write(folder, contents)
    bomb = gzip.compress(contents[IMAGES] + bytes(10_000_000), mtime=0)
    (folder / f"{IMAGES}.gz").write_bytes(bomb)
    read = []
    decompress = gzip.GzipFile.read

    def counting_read(self, size=-1):
        content = decompress(self, size)
        read.append(len(content))
        return content

    monkeypatch.setattr(gzip.GzipFile, "read", counting_read)
    with pytest.raises(OSError, match="decompresses to more than") as caught:
        fetch_fashion_mnist(tmp_path)
    assert str(folder) in str(caught.value)
    assert sum(read) == len(contents[IMAGES]) + 1


def test_a_file_larger_than_what_it_should_hold_is_not_read(contents, tmp_path):
    folder = tmp_path / "fashion-mnist"
    _write(folder, contents)
    path = folder / f"{IMAGES}.gz"
    with path.open("ab") as stream:
        stream.truncate(len(contents[IMAGES]) + 2**16 + 1)
    with pytest.raises(OSError, match="larger than what it should hold"):
        fetch_fashion_mnist(tmp_path)


def test_downloads_come_by_https_alone():
    assert _fashion_mnist._BASE_URL.startswith("https://")


def test_sizes_are_those_of_the_published_files():
    real = [
        (60_000, 28, 28),
        (60_000,),
        (10_000, 28, 28),
        (10_000,),
    ]
    sizes = [4 + 4 * len(shape) + int(np.prod(shape)) for shape in real]
    assert list(_fashion_mnist._CONTENT_SIZE.values()) == sizes
