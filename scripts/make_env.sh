#!/bin/sh
# Make a virtual environment if it is not there, and install the package into it.
#
#   scripts/make_env.sh ENV EXTRAS        e.g. scripts/make_env.sh .venv test,keras
#
# Needs nothing but a Python from 3.11 to 3.13. PYTHON names another interpreter.
set -eu

env=$1
extras=$2

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

in_range() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
        2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if in_range "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "No Python from 3.11 to 3.13 was found (looked for: ${PYTHON:-python3," \
        "python3.13, python3.12, python3.11})." \
        "Install one, or name it: make PYTHON=/path/to/python3.12 ..."
}

# Debian and Ubuntu ship Python without ensurepip, the part that puts pip into a new
# environment. pip itself then comes from the system, or from Debian's package of it.
add_pip() {
    if "$python" -m pip --version >/dev/null 2>&1 &&
        "$python" -m pip --python "$env/bin/python" install --quiet pip; then
        return
    fi
    if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        if "$(dirname "$0")/unpack_deb.sh" python3-pip-whl "$folder"; then
            wheel=$(ls "$folder"/usr/share/python-wheels/pip-*.whl)
            "$env/bin/python" "$wheel/pip" install --quiet --no-index "$wheel"
            return
        fi
    fi
    rm -rf "$env"
    fail "" \
        "$(command -v "$python") cannot make an environment with pip in it: its module" \
        "ensurepip is missing. On Debian and Ubuntu this installs it:" \
        "    apt-get install python3-venv" \
        "Or name another Python: make PYTHON=/path/to/python3.12 ..."
}

if [ -x "$env/bin/python" ] && ! in_range "$env/bin/python"; then
    fail "The environment $env has $("$env/bin/python" --version 2>&1), and 3.11 to" \
        "3.13 is needed. Delete it and run make again: rm -r $env"
fi
if ! "$env/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making the environment $env with $("$python" --version)"
    if "$python" -m ensurepip --version >/dev/null 2>&1; then
        "$python" -m venv "$env"
    else
        "$python" -m venv --without-pip "$env"
        add_pip
    fi
fi

echo "Installing kmeans-labelprop${extras:+[$extras]} into $env"
"$env/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable "$(dirname "$0")/..${extras:+[$extras]}"
