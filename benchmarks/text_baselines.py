"""Baselines for labelled texts: n-grams with logistic regression, by scikit-learn.

    python benchmarks/text_baselines.py train.tsv.gz test.tsv.gz --columns document label
    python benchmarks/text_baselines.py train.tsv test.tsv --columns 4 2
    python benchmarks/text_baselines.py train.tsv dev.tsv --columns sentence1 score \\
        --second sentence2

A column is a name of the header or, in a file without a header, a number that starts at 1. Labels
of pairs of texts are numbers. Their features are the cosine similarities of the two texts, and the
regression is a ridge regression.

The n-grams are characters within words, words, or both. These features and the strength of the
regularization are those with the best score on a tenth of the training data. The test data choose
nothing. This script needs only the standard library. It installs scikit-learn in
``.benchmarks/scikit-learn`` on the first run.
"""

import argparse
import csv
import gzip
import itertools
import json
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".benchmarks" / "scikit-learn"
ANALYZERS = ("char_wb", "word", "both")
STRENGTHS = (1.0, 4.0, 16.0)
RESAMPLES = 1000


def main() -> None:
    """Parse the command line. Run in the environment that has scikit-learn."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--columns", nargs=2, default=("document", "label"))
    parser.add_argument("--second", help="column of the second text; the labels are then numbers")
    parser.add_argument(
        "--analyzer", nargs="+", choices=ANALYZERS, default=ANALYZERS, help="features to try"
    )
    parser.add_argument("--longest", type=int, default=4, help="longest n-gram of characters")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options), indent=2))
        return
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".installed").is_file():
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "scikit-learn"], check=True, stdout=2)
        (ENVIRONMENT / ".installed").touch()
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:], "--inside"]).returncode)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train on one file. Return the scores on the other with 95 % bootstrap intervals."""
    import numpy as np

    names = (*options.columns, *([options.second] if options.second else []))
    train, test = read(options.train, names), read(options.test, names)
    began = time.perf_counter()
    if options.second:
        chosen: dict[str, Any] = {"features": "cosine similarities"}
        found, wanted = similar(train, test)
    else:
        chosen = choose(train, options)
        found, wanted = classify(train, test, **chosen)
    rng = np.random.default_rng(12345)
    rows = rng.integers(len(wanted), size=(RESAMPLES, len(wanted)))
    scores = {}
    for name, metric in METRICS[bool(options.second)].items():
        drawn = [metric(found[row], wanted[row]) for row in rows]
        low, high = np.percentile(drawn, [2.5, 97.5])
        value = round(metric(found, wanted), 2)
        scores[name] = {"value": value, "interval": [round(float(low), 2), round(float(high), 2)]}
    return {
        "scores": scores,
        "chosen": chosen,
        "texts": len(train),
        "seconds": round(time.perf_counter() - began, 1),
    }


def choose(train: list[tuple[str, ...]], options: argparse.Namespace) -> dict[str, Any]:
    """Return the features and the regularization with the best accuracy on a tenth of the training
    data."""
    candidates = [
        {"analyzer": analyzer, "strength": strength, "longest": options.longest}
        for analyzer, strength in itertools.product(options.analyzer, STRENGTHS)
    ]
    held_out, rest = train[::10], [one for place, one in enumerate(train) if place % 10]

    def accuracy(candidate: dict[str, Any]) -> float:
        found, wanted = classify(rest, held_out, **candidate)
        return float((found == wanted).mean())

    return max(candidates, key=accuracy)


def classify(
    train: list[tuple[str, ...]],
    test: list[tuple[str, ...]],
    *,
    analyzer: str,
    strength: float,
    longest: int,
) -> tuple[Any, Any]:
    """Return the predicted and the true labels of the test texts."""
    import numpy as np
    from scipy.sparse import hstack  # pyright: ignore
    from sklearn.feature_extraction.text import TfidfVectorizer  # pyright: ignore
    from sklearn.linear_model import LogisticRegression  # pyright: ignore

    # Every token of the text is a word, also a single character.
    kinds: dict[str, dict[str, Any]] = {
        "char_wb": {"analyzer": "char_wb", "ngram_range": (1, longest)},
        "word": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"},
    }
    rarest = min(3, 1 + len(train) // 10_000)
    vectorizers = [
        TfidfVectorizer(min_df=rarest, sublinear_tf=True, **kinds[name])
        for name in (kinds if analyzer == "both" else (analyzer,))
    ]
    texts, labels = [one[0] for one in train], [one[1] for one in train]
    features = hstack([one.fit_transform(texts) for one in vectorizers]).tocsr()
    solver = "liblinear" if len(set(labels)) == 2 else "lbfgs"
    model = LogisticRegression(C=strength, max_iter=300, solver=solver).fit(features, labels)
    unseen = hstack([one.transform([line[0] for line in test]) for one in vectorizers]).tocsr()
    return np.asarray(model.predict(unseen)), np.asarray([one[1] for one in test])


def similar(train: list[tuple[str, ...]], test: list[tuple[str, ...]]) -> tuple[Any, Any]:
    """Return the predicted and the true numbers of the test pairs."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer  # pyright: ignore
    from sklearn.linear_model import Ridge  # pyright: ignore

    texts = [text for first, _, second in train for text in (first, second)]
    vectorizers = [
        TfidfVectorizer(analyzer=kind, ngram_range=sizes, sublinear_tf=True).fit(texts)
        for kind, sizes in (("char_wb", (1, 2)), ("char_wb", (2, 4)), ("word", (1, 1)))
    ]

    def features(pairs: list[tuple[str, ...]]) -> Any:
        columns = []
        for one in vectorizers:
            first, second = (one.transform([pair[k] for pair in pairs]) for k in (0, 2))
            columns.append(np.asarray(first.multiply(second).sum(1))[:, 0])
        lengths = [[len(pair[0]), len(pair[2])] for pair in pairs]
        columns.append(np.asarray([min(both) / max(1, *both) for both in lengths]))
        return np.stack(columns, 1)

    numbers = np.asarray([float(one[1]) for one in train])
    model = Ridge(alpha=1.0).fit(features(train), numbers)
    return model.predict(features(test)), np.asarray([float(one[1]) for one in test])


def accuracy(found: Any, wanted: Any) -> float:
    """Return the percentage of correct labels."""
    return 100 * float((found == wanted).mean())


def macro_f1(found: Any, wanted: Any) -> float:
    """Return the mean over labels of 100 × F1."""
    from sklearn.metrics import f1_score  # pyright: ignore

    return 100 * float(f1_score(wanted, found, average="macro"))


def matthews(found: Any, wanted: Any) -> float:
    """Return 100 × the correlation of Matthews."""
    from sklearn.metrics import matthews_corrcoef  # pyright: ignore

    return 100 * float(matthews_corrcoef(wanted, found))


def spearman(found: Any, wanted: Any) -> float:
    """Return 100 × the rank correlation."""
    from scipy.stats import spearmanr  # pyright: ignore

    return 100 * float(spearmanr(found, wanted).statistic)


METRICS = {
    False: {"accuracy": accuracy, "macro F1": macro_f1, "Matthews": matthews},
    True: {"Spearman": spearman},
}
"""The metrics of labels and of numbers."""


def read(path: Path, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the given columns of a TSV file, with or without gzip."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = list(csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    if all(name.isdigit() for name in names):
        places = [int(name) - 1 for name in names]
    else:
        header, rows = rows[0], rows[1:]
        places = [header.index(name) for name in names]
    return [tuple(row[place] for place in places) for row in rows]


if __name__ == "__main__":
    main()
