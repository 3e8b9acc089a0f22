"""Predict labels and numbers from character n-grams with a linear model of scikit-learn."""

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from whyformer.foundation.errors import MissingExtraError

GRAMS = (1, 5)
"""Shortest and longest n-grams, in characters."""
FEW_TEXTS = 200
"""With fewer training texts, n-grams that occur in only one text are kept, too."""
INVERSE_PENALTY = 3.0
"""C of the logistic regression; the best of 1, 3 and 5 on most of 3i4K, NSMC, SST-2 and CoLA."""
TOLERANCE = 0.01
BETWEEN = " \u241f "
"""Text between the two texts of a pair."""
SIMILARITY_WEIGHT = 3.0
"""Weight of the similarity of the two texts of a pair. Without it, the penalty of the linear model
would hide this one feature among many n-grams."""

Text = tuple[str, str | None]
"""A text, and the second text if there is one."""


def predicted_labels(
    texts: Sequence[Text], labels: Sequence[str], asked: Sequence[Text]
) -> list[str]:
    """Return the label of each text of ``asked``, learned from ``texts`` by logistic regression.

    Raises: MissingExtraError if scikit-learn is not installed.
    """
    _refuse_missing()
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    one = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", tol=TOLERANCE, random_state=0)
    return _predicted(OneVsRestClassifier(one), texts, labels, asked).tolist()


def predicted_numbers(
    texts: Sequence[Text], numbers: Sequence[float], asked: Sequence[Text]
) -> list[float]:
    """Return a number for each text of ``asked``, learned from ``texts`` by ridge regression.

    Raises: MissingExtraError if scikit-learn is not installed.
    """
    _refuse_missing()
    from sklearn.linear_model import Ridge

    mean = float(np.mean(numbers))
    ridge = Ridge(alpha=1.0, solver="lsqr", tol=TOLERANCE)
    found = _predicted(ridge, texts, np.asarray(numbers) - mean, asked)
    return (found + mean).tolist()


def _refuse_missing() -> None:
    if importlib.util.find_spec("sklearn") is None:
        raise MissingExtraError("scikit-learn", "baselines")


def joined(text: Text) -> str:
    """Return one text or two texts as one."""
    return text[0] if text[1] is None else text[0] + BETWEEN + text[1]


def _predicted(model: Any, texts: Sequence[Text], answers: Any, asked: Sequence[Text]) -> Any:
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    precision: Any = np.float32
    grams = TfidfVectorizer(
        analyzer="char",
        ngram_range=GRAMS,
        sublinear_tf=True,
        min_df=1 if len(texts) < FEW_TEXTS else 2,
        dtype=precision,
    )
    grams.fit(map(joined, texts))

    def features(some: Sequence[Text]) -> Any:
        found = grams.transform(map(joined, some))
        if all(second is None for _, second in some):
            return found
        first, second = (
            grams.transform(one) for one in ([a for a, _ in some], [b or "" for _, b in some])
        )
        similar = np.asarray(first.multiply(second).sum(1)).reshape(-1, 1)
        return hstack([found, SIMILARITY_WEIGHT * similar], format="csr")

    return model.fit(features(texts), answers).predict(features(asked))
