"""What the format can express computes the same there; the rest is refused with the reason."""

from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from whyformer.decoding.padding import pad
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.foundation.errors import UsageError
from whyformer.interop.ctranslate2 import Weights, refusals, specification
from whyformer.models.bert import BERTSettings
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.symbols import BOS, EOS

ctranslate2 = pytest.importorskip("ctranslate2", reason="this platform has no wheel")

SIZES = (tiny.VOCABULARY, tiny.VOCABULARY)
ROWS = 256
SOURCE_LENGTHS, TARGET_LENGTHS = (1, 4, 9, 150), (3, 1, 100, 7)
"""Longer than any bucket of relative positions, and than the tables that a fresh model holds."""


def saved(model: Transformer | GPT, directory: Path) -> str:
    spec = specification(model, SIZES, ROWS)
    spec.validate()
    spec.optimize()
    spec.save(str(directory))
    return str(directory)


def words(rows: list[list[int]]) -> list[list[str]]:
    return [[str(number) for number in row] for row in rows]


def sequences(lengths: tuple[int, ...], seed: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return [tiny.ids(generator, 1, length)[0].tolist() for length in lengths]


def assert_same_scores(model: Transformer, directory: Path) -> None:
    engine = ctranslate2.Translator(saved(model, directory), intra_threads=1)
    sources = [[*ids, EOS] for ids in sequences(SOURCE_LENGTHS, 1)]
    targets = sequences(TARGET_LENGTHS, 2)
    source, source_real = pad(sources, torch.device("cpu"))
    target, target_real = pad([[BOS, *ids, EOS] for ids in targets], torch.device("cpu"))
    with torch.no_grad():
        ours = token_log_probabilities([model], source, source_real, target, target_real)
    results = engine.score_batch(words(sources), words(targets), max_input_length=0)
    for row, ids, result in zip(ours, targets, results, strict=True):
        theirs = torch.tensor(result.log_probs)
        torch.testing.assert_close(theirs, row[: len(ids) + 1], atol=1e-4, rtol=0)


def assert_same_greedy(model: Transformer, directory: Path) -> None:
    """Step by step, the engine says what our teacher-forced model finds most probable."""
    engine = ctranslate2.Translator(saved(model, directory), intra_threads=1)
    sources = [[*ids, EOS] for ids in sequences((5, 1, 12), 3)]
    results = engine.translate_batch(
        words(sources),
        beam_size=1,
        min_decoding_length=0,
        max_decoding_length=40,
        return_end_token=True,
    )
    for ids, result in zip(sources, results, strict=True):
        said = [int(word) for word in result.hypotheses[0]]
        with torch.no_grad():
            logits = model(torch.tensor([ids]), None, torch.tensor([[BOS, *said][:-1]]))[0]
        chosen = logits.gather(-1, torch.tensor(said)[:, None])[:, 0]
        assert (logits.amax(-1) - chosen).max() < 1e-4  # a tie may fall either way


EXPRESSIBLE = [name for name, v in tiny.VARIANTS.items() if not refusals(tiny.shape(**v))]
EXPRESSIBLE_GPTS = [name for name in tiny.GPT_VARIANTS if not refusals(tiny.fresh(name).settings)]


@pytest.mark.parametrize("variant", EXPRESSIBLE)
def test_every_expressible_switch_computes_the_same(variant, tmp_path):
    model = tiny.shaken(variant)
    assert isinstance(model, Transformer)
    assert_same_scores(model, tmp_path)
    assert_same_greedy(model, tmp_path)


@pytest.mark.parametrize("changes", tiny.COMBINED.values(), ids=tiny.COMBINED)
def test_switches_together_compute_the_same(changes, tmp_path):
    model = tiny.noisy(tiny.build(**changes))
    assert_same_scores(model, tmp_path)
    assert_same_greedy(model, tmp_path)


def assert_same_text(model: GPT, directory: Path) -> None:
    engine = ctranslate2.Generator(saved(model, directory), intra_threads=1)
    rows = [[BOS, *ids, EOS] for ids in sequences((3, 1, 100), 4)]
    results = engine.score_batch(words(rows), max_input_length=0)
    for row, result in zip(rows, results, strict=True):
        with torch.no_grad():
            log_p = model(torch.tensor([row[:-1]])).log_softmax(-1)[0]
        ours = log_p.gather(-1, torch.tensor(row[1:])[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(result.log_probs), ours, atol=1e-4, rtol=0)
    results = engine.generate_batch(
        words([row[:-1] for row in rows]),
        max_length=20,
        sampling_topk=1,
        include_prompt_in_result=False,
        return_end_token=True,
    )
    for row, result in zip(rows, results, strict=True):
        said = [int(word) for word in result.sequences_ids[0]]
        with torch.no_grad():
            logits = model(torch.tensor([[*row[:-1], *said][:-1]]))[0, len(row) - 2 :]
        chosen = logits.gather(-1, torch.tensor(said)[:, None])[:, 0]
        assert (logits.amax(-1) - chosen).max() < 1e-4


@pytest.mark.parametrize("variant", EXPRESSIBLE_GPTS)
def test_every_expressible_switch_of_a_language_model_computes_the_same(variant, tmp_path):
    model = tiny.shaken(variant)
    assert isinstance(model, GPT)
    assert_same_text(model, tmp_path)


@pytest.mark.parametrize("changes", tiny.COMBINED_GPTS.values(), ids=tiny.COMBINED_GPTS)
def test_language_models_with_switches_together_compute_the_same(changes, tmp_path):
    assert_same_text(tiny.noisy(tiny.gpt(**changes)), tmp_path)


REFUSED = {
    ("transformer", "wiring", "no-skip"): "always adds the skip connection",
    ("transformer", "wiring", "no-norm"): "only if the layer has a norm",
    ("transformer", "score_scale", "cosine"): "one gain for all heads",
    ("transformer", "score_scale", "qk-norm"): "only in self-attention",
    ("transformer", "positions", "alibi"): "ALiBi only in decoders",
    ("gpt", "wiring", "no-skip"): "always adds the skip connection",
    ("gpt", "wiring", "no-norm"): "only if the layer has a norm",
    ("gpt", "score_scale", "cosine"): "one gain for all heads",
}
"""Family, setting, value -> a part of the reason. All that is refused of the tiny variants."""


@pytest.mark.parametrize(("family", "name", "value"), REFUSED)
def test_what_cannot_be_expressed_is_refused_with_the_reason(family, name, value):
    model = tiny.gpt(**{name: value}) if family == "gpt" else tiny.build(**{name: value})
    with pytest.raises(UsageError) as failure:
        specification(model, SIZES, ROWS)
    message = str(failure.value)
    assert f"`model.{name}` is {value}: " in message
    assert REFUSED[family, name, value] in message
    assert message.startswith("This run cannot be converted to CTranslate2: ")
    assert message.endswith(" Use it with the torch engine.")


def test_nothing_else_of_the_switches_is_refused():
    refused = [name for name in tiny.VARIANTS if name not in EXPRESSIBLE]
    refused += [name for name in tiny.GPT_VARIANTS if name not in EXPRESSIBLE_GPTS]
    prefix = {"transformer": "", "gpt": "gpt "}
    assert set(refused) == {f"{prefix[family]}{name}={value}" for family, name, value in REFUSED}


def test_alibi_of_heads_that_are_no_power_of_two_is_refused():
    settings = GPTSettings(d_model=24, heads=3, positions="alibi")
    assert refusals(settings) == [
        "`model.positions` is alibi: CTranslate2's slopes equal the paper's only if "
        "`model.heads` is a power of two, but it is 3"
    ]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [(RecurrentSettings(), "no recurrent layers"), (BERTSettings(), "generates no text")],
)
def test_other_families_are_refused(settings, reason):
    (found,) = refusals(settings)
    assert found.startswith(f"`model.family` is {settings.family}: ")
    assert reason in found


def test_several_reasons_are_all_given():
    found = refusals(TransformerSettings(wiring="no-skip", score_scale="cosine"))
    assert len(found) == 2


def test_a_setting_that_came_later_is_refused_until_it_is_known():
    class Later(TransformerSettings):
        """A model of the future."""

        mixing: str = "attention"
        """What mixes positions."""

    assert refusals(Later()) == []
    assert refusals(Later(mixing="waves")) == [
        "`model.mixing` is waves: CTranslate2 does not support it"
    ]


def test_a_weight_without_a_place_is_refused():
    model = tiny.build()
    model.encoder.extra = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(UsageError, match=r"does not support 1 weight, such as `encoder.extra`"):
        specification(model, SIZES, ROWS)


def test_folding_leaves_the_model_itself_alone(tmp_path):
    model = tiny.noisy(tiny.build(wiring="deepnorm", score_scale="learned"))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    saved(model, tmp_path)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=0, rtol=0)


