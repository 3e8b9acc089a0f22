"""A baseline for `sentiment-ko`: character n-grams and logistic regression with scikit-learn.

    python benchmarks/sentiment_baseline.py train.tsv.gz test.tsv.gz --columns document label

The features are characters, not words. In Korean, particles are attached to words, so words would
need a tokenizer, and the choice of the tokenizer would affect the result. This script needs only
the standard library. It installs scikit-learn in ``.benchmarks/scikit-learn`` on the first run.
"""

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".benchmarks" / "scikit-learn"


def main() -> None:
    """Parse the command line. Run in the environment that has scikit-learn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--columns", nargs=2, default=("document", "label"))
    parser.add_argument(
        "--longest",
        type=int,
        default=4,
        help="maximum length of an n-gram in characters (default 4)",
    )
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        measure(options)
        return
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".installed").is_file():
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "scikit-learn"], check=True, stdout=2)
        (ENVIRONMENT / ".installed").touch()
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:], "--inside"]).returncode)


def measure(options: argparse.Namespace) -> None:
    """Train on one file. Print the accuracy on the other with a 95 % bootstrap interval."""
    import time

    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer  # pyright: ignore
    from sklearn.linear_model import LogisticRegression  # pyright: ignore

    texts, labels = read(options.train, options.columns)
    unseen, right = read(options.test, options.columns)
    began = time.perf_counter()
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, options.longest), min_df=3, sublinear_tf=True
    )
    features = vectorizer.fit_transform(texts)
    model = LogisticRegression(C=4.0, max_iter=200, solver="liblinear").fit(features, labels)
    hits = model.predict(vectorizer.transform(unseen)) == np.array(right)
    rows = np.random.default_rng(12345).integers(len(hits), size=(1000, len(hits)))
    low, high = np.percentile(100 * hits[rows].mean(1), [2.5, 97.5])
    answer = {
        "accuracy": 100 * float(hits.mean()),
        "interval": [float(low), float(high)],
        "features": int(features.shape[1]),
        "texts": len(texts),
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(answer, indent=2))


def read(path: Path, columns: tuple[str, str]) -> tuple[list[str], list[str]]:
    """Return texts and labels of a TSV file with a header, with or without gzip."""
    import csv
    import gzip

    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row[columns[0]] for row in rows], [row[columns[1]] for row in rows]


if __name__ == "__main__":
    main()
