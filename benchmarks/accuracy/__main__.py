"""Start the command line with one thread a cell."""

import os

# Before NumPy is imported. Cells are forked, which OpenMP's own threads would not
# survive; several cells at a time are `--jobs`.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

from .cli import main  # noqa: E402

main()
