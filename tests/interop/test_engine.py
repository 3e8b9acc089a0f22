"""The engine gives the answers of the torch engine: order, limits, bans, scores, n-best."""

import json
import random
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from toy_runs import toy_bundle
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.padding import pad
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import BundleError, UsageError
from whyformer.interop.conversion import RECORD, read_record
from whyformer.interop.convert import convert
from whyformer.interop.engine import CTranslate2Translator, cores, open_engine, search_refusal
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK

pytest.importorskip("ctranslate2", reason="this platform has no wheel")

LINES = ["c b a", "", "a b", "f g h i j a b c d e", "   ", "e", "a b c d e f g h i j a b c d e f"]


def make(bundle: Bundle, directory: Path) -> tuple[Translator, CTranslate2Translator]:
    """Return a bundle behind both engines."""
    save_bundle(directory / "model", bundle)
    convert(directory, sentences=4)
    loaded = load_bundle(directory)
    translator = Translator([loaded.model], loaded.source_tokenizer, loaded.target_tokenizer)
    return translator, CTranslate2Translator(directory / "ctranslate2", threads=1)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return make(toy_bundle(3, shared=False), tmp_path_factory.mktemp("both"))


@pytest.fixture(scope="module")
def symbolic(tmp_path_factory):
    """A model that would love to say what no search may say."""
    bundle = toy_bundle(4, tying="none")
    with torch.no_grad():
        weight = bundle.model.projection.weight
        for place, symbol in enumerate((PAD, BOS, UNK, MASK)):
            weight[symbol] = weight[len(weight) - 1 - place] * 1.5
    return make(bundle, tmp_path_factory.mktemp("symbolic"))


def settings(**changes: Any) -> SearchSettings:
    return SearchSettings(**{"beam": 1, "max_length_extra": 3, "max_length_ratio": 0.5, **changes})


def own_log_probability(translator: Translator, text: str, found: Hypothesis) -> float:
    ids = [*translator.source_tokenizer.encode(text), EOS]
    source, source_real = pad([ids], torch.device("cpu"))
    said = [BOS, *found.tokens, *([EOS] if found.finished else [])]
    target, target_real = pad([said], torch.device("cpu"))
    with torch.no_grad():
        values = token_log_probabilities(
            translator.models, source, source_real, target, target_real
        )
    return float(values.sum())


def assert_lawful(
    translator: Translator, texts: Sequence[str], answers: Sequence[Any], asked: SearchSettings
) -> None:
    """What holds for every answer of every engine."""
    for text, answer in zip(texts, answers, strict=True):
        assert answer.source == text
        if not text.strip():
            assert (answer.text, answer.score, answer.hypotheses) == ("", 0.0, ())
            continue
        found = [one for _, one in answer.hypotheses]
        assert len(found) == asked.nbest
        assert len({one.tokens for one in found}) == len(found)
        assert [one.score for one in found] == sorted((o.score for o in found), reverse=True)
        limit = asked.limit(len(translator.source_tokenizer.encode(text)) + 1)
        for shown, one in answer.hypotheses:
            assert shown == translator.target_tokenizer.decode(list(one.tokens))
            assert len(one.tokens) <= limit
            assert one.finished or len(one.tokens) == limit
            assert not {PAD, BOS, MASK, EOS}.intersection(one.tokens)
            assert asked.allow_unknown or UNK not in one.tokens
            length = len(one.tokens) + one.finished
            penalised = one.log_probability / length_penalty(length, asked.length_penalty)
            assert one.score == pytest.approx(penalised, abs=1e-9)
            own = own_log_probability(translator, text, one)
            assert one.log_probability == pytest.approx(own, abs=1e-4)


@pytest.mark.parametrize("system", ["both", "symbolic"])
@pytest.mark.parametrize("changes", [{}, {"max_length": 4}, {"allow_unknown": True}], ids=str)
def test_greedy_says_what_torch_says(system, changes, request):
    translator, engine = request.getfixturevalue(system)
    asked = settings(**changes)
    ours, theirs = translator.translate(LINES, asked), engine.translate(LINES, asked)
    assert [one.text for one in theirs] == [one.text for one in ours]
    assert [one.score for one in theirs] == pytest.approx([one.score for one in ours], abs=1e-4)
    assert_lawful(translator, LINES, theirs, asked)


