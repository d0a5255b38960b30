"""In Pipelines and searches, scikit-learn's and imbalanced-learn's."""

import numpy as np
import pytest
import sklearn
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.model_selection import make_labeled_scorer

PROPAGATOR = "kmeanslabelpropagator"
NESTED = "propagatedclassifier__propagator"


def sampling_pipeline(**params):
    return make_sampling_pipeline(
        MinMaxScaler(),
        KMeansLabelPropagator(random_state=0, **params),
        GaussianNB(var_smoothing=0.01),
    )


def plain_pipeline(**params):
    return make_pipeline(
        MinMaxScaler(),
        PropagatedClassifier(
            GaussianNB(var_smoothing=0.01),
            KMeansLabelPropagator(random_state=0, **params),
            sample_weight=None,  # a sampler has none to give
        ),
    )


def search(pipeline, prefix, n_jobs=None, **params):
    grid = {f"{prefix}__n_clusters": [20, 40], f"{prefix}__fraction": [0, 0.5, 1]}
    return GridSearchCV(pipeline, grid, cv=3, n_jobs=n_jobs, **params)


def test_both_pipelines_predict_the_same(digits):
    X, y = digits
    flat = sampling_pipeline(n_clusters=30).fit(X, y)
    plain = plain_pipeline(n_clusters=30).fit(X, y)
    assert_array_equal(flat.predict(X), plain.predict(X))
    assert_allclose(flat.predict_proba(X), plain.predict_proba(X))


def test_searches_agree_through_both_pipelines_and_over_jobs(digits):
    X, y = digits
    results = [
        search(pipeline, prefix, n_jobs).fit(X, y)
        for pipeline, prefix in (
            (sampling_pipeline(), PROPAGATOR),
            (plain_pipeline(), NESTED),
        )
        for n_jobs in (1, 2)
    ]
    first = results[0].cv_results_["mean_test_score"]
    assert np.isfinite(first).all()
    assert len(np.unique(first)) > 3
    for other in results[1:]:
        assert_array_equal(other.cv_results_["mean_test_score"], first)
        assert other.best_score_ == results[0].best_score_


def test_the_oracle_is_asked_in_fit_only(digits):
    X, _ = digits
    asked = []

    def oracle(X_query):
        asked.append(len(X_query))
        return np.arange(len(X_query)) % 2

    pipeline = sampling_pipeline(n_clusters=10, oracle=oracle).fit(X, None)
    assert asked == [10]
    pipeline.predict(X)
    pipeline.predict_proba(X)
    assert asked == [10]


def test_a_noisy_oracle_in_a_search_is_scored_on_y(digits):
    """reuse_labels=False: labels come from the oracle, y only scores."""
    X, y = digits
    table = {row.tobytes(): label for row, label in zip(X, y, strict=True)}

    def always_wrong(X_query):
        return [(table[row.tobytes()] + 1) % 10 for row in X_query]

    classifier = PropagatedClassifier(
        GaussianNB(var_smoothing=0.01),
        KMeansLabelPropagator(
            40, oracle=always_wrong, reuse_labels=False, random_state=0
        ),
    )
    scores = cross_val_score(classifier, X, y, cv=3)
    assert scores.max() < 0.2


def test_features_train_the_next_step_on_all_of_y(digits):
    X, y = digits
    X = X / 16
    pipeline = make_pipeline(
        KMeansLabelPropagator(30, output="features", random_state=0),
        LogisticRegression(max_iter=5000),
    ).fit(X, y)
    expected = make_pipeline(
        KMeans(30, random_state=0), LogisticRegression(max_iter=5000)
    ).fit(X, y)
    assert np.mean(pipeline.predict(X) == expected.predict(X)) > 0.99


def test_the_samples_face_is_refused_by_a_plain_pipeline(digits):
    pipeline = make_pipeline(KMeansLabelPropagator(), GaussianNB())
    with pytest.raises(TypeError, match="intermediate steps should be transformers"):
        pipeline.fit(*digits)


@pytest.mark.filterwarnings("ignore:Known labels that differ from those of all")
def test_a_search_on_partly_labelled_data_scores_labelled_rows(digits):
    X, y = digits
    partial = np.where(np.arange(len(y)) % 4 == 0, y, -1)
    scorer = make_labeled_scorer("accuracy")
    # -1 would be a class of its own for StratifiedKFold, which is what it should be.
    results = search(plain_pipeline(), NESTED, scoring=scorer).fit(X, partial)
    assert results.best_score_ > 0.8
    stock = search(plain_pipeline(), NESTED, scoring="accuracy").fit(X, partial)
    assert stock.best_score_ < 0.3


