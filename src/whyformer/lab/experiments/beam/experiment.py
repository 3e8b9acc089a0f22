"""Is a larger beam better? Against enumeration where that is possible; then on a made-up language.

The language is made so that its probabilities are known. A source is a row of symbols. Each symbol
has several renderings of two words; a rendering is drawn for each symbol on its own, so that every
symbol costs a right answer the same probability. Training text may hold fragments: targets that
stop somewhere, as badly aligned text does. Both together make stopping at once more probable than
any one full answer.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.blocks.residual import Wiring
from whyformer.data.batch import Batch
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.evaluation.translation import bleu
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method.bilingual import Said, alike
from whyformer.lab.method.charts import Axis, Chart, Look, Series
from whyformer.lab.method.experiment import (
    Claim,
    Experiment,
    Mode,
    Numbers,
    Part,
    Results,
    Settings,
)
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, below
from whyformer.models.build import build_model
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.symbols import BOS, EOS, PAD, SYMBOLS
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.schedules import Schedule

FIRST = len(SYMBOLS)
ALPHAS = (0.0, 0.6, 1.0)
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
DATA = ("clean", "fragments", "smoothed")
SOME_BLEU = 0.5
"""Fewer points of BLEU are called no difference."""
SHORTER = 0.05

WORDS, LIMIT = 3, 4
"""Of the models whose answers can all be counted."""
ENOUGH = WORDS**LIMIT
SOURCES = 10
"""Of each such model."""
COUNTED_WIDTHS = (1, 2, 3, 4, 6, 9, 16, 27, ENOUGH)
DECIDED = 1.5
"""Deviation of a random model's logits."""
ROUNDING = 1e-4
"""Differences of scores that float32 may make."""

SYMBOLS_OF_SOURCE = 8
SHORTEST, LONGEST = 3, 10
RARE = 20
RENDERINGS = [(0, 1), (2, 3), (2, 4), *((6 + j, 5) for j in range(RARE))]
"""The two words of each rendering. The second and third begin alike: together they are more
probable than the first, alone less."""
WORDS_PER_SYMBOL = 6 + RARE
FRAGMENTS = 0.1
"""Share of targets that stop at a random word."""


def chances() -> np.ndarray:
    """Return the probability of each rendering: 0.35, 0.2, 0.2, and 0.25 over the rare ones."""
    rare = 1 / np.arange(1, RARE + 1)
    return np.array([0.35, 0.2, 0.2, *(0.25 * rare / rare.sum())])


def sentences(
    rng: np.random.Generator, count: int, fragments: float
) -> tuple[list[list[int]], list[list[int]]]:
    """Return sources and targets as ids. Args: fragments: share of targets that are cut."""
    renderings, probabilities = np.array(RENDERINGS), chances()
    sources: list[list[int]] = []
    targets: list[list[int]] = []
    for _ in range(count):
        n = int(rng.integers(SHORTEST, LONGEST + 1))
        symbols = rng.integers(SYMBOLS_OF_SOURCE, size=n)
        drawn = renderings[rng.choice(len(renderings), size=n, p=probabilities)]
        words = (FIRST + symbols[:, None] * WORDS_PER_SYMBOL + drawn).flatten().tolist()
        kept = int(rng.integers(2 * n)) if rng.random() < fragments else 2 * n
        sources.append((FIRST + symbols).tolist())
        targets.append(words[:kept])
    return sources, targets


@dataclass(frozen=True)
class Sentences:
    """A `BatchSource` of the language: batch ``index`` is drawn by (seed, index)."""

    seed: int
    fragments: float
    rows: int = 64

    def count(self, epoch: int) -> int:
        """Return a number that no run reaches: there are no epochs."""
        return 1 << 40

    def batch(self, epoch: int, index: int) -> Batch:
        """Return one batch."""
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
    """Return rows as one matrix, PAD after each."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


def measure_exact(settings: Settings, seed: int) -> Numbers:
    """Search untrained models whose every answer can be counted; one number a width.

    ``regret`` is how far the worst score found lies below the best there is, ``missed`` how often
    it lies below, ``fall`` how often it lies below what the next narrower beam found.
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
    """Return how far below the best there is each width's answers to one model's sources lie."""
    model = guessing_model(seed)
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


