"""Search with tiny models whose answers are all known, and with models of an invented language."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.data.batch import Batch
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.evaluation.translation import bleu
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method.batches import EndlessBatches
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.lab.method.learning import learn
from whyformer.models.build import build_model
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.symbols import BOS, EOS, PAD, SYMBOLS

FIRST = len(SYMBOLS)
ALPHAS = (0.0, 0.6, 1.0)
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
DATA = ("clean", "fragments", "smoothed")

WORDS, LIMIT = 3, 4
"""Vocabulary size and maximum length of the models whose answers are all enumerated."""
ENOUGH = WORDS**LIMIT
SOURCES = 10
"""Number of sources for each enumerated model."""
COUNTED_WIDTHS = (1, 2, 3, 4, 6, 9, 16, 27, ENOUGH)
LOGIT_FACTOR = 1.5
"""Factor that the output matrix of a random model is multiplied by, so that the predictions of the
model are less uniform."""
ROUNDING = 1e-4
"""Largest difference between scores that is attributed to float32 rounding."""

SYMBOLS_OF_SOURCE = 8
SHORTEST, LONGEST = 3, 10
RARE = 20
TRANSLATIONS = [(0, 1), (2, 3), (2, 4), *((6 + j, 5) for j in range(RARE))]
"""The two words of each translation of a symbol. The second and the third translation start with
the same word. Together, they are more probable than the first translation, but each of them is less
probable than the first translation."""
WORDS_PER_SYMBOL = 6 + RARE
FRAGMENTS = 0.1
"""Share of targets that are cut at a random word."""


def translation_probabilities() -> np.ndarray:
    """Return the probability of each translation: 0.35, 0.2, 0.2, and 0.25 for all rare
    translations together."""
    rare = 1 / np.arange(1, RARE + 1)
    return np.array([0.35, 0.2, 0.2, *(0.25 * rare / rare.sum())])


def sentences(
    rng: np.random.Generator, count: int, fragments: float
) -> tuple[list[list[int]], list[list[int]]]:
    """Return sources and targets as ids. Args: fragments: share of targets that are cut."""
    translations, probabilities = np.array(TRANSLATIONS), translation_probabilities()
    sources: list[list[int]] = []
    targets: list[list[int]] = []
    for _ in range(count):
        n = int(rng.integers(SHORTEST, LONGEST + 1))
        symbols = rng.integers(SYMBOLS_OF_SOURCE, size=n)
        drawn = translations[rng.choice(len(translations), size=n, p=probabilities)]
        words = (FIRST + symbols[:, None] * WORDS_PER_SYMBOL + drawn).flatten().tolist()
        kept = int(rng.integers(2 * n)) if rng.random() < fragments else 2 * n
        sources.append((FIRST + symbols).tolist())
        targets.append(words[:kept])
    return sources, targets


@dataclass(frozen=True)
class Sentences(EndlessBatches):
    """A `BatchSource` of the language. The seed and the index determine each batch."""

    seed: int
    fragments: float
    rows: int = 64

    def batch(self, epoch: int, index: int) -> Batch:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        rng = np.random.default_rng([self.seed, 0, index])
        sources, targets = sentences(rng, self.rows, self.fragments)
        source = padded([[*row, EOS] for row in sources])
        return Batch(
            source=source,
            source_real=source != PAD,
            target=padded([[BOS, *row] for row in targets]),
            labels=padded([[*row, EOS] for row in targets]),
            tokens=sum(len(row) + 1 for row in targets),
            indices=np.arange(self.rows),
        )


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return the rows as one matrix, padded with PAD at the end."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


def measure_exact(settings: Settings, seed: int) -> Numbers:
    """Search with untrained models, and compare with the best of all answers; one number per beam
    width.

    ``regret`` is the largest difference between the best possible score and the score found.
    ``missed`` is the share of sources for which the best answer was not found. ``fall`` is the
    share of sources with a lower score than with the next smaller beam width.
    """
    found: dict[str, list[float]] = {}
    for alpha in ALPHAS:
        regrets = torch.cat(
            [regrets_of(seed * 1000 + number, alpha) for number in range(settings["models"])], 1
        )
        found[f"{alpha}/regret"] = regrets.amax(1).tolist()
        found[f"{alpha}/missed"] = (regrets > ROUNDING).double().mean(1).tolist()
        found[f"{alpha}/fall"] = (regrets.diff(dim=0) > ROUNDING).double().mean(1).tolist()
    return found


def regrets_of(seed: int, alpha: float) -> Float[Tensor, "widths sources"]:
    """Return the best possible score minus the score found, for each beam width and source."""
    model = random_model(seed)
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(FIRST, FIRST + WORDS, (SOURCES, 3), generator=generator)
    best = best_scores(model, source, alpha)
    rows: list[Tensor] = []
    for width in COUNTED_WIDTHS:
        asked = SearchSettings(beam=width, length_penalty=alpha, max_length=LIMIT)
        with torch.inference_mode():
            kept = search(model, source, None, asked)
        rows.append(best - torch.tensor([one[0].score for one in kept], dtype=torch.float64))
    return torch.stack(rows)


def random_model(seed: int) -> Transformer:
    """Return a tiny Transformer with random weights, whose predictions are not nearly uniform."""
    shape = TransformerSettings(
        encoder_layers=1, decoder_layers=1, d_model=16, heads=2, d_ff=32, dropout=0.0,
        wiring="pre-norm", tying=Tying.NONE,
    )  # fmt: skip
    seed_everything(seed)
    model = build_model(shape, (FIRST + WORDS, FIRST + WORDS), shared=False)
    assert isinstance(model, Transformer)
    with torch.no_grad():
        model.projection.weight.mul_(LOGIT_FACTOR)
    return model.eval()


@torch.no_grad()
def best_scores(model: Transformer, source: Tensor, alpha: float) -> Tensor:
    """Return the best score of each source among all possible answers."""
    best = torch.full((len(source),), -math.inf, dtype=torch.float64)
    words = range(FIRST, FIRST + WORDS)
    for length in range(LIMIT + 1):
        answers = list(itertools.product(words, repeat=length))
        target = torch.tensor([[BOS, *answer, EOS] for answer in answers])
        rows = source.repeat_interleave(len(answers), 0)
        target = target.repeat(len(source), 1)
        values = token_log_probabilities([model], rows, None, target, torch.ones_like(target) > 0)
        values = values.double()
        with_eos, without = (
            values[:, : length + ends].sum(1) / length_penalty(length + ends, alpha)
            for ends in (1, 0)
        )
        finished = torch.ones(len(rows), dtype=torch.bool)
        if length == LIMIT:  # here, the search truncates unless eos is the most probable token
            after = model(rows, None, target[:, :-1])[:, -1, [EOS, *words]]
            finished = after.argmax(-1) == 0
        scores = torch.where(finished, with_eos, without).view(len(source), -1)
        best = torch.maximum(best, scores.amax(1))
    return best


def measure_search(settings: Settings, seed: int) -> Numbers:
    """Train on the language; then search with every beam width and length penalty. The results have
    one number per beam width."""
    model = trained(settings, seed)
    rng = np.random.default_rng([seed, 1])
    sources, references = sentences(rng, settings["sentences"], 0.0)
    source = padded([[*row, EOS] for row in sources])
    metric = bleu(tokenize="none")
    expected = [[as_text(row)] for row in references]
    words = sum(map(len, references))
    found: dict[str, list[float]] = {}
    before: list[float] = []
    for alpha, width in itertools.product(ALPHAS, WIDTHS):
        asked = SearchSettings(beam=width, length_penalty=alpha, max_length=3 * LONGEST)
        with torch.inference_mode():
            best = [kept[0] for kept in search(model, source, source != PAD, asked)]
        counts = metric.statistics([as_text(one.tokens) for one in best], expected)
        for name, value in {
            "bleu": metric.value(counts.sum(0)),
            "length": sum(len(one.tokens) for one in best) / words,
            "empty": sum(not one.tokens for one in best) / len(best),
            "log_probability": sum(one.log_probability for one in best) / len(best),
        }.items():
            found.setdefault(f"{alpha}/{name}", []).append(value)
        scores = [one.score for one in best]
        if width > WIDTHS[0]:
            falls = [a - b > ROUNDING for a, b in zip(before, scores, strict=True)]
            found.setdefault(f"{alpha}/fall", []).append(sum(falls) / len(falls))
        before = scores
    return found


def trained(settings: Settings, seed: int) -> Transformer:
    """Return a small Transformer trained on the language, in evaluation mode."""
    shape = TransformerSettings(
        encoder_layers=1, decoder_layers=1, d_model=64, heads=4, d_ff=256, dropout=0.0,
        wiring="pre-norm", tying=Tying.DECODER,
    )  # fmt: skip
    seed_everything(seed)
    sizes = (FIRST + SYMBOLS_OF_SOURCE, FIRST + SYMBOLS_OF_SOURCE * WORDS_PER_SYMBOL)
    model = build_model(shape, sizes, shared=False)
    assert isinstance(model, Transformer)
    source = Sentences(seed, FRAGMENTS if settings["data"] == "fragments" else 0.0)
    learn(
        model, source, updates=settings["steps"], learning_rate=3e-3, warmup=50,
        label_smoothing=0.1 if settings["data"] == "smoothed" else 0.0, d_model=shape.d_model,
    )  # fmt: skip
    return model.eval()


def as_text(ids: Sequence[int]) -> str:
    """Return the ids as text, one word per id, for a metric that reads text."""
    return " ".join(map(str, ids))


def exact_conditions(mode: Mode) -> list[Settings]:
    """Return one condition: the number of models per seed."""
    return [{"models": 3 if mode is Mode.QUICK else 10}]


def search_conditions(mode: Mode) -> list[Settings]:
    """Return clean text, text with fragments, and clean text with label smoothing."""
    quick = mode is Mode.QUICK
    size = {"steps": 160 if quick else 600, "sentences": 40 if quick else 300}
    return [{"data": data, **size} for data in DATA]