@pytest.fixture
def metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("metadata_routing")
@pytest.mark.parametrize("flat", [True, False])
def test_ids_stay_true_under_cross_validation(digits, flat):
    X, y = digits
    ids = np.array([f"digit-{i}" for i in range(len(y))])
    answers = dict(zip(ids, y, strict=True))
    asked = []

    def oracle(query):
        asked.extend(query)
        return [answers[id_] for id_ in query]

    propagator = KMeansLabelPropagator(
        40, oracle=oracle, reuse_labels=False, random_state=0
    ).set_fit_request(sample_ids=True)
    propagator.set_fit_resample_request(sample_ids=True)
    if flat:
        pipeline = make_sampling_pipeline(propagator, GaussianNB(var_smoothing=1))
    else:
        pipeline = make_pipeline(
            PropagatedClassifier(
                GaussianNB(var_smoothing=1), propagator
            ).set_fit_request(sample_ids=True)
        )
    scores = cross_val_score(pipeline, X, y, cv=3, params={"sample_ids": ids})
    assert scores.min() > 0.7
    assert len(asked) == 3 * 40


# memory


class CountingKMeans(KMeans):
    """Leaves a file for each fit, so that fits in other processes count too."""

    def __init__(self, n_clusters=8, *, folder=None, random_state=None):
        super().__init__(n_clusters, random_state=random_state)
        self.folder = folder

    def fit(self, X, y=None, sample_weight=None):
        self.folder.joinpath(f"fit-{len(list(self.folder.iterdir()))}").touch()
        return super().fit(X)


class CountingPCA(PCA):
    def __init__(self, n_components=None, *, folder=None, random_state=None):
        super().__init__(n_components, random_state=random_state)
        self.folder = folder

    def fit_transform(self, X, y=None):
        self.folder.joinpath(f"fit-{len(list(self.folder.iterdir()))}").touch()
        return super().fit_transform(X)


class CountingNeighbors(KNeighborsTransformer):
    def __init__(self, n_neighbors=5, *, mode="distance", folder=None):
        super().__init__(n_neighbors=n_neighbors, mode=mode)
        self.folder = folder

    def fit(self, X, y=None):
        self.folder.joinpath(f"fit-{len(list(self.folder.iterdir()))}").touch()
        return super().fit(X)


@pytest.mark.filterwarnings("ignore:No label is given of")
@pytest.mark.parametrize("nested", [True, False])
def test_a_search_over_fractions_clusters_once(digits, tmp_path, nested):
    X, y = digits
    names = "cache", "clusterings", "embeddings", "graphs"
    folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir()
    cache, clusterings, embeddings, graphs = folders
    params = {
        "clusterer": CountingKMeans(folder=clusterings),
        "embedding": CountingPCA(8, folder=embeddings),
        "neighbors": CountingNeighbors(10, folder=graphs),
        "memory": str(cache),
    }
    pipeline = plain_pipeline(**params) if nested else sampling_pipeline(**params)
    prefix = NESTED if nested else PROPAGATOR
    grid = {
        f"{prefix}__n_clusters": [10, 20, 30, 40],
        f"{prefix}__fraction": [0, 0.25, 0.5, 0.75, 1],
    }
    results = GridSearchCV(pipeline, grid, cv=3, refit=False).fit(X, y)
    assert len(list(clusterings.iterdir())) == 4 * 3
    assert len(list(embeddings.iterdir())) == 3
    # Neighbours are those of the samples, however many clusters there are.
    assert len(list(graphs.iterdir())) == 3

    uncached = clone(pipeline).set_params(**{f"{prefix}__memory": None})
    expected = GridSearchCV(uncached, grid, cv=3, refit=False).fit(X, y)
    assert_array_equal(
        results.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_the_cache_tells_data_and_parameters_apart(digits, tmp_path):
    X, y = digits
    propagator = KMeansLabelPropagator(20, memory=str(tmp_path), random_state=0)
    first = clone(propagator).fit(X, y).labels_
    assert not np.array_equal(clone(propagator).fit(X[::-1], y[::-1]).labels_, first)
    other_seed = clone(propagator).set_params(random_state=1).fit(X, y).labels_
    assert not np.array_equal(other_seed, first)
    assert_array_equal(clone(propagator).fit(X, y).labels_, first)