def guessing_model(seed: int) -> Transformer:
    """Return a tiny Transformer with random weights and decided opinions."""
    shape = TransformerSettings(
        encoder_layers=1, decoder_layers=1, d_model=16, heads=2, d_ff=32, dropout=0.0,
        wiring=Wiring.PRE_NORM, tying=Tying.NONE,
    )  # fmt: skip
    seed_everything(seed)
    model = build_model(shape, (FIRST + WORDS, FIRST + WORDS), shared=False)
    assert isinstance(model, Transformer)
    with torch.no_grad():
        model.projection.weight.mul_(DECIDED)
    return model.eval()


@torch.no_grad()
def best_scores(model: Transformer, source: Tensor, alpha: float) -> Tensor:
    """Return the score of the best answer to each source, from the list of all answers."""
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
        if length == LIMIT:  # an answer is cut here, unless eos is its most probable next token
            after = model(rows, None, target[:, :-1])[:, -1, [EOS, *words]]
            finished = after.argmax(-1) == 0
        scores = torch.where(finished, with_eos, without).view(len(source), -1)
        best = torch.maximum(best, scores.amax(1))
    return best


def measure_search(settings: Settings, seed: int) -> Numbers:
    """Train on the language, then search with every width and penalty; one number a width."""
    model = trained(settings, seed)
    rng = np.random.default_rng([seed, 1])
    sources, references = sentences(rng, settings["sentences"], 0.0)
    source = padded([[*row, EOS] for row in sources])
    metric = bleu(tokenize="none")
    expected = [[spelled(row)] for row in references]
    words = sum(map(len, references))
    found: dict[str, list[float]] = {}
    before: list[float] = []
    for alpha, width in itertools.product(ALPHAS, WIDTHS):
        asked = SearchSettings(beam=width, length_penalty=alpha, max_length=3 * LONGEST)
        with torch.inference_mode():
            best = [kept[0] for kept in search(model, source, source != PAD, asked)]
        counts = metric.statistics([spelled(one.tokens) for one in best], expected)
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
    """Return a small Transformer that has learned the language, ready to search."""
    shape = TransformerSettings(
        encoder_layers=1, decoder_layers=1, d_model=64, heads=4, d_ff=256, dropout=0.0,
        wiring=Wiring.PRE_NORM, tying=Tying.DECODER,
    )  # fmt: skip
    training = TrainingSettings(
        updates=settings["steps"], learning_rate=3e-3, warmup=50, schedule=Schedule.TRAPEZOID,
        label_smoothing=0.1 if settings["data"] == "smoothed" else 0.0,
    )  # fmt: skip
    seed_everything(seed)
    sizes = (FIRST + SYMBOLS_OF_SOURCE, FIRST + SYMBOLS_OF_SOURCE * WORDS_PER_SYMBOL)
    model = build_model(shape, sizes, shared=False)
    assert isinstance(model, Transformer)
    source = Sentences(seed, FRAGMENTS if settings["data"] == "fragments" else 0.0)
    for _ in fit(start(model, training), source, training, d_model=shape.d_model):
        pass
    return model.eval()


def spelled(ids: Sequence[int]) -> str:
    """Return ids as words, for a metric that reads text."""
    return " ".join(map(str, ids))


def exact_conditions(mode: Mode) -> list[Settings]:
    """How many models a seed."""
    return [{"models": 3 if mode is Mode.QUICK else 10}]


def search_conditions(mode: Mode) -> list[Settings]:
    """Clean text, text with fragments, and clean text with label smoothing."""
    quick = mode is Mode.QUICK
    size = {"steps": 160 if quick else 600, "sentences": 40 if quick else 300}
    return [{"data": data, **size} for data in DATA]


def at(results: Results, name: str, data: str, alpha: float, width: int) -> list[float]:
    """Return one number of one search, a value a seed."""
    place = WIDTHS.index(width)
    return [row[place] for row in results.values("search", f"{alpha}/{name}", data=data)]


def change(
    results: Results, name: str, data: str, alpha: float, widths: tuple[int, int]
) -> Estimate:
    """Return what a number gains from the first width to the second, paired by seed."""
    a, b = (at(results, name, data, alpha, width) for width in widths)
    return paired(a, b)


