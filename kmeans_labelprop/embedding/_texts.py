"""Features of texts: which words they use, and which words go together."""

from __future__ import annotations

import re
from itertools import product
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils import Tags, check_random_state
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted

from .._containers import check_container
from .._labels import is_null
from .._validation import Interval, validate_estimator_parameters
from ._columns import columns_of, is_frame, strings_of

_Float32 = NDArray[np.float32]

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
_NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)
_LETTERS = re.compile(r"[^\W\d_]")
# Words that a single text uses, or more than this share, do not tell texts apart; but
# of few different words, such as commands or letters of genes, the usual ones do: where
# they make up more than this part of the weights.
_LEAST_TEXTS = 2
_LARGEST_SHARE = 0.5
_COMMON_PART = 1 / 4
# So many words of other texts are in most texts that are made of words.
_LEAST_WORDS = 2
# In fewer texts hardly a word comes back: none is left out.
_FEW = 50
# From this share of the words on that are neither lower, UPPER nor Title, case tells
# something, as in formulas: "c" is not "C".
_ODD_PART = 1 / 4
# In characters. In shorter texts words come back too rarely, and parts of words tell
# more.
_LONG = 400
# In shorter ones, such as names, titles and subjects, it matters where words begin and
# end: "lib" of "libfoo" is not that of "calibre" (benchmarks/results/word_ends.md).
_SHORT = 80
# Longer strings without a blank, in characters on average, are no words, such as genes.
_LONG_WORD = 30


def has_no_spaces(texts: list[str]) -> bool:
    """Tell whether most letters are of scripts without spaces between words.

    Parameters
    ----------
    texts : list of str
        The texts.

    Returns
    -------
    has_no_spaces : bool
        True for Chinese, Japanese, Thai and the like.
    """
    joined = " ".join(texts)
    return 2 * len(_NO_SPACES.findall(joined)) > len(_LETTERS.findall(joined))


def texts_of(X: Any) -> list[str]:
    """Read texts from a list, an array, a Series, or a table of one column.

    Parameters
    ----------
    X : array-like of shape (n_samples,) or (n_samples, 1)
        The texts.

    Returns
    -------
    texts : list of str
        The texts, empty where they are missing.
    """
    check_container(X)
    if is_frame(X) or np.ndim(X) == 2:
        columns = columns_of(X)
        if len(columns) != 1:
            raise ValueError(
                "The texts must be one list, array, Series or column. Got "
                f"{len(columns)} columns instead."
            )
        X = columns[0]
    else:
        odd = [v for v in X if not isinstance(v, str | bytes) and not is_null(v)]
        if odd:
            raise TypeError(
                "Texts must be strings or missing. Got a list, array or Series that "
                f"holds {odd[0]!r} instead."
            )
    return ["" if text is None else text for text in strings_of(X)]


class TextFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of texts: which words they use, and which words go together.

    The words of each text are counted and weighted by tf-idf, and the counts projected
    on their principal directions (latent semantic analysis [1]_), in rows of unit
    length. In texts of less than 400 characters on average, and in scripts without
    spaces between words (Chinese, Japanese, Thai, ...), single characters, pairs and
    triples take the place of words: they show which words are related. Of texts of less
    than 80 characters, such as names and titles, they tell where words begin and end.
    No labels are read, and no language is assumed.

    Read more in the :ref:`User Guide <text_features>`.

    Parameters
    ----------
    n_components : int, default=100
        Number of columns; fewer if there are fewer texts or words.
    random_state : int, RandomState instance or None, default=None
        Determines the search for the directions. Give an int for the same features in
        every call.

    Attributes
    ----------
    vectorizer_ : TfidfVectorizer or None
        Counts and weights the words; None if the training texts have none.
    components_ : ndarray of shape (n_components_out, n_words), dtype=float32
        The directions.

    See Also
    --------
    kmeans_labelprop.embedding.default_embedding : Chooses an embedding from the
        type and scale of the samples; this one for texts.

    Notes
    -----
    Words that a single text uses, or more than half of all, are left out; the latter
    stay where they make up more than a quarter of the weights, and of fewer than 50
    texts none is left out. Long texts of which fewer than half share two words with
    others are read by characters, too. A text without any known word has features that
    are all zero.

    References
    ----------
    .. [1] S. Deerwester, S. T. Dumais, G. W. Furnas, T. K. Landauer and R. Harshman,
       "Indexing by latent semantic analysis", Journal of the American Society for
       Information Science 41(6), 1990.

    Examples
    --------
    >>> from kmeans_labelprop.embedding import TextFeatures
    >>> texts = ["red apples", "an apple", "fast cars", "a car"]
    >>> features = TextFeatures(n_components=3, random_state=0).fit(texts)
    >>> E = features.transform([*texts, "", None])
    >>> E.shape
    (6, 3)
    >>> bool(E[0] @ E[1] > 0.9 and E[0] @ E[2] < 0.5)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 100,
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn words and directions.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,) or (n_samples, 1)
            The texts: a list, an array, a Series or a table of one column. Missing ones
            (None, NaN) are empty.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : TextFeatures
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is not legal, or X has more than one column.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> _Float32:
        """Learn words and directions, and give the features of the same texts.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,) or (n_samples, 1)
            The texts.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components_out), dtype=float32
            The features, in rows of unit length or zero.
        """
        validate_estimator_parameters(self)
        texts = texts_of(X)
        self.vectorizer_ = _vectorizer(texts)
        counts = self._count(texts)
        n_components = max(1, min(self.n_components, *counts.shape))
        if counts.nnz:
            _, _, components = randomized_svd(
                counts, n_components, random_state=check_random_state(self.random_state)
            )
        else:
            components = np.zeros((1, counts.shape[1]))
        self.components_ = components.astype(np.float32)
        return self._project(counts)

    def transform(self, X: Any) -> _Float32:
        """Give the features of texts.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,) or (n_samples, 1)
            The texts.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components_out), dtype=float32
            The features, in rows of unit length or zero. A DataFrame if ``set_output``
            asks for one.
        """
        check_is_fitted(self)
        return self._project(self._count(texts_of(X)))

    def _count(self, texts: list[str]) -> Any:
        if self.vectorizer_ is None:
            return csr_array((len(texts), 1), dtype=np.float32)
        return self.vectorizer_.transform(texts)

    def _project(self, counts: Any) -> _Float32:
        return normalize(np.asarray(counts @ self.components_.T, dtype=np.float32))

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _vectorizer(texts: list[str]) -> TfidfVectorizer | None:
    """Find the words, or the pieces of words; None if there are no letters at all."""
    usual_length = np.mean([len(text) for text in texts])
    kinds: list[dict[str, Any]] = [{"analyzer": "char", "ngram_range": (1, 3)}]
    if usual_length < _SHORT and _are_of_words(texts):
        kinds[0]["analyzer"] = "char_wb"  # blanks at both ends of each word
    if usual_length >= _LONG and not has_no_spaces(texts):
        kinds.insert(0, {})
    lowercase = not _case_tells(texts)
    limits = [_LEAST_TEXTS, 1] if len(texts) >= _FEW else [1]
    for min_df, kind in product(limits, kinds):
        vectorizer = TfidfVectorizer(
            lowercase=lowercase,
            sublinear_tf=True,
            dtype=np.float32,
            min_df=min_df,
            **kind,
        )
        try:
            weights = vectorizer.fit_transform(texts)
        except ValueError:  # no words are left
            continue
        if kind or _come_back(weights):
            return vectorizer if min_df == 1 else _without_common(vectorizer, weights)
    return None


def _are_of_words(texts: list[str]) -> bool:
    """Tell whether blanks come as often as between words."""
    lengths = [len(word) for text in texts for word in text.split()]
    return sum(lengths) < _LONG_WORD * len(lengths) and not has_no_spaces(texts)


def _case_tells(texts: list[str]) -> bool:
    """Tell whether letters change their case within words."""
    words = [word for text in texts for word in text.split() if not word.islower()]
    is_odd = [
        any(map(str.islower, word)) and any(map(str.isupper, word[1:]))
        for word in words
    ]
    return sum(is_odd) > _ODD_PART * sum(len(text.split()) for text in texts)


def _come_back(weights: Any) -> bool:
    """Tell whether most texts use words of others, and not lines without spaces."""
    uses = np.bincount(weights.indices, minlength=weights.shape[1])
    is_shared = np.append(0, np.cumsum(uses[weights.indices] > 1))
    n_shared = np.diff(is_shared[weights.indptr])
    return bool(np.mean(n_shared >= _LEAST_WORDS) >= 1 / 2)


def _without_common(vectorizer: TfidfVectorizer, weights: Any) -> TfidfVectorizer:
    """Leave out what most texts have, unless it makes up much of them."""
    n_texts, n_words = weights.shape
    uses = np.bincount(weights.indices, minlength=n_words)
    total = np.bincount(weights.indices, weights.data, minlength=n_words)
    is_common = uses > _LARGEST_SHARE * n_texts
    if not is_common.any() or total[is_common].sum() > _COMMON_PART * total.sum():
        return vectorizer
    words = vectorizer.get_feature_names_out()[~is_common]
    smaller = clone(vectorizer).set_params(vocabulary=words, min_df=1)
    smaller.idf_ = vectorizer.idf_[~is_common]
    return smaller
