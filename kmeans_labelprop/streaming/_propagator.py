"""The propagator on blocks that are read from files, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._asking import check_index
from .._block_propagator import NO_BLOCKS, BaseBlockPropagator
from .._given import KnownLabels
from .._ledger import Ledger
from ._driver import FileBlocks
from ._sources import fingerprint, open_source

# Rows by which a data set is told from others.
_N_FIRST = 100


class KMeansLabelPropagator(BaseBlockPropagator):
    """The propagator for more samples than fit into memory.

    The samples are read three times, block by block: for a sample of them, for their
    clusters, and for their labels; twice by the cluster rule, if no two labels of a
    cluster differ. Centres are those of the sample, refined by a reading or two more
    where it is small beside the number of clusters; representatives and fractions are
    exactly those that :class:`kmeans_labelprop.KMeansLabelPropagator` finds in memory
    with the same centres, and by the cluster rule all labels are. The graph is that of
    anchors, the centres of many small clusters, and of the samples whose label is
    given; any other sample takes the shares of the anchors next to it. Results are the
    same to the last bit whatever the blocks.

    `X` is one of: an array, :class:`numpy.memmap` or dataframe; a list of these; a
    callable that returns a new iterator over these each time, or an object that yields
    them each time it is gone through; a :class:`pyarrow.dataset.Dataset`, or paths of
    Parquet files. `y` is one of the same in one dimension or, for a data set, the name
    of a column.

    Read more in the :ref:`User Guide <large>`.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and so the number of labels asked for where none is known.
    fraction : float, default=1.0
        Share of each cluster that keeps its labels, in [0, 1], as in memory.
    oracle : callable, "y" or None, default=None
        Gives labels, called once as ``oracle(X_query)`` with the rows to label; or `y`
        plays the oracle, as in memory.
    embedding : transformer, "auto" or None, default="auto"
        Fitted on a sample; then each block is transformed. ``"auto"`` chooses by the
        sample, as in memory.
    propagation : {"cluster", "graph"}, default="graph"
        How labels spread.
    n_anchors : int, default=4096
        Number of anchors of the graph. More follow the samples more closely, and each
        sample is compared with all of them.
    folder : str, Path or None, default=None
        Gets the results, the answers and what is done so far. A run that was stopped,
        whatever stopped it, goes on there if it is started again with the same `X`, `y`
        and parameters, `random_state` an int among them; labels answered before are
        used again in any case. One run at a time, and for what only a callable yields a
        new folder when it changes. None for a temporary folder.
    missing_label : int, float or str, default=-1
        Marks a sample without a label.
    random_state : int, RandomState instance or None, default=None
        Seeds the sample, the embedding and k-means, and says which of equally near
        samples are asked about. Pass an int for the same result every time.
    verbose : int, default=0
        If not 0, tells on stderr which stage runs, how far it is and how long it takes.

    Attributes
    ----------
    transduction_ : memmap of shape (n_samples,)
        The label of each sample, whatever the `fraction`; `missing_label` where none
        reaches it, as a string beside strings. The file ``transduction.npy``.
    kept_ : memmap of shape (n_samples,), dtype=bool
        Whether a sample keeps its label. The file ``kept.npy``.
    confidence_ : memmap of shape (n_samples,), dtype=float32
        With ``propagation="graph"`` the difference of the two largest shares, 1 for a
        given label, 0 where there is none. The file ``confidence.npy``.
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Centres of the clusters, in the space of the embedding.
    cluster_sizes_ : ndarray of shape (n_clusters,), dtype=intp
        Number of samples of each cluster.
    representative_indices_ : ndarray of shape (n_representatives,), dtype=intp
        Position of the representative of each cluster that has samples.
    representative_clusters_ : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    representative_labels_ : ndarray of shape (n_representatives,)
        The label of each representative; `missing_label` where none was given.
    queries_ : ndarray of shape (n_queries,), dtype=intp
        Positions of the samples asked about last, in the order of the question.
    answers_ : dict of int to label or None
        What was answered, by position. The file ``answers.json``.
    n_known_ : int
        Number of labels given that are those of `y`.
    n_queries_ : int
        Number of samples whose label was asked for, or handed to :meth:`propagate`.
    classes_ : ndarray of shape (n_classes,)
        The distinct labels given.
    given_ : GivenLabels
        The labels given: ``positions`` of the samples, in increasing order, and
        ``codes``, the positions of their labels in `classes_`.
    n_features_in_ : int
        Number of features seen during :meth:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if the blocks have string names.
    embedding_ : transformer or None
        The fitted embedding.

    See Also
    --------
    kmeans_labelprop.KMeansLabelPropagator : In memory: the exact graph, and audits.
    kmeans_labelprop.dask.KMeansLabelPropagator : On many machines.

    Notes
    -----
    In memory are: a block, a sample of at most 65,536 rows, the centres and anchors,
    and the known labels with their rows.

    References
    ----------
    W. Liu, J. He and S.-F. Chang, "Large Graph Construction for Scalable
    Semi-Supervised Learning", ICML 2010: graphs of anchors.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop.streaming import KMeansLabelPropagator
    >>> X, y = load_digits(return_X_y=True)
    >>> blocks = np.array_split(X, 5)  # or np.load("X.npy", mmap_mode="r")
    >>> propagator = KMeansLabelPropagator(
    ...     n_clusters=50, fraction=0.7, oracle="y", random_state=0
    ... ).fit(blocks, y)
    >>> bool((propagator.transduction_ == y).mean() > 0.85)
    True

    Train any classifier that learns block by block on what is kept:

    >>> from sklearn.linear_model import SGDClassifier
    >>> classifier = SGDClassifier(random_state=0)
    >>> for X_block, y_block in propagator.iter_kept():
    ...     classifier = classifier.partial_fit(
    ...         X_block, y_block, classes=propagator.classes_
    ...     )
    """

    _blocks: FileBlocks

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        fraction: float = 1.0,
        oracle: Callable[[Any], ArrayLike] | str | None = None,
        embedding: Any = "auto",
        propagation: str = "graph",
        n_anchors: int = 4096,
        folder: str | os.PathLike[str] | None = None,
        missing_label: Any = -1,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            n_clusters,
            fraction=fraction,
            oracle=oracle,
            embedding=embedding,
            propagation=propagation,
            n_anchors=n_anchors,
            missing_label=missing_label,
            random_state=random_state,
            verbose=verbose,
        )
        self.folder = folder

    def iter_kept(self) -> Iterator[tuple[Any, Any]]:
        """Read the samples once more, and yield those that keep a label.

        Yields
        ------
        X_block : {ndarray, dataframe} of shape (n_kept_in_block, n_features)
            The samples kept of a block, none of them empty.
        y_block : ndarray of shape (n_kept_in_block,)
            Their labels.
        """
        check_is_fitted(self, "classes_")
        check_is_fitted(self, "_blocks", msg=NO_BLOCKS)
        for start, (X,) in self._blocks.read(("X",), quiet=True):
            rows = slice(start, start + X.shape[0])
            kept = np.flatnonzero(self.kept_[rows])
            if len(kept):
                block = X.iloc[kept] if hasattr(X, "iloc") else X[kept]
                yield block, self.transduction_[rows][kept]

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write position, label, whether it is kept and confidence to a Parquet file.

        Parameters
        ----------
        path : str or Path
            The file, which is there once all is written.
        """
        check_is_fitted(self, "classes_")
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {"label": self.transduction_, "kept": self.kept_}
        if hasattr(self, "confidence_"):
            columns["confidence"] = self.confidence_
        target = Path(path)
        part = target.with_name(target.name + ".part")
        length = 2**18

        def table(start: int) -> Any:
            rows = slice(start, start + length)
            position = np.arange(start, min(rows.stop, len(self.kept_)))
            parts = {name: np.array(column[rows]) for name, column in columns.items()}
            return pa.table({"position": position, **parts})

        try:
            with pq.ParquetWriter(part, table(0).schema) as writer:
                for start in range(0, len(self.kept_), length):
                    writer.write_table(table(start))
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)

    def _open(self, X: Any, y: Any) -> tuple[FileBlocks, Any]:
        column = y if isinstance(y, str) else None
        check_index(X, y, "y")
        if isinstance(X, list | tuple) and isinstance(y, list | tuple):
            for rows, labels in zip(X, y, strict=False):
                check_index(rows, labels, "y")
        source = open_source(X, "X", column)
        labels = None if y is None else open_source(X if column else y, "y", column)
        first = next(source.read(_N_FIRST), None)
        if first is None:
            raise ValueError("X must hold at least one sample. Got none.")
        folder = Path(self.folder or mkdtemp(prefix="kmeans_labelprop-"))
        changes = None if self.folder is None else fingerprint(X)
        blocks = FileBlocks(source, labels, folder, first, changes, self.verbose)
        if self.folder is None:  # files that are open stay readable
            finalize(blocks, rmtree, folder, ignore_errors=True)
        return blocks, first

    def _check_names(self) -> None:
        self._blocks.check_names()

    def _recall(self, known: KnownLabels) -> dict[int, Any]:
        answers, withdrawn = self._blocks.recall()
        # What was left open is no answer: a label that y has by now counts.
        open_ = [p for p, label in answers.items() if label is None]
        found = known.positions[np.isin(known.positions, open_)].tolist()
        left = set(found) - withdrawn
        return {p: label for p, label in answers.items() if p not in left}

    def _note(self, ledger: Ledger) -> None:
        super()._note(ledger)
        if not self._is_experiment:  # y will say the same again
            self._blocks.note(ledger.answers, ledger.known.positions)