def counted(results: Results, name: str, alpha: float, width: int) -> Estimate:
    """Return one number of the counted models at a width."""
    place = COUNTED_WIDTHS.index(width)
    return estimate([row[place] for row in results.values("exact", f"{alpha}/{name}")])


def falls(results: Results, part: str, **where: object) -> Estimate:
    """Return how often a search with the next wider beam found a lower score, over all widths."""
    seeds = zip(*(results.values(part, f"{alpha}/fall", **where) for alpha in ALPHAS), strict=True)
    return estimate([float(np.mean(rows)) for rows in seeds])


def exact_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `exact`."""
    return {
        f"α = {alpha:g}": [
            below(counted(results, "regret", alpha, ENOUGH), ROUNDING, contrary=0.01)
        ]
        for alpha in ALPHAS
    }


def better_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `better`."""
    asked = [((1, 4), 0.0), *(((4, 64), alpha) for alpha in ALPHAS)]
    return {
        f"{data}, {widths[0]} → {widths[1]}, α = {alpha:g}": [
            above(change(results, "bleu", data, alpha, widths), SOME_BLEU)
        ]
        for data in results.levels("search", "data")
        for widths, alpha in asked
    }


def score_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `score`."""
    return {
        data: [above(change(results, "log_probability", data, 0.0, (1, 64)), 0.0)]
        for data in results.levels("search", "data")
    }


def length_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `length`."""
    return {
        data: [below(change(results, "length", data, 0.0, (1, 64)), -SHORTER, contrary=SHORTER)]
        for data in results.levels("search", "data")
    }


