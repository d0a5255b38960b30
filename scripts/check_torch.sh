#!/bin/sh
# Run the test of a PyTorch module as the classifier (by skorch), which `make test`
# skips: from PyPI, PyTorch for Linux brings 3 GB for graphics cards. That for
# processors alone is a wheel of 200 MB on an index of its own, which PIP_INDEX_URL can
# name. The last run is in scripts/check_torch.log.
#
#   scripts/check_torch.sh [ENV]        TORCH names what pip is to install in its place
set -eu
cd "$(dirname "$0")/.."

env=${1:-.venv-torch}
sh scripts/make_env.sh "$env" test
# shellcheck disable=SC2086  # several words are meant
"$env/bin/python" -m pip install --quiet --disable-pip-version-check \
    ${TORCH:-torch}
"$env/bin/python" -m pip install --quiet --disable-pip-version-check skorch
{
    "$env/bin/python" -m pip list --disable-pip-version-check 2>/dev/null |
        grep -E "^(torch|skorch|scikit-learn|numpy) "
    "$env/bin/python" -m pytest -v --no-header tests/test_any_classifier.py -k torch
} | tee scripts/check_torch.log
grep -q " 1 passed" scripts/check_torch.log
