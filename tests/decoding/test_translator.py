import logging
from collections.abc import Iterator

import pytest
import torch

from toy_runs import toy_bundle
from toy_translators import LINES, SHAPE, TOKENIZER, transformer, translator
from whyformer.acceleration import thresholds
from whyformer.acceleration.thresholds import NEVER
from whyformer.decoding.alignment import align
from whyformer.decoding.expected import Expected
from whyformer.decoding.lines import pair_batches
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import UsageError, WhyformerError
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.symbols import EOS
from whyformer.text.tokenizer import train_tokenizer

WANTED = SearchSettings(beam=3, nbest=3, max_length=6)


def test_order_is_kept_and_batches_change_nothing() -> None:
    whole = translator(1)
    together = whole.translate(LINES, WANTED)
    assert [one.source for one in together] == LINES
    for budget in (1, 9, 4096):
        for window in (1, 3, 100):
            found = list(whole.stream(LINES, WANTED, batch_tokens=budget, window=window))
            assert [one.text for one in found] == [one.text for one in together]
            for a, b in zip(found, together, strict=True):
                assert a.score == pytest.approx(b.score, abs=1e-4)


@pytest.mark.parametrize("least", [0, 1, 5, 700, NEVER])
def test_no_threshold_makes_a_line_depend_on_the_others(least: int) -> None:
    whole = translator(1)
    plain = whole.translate(LINES, WANTED)
    with thresholds.using(dict.fromkeys(thresholds.THRESHOLDS, least)):
        tuned = translator(1)
        together = tuned.translate(LINES, WANTED)
        alone = list(tuned.stream(LINES, WANTED, batch_tokens=1, window=1))
    for found in (together, alone):
        assert [one.text for one in found] == [one.text for one in plain]
        for a, b in zip(found, plain, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-4)


def test_lines_that_begin_beside_others_change_nothing() -> None:
    whole = translator(1)
    alone = list(whole.stream(LINES, WANTED, window=1))
    for asked in (1, 2, 5, 9):
        found = whole.translate(LINES, WANTED, batch_lines=asked)
        assert [one.text for one in found] == [one.text for one in alone]
        for a, b in zip(found, alone, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-4)


def test_so_many_lines_are_searched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, sizes = translator(1), []
    model = whole.models[0]
    step = model.step

    def counted(state: object, tokens: torch.Tensor) -> object:
        sizes.append(len(tokens))
        return step(state, tokens)

    monkeypatch.setattr(model, "step", counted)
    whole.translate(LINES * 4, SearchSettings(beam=1, max_length=6), batch_lines=8)
    assert max(sizes) == 8
    assert sizes.count(8) > len(sizes) // 2


def test_an_empty_line_is_an_empty_translation() -> None:
    found = translator(1).translate(["", "  "], WANTED)
    assert [(one.text, one.score, one.hypotheses) for one in found] == [("", 0.0, ())] * 2
    assert translator(1).translate([]) == []


def test_samples_depend_on_the_line_number_only() -> None:
    whole = translator(1)
    sampled = SearchSettings(method="sample", max_length=6, nbest=2)  # pyright: ignore[reportArgumentType]
    together = whole.translate(LINES, sampled)
    alone = list(whole.stream(LINES, sampled, window=1))
    assert [one.text for one in alone] == [one.text for one in together]


def test_a_dialogue_is_answered_line_by_line() -> None:
    asked: list[str] = []

    def lines() -> Iterator[str]:
        for line in LINES:
            asked.append(line)
            yield line

    for number, _ in enumerate(translator(1).stream(lines(), WANTED, window=1), start=1):
        assert len(asked) == number


def test_prefixes_begin_the_translation() -> None:
    found = translator(1).translate(["a b", "c", "b"], WANTED, prefixes=["b c", "", "d"])
    assert found[0].text.startswith("b c")
    assert found[2].text.startswith("d")
    for prefixes in (["b"], ["b"] * 4):
        with pytest.raises(UsageError, match="one prefix for each line"):
            translator(1).translate(["a b", "c", "b"], WANTED, prefixes=prefixes)


def test_a_long_line_is_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    whole = translator(1, max_source_tokens=4)
    with caplog.at_level(logging.WARNING):
        found = whole.translate(["a b c", "a b c d e"], WANTED)
    assert [one.source_truncated for one in found] == [False, True]
    one, other = ([(each.tokens, each.score) for _, each in answer.hypotheses] for answer in found)
    for (tokens, score), (same_tokens, same_score) in zip(one, other, strict=True):
        assert tokens == same_tokens
        assert score == pytest.approx(same_score, abs=1e-5)
    assert "Line 2 has 5 tokens, but the model reads at most 3" in caplog.text


def test_training_mode_comes_back() -> None:
    whole = translator(1)
    model = whole.models[0]
    assert isinstance(model, Transformer)
    model.train()
    model.encoder.eval()
    first, second = whole.translate(["a b"], WANTED), whole.translate(["a b"], WANTED)
    assert first == second  # dropout was off
    assert model.training
    assert model.decoder.training
    assert not model.encoder.training


