"""The estimator: from samples to a labelled training set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    clone,
)
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import KNeighborsTransformer
from sklearn.utils import (
    TransformerTags,
    check_consistent_length,
    get_tags,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data

from ._asking import ask_oracle, check_answers, is_by_position
from ._clustering import (
    assign_clusters,
    distances_to_centers,
    fit_clusterer,
    make_clusterer,
)
from ._containers import take_rows, with_values
from ._embedding import NUMERIC_ARRAY, embed, fit_embedding
from ._fraction import rank_confidence, rank_in_clusters, within_fraction
from ._graph import (
    Graph,
    affinity_graph,
    distinct_rows,
    neighbor_density,
    neighbor_distances,
)
from ._labels import check_labels, holds_mark, label_array, with_missing
from ._messages import stage, warn_user
from ._propagation import (
    choose_alpha,
    estimate_class_shares,
    likeliest,
    margin,
    normalize_class_mass,
    spread_in_clusters,
    spread_over_graph,
)
from ._representatives import best_samples, density_costs, most_valuable_first
from ._validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_estimator_parameters,
)

# What a fit learns of labels, as opposed to clusters.
_LABEL_ATTRIBUTES = (
    "_codes",
    "_cluster_codes",
    "classes_",
    "confidence_",
    "label_distributions_",
    "n_queries_",
    "representative_labels_",
    "sample_indices_",
    "transduction_",
)


class Spread(NamedTuple):
    """The label that reaches each sample, and how sure it is.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,), dtype=intp
        The class of each sample; -1 where no label reaches.
    confidence : ndarray of shape (n_samples,), dtype=float64
        As `confidence_`; 0 where no label reaches.
    costs : ndarray of shape (n_samples,), dtype=float64
        What ranks the samples of a cluster, smallest first.
    cluster_codes : ndarray of shape (n_clusters,), dtype=intp
        The class of each cluster's representative; -1 where it has none.
    distributions : ndarray of shape (n_samples, n_classes) or None
        As `label_distributions_`; None without a graph.
    """

    codes: NDArray[np.intp]
    confidence: NDArray[np.float64]
    costs: NDArray[np.float64]
    cluster_codes: NDArray[np.intp]
    distributions: NDArray[np.float64] | None


def _gives_samples(propagator: KMeansLabelPropagator) -> bool:
    return propagator.output != "features"


def _gives_features(propagator: KMeansLabelPropagator) -> bool:
    return propagator.output == "features"


class KMeansLabelPropagator(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Label one sample per cluster and propagate its label to the samples around it.

    The samples are clustered, the sample closest to each centre is labelled (by `y`
    if it knows the label, else by the `oracle`), and the labels spread to the other
    samples: over a graph of neighbours, or within each cluster. :meth:`fit_resample`
    returns the samples that keep a label, ready to train any classifier.

    With ``output="samples"`` this is a sampler for
    :class:`imblearn.pipeline.Pipeline`, which changes the training set and leaves
    `predict` alone. In a scikit-learn Pipeline use
    :class:`~kmeans_labelprop.PropagatedClassifier`.

    Read more in the :ref:`User Guide <user_guide>`.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and so the number of labels needed (a `clusterer` that
        splits further needs more, one for each cluster it finds).
    fraction : float, default=1.0
        Share of each cluster that keeps its labels, in [0, 1]: most confident first
        or (with ``propagation="cluster"``) nearest to the centre. Of a cluster of m
        samples ``floor(fraction * m + 0.5)`` are kept, a labelled representative in
        any case: 0 keeps these alone, 1 keeps all samples that have a label. Ties are
        broken by position.
    oracle : callable or None, default=None
        Gives labels: called once as ``oracle(X_query)`` with the rows to label, in the
        container and the space of `X`; returns one label for each, `missing_label`
        (or None, NaN) where it abstains; a pandas Series with the index of the rows,
        or with the ids for one, in any order. Without an oracle all labels come from
        `y`. Clones share the oracle, and what it remembers, unless it is an estimator.
    oracle_input : {"rows", "ids"}, default="rows"
        What the oracle gets: rows of `X`, or the `sample_ids` given to :meth:`fit`.
        Ids stay true under cross-validation, where positions do not.
    embedding : transformer or None, default=None
        Transformer or Pipeline, fitted on `X` and used for clustering and distances
        only: the oracle and the classifier see the samples as they are. See
        :func:`~kmeans_labelprop.embedding.default_embedding`.
    clusterer : clusterer or None, default=None
        A clusterer with an ``n_clusters`` parameter and ``cluster_centers_``, such as
        :class:`~sklearn.cluster.MiniBatchKMeans`; ``n_clusters`` is set on a clone.
        None stands for :class:`~sklearn.cluster.KMeans`.
    representative : {"closest", "densest"}, default="closest"
        Which sample of a cluster is labelled: the closest to the centre, or of the
        quarter closest to it the one with the closest neighbours.
    propagation : {"cluster", "graph"}, default="graph"
        How labels spread: to the samples of the same cluster, or over a graph of
        nearest neighbours [2]_, across the borders of clusters. The graph is right
        more often on most data, takes longer, and leaves out samples that no label
        reaches. The recipe of [1]_ is ``propagation="cluster"`` with a fraction of 0.7.
    fraction_scope : {"cluster", "global"}, default="cluster"
        What the `fraction` is a share of: of each cluster, or of all samples. The
        latter keeps more right labels, and loses the classes hard to tell apart.
    neighbors : transformer or None, default=None
        Yields the sparse graph of distances to the neighbours of each sample, as
        :class:`~sklearn.neighbors.KNeighborsTransformer` with ``mode="distance"``. None
        stands for that, with 10 neighbours. Used with ``propagation="graph"`` and
        ``representative="densest"``.
    alpha : float or "auto", default="auto"
        How far labels spread over the graph, in (0, 1). ``"auto"``:
        ``1 - 1 / (2 * sqrt(m))`` for m samples a label, 0.99 at most; farther where
        each label has more samples to reach.
    class_prior : {"estimated", "uniform"}, dict or None, default="estimated"
        How much each class is to reach over the graph [3]_. ``"estimated"``: as much
        as its share in the clusters of the labelled representatives, shrunk towards
        equal shares where labels are few [4]_. ``"uniform"``: as much as any other,
        if you know that classes are of equal size, or rare ones matter as much. A
        dict {label: share}: what you know. None leaves it to the graph.
    max_retries : int, default=0
        How many more samples of a cluster :meth:`fit` asks the oracle for, best first
        and one at a time, after it has abstained. Each round is one more call.
    reuse_labels : bool, default=True
        Whether labels in `y` are used. If False, the oracle is asked for every
        representative, and `y` serves only to score.
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
        Seeds the same parts, where they leave theirs None. Pass an int for the same
        result every time.
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
        Position of the representative of each cluster that has samples.
    representative_clusters_ : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    representative_labels_ : ndarray of shape (n_representatives,)
        The label of each representative; `missing_label` where none was given.
    classes_ : ndarray of shape (n_classes,)
        The distinct labels of the representatives.
    transduction_ : ndarray of shape (n_samples,)
        The label propagated to each sample, whatever the `fraction`;
        `missing_label` where none reaches it.
    confidence_ : ndarray of shape (n_samples,), dtype=float64
        The difference of the two likeliest classes in `label_distributions_`; with
        ``propagation="cluster"`` the share of the cluster that lies no nearer to the
        centre than the sample, in (0, 1]. 1 for a labelled representative (by the
        graph its copies, too), 0 for a sample without a label.
    label_distributions_ : ndarray of shape (n_samples, n_classes), dtype=float64
        With ``propagation="graph"`` the share of each class in the labels that reach a
        sample; all 0 where none does.
    sample_indices_ : ndarray of shape (n_kept,), dtype=intp
        Positions of the samples that keep their label, in increasing order.
    n_queries_ : int
        Number of samples whose label was asked for; known labels do not count.
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
    A sample's label is *known* if `y` holds it. The representative of a cluster is its
    closest known sample; a cluster without one takes its closest sample, and the
    oracle is asked. So a full `y` without an oracle acts as an oracle of which only
    the representatives' labels are read, as in an experiment that counts labels. For
    the same reason other known labels of a cluster are not used: more clusters use
    more of the labels at hand, but each cluster without one costs a question.

    The oracle is asked in `fit` only, never in `predict`.

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
        "oracle": [callable, None],
        "oracle_input": [StrOptions({"rows", "ids"})],
        "embedding": [HasMethods(["fit", "transform"]), None],
        "clusterer": [HasMethods(["fit"]), None],
        "representative": [StrOptions({"closest", "densest"})],
        "propagation": [StrOptions({"cluster", "graph"})],
        "fraction_scope": [StrOptions({"cluster", "global"})],
        "neighbors": [HasMethods(["fit_transform"]), None],
        "alpha": [Interval(Real, 0, 1, closed="neither"), StrOptions({"auto"})],
        "class_prior": [StrOptions({"estimated", "uniform"}), Mapping, None],
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "reuse_labels": ["boolean"],
        "output": [StrOptions({"samples", "features"})],
        "missing_label": [Real, str, None],
        "memory": [str, HasMethods(["cache"]), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        fraction: float = 1.0,
        oracle: Callable[[Any], ArrayLike] | None = None,
        oracle_input: str = "rows",
        embedding: Any = None,
        clusterer: Any = None,
        representative: str = "closest",
        propagation: str = "graph",
        fraction_scope: str = "cluster",
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
        self.oracle_input = oracle_input
        self.embedding = embedding
        self.clusterer = clusterer
        self.representative = representative
        self.propagation = propagation
        self.fraction_scope = fraction_scope
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

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
    ) -> Self:
        """Cluster the samples, get the representatives' labels and propagate them.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples. float32 is kept; with an `embedding`, anything it takes.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere. None if the oracle is to be
            asked for all.
        sample_ids : array-like of shape (n_samples,), default=None
            What the oracle gets instead of rows with ``oracle_input="ids"``.

        Returns
        -------
        self : object
            The fitted propagator.

        Raises
        ------
        ValueError
            If a parameter is illegal, there is neither `y` nor an oracle, or no
            representative got a label.
        TypeError
            If the oracle does not answer with an array of labels, all strings or all
            numbers. What it answered is in the ``answers`` of the error, as it came or
            as a dict by position.

        Warns
        -----
        UserWarning
            If clusters are left without a label, no label reaches some samples, or an
            oracle is never asked.
        """
        self._collect_answers(X, y, sample_ids)
        return self._propagate_answers({})

    def _collect_answers(
        self, X: Any, y: ArrayLike | None, sample_ids: ArrayLike | None
    ) -> Any:
        """Cluster the samples and get labels; return the embedded samples."""
        labels, known = self._check_label_source(X, y, sample_ids)
        E = self._fit_embedding(X)
        queries = self._find_queries(E, labels, known)
        self.n_queries_ = 0
        if self.oracle is not None and len(queries):
            asked = X if self.oracle_input == "rows" else sample_ids
            self._ask(self.oracle, queries, asked)
        elif self.oracle is not None:
            warn_user(
                "The oracle is never asked: y holds the label of every "
                "representative. Set reuse_labels=False to ask it all the same."
            )
        return E

    @available_if(_gives_samples)
    def fit_resample(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_ids: ArrayLike | None = None,
    ) -> tuple[Any, Any]:
        """Fit, and return the samples that keep a propagated label.

        Only with ``output="samples"``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere.
        sample_ids : array-like of shape (n_samples,), default=None
            What the oracle gets instead of rows with ``oracle_input="ids"``.

        Returns
        -------
        X_res : same type as `X`, of shape (n_kept, n_features)
            The samples kept, in their order in `X`; index and dtypes are kept.
        y_res : same type as `y`, of shape (n_kept,)
            Their propagated labels; an ndarray if `y` is None.
        """
        self.fit(X, y, sample_ids=sample_ids)
        kept = self.sample_indices_
        return self._labelled_samples(X, y, kept, self._codes[kept])

    def _labelled_samples(
        self,
        X: Any,
        y: ArrayLike | None,
        positions: NDArray[np.intp],
        codes: NDArray[np.intp],
    ) -> tuple[Any, Any]:
        """Take samples and give them labels, in the containers of X and y."""
        return take_rows(X, positions), self._labels_like(y, positions, codes)

    def _labels_like(
        self, y: ArrayLike | None, positions: NDArray[np.intp], codes: NDArray[np.intp]
    ) -> Any:
        """Put the labels of some samples into the container of y."""
        labels = self.classes_[codes]
        return labels if y is None else with_values(take_rows(y, positions), labels)

    def query(self, X: Any, y: ArrayLike | None = None) -> NDArray[np.intp]:
        """Cluster the samples and tell which ones to label.

        The first half of :meth:`fit`, for labels that take their time:
        :meth:`propagate` is the second. The oracle is not asked.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere.

        Returns
        -------
        positions : ndarray of shape (n_queries,), dtype=intp
            Positions in `X` of the representatives without a label, those of the
            largest clusters first.

        Examples
        --------
        >>> import numpy as np
        >>> from kmeans_labelprop import KMeansLabelPropagator
        >>> X = np.array([[0.0], [0.2], [0.1], [5.0], [5.1]])
        >>> propagator = KMeansLabelPropagator(n_clusters=2, random_state=0)
        >>> propagator.query(X)
        array([2, 3])
        >>> propagator.propagate(["left", "right"]).transduction_
        array(['left', 'left', 'left', 'right', 'right'], dtype='<U5')
        """
        self._check_parameters()
        known = self._read_labels(X, y)
        queries = self._find_queries(self._fit_embedding(X), *known)
        self.n_queries_ = len(queries)
        return queries.copy()

    def propagate(self, labels: ArrayLike | Mapping[int, Any]) -> Self:
        """Take labels for the samples of :meth:`query` and complete the fit.

        Can be called again as more labels arrive: earlier ones are kept, and
        nothing is clustered again.

        Parameters
        ----------
        labels : array-like of shape (n_queries,) or dict of int to label
            Labels in the order of :meth:`query`, `missing_label` where there is none
            yet; or the labels of some positions. A pandas Series whose index holds
            the positions is matched by its index, not by its order.

        Returns
        -------
        self : object
            The fitted propagator.

        Raises
        ------
        ValueError
            If the number of labels is wrong, a position is not that of a
            representative, there is no label at all, or `propagation` was changed
            after the clustering.

        Warns
        -----
        UserWarning
            If clusters are left without a label, or no label reaches some samples.
        """
        check_is_fitted(self, "representative_indices_")
        self._check_parameters()
        self._check_rule()
        answers: Any = labels
        if isinstance(answers, Iterator):
            answers = list(answers)
        if is_by_position(answers, self._queries):
            answers = dict(answers.items())
        if isinstance(answers, Mapping):
            positions = list(answers)
            unknown = set(positions) - set(self.representative_indices_.tolist())
            if unknown:
                raise ValueError(
                    "The positions in labels must be those of representatives, as "
                    f"query returns them. Got {sorted(unknown, key=repr)} instead."
                )
            answers = list(answers.values())
        else:
            positions = self._queries.tolist()
        checked = check_answers(
            answers, len(positions), self.missing_label, "propagate's labels"
        )
        self._is_mark_seen |= holds_mark(answers, self.missing_label)
        return self._propagate_answers(dict(zip(positions, checked, strict=True)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of the cluster that each sample falls into.

        That of its representative, whatever the rule of `propagation`: it may differ
        from what `transduction_` holds, and is coarser than a classifier trained on
        the propagated labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels; `missing_label` for a cluster without one.
        """
        check_is_fitted(self, "transduction_")
        clusters = assign_clusters(self.clusterer_, self._embed(X))
        codes = self._cluster_codes[clusters]
        return with_missing(codes, self.classes_, self.missing_label)

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
        check_is_fitted(self, "clusterer_")
        return euclidean_distances(self._embed(X), self.cluster_centers_)

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
            What the oracle gets instead of rows with ``oracle_input="ids"``.

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
        tags.target_tags.required = self.oracle is None
        if hasattr(self.embedding, "__sklearn_tags__"):
            accepted = get_tags(self.embedding).input_tags
            for name in ("sparse", "allow_nan", "string", "categorical"):
                setattr(tags.input_tags, name, getattr(accepted, name))
        return tags

    def __sklearn_clone__(self) -> Self:
        # An oracle is shared, not copied: a copy would keep the labels it has paid for
        # to itself, and a connection cannot be copied at all. Not so one with
        # parameters, which a search may set.
        if hasattr(self.oracle, "get_params"):
            return BaseSampler.__sklearn_clone__(self)
        without_oracle = copy(self)
        without_oracle.oracle = None
        cloned: Self = BaseSampler.__sklearn_clone__(without_oracle)
        cloned.oracle = self.oracle
        return cloned

    def _check_parameters(self) -> None:
        validate_estimator_parameters(self)
        if not isinstance(self.class_prior, Mapping):
            return
        for label, share in self.class_prior.items():
            if not (isinstance(share, Real) and 0 < float(share) < np.inf):
                raise ValueError(
                    "The 'class_prior' parameter must have shares above 0. Got "
                    f"{share!r} for the label {label!r} instead."
                )

    def _check_label_source(
        self, X: Any, y: ArrayLike | None, sample_ids: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read y, and fail before the clustering where no label can come of it."""
        name = type(self).__name__
        self._check_parameters()
        if self.oracle is None:
            if not self.reuse_labels:
                raise ValueError(
                    "The 'oracle' parameter must be a callable when "
                    "reuse_labels=False. Got None instead."
                )
            if y is None:
                raise ValueError(
                    f"This {name} estimator requires y to be passed, but the target y "
                    "is None. Pass labels, or set the 'oracle' parameter."
                )
        elif self.oracle_input == "ids" and sample_ids is None:
            raise ValueError(
                "The oracle_input='ids' of the oracle needs sample_ids, but "
                f"{name} was fitted without. Pass sample_ids to fit."
            )
        if sample_ids is not None:
            check_consistent_length(X, sample_ids)
        labels, known = self._read_labels(X, y)
        if self.oracle is None and not known.any():
            raise ValueError(
                "y must hold at least one label when there is no oracle. Got only "
                f"missing_label={self.missing_label!r} instead."
            )
        return labels, known

    def _read_labels(
        self, X: Any, y: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the labels that may be used, and which samples have one."""
        self._is_mark_seen = self._is_warned = False
        if y is None:
            return np.empty(0), np.zeros(0, dtype=bool)
        check_consistent_length(X, y)
        labels, known = check_labels(y, self.missing_label)
        self._is_mark_seen = holds_mark(y, self.missing_label)
        if not self.reuse_labels:
            return labels[:0], np.zeros_like(known)
        return labels, known

    # The way of the data: embed, cluster, choose, ask, propagate, keep a fraction.

    def _find_queries(
        self, E: Any, known_labels: NDArray[Any], known: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """Cluster and choose; return the representatives without a label."""
        for name in _LABEL_ATTRIBUTES:  # of an earlier fit: they fit no new clusters
            self.__dict__.pop(name, None)
        if not len(known):  # no y
            known = np.zeros(E.shape[0], dtype=bool)
        self._fit_clusterer(E)
        self._fit_graph(E)
        representatives, clusters = best_samples(self.labels_, self._costs, known)
        self.representative_indices_ = representatives
        self.representative_clusters_ = clusters
        has_label = known[representatives]
        self._label_dtype = known_labels.dtype if has_label.any() else None
        labelled = representatives[has_label]
        # The k-th known sample has the k-th known label.
        labels = known_labels[np.searchsorted(np.flatnonzero(known), labelled)]
        self._answers = dict(zip(labelled.tolist(), labels, strict=True))
        self._queries = most_valuable_first(
            representatives[~has_label], clusters[~has_label], self.labels_
        )
        return self._queries

    def _fit_embedding(self, X: Any) -> Any:
        if self.embedding is None:
            self.embedding_ = None
            return validate_data(self, X, **NUMERIC_ARRAY)
        validate_data(self, X, skip_check_array=True)
        embedding = self._with_own_defaults(self.embedding)
        fit = check_memory(self.memory).cache(fit_embedding)
        with stage("embedding", self.verbose):
            self.embedding_, E = fit(embedding, X)
        check_consistent_length(X, E)
        return E

    def _embed(self, X: Any) -> Any:
        if self.embedding_ is None:
            return validate_data(self, X, reset=False, **NUMERIC_ARRAY)
        E = embed(self.embedding_, X)  # first: its errors on a bad X say more
        validate_data(self, X, reset=False, skip_check_array=True)
        return E

    def _fit_clusterer(self, E: Any) -> None:
        clusterer = make_clusterer(self.clusterer, self.n_clusters)
        clusterer = self._with_own_defaults(clusterer)
        fit = check_memory(self.memory).cache(fit_clusterer)
        with stage(f"clustering {E.shape[0]} samples", self.verbose):
            self.clusterer_ = fit(clusterer, E)
        self.cluster_centers_ = self.clusterer_.cluster_centers_
        self.labels_ = (
            np.asarray(self.clusterer_.labels_, dtype=np.intp)
            if hasattr(self.clusterer_, "labels_")
            else assign_clusters(self.clusterer_, E)
        )
        self._distances = distances_to_centers(E, self.labels_, self.cluster_centers_)
        self.inertia_ = float(self._distances @ self._distances)

    def _fit_graph(self, E: Any) -> None:
        """Find neighbours where they are needed, and what makes a representative."""
        self._costs = self._distances
        self._graph = None
        if self.propagation != "graph" and self.representative != "densest":
            return
        first, row_of = distinct_rows(E)
        distinct = E if len(first) == E.shape[0] else E[first]
        neighbors = self.neighbors
        if neighbors is None:  # a sample alone counts as its own neighbour
            neighbors = KNeighborsTransformer(
                mode="distance" if len(first) > 1 else "connectivity",
                n_neighbors=max(1, min(10, len(first) - 1)),
            )
        find = check_memory(self.memory).cache(neighbor_distances)
        with stage("finding neighbours", self.verbose):
            distances = find(self._with_own_defaults(neighbors), distinct)
        if self.propagation == "graph":
            self._graph = Graph(affinity_graph(distances), row_of)
        if self.representative == "densest":
            nobody = np.empty(0, dtype=np.intp)
            ranks, sizes = rank_in_clusters(self.labels_, self._distances, nobody)
            density = neighbor_density(distances, np.bincount(row_of))
            self._costs = density_costs(ranks, sizes, self._distances, density[row_of])

    def _ask(
        self,
        oracle: Callable[[Any], ArrayLike],
        queries: NDArray[np.intp],
        asked: Any,
    ) -> None:
        """Ask the oracle, and again about other samples where it abstains."""
        is_candidate = np.ones(len(self.labels_), dtype=bool)
        for _ in range(self.max_retries + 1):
            with stage(f"asking the oracle for {len(queries)} labels", self.verbose):
                answers = ask_oracle(
                    oracle,
                    take_rows(asked, queries),
                    len(queries),
                    self.missing_label,
                    is_ids=self.oracle_input == "ids",
                )
            self.n_queries_ += len(queries)
            is_candidate[queries] = False
            is_answered = np.array([answer is not None for answer in answers])
            self._answers |= {
                int(position): answer
                for position, answer in zip(queries, answers, strict=True)
                if answer is not None
            }
            # What y lacked is there now, but for what the oracle does not know.
            self._is_mark_seen = not (self._is_warned or is_answered.all())
            answered = queries[is_answered]
            self.representative_indices_[
                np.searchsorted(self.representative_clusters_, self.labels_[answered])
            ] = answered
            abstained = self.labels_[queries[~is_answered]]
            left = np.flatnonzero(is_candidate & np.isin(self.labels_, abstained))
            if not len(left):
                break
            self._warn_of_minus_one(list(self._answers.values()))  # before more is paid
            best, _ = best_samples(
                self.labels_[left], self._costs[left], np.zeros(len(left), dtype=bool)
            )
            queries = left[best]
        # What propagate takes labels for: the samples that now stand for the clusters.
        asked_about = np.searchsorted(
            self.representative_clusters_, self.labels_[self._queries]
        )
        self._queries = self.representative_indices_[asked_about]

    def _check_rule(self) -> None:
        """Refuse a rule for which the last clustering has not prepared."""
        if (self.propagation == "graph") != (self._graph is not None):
            raise ValueError(
                f"The 'propagation' parameter was set to {self.propagation!r} after "
                "the samples had been clustered for the other rule. Call fit or query "
                "again."
            )

    def _with_own_defaults(self, estimator: Any) -> Any:
        """Hand random_state and n_jobs down to where they are None."""
        estimator = clone(estimator)
        unset = {}
        for key, value in estimator.get_params(deep=True).items():
            name = key.rpartition("__")[2]
            if value is None and name == "n_jobs":
                unset[key] = self.n_jobs
            elif value is None and name == "random_state":
                unset[key] = self._draw_seed()
        return estimator.set_params(**unset) if unset else estimator

    def _draw_seed(self) -> int | None:
        # A clone would copy a RandomState, and leave the one given where it was.
        if isinstance(self.random_state, np.random.RandomState):
            return int(self.random_state.randint(np.iinfo(np.int32).max))
        return self.random_state

    def _propagate_answers(self, new_answers: dict[int, Any]) -> Self:
        """Propagate the labels there are, and keep a fraction of each cluster."""
        codes = self._encode_answers(new_answers)
        spread = self._spread(codes, self.propagation)
        self._codes, self._cluster_codes = spread.codes, spread.cluster_codes
        self.confidence_ = spread.confidence
        if spread.distributions is not None:
            self.label_distributions_ = spread.distributions
        self.transduction_ = with_missing(
            spread.codes, self.classes_, self.missing_label
        )
        self._labelled = self.representative_indices_[codes >= 0]
        self.sample_indices_ = self._find_kept(spread, self._labelled, self.fraction)
        self._warn_of_samples_without_label(codes, spread.codes)
        return self

    def _warn_of_samples_without_label(
        self, codes: NDArray[np.intp], sample_codes: NDArray[np.intp]
    ) -> None:
        n_unlabelled = np.sum(codes < 0)
        n_left_out = np.sum(sample_codes < 0)
        self._warn_of_minus_one(self.classes_.tolist())
        if n_unlabelled:
            of_others = (
                ", which get labels of others" if self.propagation == "graph" else ""
            )
            warn_user(
                f"{n_unlabelled} of {len(codes)} clusters have no label{of_others}, "
                f"and {n_left_out} samples are left out."
            )
        elif n_left_out and self.fraction > 0 and self.output == "samples":
            warn_user(
                f"No label reaches {n_left_out} samples over the graph: they are left "
                "out. With more clusters or neighbours fewer are."
            )

    def _warn_of_minus_one(self, labels: list[Any]) -> None:
        """Warn where samples without a label may be those of a class called -1."""
        is_alone = bool(labels) and all(label in (1, "1") for label in labels)
        if self.missing_label == -1 and is_alone and self._is_mark_seen:
            self._is_mark_seen, self._is_warned = False, True  # once is enough
            warn_user(
                "The only class found is 1. -1 marks a missing label: if it is one of "
                "your classes, set the 'missing_label' parameter to something else."
            )

    def _encode_answers(self, new_answers: dict[int, Any]) -> NDArray[np.intp]:
        """Find the classes, and that of each representative; -1 where it has none."""
        answers = self._answers | {
            position: answer
            for position, answer in new_answers.items()
            if answer is not None
        }
        if not answers:
            raise ValueError(
                "No cluster has a label: at least one of the "
                f"{len(self.representative_indices_)} representatives must be labelled."
            )
        positions = self.representative_indices_.tolist()
        has_label = np.array([position in answers for position in positions])
        try:
            labels = label_array(
                [answers[position] for position in positions if position in answers],
                "the representatives",
                self._label_dtype,
            )
        except (TypeError, ValueError) as error:
            error.answers = answers  # type: ignore[union-attr]
            error.add_note(
                "The labels are in the 'answers' of this error, by position."
            )
            raise
        classes, label_codes = np.unique(labels, return_inverse=True)
        if self.propagation == "graph" and isinstance(self.class_prior, Mapping):
            missing = [c for c in classes.tolist() if c not in self.class_prior]
            if missing:
                raise ValueError(
                    "The 'class_prior' parameter must have a share for each class. "
                    f"Got none for {missing!r}."
                )
        codes = np.full(len(positions), -1, dtype=np.intp)
        codes[has_label] = label_codes
        # Now that they have been found legal.
        self._answers, self.classes_ = answers, classes
        self.representative_labels_ = with_missing(codes, classes, self.missing_label)
        return codes

    def _spread(self, codes: NDArray[np.intp], propagation: str) -> Spread:
        """Give each sample its class, and the confidence in it."""
        representatives = self.representative_indices_
        sample_codes, cluster_codes = spread_in_clusters(
            self.labels_,
            self.representative_clusters_,
            codes,
            len(self.cluster_centers_),
        )
        distributions = None
        if propagation == "cluster":
            ranks, sizes = rank_in_clusters(
                self.labels_, self._distances, representatives
            )
            confidence = rank_confidence(ranks, sizes)
        else:
            assert self._graph is not None, "checked by _check_rule"
            affinity, row_of = self._graph
            n_labels = max(1, int(np.sum(codes >= 0)))
            alpha = (
                choose_alpha(affinity.shape[0], n_labels)
                if self.alpha == "auto"
                else float(self.alpha)
            )
            with stage("spreading over the graph", self.verbose):
                distributions = spread_over_graph(
                    affinity,
                    row_of[representatives],
                    codes,
                    len(self.classes_),
                    alpha,
                )[row_of]
            if self.class_prior is not None:
                distributions = normalize_class_mass(
                    distributions, *self._class_shares(codes)
                )
            confidence = margin(distributions)
            sample_codes = likeliest(distributions)
            labelled = representatives[codes >= 0]
            given = np.full(affinity.shape[0], -1, dtype=np.intp)
            given[row_of[labelled]] = codes[codes >= 0]
            is_given = given[row_of] >= 0  # to the sample or to a copy of it
            sample_codes[is_given] = given[row_of][is_given]
            sample_codes[labelled] = codes[codes >= 0]
            confidence[is_given] = 1
        confidence = np.where(sample_codes >= 0, confidence, 0.0)
        # By distance where that is what the confidence ranks: a tie is one in both.
        costs = self._distances if distributions is None else -confidence
        return Spread(sample_codes, confidence, costs, cluster_codes, distributions)

    def _class_shares(
        self, codes: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], float]:
        """Find how much each class is to reach, and how far to trust in that."""
        if isinstance(self.class_prior, Mapping):
            shares = [self.class_prior[label] for label in self.classes_.tolist()]
            return np.array(shares, dtype=np.float64), 1.0
        if self.class_prior == "uniform":
            return np.ones(len(self.classes_)), 1.0
        sizes = np.bincount(self.labels_, minlength=len(self.cluster_centers_))
        weights = sizes[self.representative_clusters_].astype(np.float64)
        return estimate_class_shares(codes, weights, len(self.classes_))

    def _find_kept(
        self, spread: Spread, always: NDArray[np.intp], fraction: float
    ) -> NDArray[np.intp]:
        """Find the positions that keep their label; `always` rank first."""
        groups = self.labels_
        if self.fraction_scope == "global":
            groups = np.zeros_like(groups)
        ranks, sizes = rank_in_clusters(groups, spread.costs, always)
        kept = within_fraction(ranks, sizes, fraction, always)
        return np.flatnonzero(kept & (spread.codes >= 0))

    def _kept_at(self, fraction: float) -> NDArray[np.intp]:
        """Find the positions that another fraction would keep of the last fit."""
        is_graph = hasattr(self, "label_distributions_")
        costs = -self.confidence_ if is_graph else self._distances
        spread = Spread(self._codes, self.confidence_, costs, self._cluster_codes, None)
        return self._find_kept(spread, self._labelled, fraction)


# TransformerMixin wraps both for set_output when the class is made, and would undo a
# decorator in the body of the class.
for _name in ("transform", "fit_transform"):
    _method = getattr(KMeansLabelPropagator, _name)
    setattr(KMeansLabelPropagator, _name, available_if(_gives_features)(_method))
