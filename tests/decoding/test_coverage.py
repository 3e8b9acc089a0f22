"""Coverage penalties: the formula by hand, and the attention of every step of a search."""

import math

import pytest
import torch

import tiny
from toy_translators import LINES, TOKENIZER, translator
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe
from whyformer.decoding.coverage import SummaryPenalty, WuPenalty, ranked_by_coverage
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lines import Line
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError
from whyformer.text.symbols import BOS, EOS

SOURCE = [7, 9, 5, 11, EOS]


def test_the_formulas_by_hand() -> None:
    coverage = torch.tensor([0.2, 0.5, 1.0, 3.5], dtype=torch.float64)
    assert WuPenalty()(coverage) == pytest.approx(math.log(0.2) + math.log(0.5))
    assert SummaryPenalty()(coverage) == pytest.approx(-2.5)
    covered = torch.tensor([1.0, 1.0])
    assert WuPenalty()(covered) == SummaryPenalty()(covered) == 0.0
    assert math.isfinite(WuPenalty()(torch.zeros(2)))


@pytest.mark.parametrize("coverage", ["wu", "summary"])
@pytest.mark.parametrize("variant", ["wiring=post-norm", "rnn attention=additive"])
@torch.no_grad()
def test_the_score_is_that_of_the_attention_in_each_step(coverage: str, variant: str) -> None:
    """Eq. 14 with weights that are read step by step, as a search feeds its tokens."""
    model = tiny.shaken(variant).eval()
    beta = 0.4
    settings = SearchSettings.model_validate(
        {"beam": 6, "nbest": 6, "max_length": 6, "coverage_penalty": beta, "coverage": coverage}
    )
    source = torch.tensor([SOURCE])
    (plain,) = search(model, source, None, settings)
    line = Line(0, "", SOURCE, [], False)
    (found,) = ranked_by_coverage([model], [line], [plain], settings, torch.device("cpu"))
    assert {one.tokens for one in found} == {one.tokens for one in plain}
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    before = {one.tokens: one for one in plain}
    for one in found:
        rows = stepwise(model, one)
        sums = [sum(row[i] for row in rows) for i in range(len(SOURCE) - 1)]
        wu = sum(math.log(min(total, 1.0)) for total in sums)
        summary = -sum(max(total, 1.0) - 1.0 for total in sums)
        penalty = wu if coverage == "wu" else summary
        assert one.score == pytest.approx(before[one.tokens].score + beta * penalty, abs=1e-4)
        assert one.log_probability == before[one.tokens].log_probability


def stepwise(model, one: Hypothesis) -> list[list[float]]:
    """Return the attention weights of each step, for a hypothesis that is fed token by token."""
    name = "decoder.attention.weights"
    if not hasattr(model.decoder, "attention"):
        name = f"decoder.layers.{len(model.decoder.layers) - 1}.cross_attention.weights"
    use_path(model, AttentionPath.EXPLICIT)
    rows = []
    state = model.begin(torch.tensor([SOURCE]), None)
    for token in [BOS, *one.tokens][: len(one.tokens) + one.finished]:
        with observe(model, name) as seen:
            _, state = model.step(state, torch.tensor([[token]]))
        weights = seen[name][0]
        rows.append((weights.mean(1) if weights.dim() == 4 else weights)[0, 0].tolist())
    use_path(model, AttentionPath.FUSED)
    return rows


def test_without_a_penalty_nothing_changes() -> None:
    settings = SearchSettings(beam=4, nbest=2, max_length=6)
    zero = settings.model_copy(update={"coverage_penalty": 0.0, "coverage": "summary"})
    assert translator(1).translate(LINES, zero) == translator(1).translate(LINES, settings)


def test_a_tiny_penalty_gives_the_plain_list_and_batches_change_nothing() -> None:
    """All hypotheses of the beam are kept before they are ranked, so β → 0 changes no order."""
    plain = SearchSettings(beam=4, nbest=4, max_length=6)
    almost = plain.model_copy(update={"coverage_penalty": 1e-9})
    for one, other in zip(
        translator(1, 2).translate(LINES, plain),
        translator(1, 2).translate(LINES, almost),
        strict=True,
    ):
        assert one.text == other.text
        assert [text for text, _ in one.hypotheses] == [text for text, _ in other.hypotheses]
    strong = plain.model_copy(update={"coverage_penalty": 3.0, "nbest": 1})
    together = translator(1).translate(LINES, strong)
    for line, found in zip(LINES, together, strict=True):
        (alone,) = translator(1).translate([line], strong)
        assert alone.text == found.text
        assert alone.score == pytest.approx(found.score, abs=1e-4)


def test_a_model_without_attention_has_no_coverage() -> None:
    from whyformer.decoding.translator import Translator

    model = tiny.recurrent(attention="none", input_feeding=False)
    with torch.no_grad():
        model.projection = torch.nn.Linear(16, len(TOKENIZER), bias=False)
        model.decoder.embedding = type(model.decoder.embedding)(len(TOKENIZER), 16, 0.0)
        model.encoder.embedding = model.decoder.embedding
    one = Translator([model], TOKENIZER, TOKENIZER)
    with pytest.raises(UsageError, match="needs attention weights over the source"):
        one.translate(["a b"], SearchSettings(max_length=3, coverage_penalty=0.2))