def test_gradients_are_not_switched_off_between_answers() -> None:
    for _ in translator(1).stream(LINES, WANTED, window=2):
        assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_scores_are_those_of_the_search(seeds: tuple[int, ...]) -> None:
    whole = translator(*seeds)
    sources, targets, wanted = [], [], []
    for answer in whole.translate(LINES, SearchSettings(beam=8, nbest=8, max_length=4)):
        for text, one in answer.hypotheses:
            if one.finished and TOKENIZER.encode(text) == list(one.tokens):
                sources.append(answer.source)
                targets.append(text)
                wanted.append(one.log_probability)
    assert wanted
    for budget in (7, 4096):
        found = whole.score(sources, targets, batch_tokens=budget)
        scored = [one for one in found if one is not None]
        assert [one.log_probability for one in scored] == pytest.approx(wanted, abs=1e-4)
        assert all(one.log_probability == sum(one.tokens) for one in scored)
    (found,) = whole.score(["a"], ["b c"])
    assert found is not None
    assert len(found.tokens) == 3


def test_pairs_are_scored_in_batches_bounded_by_both_sides() -> None:
    pairs = [("a", "b")] * 50 + [("a", "b " * 40)] + [("a " * 40, "b")] * 2
    lines = [translator(1)._pair(i, *pair) for i, pair in enumerate(pairs)]
    batches = list(pair_batches(lines, 90))
    assert sorted(line.index for batch in batches for line in batch) == list(range(53))
    for batch in batches:
        widest = max(max(len(line.ids), len(line.prefix)) for line in batch)
        assert len(batch) == 1 or widest * len(batch) <= 90
    assert len(batches) <= 6


def test_a_target_beyond_the_positions_is_left_out_and_the_others_are_scored() -> None:
    torch.manual_seed(1)
    learned = TransformerSettings.model_validate(
        SHAPE.model_dump() | {"positions": "learned", "max_length": 8}
    )
    model = Transformer(learned, (len(TOKENIZER), len(TOKENIZER)))
    short = Translator([model], TOKENIZER, TOKENIZER)
    found = short.score(["a", "b", "c"], ["a", "b " * 8, "a " * 7])
    assert [one is None for one in found] == [False, True, False]
    (alone,) = short.score(["a"], ["a"])
    assert found[0] is not None
    assert alone is not None
    assert found[0].tokens == pytest.approx(alone.tokens, abs=1e-4)


def test_attention_by_location_limits_sources_and_no_targets() -> None:
    torch.manual_seed(0)
    settings = RecurrentSettings(
        d_model=16, encoder_layers=1, decoder_layers=1, attention="location", max_length=8
    )
    model = RecurrentModel(settings, (len(TOKENIZER), len(TOKENIZER)))
    with torch.no_grad():
        model.projection.weight[EOS] *= 0.0
    (found,) = Translator([model], TOKENIZER, TOKENIZER, warn=False).translate(
        ["a b c " * 5], SearchSettings(beam=1, max_length=30, min_length=30)
    )
    assert found.source_truncated
    assert len(found.hypotheses[0][1].tokens) == 30


def test_projecting_in_pieces_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    model = transformer(1).eval()
    source = torch.tensor([[261, 262, 2], [263, 2, 0]])
    target = torch.tensor([[1, 262, 261, 2], [1, 264, 2, 0]])
    logits = model(source, source != 0, target[:, :-1]).log_softmax(-1)
    wanted = logits.gather(-1, target[:, 1:, None])[..., 0] * (target[:, 1:] != 0)
    for rows in (1, 2, 4096):
        monkeypatch.setattr("whyformer.decoding.scoring.ROWS", rows)
        found = token_log_probabilities([model], source, source != 0, target, target != 0)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_misuse_is_explained() -> None:
    with pytest.raises(UsageError, match="at least one model"):
        translator()
    with pytest.raises(UsageError, match="`max_source_tokens` must be at least 2"):
        translator(1, max_source_tokens=1)
    with pytest.raises(UsageError, match="2 sources and 1 target"):
        translator(1).score(["a", "b"], ["a"])
    for name in ("window", "batch_tokens", "batch_lines"):
        with pytest.raises(UsageError, match=f"`{name}` must be at least 1, but it is 0"):
            list(translator(1).stream(["a"], **{name: 0}))


def test_one_string_is_no_list_of_lines() -> None:
    bundle = toy_bundle()
    translator = Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)
    for asked in (
        lambda: translator.translate("s01"),
        lambda: list(translator.stream("s01")),
        lambda: translator.translate(["a", "b"], prefixes="ab"),
        lambda: align(bundle, "ab", ["a", "b"]),
        lambda: align(bundle, ["a", "b"], "ab"),
    ):
        with pytest.raises(UsageError, match=r"must be a list of texts, but it is one string"):
            asked()


def test_scores_of_damaged_weights_are_refused() -> None:
    whole = translator(1)
    with torch.no_grad():
        whole.models[0].projection.weight[5, 0] = torch.nan  # pyright: ignore[reportArgumentType, reportIndexIssue]
    with pytest.raises(WhyformerError, match="logits must be finite"):
        whole.score(["a"], ["b"])


def test_spaces_at_the_ends_of_an_output_are_kept_only_if_training_kept_them() -> None:
    tokenizer = train_tokenizer("chars", ["a b c"], vocabulary=300)
    found: dict[bool, list[str]] = {}
    for keep in (False, True):
        torch.manual_seed(3)
        model = Transformer(SHAPE, (len(tokenizer), len(tokenizer)))
        with torch.no_grad():
            model.projection.weight[5:261] = 0.0
            model.projection.weight[tokenizer.encode("a b")[1]] *= 30.0  # the space
        spaced = Translator([model], tokenizer, tokenizer, expected=Expected(keep_spaces=keep))
        found[keep] = [one.text for one in spaced.translate(["a", "b c", "c a b"], WANTED)]
    assert any(text != text.strip() for text in found[True])
    assert found[False] == [text.strip() for text in found[True]]