@pytest.mark.parametrize("system", ["both", "symbolic"])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("nbest", [1, 3])
def test_every_hypothesis_of_a_beam_is_lawful(system, alpha, nbest, request):
    translator, engine = request.getfixturevalue(system)
    asked = settings(beam=3, nbest=nbest, length_penalty=alpha)
    assert_lawful(translator, LINES, engine.translate(LINES, asked), asked)


def test_a_beam_as_wide_as_the_space_finds_what_torch_finds(both):
    """Nothing is pruned, so whatever the rules of stopping, the best hypotheses are the same."""
    translator, engine = both
    asked = settings(beam=40, nbest=5, max_length=1)
    ours, theirs = translator.translate(LINES, asked), engine.translate(LINES, asked)
    for a, b in zip(ours, theirs, strict=True):
        assert [one.tokens for _, one in a.hypotheses] == [one.tokens for _, one in b.hypotheses]


@pytest.fixture(scope="module")
def ending(tmp_path_factory):
    """A model whose answers have different lengths, up to the limit."""
    bundle = toy_bundle(4, tying="none", output_bias="learned")
    with torch.no_grad():
        projection = bundle.model.projection
        projection.weight[EOS] = 0.9 * projection.weight[268]  # a token that is often chosen
        projection.bias[[PAD, BOS, UNK, MASK]] = -30.0
    return make(bundle, tmp_path_factory.mktemp("ending"))[1]


@pytest.mark.parametrize("longest", [2, 5, 9])
@pytest.mark.parametrize("system", ["ending", "symbolic"])
def test_the_short_search_finds_the_best_of_the_long_one(system, longest, request, monkeypatch):
    engine = request.getfixturevalue(system)
    engine = engine[1] if isinstance(engine, tuple) else engine
    rng = random.Random(longest)
    lines = [" ".join(rng.choices("abcdefghij", k=rng.randint(1, 14))) for _ in range(200)]
    asked = settings(beam=3, length_penalty=0.0, max_length_extra=longest, max_length_ratio=0.3)
    long, found = [], engine._finished

    def counting(sources: list[list[str]], *others: Any) -> Any:
        long.extend(sources)
        return found(sources, *others)

    monkeypatch.setattr(engine, "_finished", counting)
    short = engine.translate(lines, asked)
    searched_again = len(long)
    wide = engine.translate(lines, asked.model_copy(update={"nbest": 3}))
    assert [one.text for one in short] == [one.text for one in wide]
    assert [one.score for one in short] == pytest.approx([one.score for one in wide], abs=1e-5)
    if system == "ending":
        assert 0 < searched_again < 200, searched_again  # both searches were used


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("system", ["both", "symbolic"])
def test_the_answer_to_a_line_does_not_depend_on_its_batch(system, beam, request):
    _, engine = request.getfixturevalue(system)
    asked = settings(beam=beam, nbest=beam)
    together = engine.translate(LINES, asked)
    for text, answer in zip(LINES, together, strict=True):
        (alone,) = engine.translate([text], asked)
        assert [text for text, _ in alone.hypotheses] == [text for text, _ in answer.hypotheses]
        assert alone.score == pytest.approx(answer.score, abs=1e-4)
    small = engine.translate(LINES, asked, batch_tokens=8)
    assert [one.text for one in small] == [one.text for one in together]
    streamed = list(engine.stream(iter(LINES), asked, window=2))
    assert [one.text for one in streamed] == [one.text for one in together]


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("system", ["both", "symbolic"])
def test_batches_side_by_side_give_the_answers_of_one_after_another(
    system, beam, request, monkeypatch
):
    _, engine = request.getfixturevalue(system)
    asked = settings(beam=beam, nbest=beam)
    cores = CTranslate2Translator(engine.directory, threads=2)
    opened = []
    search = CTranslate2Translator.search_lines

    def watched(self, lines, settings):
        opened.append((self._engine.num_translators, threading.current_thread()))
        return search(self, lines, settings)

    monkeypatch.setattr(CTranslate2Translator, "search_lines", watched)
    texts = LINES * 3
    many = cores.translate(texts, asked, batch_lines=1)
    assert {count for count, _ in opened} == {2}
    assert threading.main_thread() not in {thread for _, thread in opened}
    opened.clear()
    few = cores.translate(texts, asked)
    assert opened == [(1, threading.main_thread())]
    alone = engine.translate(texts, asked)
    for answers in (many, few):
        assert [one.source for one in answers] == texts
        for answer, other in zip(answers, alone, strict=True):
            assert [text for text, _ in answer.hypotheses] == [text for text, _ in other.hypotheses]
            assert answer.score == pytest.approx(other.score, abs=1e-4)


