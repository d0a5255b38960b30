"""The estimator: from samples to a labelled training set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.metrics import euclidean_distances
from sklearn.utils import (
    ClassifierTags,
    TransformerTags,
    get_tags,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._asking import answer_by, answer_by_oracle, check_beside
from ._caching import cache_in
from ._callbacks import CallbackMixin, as_task
from ._clustering import make_clusterer
from ._containers import canonical, labels_like, row_names, take_rows
from ._embedding import enter_space, fit_space
from ._engine import (
    are_typical,
    costs_of_asking,
    find_clusters,
    find_graph,
    find_suspects,
    keep,
    next_queries,
    predict_distributions,
    predict_in_clusters,
    spread,
)
from ._given import GivenLabels, KnownLabels
from ._html import SummaryHTMLMixin
from ._labels import check_missing_label, with_missing
from ._ledger import Ledger, LedgerMixin, check_source, plays_oracle, read_known
from ._messages import stage, warn_user
from ._propagation import check_class_prior, likeliest
from ._report import summarize, warn_of_edges, warn_of_labels
from ._representatives import best_samples
from ._seeds import clone_sharing, draw_seed, set_unset
from ._validation import (
    N_JOBS,
    HasMethods,
    Interval,
    StrOptions,
    check_instances,
    forget_fit,
    replace_attributes,
    undone_on_error,
    validate_estimator_parameters,
)

_ASK_FIRST = "This %(name)s has no clusters yet: call 'query' or 'fit' first."


def _only_with(output: str) -> Callable[[KMeansLabelPropagator], bool]:
    """Make the check whether a method is there; its error says when it is."""

    def check(propagator: KMeansLabelPropagator) -> bool:
        if propagator.output != output:
            raise AttributeError(
                f"Only with output={output!r}. Got {propagator.output!r}."
            )
        return True

    return check


def _has_graph(propagator: KMeansLabelPropagator) -> bool:
    if hasattr(propagator, "spread_"):
        return propagator.spread_.distributions is not None
    return propagator.propagation == "graph"


def _needs_graph(propagator: KMeansLabelPropagator) -> bool:
    if not _has_graph(propagator):
        raise AttributeError("Only with propagation='graph'.")
    return True


class KMeansLabelPropagator(
    SummaryHTMLMixin,
    LedgerMixin,
    CallbackMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Label one sample per cluster and propagate all labels to the samples around.

    The samples are clustered. In each cluster where `y` holds no label, the `oracle`
    is asked for that of the sample closest to the centre. All labels there are, known
    and asked, spread to the other samples: over a graph of neighbours, or within each
    cluster. A label that is given is never changed. :meth:`fit_resample` returns the
    samples that keep a label, ready to train any classifier.

    With ``output="samples"`` this is a sampler for
    :class:`imblearn.pipeline.Pipeline`, which changes the training set and leaves
    `predict` alone. In a scikit-learn Pipeline use
    :class:`~kmeans_labelprop.PropagatedClassifier`.

    Read more in the :ref:`User Guide <user_guide>`.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and so the number of labels asked for where none is known
        (a `clusterer` that splits further asks more, one for each cluster it finds).
    fraction : float, default=1.0
        Share of each cluster that keeps its labels, in [0, 1]: most confident first
        or (with ``propagation="cluster"``) nearest to the centre. Of a cluster of m
        samples ``floor(fraction * m + 0.5)`` are kept, given labels in any case: 0
        keeps these alone, 1 keeps all samples that have a label. Ties are broken by
        position.
    oracle : callable, "y" or None, default=None
        Gives labels: called once as ``oracle(X_query)`` with the rows to label, in the
        container and the space of `X`, or with their ids if :meth:`fit` gets
        `sample_ids`; returns or yields one label for each, `missing_label` (or None,
        NaN) where it abstains; a pandas Series with the index of the rows, or with the
        ids for one, in any order. Clones share the oracle, and what it remembers,
        unless it is an estimator. ``"y"``: an experiment, where `y` plays the oracle,
        and only what is asked for is read. None: that, too, if `y` lacks no label;
        else nobody is asked, and the labels in `y` are all there are.
    embedding : transformer, "auto" or None, default="auto"
        Transformer or Pipeline, fitted on `X` and used for clustering and distances
        only: the oracle and the classifier see the samples as they are. ``"auto"``
        chooses by the type and scale of `X`, as
        :func:`~kmeans_labelprop.embedding.default_embedding` does: tables, texts and
        images can be given as they are. None: the samples as they are, in numbers.
    clusterer : clusterer or None, default=None
        A clusterer with an ``n_clusters`` parameter and ``cluster_centers_``, such as
        :class:`~sklearn.cluster.MiniBatchKMeans`; ``n_clusters`` is set on a clone.
        None stands for :class:`~sklearn.cluster.KMeans`. From 20,000 samples and 200
        samples per cluster on, it starts from the clusters of a part of the samples,
        and runs 20 iterations.
    propagation : {"cluster", "graph"}, default="graph"
        How labels spread: each sample takes the nearest label of its cluster, or all
        labels spread over a graph of nearest neighbours [2]_, across the borders of
        clusters. The graph is right more often on most data, takes longer, and leaves
        out samples that no label reaches. The recipe of [1]_ is
        ``propagation="cluster"`` with a fraction of 0.7.
    neighbors : transformer or None, default=None
        Yields the sparse graph of distances to the neighbours of each sample, as
        :class:`~sklearn.neighbors.KNeighborsTransformer` with ``mode="distance"``. None
        stands for that, with 20 neighbours; from 20,000 samples on it takes an index,
        which finds about 99 % of them in nearly linear time. Each sample is linked to
        the nearer half of them, or to 10 if these are more; a link is the stronger, the
        more of all their neighbours two samples share. Used with
        ``propagation="graph"``.
    alpha : float or "auto", default="auto"
        How far labels spread over the graph, in (0, 1). ``"auto"``:
        ``1 - 1 / (2 * sqrt(m))`` for m samples a label, 0.99 at most; farther where
        each label has more samples to reach.
    class_prior : {"estimated", "uniform"}, dict or None, default="estimated"
        The share of the samples that each class is to reach over the graph [3]_.
        ``"estimated"``: that of the samples nearest to its labels, shrunk towards equal
        shares where labels are few [4]_. ``"uniform"``: exactly the same for all, if
        you know that classes are of equal size. A dict {label: share}: exactly what you
        know; a class that it lacks gets the mean share. None leaves it to the graph.
    max_retries : int, default=0
        How many more samples of a cluster :meth:`fit` asks the oracle for, best first
        and one at a time, after it has abstained. Each round is one more call.
    reuse_labels : bool, default=True
        Whether labels in `y` are used. If False, the oracle is asked in every cluster,
        and `y` serves only to score.
    output : {"samples", "features"}, default="samples"
        ``"samples"`` shows `fit_resample`, for imbalanced-learn's Pipeline;
        ``"features"`` shows `transform`, the distances to the centres, as
        :class:`~sklearn.cluster.KMeans` has it. With ``"features"`` the next step of
        a Pipeline trains on **all of** `y`, not on propagated labels.
    missing_label : int, float, str or None, default=-1
        Marks a sample without a label. In an array of objects None, NaN and pandas'
        NA do, too.
    memory : str, joblib.Memory or None, default=None
        Caches the fitted embedding, the clusterer and the neighbours per data and
        parameters: a search over fractions clusters once. With ``random_state=None``
        it is the same clustering every time.
    n_jobs : int or None, default=None
        Number of jobs of the `embedding`, the `clusterer` and the `neighbors`, where
        they have such a parameter and leave it None.
    random_state : int, RandomState instance or None, default=None
        Seeds the same parts, where they leave theirs None, and says which of equally
        near samples are asked about. Pass an int for the same result every time.
    verbose : int, default=0
        If not 0, tells on stderr which stage runs and how long it took.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Centres of the clusters, in the space of the embedding.
    labels_ : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    inertia_ : float
        Sum of squared distances of the samples to the centres of their clusters.
    representative_indices_ : ndarray of shape (n_representatives,), dtype=intp
        Position of the representative of each cluster that has samples: of its known
        samples the closest to the centre, or of all if none is known, or the known ones
        do not stand for their clusters (see the notes).
    representative_clusters_ : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    representative_labels_ : ndarray of shape (n_representatives,)
        The label of each representative; `missing_label` where none was given.
    queries_ : ndarray of shape (n_queries,), dtype=intp
        Positions of the samples asked about last, in the order of the question.
    answers_ : dict of int to label or None
        What was answered, by position; None where the oracle abstained, or a label was
        withdrawn. It is kept if a fit ends early: :meth:`propagate` goes on from it.
    n_known_ : int
        Number of labels given that are those of `y`.
    n_queries_ : int
        Number of samples whose label was asked for, or handed to :meth:`propagate`;
        known labels do not count.
    classes_ : ndarray of shape (n_classes,)
        The distinct labels given.
    transduction_ : ndarray of shape (n_samples,)
        The label of each sample, whatever the `fraction`: given, or propagated;
        `missing_label` where none reaches it.
    confidence_ : ndarray of shape (n_samples,), dtype=float64
        The difference of the two likeliest classes in `label_distributions_`; with
        ``propagation="cluster"`` the share of the cluster that lies no nearer to the
        centre than the sample, in (0, 1]. 1 for a given label, 0 for a sample without
        one. By the graph copies of a labelled sample are less sure than it: their
        neighbours count as one label more, nearly, and may have another one.
    label_distributions_ : ndarray of shape (n_samples, n_classes)
        With ``propagation="graph"`` the share of each class in the labels that reach a
        sample; all 0 where none does. In float64, but in float32 if that took more than
        1 GB.
    suspects_ : ndarray of shape (n_suspects,), dtype=intp
        With ``propagation="graph"`` positions of the given labels that are not the
        likeliest one among the neighbours, the least likely first: those to look at
        again.
    sample_indices_ : ndarray of shape (n_kept,), dtype=intp
        Positions of the samples that keep their label, in increasing order.
    clusters_ : Clusters
        The embedded samples, their clusters and the graph, for audits and displays.
    given_ : GivenLabels
        The labels given: ``positions`` of the samples, in increasing order, and
        ``codes``, the positions of their labels in `classes_`.
    spread_ : Spread
        The labels of all samples: ``codes``, ``confidence``, ...
    n_features_in_ : int
        Number of features seen during :meth:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` has string names.
    embedding_ : transformer or None
        The fitted embedding.
    clusterer_ : clusterer
        The fitted clusterer.

    See Also
    --------
    PropagatedClassifier : The propagator and a classifier in one estimator.
    PropagatedClassifierCV : The same, with rule and fraction chosen by the labels.
    kmeans_labelprop.embedding.default_embedding : An embedding for these samples.
    sklearn.semi_supervised.LabelSpreading : Spreads labels over a graph of all
        samples; does not choose which samples to label.

    Notes
    -----
    A cluster that holds a known label is not asked about, unless the samples with known
    labels lie, on the whole, at the edges of their clusters, as hard cases do: they do
    not stand for their clusters then, and all clusters are asked about.

    A label is *known* if `y` holds it, and *given* if it is known or was answered. All
    given labels are facts: they stay what they are, seed the propagation by both rules,
    and are in the training set at any fraction. Copies of a sample may have different
    labels: each stays, and for other samples the majority counts.

    A `y` without any missing label and no oracle is an experiment that counts labels:
    `y` acts as an oracle of which only the labels asked for are read. As soon as one
    label is missing, all others are known. ``oracle="y"`` makes it an experiment
    explicitly, also with such a `y`.

    The oracle is asked in `fit` only, never in `predict`. The embedded samples are
    kept, to predict by them; the samples themselves are not.

    References
    ----------
    .. [1] A. Géron, *Hands-On Machine Learning with Scikit-Learn, Keras, and
       TensorFlow*, 2nd ed., chapter 9, O'Reilly, 2019: the recipe (cluster, label the
       representatives, propagate to the nearest share of each cluster).
    .. [2] D. Zhou, O. Bousquet, T. Lal, J. Weston and B. Schölkopf, "Learning with
       Local and Global Consistency", NIPS 2003: spreading over a graph.
    .. [3] X. Zhu, Z. Ghahramani and J. Lafferty, "Semi-Supervised Learning Using
       Gaussian Fields and Harmonic Functions", ICML 2003: class mass normalisation.
    .. [4] J. Hausser and K. Strimmer, "Entropy Inference and the James-Stein
       Estimator, with Application to Nonlinear Gene Association Networks", JMLR 10,
       2009, pages 1469-1484: shares from few labels.

    Examples
    --------
    Fifty labels for 1,797 images of digits:

    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=50, random_state=0)
    >>> X_res, y_res = propagator.fit_resample(X, y)
    >>> X_res.shape
    (1797, 64)
    >>> bool((y_res == y[propagator.sample_indices_]).mean() > 0.9)
    True

    An oracle is a function of rows; here it knows the answer:

    >>> def oracle(X_query):
    ...     print(f"asked for {len(X_query)} labels")
    ...     return ["low" if row.mean() < 4.9 else "high" for row in X_query]
    >>> propagator = KMeansLabelPropagator(n_clusters=3, oracle=oracle, random_state=0)
    >>> X_res, y_res = propagator.fit_resample(X)
    asked for 3 labels
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "fraction": [Interval(Real, 0, 1, closed="both")],
        "oracle": [callable, StrOptions({"y"}), None],
        "embedding": [
            HasMethods(["fit", "transform", "get_params"]),
            StrOptions({"auto"}),
            None,
        ],
        "clusterer": [HasMethods(["fit", "get_params"]), None],
        "propagation": [StrOptions({"cluster", "graph"})],
        "neighbors": [HasMethods(["fit_transform", "get_params"]), None],
        "alpha": [Interval(Real, 0, 1, closed="neither"), StrOptions({"auto"})],
        "class_prior": [StrOptions({"estimated", "uniform"}), Mapping, None],
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "reuse_labels": ["boolean"],
        "output": [StrOptions({"samples", "features"})],
        "missing_label": [Real, str, None],
        "memory": [str, HasMethods(["cache"]), None],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        fraction: float = 1.0,
        oracle: Callable[[Any], ArrayLike] | str | None = None,
        embedding: Any = "auto",
        clusterer: Any = None,
        propagation: str = "graph",
        neighbors: Any = None,
        alpha: float | str = "auto",
        class_prior: str | Mapping[Any, Any] | None = "estimated",
        max_retries: int = 0,
        reuse_labels: bool = True,
        output: str = "samples",
        missing_label: Any = -1,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.fraction = fraction
        self.oracle = oracle
        self.embedding = embedding
        self.clusterer = clusterer
        self.propagation = propagation
        self.neighbors = neighbors
        self.alpha = alpha
        self.class_prior = class_prior
        self.max_retries = max_retries
        self.reuse_labels = reuse_labels
        self.output = output
        self.missing_label = missing_label
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @as_task
    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
    ) -> Self:
        """Cluster the samples, get labels and propagate them.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples: anything that the `embedding` takes. float32 is kept.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere. None if the oracle is to be
            asked for all.
        sample_ids : array-like of shape (n_samples,), default=None
            What the oracle gets in place of rows. Ids stay true under
            cross-validation, where positions do not.

        Returns
        -------
        self : object
            The fitted propagator.

        Raises
        ------
        ValueError
            If a parameter is illegal, there is neither `y` nor an oracle, `y` has
            another index than `X`, or there is no label in the end.
        TypeError
            If the oracle does not answer with an array of labels, all strings or all
            numbers.

        Warns
        -----
        UserWarning
            If all labels are of one class, clusters are left without a label, no label
            reaches some samples, labels contradict each other, or an oracle is never
            asked.

        Notes
        -----
        However it ends after the oracle was asked, also by an interruption: what was
        answered is in `answers_`, and in the ``answers`` of the error.
        ``propagate({})`` goes on from there, and takes more labels.
        """
        return self.ask(X, y, sample_ids=sample_ids).propagate({})

    @as_task
    def ask(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
        askable: NDArray[np.bool_] | None = None,
        check: Callable[[Any], None] | None = None,
    ) -> Self:
        """Cluster the samples and get labels, without propagating them yet.

        The first half of :meth:`fit`; ``propagate({})`` is the second.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere.
        sample_ids : array-like of shape (n_samples,), default=None
            What the oracle gets in place of rows.
        askable : ndarray of shape (n_samples,), dtype=bool, default=None
            Which samples may be asked about; None for all.
        check : callable, default=None
            Called with the samples embedded, before anybody is asked.

        Returns
        -------
        self : object
            The propagator, with `clusters_` and `given_`.
        """
        self._refuse_while_asking()
        self._check_parameters()
        check_source(self.oracle, self.reuse_labels, y, type(self).__name__)
        check_beside(X, sample_ids, "sample_ids")
        known = self._read_labels(X, y)
        is_experiment = plays_oracle(self.oracle, y, known, self.missing_label)
        own = known.none() if is_experiment else known
        with undone_on_error(self):
            ledger = self._cluster(X, own, callable(self.oracle), askable)
            if check is not None:
                check(self.clusters_.E)
        ask = answer_by(known) if is_experiment else None
        if callable(self.oracle):
            asked = X if sample_ids is None else sample_ids
            is_ids = sample_ids is not None
            ask = answer_by_oracle(self.oracle, asked, self.missing_label, is_ids)
        with ledger.attached():
            if ask is not None and len(ledger.queries):
                clusters = self.clusters_
                try:
                    ledger.ask_in_clusters(
                        ask, clusters, self.max_retries, self.verbose
                    )
                finally:
                    self.representative_indices_[
                        np.searchsorted(
                            self.representative_clusters_, clusters.ids[ledger.queries]
                        )
                    ] = ledger.queries
            elif callable(self.oracle):
                warn_user(
                    "The oracle is never asked: y holds a label in every cluster. Set "
                    "reuse_labels=False to ask it all the same."
                )
            self.given_ = ledger.given()
        return self

    @available_if(_only_with(output="samples"))
    def fit_resample(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
    ) -> tuple[Any, Any]:
        """Fit, and return the samples that keep a label.

        Only with ``output="samples"``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere.
        sample_ids : array-like of shape (n_samples,), default=None
            What the oracle gets in place of rows.

        Returns
        -------
        X_res : same type as `X`, of shape (n_kept, n_features)
            The samples kept, in their order in `X`; index and dtypes are kept.
        y_res : same type as `y`, of shape (n_kept,)
            Their labels; an ndarray if `y` is None.
        """
        self.fit(X, y, sample_ids=sample_ids)
        kept = self.sample_indices_
        labels = self.classes_[self.spread_.codes[kept]]
        return take_rows(canonical(X), kept), labels_like(y, kept, labels)

    @as_task
    def query(self, X: Any, y: ArrayLike | None = None) -> NDArray[np.intp]:
        """Cluster the samples and tell which ones to label.

        For labels that take time: :meth:`propagate` takes them when they are there. The
        oracle is not asked.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere; with ``oracle="y"`` none of them
            counts as known.

        Returns
        -------
        positions : ndarray of shape (n_queries,), dtype=intp
            Positions in `X` of the representatives that have no known label, those of
            the largest clusters first: stopping early is fine.

        Examples
        --------
        >>> import numpy as np
        >>> from kmeans_labelprop import KMeansLabelPropagator
        >>> X = np.array([[0.0], [0.1], [0.3], [0.5], [0.6], [5.0], [5.1], [5.3]])
        >>> propagator = KMeansLabelPropagator(n_clusters=2, random_state=0)
        >>> propagator.query(X)
        array([2, 6])
        >>> propagator.propagate(["left", "right"]).transduction_
        array(['left', 'left', 'left', 'left', 'left', 'right', 'right', 'right'],
              dtype='<U5')
        """
        self._refuse_while_asking()
        self._check_parameters()
        with undone_on_error(self):
            known = self._read_labels(X, y)
            own = known.none() if self.oracle == "y" else known
            ledger = self._cluster(X, own, True)
        return ledger.ask_about(ledger.queries)

    @as_task
    def propagate(self, labels: ArrayLike | Mapping[int, Any]) -> Self:
        """Take labels for any samples, and spread all there are.

        Can be called again as more labels arrive, for corrections, or after a
        parameter was changed: earlier labels are kept, and nothing is clustered again.

        Parameters
        ----------
        labels : array-like of shape (n_queries,), Series or dict of int to label
            Labels by position, in a dict or in a pandas Series whose index holds the
            positions or names the rows of `X`: they may be of any samples, replace
            earlier labels, and `missing_label` withdraws one. Or labels in the order of
            the last question, `missing_label` where there is none yet. ``{}`` spreads
            what there is.

        Returns
        -------
        self : object
            The fitted propagator.

        Raises
        ------
        ValueError
            If the number of labels is wrong, a position does not belong to a sample,
            there is no label at all, or `propagation` was changed to ``"graph"`` after
            clustering without one. Earlier labels then stay as they were.

        Warns
        -----
        UserWarning
            As :meth:`fit` does.
        """
        self._refuse_while_asking()
        check_is_fitted(self, "clusters_", msg=_ASK_FIRST)
        self._check_parameters()
        if self.propagation == "graph" and self.clusters_.graph is None:
            raise ValueError(
                "The 'propagation' parameter was set to 'graph' after the samples had "
                "been clustered without a graph. Call fit or query again."
            )
        ledger = self._ledger.with_labels(
            labels, self.clusters_.names, len(self.clusters_), self.missing_label
        )
        with ledger.attached():
            given = ledger.given()
            if not len(given):
                raise ValueError(
                    "No sample has a label: at least one of the "
                    f"{len(self.representative_indices_)} representatives must be "
                    "labelled."
                )
            self._spread(ledger, given)
        return self

    def _next_queries(self, done: NDArray[np.intp], n_queries: int) -> NDArray[np.intp]:
        return next_queries(self.clusters_, self.confidence_, done, n_queries)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of each sample by the training samples next to it.

        With ``propagation="graph"`` the labels of its nearest training samples count,
        given or propagated, weighed as the graph weighs them; with
        ``propagation="cluster"`` that of the nearest given sample of its cluster. So a
        training sample gets its `transduction_`, unless no label reaches it, or its
        copies have different labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels; by the cluster rule `missing_label` for a cluster without one.
        """
        check_is_fitted(self, "spread_")
        E = self.embed(X)
        if self.spread_.distributions is None:
            codes = predict_in_clusters(self.clusters_, self.given_, E)
        else:
            codes = likeliest(
                predict_distributions(self.clusters_, self.given_, self.spread_, E)
            )
        return with_missing(codes, self.classes_, self.missing_label)

    @available_if(_needs_graph)
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict the share of each class in the labels next to each sample.

        Only with ``propagation="graph"``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each of `classes_`; rows sum to 1.
        """
        check_is_fitted(self, "spread_")
        return predict_distributions(
            self.clusters_, self.given_, self.spread_, self.embed(X)
        )

    def embed(self, X: Any) -> Any:
        """Bring samples into the space of the clusters.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        E : {ndarray, CSR matrix} of shape (n_samples, n_components)
            The samples as `embedding_` makes them; without one as they are.
        """
        check_is_fitted(self, "clusters_")
        return enter_space(self, X, self.embedding_)

    def transform(self, X: Any) -> NDArray[Any]:
        """Compute the distance of each sample to each centre.

        Only with ``output="features"``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_clusters)
            Euclidean distances in the space of the embedding.
        """
        return euclidean_distances(self.embed(X), self.cluster_centers_)

    def fit_transform(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
    ) -> NDArray[Any]:
        """Fit, and compute the distance of each sample to each centre.

        Only with ``output="features"``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere.
        sample_ids : array-like of shape (n_samples,), default=None
            What the oracle gets in place of rows.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_clusters)
            Euclidean distances in the space of the embedding.
        """
        return self.fit(X, y, sample_ids=sample_ids).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Get the names of the features that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of `X`; only with ``output="samples"``.

        Returns
        -------
        feature_names_out : ndarray of str
            With ``output="samples"`` the names of the features that went in; with
            ``output="features"`` one name for each cluster.
        """
        if self.output == "features":
            return super().get_feature_names_out(input_features)
        return OneToOneFeatureMixin.get_feature_names_out(self, input_features)

    def summary(self) -> str:
        """Tell in plain words how many labels were known, asked for and used.

        Returns
        -------
        text : str
            Several lines.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from kmeans_labelprop import KMeansLabelPropagator
        >>> X, y = load_iris(return_X_y=True)
        >>> propagator = KMeansLabelPropagator(n_clusters=9, random_state=0).fit(X, y)
        >>> print(propagator.summary())
        150 samples in 9 clusters.
        Embedding: as they are.
        Labels: 0 known, 9 asked for, 9 answered.
        9 given labels reach 150 samples, of which 150 are kept.
        """
        check_is_fitted(self, "clusters_")
        return summarize(self)

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def __sklearn_tags__(self) -> Any:
        # imbalanced-learn's own checks want its own kinds of tags.
        tags = BaseSampler.__sklearn_tags__(self)
        tags.sampler_tags.sample_indices = True
        if self.output == "features":
            tags.sampler_tags = None
            tags.estimator_type = None
            tags.transformer_tags = TransformerTags(
                preserves_dtype=["float64", "float32"]
            )
        if _has_graph(self):
            tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = not callable(self.oracle)
        if isinstance(self.embedding, str):
            tags.input_tags.allow_nan = True
        elif hasattr(self.embedding, "__sklearn_tags__"):
            accepted = get_tags(self.embedding).input_tags
            for name in ("sparse", "allow_nan", "string", "categorical"):
                setattr(tags.input_tags, name, getattr(accepted, name))
        return tags

    def __sklearn_clone__(self) -> Self:
        return clone_sharing(self, "oracle", BaseSampler.__sklearn_clone__)

    def _check_parameters(self) -> None:
        check_missing_label(self.missing_label)
        validate_estimator_parameters(self)
        check_instances(self, "embedding", "clusterer", "neighbors")
        check_class_prior(self.class_prior)

    def _read_labels(self, X: Any, y: ArrayLike | None) -> KnownLabels:
        """Take the labels from y that may be used."""
        known = read_known(X, y, self.missing_label)
        return known if self.reuse_labels else known.none()

    # The stages: embed, cluster, choose, ask, propagate, keep a fraction.

    def _cluster(
        self,
        X: Any,
        known: KnownLabels,
        asks: bool,
        askable: NDArray[np.bool_] | None = None,
    ) -> Ledger:
        """Embed, cluster, and choose whom to ask about; forget an earlier fit."""
        cache = cache_in(self.memory)
        embedding_, E = fit_space(self, X, self._prepare, cache)
        made = make_clusterer(self.clusterer, self.n_clusters, E.shape[0])
        clusterer = self._prepare(made)
        names, seed = row_names(X), draw_seed(self.random_state)
        found = find_clusters(E, clusterer, cache, self.verbose)
        graph = None
        if self.propagation == "graph":
            graph = find_graph(E, self.neighbors, self._prepare, cache, self.verbose)
        clusters = replace(found, graph=graph, names=names, seed=seed, askable=askable)
        is_known = np.zeros(len(clusters), dtype=bool)
        is_known[known.positions] = True
        is_fair = are_typical(clusters, known.positions)
        if asks and not is_fair:
            warn_of_edges(len(known))
        costs = costs_of_asking(clusters)
        chosen, own = best_samples(clusters.ids, costs, is_known & is_fair, seed=seed)

        forget_fit(self, keep=("n_features_in_", "feature_names_in_"))
        self.embedding_, self.clusterer_ = embedding_, clusters.clusterer
        self.cluster_centers_ = clusters.clusterer.cluster_centers_
        self.clusters_, self.labels_ = clusters, clusters.ids
        self.inertia_ = float(clusters.distances @ clusters.distances)
        self.representative_indices_, self.representative_clusters_ = chosen, own
        is_open = ~is_known[chosen] & np.isfinite(costs[chosen])
        order = np.argsort(-np.bincount(clusters.ids)[own[is_open]], kind="stable")
        self._ledger = Ledger(known, chosen[is_open][order])
        return self._ledger

    def _prepare(self, part: Any) -> Any:
        return set_unset(part, self.random_state, self.n_jobs)

    def _spread(self, ledger: Ledger, given: GivenLabels) -> None:
        """Spread labels, and keep a fraction of each cluster."""
        clusters = self.clusters_
        with stage("spreading labels", self.verbose):
            found = spread(
                clusters, given, self.propagation, self.alpha, self.class_prior
            )
            kept = keep(clusters, found, given.positions, self.fraction)
            suspects, alone = find_suspects(clusters, given, found)
        classes, missing_label = given.classes, self.missing_label
        own = given.codes_at(self.representative_indices_)
        attributes = {
            "_ledger": ledger,
            "sample_indices_": kept,
            "given_": given,
            "spread_": found,
            "classes_": classes,
            "confidence_": found.confidence,
            "transduction_": with_missing(found.codes, classes, missing_label),
            "representative_labels_": with_missing(own, classes, missing_label),
        }
        if found.distributions is not None:
            attributes["label_distributions_"] = found.distributions
            attributes["suspects_"] = suspects
        without = ("label_distributions_", "suspects_")
        replace_attributes(self, attributes, without=without)
        warn_of_labels(self, int(np.isin(alone, ledger.known.positions).sum()))


# TransformerMixin wraps both for set_output when the class is made, and would undo a
# decorator in the body of the class.
for _name in ("transform", "fit_transform"):
    _method = getattr(KMeansLabelPropagator, _name)
    _checked = available_if(_only_with(output="features"))(_method)
    setattr(KMeansLabelPropagator, _name, _checked)