def test_weights_are_multiplied_row_by_row():
    weights = Weights(torch.nn.Linear(2, 2))
    before = weights.tensors["weight"].copy()
    weights.scale(("weight", "absent"), torch.tensor([2.0, 3.0]).numpy())
    np.testing.assert_allclose(weights.tensors["weight"], before * [[2.0], [3.0]], rtol=1e-6)


DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "decoding.md"


@pytest.mark.parametrize("name", tiny.SWITCHES)
def test_the_table_in_the_documents_says_what_is_refused(name):
    text = DOCUMENT.read_text(encoding="utf-8").split("### Settings that CTranslate2 supports")[1]
    rows = [line for line in text.split("###")[0].splitlines() if line.startswith("| `")]
    (row,) = [line for line in rows if f"`{name}`" in line.split("|")[1]]
    _, _, taken, refused, _ = row.split("|")
    for member in tiny.SWITCHES[name]:
        if taken.strip() == "all":
            assert f"{name}={member}" in EXPRESSIBLE
        else:
            assert (f"`{member}`" in taken) == (
                f"{name}={member}" in EXPRESSIBLE or f"gpt {name}={member}" in EXPRESSIBLE_GPTS
            )
            assert (f"`{member}`" in refused) == (f"{name}={member}" not in EXPRESSIBLE)