def test_eight_bits_are_computed_by_one_core_a_batch(both, monkeypatch):
    _, engine = both
    monkeypatch.setattr(
        "whyformer.interop.engine.read_record",
        lambda directory: replace(read_record(directory), quantization="int8"),
    )
    opened = []
    monkeypatch.setattr(
        "whyformer.interop.engine.open_engine",
        lambda *asked: opened.append(asked[2:]) or open_engine(*asked),
    )
    eight = CTranslate2Translator(engine.directory, threads=3)
    many = eight.translate(LINES, settings(), batch_lines=3)  # fewer batches than cores
    assert opened == [(1, 3)]
    assert [one.text for one in many] == [one.text for one in engine.translate(LINES, settings())]


def test_an_error_of_one_batch_beside_others_ends_all(both):
    _, engine = both
    cores = CTranslate2Translator(engine.directory, threads=2)
    cores.record = replace(cores.record, rows=6)
    with pytest.raises(UsageError, match="is longer than 5 tokens"):
        cores.translate(["a", "", "a b", "a"], settings(max_length=30), batch_lines=1)
    assert len(cores.translate(["a", "b"], settings(max_length=3), batch_lines=1)) == 2


def test_a_long_source_is_cut_as_by_torch(both, caplog):
    translator, engine = both
    long = " ".join("abcdefghij" * 4)
    engine.max_source_tokens = translator.max_source_tokens = 12
    try:
        (ours,), (theirs,) = translator.translate([long]), engine.translate([long])
    finally:
        engine.max_source_tokens = translator.max_source_tokens = 1024
    assert ours.source_truncated
    assert theirs.source_truncated
    assert "Line 1 has 40 tokens" in caplog.text


def test_probabilities_of_given_targets(both):
    translator, engine = both
    source, target = translator.source_tokenizer, translator.target_tokenizer
    texts = [("a b c", "a"), ("e", "b a c"), ("f", "")]
    rows = engine.token_log_probabilities(
        [[*source.encode(a), EOS] for a, _ in texts], [target.encode(b) for _, b in texts]
    )
    scores = translator.score([a for a, _ in texts], [b for _, b in texts])
    for row, score in zip(rows, scores, strict=True):
        assert score is not None
        assert row == pytest.approx(score.tokens, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "prefix", "named"),
    [
        ({"method": "sample"}, "", "sampling"),
        ({"beam": 4, "groups": 2}, "", "diverse groups"),
        ({"min_length": 2}, "", "a minimum length"),
        ({"no_repeat_ngram": 2}, "", "a ban on repeated n-grams"),
        ({}, "a", "a prefix"),
        ({"min_length": 2}, "a", "a minimum length or a prefix"),
    ],
)
def test_other_searches_are_refused(both, changes, prefix, named):
    _, engine = both
    message = f"The ctranslate2 engine supports greedy and plain beam search, but not {named}"
    assert search_refusal(SearchSettings(**changes), prefix) == message
    with pytest.raises(UsageError, match="greedy and plain beam search"):
        engine.translate(["a"], SearchSettings(**changes), prefixes=[prefix])


def test_what_it_can_search_is_not_refused():
    assert search_refusal(SearchSettings(beam=4, nbest=4, length_penalty=1.0)) is None


