#!/bin/sh
# Put Fashion-MNIST where the library finds it, unless it is there already.
#
#   scripts/get_fashion_mnist.sh PYTHON [DATA_HOME]
#
# In this order: what is on this machine (the library's cache, or the Debian package
# dataset-fashion-mnist), the library's own download, the Debian package unpacked into
# the cache without root. Whatever is found has its checksums compared.
set -eu

here=$(dirname "$0")
python=$1
home=${2:-${SCIKIT_LEARN_DATA:-$HOME/scikit_learn_data}}
package=dataset-fashion-mnist

load() {
    "$python" "$here/load_fashion_mnist.py" "$home" "$@"
}

if load 2>/dev/null; then
    exit 0
fi
echo "Fashion-MNIST is not on this machine; trying to download it"
if load --download 2>/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    echo "No download; trying the Debian package $package"
    "$here/unpack_deb.sh" "$package" "$home" || true
fi
# If it is still missing or damaged, the library's message says what to do.
load