def penalty_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `penalty`."""
    return {
        data: [above(gain_of_penalty(results, data), SOME_BLEU)]
        for data in results.levels("search", "data")
    }


def gain_of_penalty(results: Results, data: str) -> Estimate:
    """Return what α = 0.6 gains over α = 0 at the widest beam, in BLEU, paired by seed."""
    widest = WIDTHS[-1]
    return paired(at(results, "bleu", data, 0.0, widest), at(results, "bleu", data, 0.6, widest))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "falls_counted": falls(results, "exact").map(lambda share: 100 * share),
        "missed_greedy": counted(results, "missed", 0.0, 1).map(lambda share: 100 * share),
        "missed_three": counted(results, "missed", 0.0, 3).map(lambda share: 100 * share),
        "regret_enough": counted(results, "regret", 0.0, ENOUGH),
        "empty_expected": exactly(100 * expected_empty()),
    }
    for data in results.levels("search", "data"):
        found[f"{data}_falls"] = falls(results, "search", data=data).map(lambda share: 100 * share)
        found[f"{data}_greedy_to_four"] = change(results, "bleu", data, 0.0, (1, 4))
        found[f"{data}_log_probability"] = change(results, "log_probability", data, 0.0, (1, 64))
        found[f"{data}_penalty_gain"] = gain_of_penalty(results, data)
        for alpha, name in zip(ALPHAS, ("plain", "some", "full"), strict=True):
            found[f"{data}_four_to_widest_{name}"] = change(results, "bleu", data, alpha, (4, 64))
            for width in (1, 4, 64):
                value = estimate(at(results, "bleu", data, alpha, width))
                found[f"{data}_bleu_{width}_{name}"] = value
        for width in (4, 64):
            for name in ("length", "empty"):
                value = estimate(at(results, name, data, 0.0, width))
                found[f"{data}_{name}_{width}"] = value.map(lambda share: 100 * share)
    return found


def expected_empty() -> float:
    """Return the share of sources whose most probable answer is none, under fragments.

    Empty has the probability FRAGMENTS/2n, the best full answer (1 - FRAGMENTS) · 0.35ⁿ.
    """
    likeliest = chances().max()
    lengths = range(SHORTEST, LONGEST + 1)
    empty = [FRAGMENTS / (2 * n) > (1 - FRAGMENTS) * likeliest**n for n in lengths]
    return sum(empty) / len(empty)


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    beam = Axis(Said("width of the beam", "빔의 너비"), log=True)

    def over_widths(name: str, data: str, alpha: float) -> list[tuple[float, Estimate]]:
        return [(w, estimate(at(results, name, data, alpha, w))) for w in WIDTHS]

    def of_data(name: str) -> list[Series]:
        return [
            Series(NAMES[data], over_widths(name, data, 0.0))
            for data in results.levels("search", "data")
        ]

    quality = [
        Chart(
            f"bleu-{data}",
            Said(f"Quality against width: {NAMES[data].en}", f"너비에 따른 품질: {NAMES[data].ko}"),
            beam,
            Axis(alike("BLEU")),
            [Series(alike(f"α = {a:g}"), over_widths("bleu", data, a)) for a in ALPHAS],
            Said(
                "The first doubling helps everywhere. What a wide beam does depends on whether the "
                "model believes in short answers, and on the length penalty α.",
                "처음 두 배로 넓힐 때는 어디서나 좋아집니다. 넓은 빔의 결과는 모델이 짧은 답을 얼마나 "
                "믿는지와 길이 페널티 α에 달려 있습니다.",
            ),
        )
        for data in results.levels("search", "data")
    ]
    return [
        *quality,
        Chart(
            "log-probability",
            Said("What the search looks for: the score", "탐색이 실제로 찾는 것: 점수"),
            beam,
            Axis(Said("mean log-probability of the answer, nats", "답의 평균 로그 확률 (nat)")),
            of_data("log_probability"),
            Said(
                "Without length penalty. The score rises where the quality falls.",
                "길이 페널티가 없을 때입니다. 품질이 떨어지는 곳에서도 점수는 올라갑니다.",
            ),
        ),
        Chart(
            "length",
            Said("Length of the answer against width", "너비에 따른 답의 길이"),
            beam,
            Axis(
                Said(
                    "words of the answer / words of the reference", "답의 단어 수 / 정답의 단어 수"
                )
            ),
            [
                *of_data("length"),
                Series(alike("1"), [(w, exactly(1)) for w in WIDTHS], Look.THEORY),
            ],
            Said(
                "Without length penalty. Every right answer has a ratio of 1.",
                "길이 페널티가 없을 때입니다. 올바른 답은 모두 1이 됩니다.",
            ),
        ),
        Chart(
            "empty",
            Said("Answers without a single word", "단어가 하나도 없는 답"),
            beam,
            Axis(Said("share of the sentences", "문장의 비율")),
            [
                *of_data("empty"),
                Series(
                    Said(
                        "theory: the most probable answer is none",
                        "이론: 가장 확률 높은 답이 빈 답",
                    ),
                    [(w, exactly(expected_empty())) for w in WIDTHS],
                    Look.THEORY,
                ),
            ],
            Said(
                "The dashed line is what an exact search over the true probabilities would give "
                "with fragments in the text.",
                "점선은 잘린 문장이 섞인 글의 참 확률을 정확히 탐색했을 때 나올 값입니다.",
            ),
        ),
        Chart(
            "missed",
            Said("How often the best answer is missed", "가장 좋은 답을 놓치는 비율"),
            beam,
            Axis(Said("share of the sources", "입력의 비율")),
            [
                *(
                    Series(
                        alike(f"α = {a:g}"),
                        [(w, counted(results, "missed", a, w)) for w in COUNTED_WIDTHS],
                    )
                    for a in ALPHAS
                ),
                Series(alike("Vᵀ"), [(ENOUGH, exactly(0))], Look.MARK),
            ],
            Said(
                "Models whose every answer can be listed: three words, at most four of them.",
                "모든 답을 나열할 수 있는 모델입니다. 단어 세 개, 길이는 최대 네 단어입니다.",
            ),
        ),
    ]


NAMES = {
    "clean": Said("clean text", "깨끗한 글"),
    "fragments": Said("text with fragments", "잘린 문장이 섞인 글"),
    "smoothed": Said("clean text, label smoothing 0.1", "깨끗한 글, 레이블 스무딩 0.1"),
    **{f"α = {alpha:g}": alike(f"α = {alpha:g}") for alpha in ALPHAS},
}
NAMES |= {
    f"{data}, {change}": Said(
        f"{NAMES[data].en}, width {change}", f"{NAMES[data].ko}, 너비 {change}"
    )
    for data in DATA
    for change in ("1 → 4, α = 0", *(f"4 → 64, α = {alpha:g}" for alpha in ALPHAS))
}

EXPERIMENT = Experiment(
    name="beam",
    question=Said("Does a larger beam translate better?", "빔을 넓히면 번역이 더 좋아지나요?"),
    keywords=(
        "beam",
        "beam search",
        "length penalty",
        "short",
        "shorter",
        "too short",
        "빔",
        "빔 서치",
        "빔서치",
        "길이 페널티",
        "길이 벌점",
        "길이 보정",
        "빔 탐색",
        "짧게",
        "짧아",
        "길이 정규화",
        "greedy better",
        "larger beam",
        "wider beam",
        "beam size",
        "빔 크기",
        "length normalization",
    ),
    mentions=(
        "width",
        "greedy",
        "penalty",
        "normalization",
        "normalisation",
        "search",
        "decoding",
        "bleu",
        "탐색",
        "탐욕",
        "그리디",
        "디코딩",
    ),
    parts=(
        Part("exact", measure_exact, exact_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("search", measure_search, search_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "exact",
            Said(
                "A beam that is wide enough finds the best answer.",
                "빔이 충분히 넓으면 가장 좋은 답을 찾는다.",
            ),
            Said(
                "With a width of Vᵀ, V words and at most T of them, beam search finds the score "
                "that a list of all answers gives.",
                "단어가 V개이고 길이가 최대 T일 때, 너비가 Vᵀ인 빔 서치는 모든 답을 나열해 얻은 "
                "최고 점수를 찾는다.",
            ),
            Said(
                "V = 3, T = 4: the largest shortfall over all sources is below 1e-4, at α 0, 0.6, "
                "and 1.",
                "V = 3, T = 4: α가 0, 0.6, 1일 때 모든 입력에서 부족분의 최댓값이 1e-4 미만.",
            ),
            exact_tests,
        ),
        Claim(
            "better",
            Said(
                "A larger beam finds a better translation.",
                "빔이 넓을수록 번역이 좋아진다.",
            ),
            Said(
                "BLEU rises from width 1 to 4 (at α = 0) and from 4 to 64 (at every α), on clean "
                "text, on text with fragments, and under label smoothing.",
                "너비를 1에서 4로(α = 0), 4에서 64로(α마다) 넓히면 BLEU가 오른다: 깨끗한 글, 잘린 "
                "문장이 섞인 글, 레이블 스무딩에서.",
            ),
            Said(
                "The interval of the paired gain lies above 0.5 BLEU; below -0.5 is the contrary.",
                "짝지은 이득의 구간이 0.5 BLEU보다 위에 있다. -0.5보다 아래면 반대이다.",
            ),
            better_tests,
        ),
        Claim(
            "score",
            Said(
                "A larger beam finds a more probable translation.",
                "빔이 넓을수록 모델이 보기에 확률이 더 높은 번역을 찾는다.",
            ),
            Said(
                "Without length penalty the mean log-probability of the answer is higher at width "
                "64 than at width 1. (Of a single sentence this is not guaranteed.)",
                "길이 페널티가 없을 때 답의 평균 로그 확률은 너비 64에서 너비 1보다 높다. (문장 하나하나에 "
                "대해서는 보장되지 않는다.)",
            ),
            Said(
                "The interval of the paired difference lies above 0.",
                "짝지은 차이의 구간이 0보다 위에 있다.",
            ),
            score_tests,
        ),
        Claim(
            "length",
            Said(
                "Without length normalisation a larger beam gives shorter outputs.",
                "길이 정규화가 없으면 빔이 넓을수록 출력이 짧아진다.",
            ),
            Said(
                "At α = 0 the answers of width 64 have fewer words than those of width 1.",
                "α = 0에서 너비 64의 답은 너비 1의 답보다 단어가 적다.",
            ),
            Said(
                "The interval of the paired difference lies below -5 % of the reference's words.",
                "짝지은 차이의 구간이 정답 단어 수의 -5 %보다 아래에 있다.",
            ),
            length_tests,
        ),
        Claim(
            "penalty",
            Said(
                "The length penalty repairs a large beam.",
                "길이 페널티를 쓰면 넓은 빔이 고쳐진다.",
            ),
            Said(
                "At width 64, BLEU with α = 0.6 is higher than with α = 0.",
                "너비 64에서 α = 0.6의 BLEU가 α = 0보다 높다.",
            ),
            Said(
                "The interval of the paired gain lies above 0.5 BLEU.",
                "짝지은 이득의 구간이 0.5 BLEU보다 위에 있다.",
            ),
            penalty_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