def test_a_translation_beyond_the_table_of_positions_is_refused(both):
    translator, engine = both
    record = engine.record
    engine.record = replace(record, rows=6)
    try:
        within = engine.translate(["a b"], settings(max_length=5))
        with pytest.raises(UsageError, match="is longer than 5 tokens"):
            engine.translate(["", "a b"], settings(max_length=30))
    finally:
        engine.record = record
    assert within[0].text == translator.translate(["a b"], settings(max_length=5))[0].text


@pytest.mark.parametrize("beam", [1, 2])
def test_learned_positions_end_where_the_run_itself_ends(tmp_path, beam):
    bundle = toy_bundle(5, positions="learned", max_length=9)  # it would say what it may not
    translator, engine = make(bundle, tmp_path)
    assert engine.record.rows == 9
    asked = settings(beam=beam, max_length=None, max_length_ratio=2.0)
    texts = ["a b c d e f g", "c b a"]
    ours, theirs = translator.translate(texts, asked), engine.translate(texts, asked)
    assert not all(one.hypotheses[0][1].finished for one in ours)
    assert [one.text for one in theirs] == [one.text for one in ours]


@pytest.mark.parametrize("beam", [1, 3])
def test_a_translation_that_fits_exactly_is_finished(tmp_path, beam):
    bundle = toy_bundle(6, shared=False, tying="none")
    with torch.no_grad():  # a model that ends after one to five tokens
        weight = bundle.model.projection.weight
        random = torch.Generator().manual_seed(6)
        weight[EOS] = torch.randn(weight.shape[1], generator=random) * 0.6
    translator, engine = make(bundle, tmp_path)
    fitting = 0
    for text in LINES:
        for limit in range(1, 6):
            asked = settings(beam=beam, nbest=beam, max_length=limit)
            (ours,), (theirs,) = (
                translator.translate([text], asked),
                engine.translate([text], asked),
            )
            mine, other = ({one.tokens: one for _, one in x.hypotheses} for x in (ours, theirs))
            for tokens in mine.keys() & other.keys():
                assert mine[tokens].finished == other[tokens].finished
                assert mine[tokens].log_probability == pytest.approx(
                    other[tokens].log_probability, abs=1e-4
                )
                fitting += len(tokens) == limit and mine[tokens].finished
            assert ours.text == theirs.text or beam > 1
    assert fitting


def test_cores_follow_the_environment(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    every = cores()
    assert every >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert cores() == every


def test_a_damaged_model_is_one_sentence(both, tmp_path):
    _, engine = both
    engine.record.write(tmp_path)
    tokenizer = engine.source_tokenizer.to_json()
    (tmp_path / "source.json").write_text(tokenizer, encoding="utf-8")
    with pytest.raises(BundleError, match=r"is damaged .* Run `whyformer convert` again"):
        CTranslate2Translator(tmp_path)
    (tmp_path / "source.json").unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        CTranslate2Translator(tmp_path)
    (tmp_path / RECORD).write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(BundleError, match="has format 99"):
        read_record(tmp_path)
    (tmp_path / RECORD).write_text('{"format": 1, "hue": 3}', encoding="utf-8")
    with pytest.raises(BundleError, match="is damaged"):
        read_record(tmp_path)


def test_a_conversion_of_an_older_format_is_read_with_one_note(both, tmp_path, capsys):
    _, engine = both
    place = shutil.copytree(engine.directory, tmp_path / "ctranslate2")
    state = json.loads((place / RECORD).read_text(encoding="utf-8"))
    del state["files"], state["seal"]
    (place / RECORD).write_text(json.dumps(state | {"format": 1}), encoding="utf-8")
    CTranslate2Translator(place)
    note = capsys.readouterr().err
    assert note.startswith(f"Note: `{place}` has an older format without checksums; ")
    assert note.endswith("Run `whyformer convert` again to add them.\n")
    for other in (0, -1, "x", None, True, 2):
        (place / RECORD).write_text(json.dumps(state | {"format": other}), encoding="utf-8")
        with pytest.raises(BundleError, match="is damaged"):
            CTranslate2Translator(place)
