#!/bin/sh
# Download a Debian package and unpack it into a folder; no root, nothing installed.
#
#   scripts/unpack_deb.sh PACKAGE FOLDER
set -eu

package=$1
mkdir -p "$2"
target=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

download() {
    # As root, apt would hand the download to a user who may not write here.
    if [ "$(id -u)" = 0 ]; then
        set -- -o APT::Sandbox::User=root "$@"
    fi
    apt-get -q "$@" download "$package"
}

# apt's lists may be empty or old, and only root may renew them: renew a copy.
download_with_new_lists() {
    mkdir -p lists/partial cache/archives/partial
    set -- -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache"
    if [ "$(id -u)" = 0 ]; then
        set -- -o APT::Sandbox::User=root "$@"
    fi
    apt-get -q "$@" update
    download "$@"
}

download >&2 || download_with_new_lists >&2
dpkg-deb -x "$package"_*.deb "$target"
