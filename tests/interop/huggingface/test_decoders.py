"""Language models of transformers and of whyformer compute the same, in both directions."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.testing import assert_close

from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.interop.huggingface.architectures.architecture import Ids, Vocabularies
from whyformer.interop.huggingface.architectures.decoder_only import Decoder
from whyformer.interop.huggingface.architectures.gpt2 import GPT2
from whyformer.interop.huggingface.architectures.llama import Llama
from whyformer.interop.huggingface.architectures.neox import NeoX
from whyformer.interop.huggingface.directory import open_directory, write_directory
from whyformer.models.gpt import GPT, GPTSettings

GPT2_IDS: Ids = [22, 22, 22, 22, None, *range(22)]
"""<|endoftext|> is the last token and stands for all symbols; there is no mask."""
LLAMA_IDS: Ids = [None, 1, 2, 0, None, *range(3, 23)]
GPT2_SIZES = {
    "vocab_size": 23, "n_embd": 12, "n_layer": 2, "n_head": 3, "n_positions": 24,
    "initializer_range": 0.3, "bos_token_id": 22, "eos_token_id": 22,
}  # fmt: skip
LLAMA_SIZES = {
    "vocab_size": 23, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 20, "max_position_embeddings": 24, "initializer_range": 0.3,
}  # fmt: skip
OF_NEOX = {
    "use_parallel_residual": False,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 1.0,
    },
}
MODELS: dict[str, tuple[Decoder, Ids, dict[str, Any]]] = {
    "GPT-2": (GPT2(), GPT2_IDS, {}),
    "GPT-2 without scaling": (GPT2(), GPT2_IDS, {"scale_attn_weights": False}),
    "GPT-2 with other sizes": (
        GPT2(), GPT2_IDS, {"n_inner": 7, "activation_function": "relu", "layer_norm_epsilon": 1e-3}
    ),
    "GPT-2 with a separate projection": (GPT2(), GPT2_IDS, {"tie_word_embeddings": False}),
    "Llama": (Llama(), LLAMA_IDS, {}),
    "Llama with grouped queries": (
        Llama(), LLAMA_IDS, {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6}
    ),
    "GPT-NeoX": (NeoX(), LLAMA_IDS, OF_NEOX),
    "Llama with biases": (
        Llama(), LLAMA_IDS, {"attention_bias": True, "tie_word_embeddings": True}
    ),
}  # fmt: skip


@torch.no_grad()
def theirs(name: str) -> Any:
    """Return a model of transformers with random weights, none of which has a neutral value."""
    architecture, _, changes = MODELS[name]
    name = architecture.class_name.removesuffix("LMHeadModel").removesuffix("ForCausalLM")
    kind = getattr(transformers, f"{name}Config")
    sizes = GPT2_SIZES if name == "GPT2" else LLAMA_SIZES
    torch.manual_seed(0)
    model = getattr(transformers, architecture.class_name)(kind(**sizes | changes)).eval()
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def imported(architecture: Decoder, ids: Ids, path: Path) -> GPT:
    directory = open_directory(path)
    assert architecture.reasons_against(directory.config) == []
    settings = architecture.settings_from(directory)
    vocabularies = Vocabularies(ids, ids)
    model = GPT(settings, vocabularies.sizes)
    weights = architecture.weights_in(directory, settings, vocabularies)
    for name, parameter in model.named_parameters():  # tied ones once
        parameter.data.copy_(weights.pop(name))
    assert not weights
    return model.eval()


def batch(ids: Ids) -> tuple[Any, Any]:
    """Return our ids, which begin with bos, and theirs."""
    ours = torch.randint(5, len(ids), (3, 9), generator=torch.Generator().manual_seed(1))
    ours[:, 0] = 1
    return ours, torch.tensor([i or 0 for i in ids])[ours]


@torch.no_grad()
@pytest.mark.parametrize("name", MODELS)
def test_imported_language_models_compute_the_same(name: str, tmp_path: Path):
    architecture, ids, _ = MODELS[name]
    other = theirs(name)
    other.save_pretrained(tmp_path)
    model = imported(architecture, ids, tmp_path)
    ours, mapped = batch(ids)
    wanted = other(mapped).logits.log_softmax(-1)
    found = model(ours).log_softmax(-1)
    places = {theirs: our for our, theirs in reversed(list(enumerate(ids))) if theirs is not None}
    if isinstance(architecture, GPT2):
        places[22] = 2  # the end of a text
    order = torch.tensor([places[i] for i in range(23)])
    assert_close(found[..., order], wanted, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", MODELS)
def test_greedy_texts_of_imported_models_are_those_of_generate(name: str, tmp_path: Path):
    architecture, ids, _ = MODELS[name]
    other = theirs(name)
    other.save_pretrained(tmp_path)
    model = imported(architecture, ids, tmp_path)
    ours, mapped = batch(ids)
    forbidden = [0, 1] if not isinstance(architecture, GPT2) else None  # unk and bos
    wanted = other.generate(
        mapped, attention_mask=torch.ones_like(mapped), do_sample=False, max_new_tokens=12,
        pad_token_id=22, suppress_tokens=forbidden,
    )  # fmt: skip
    settings = SearchSettings(beam=1, nbest=1, max_length=20)
    prompts = ours[:, 1:].tolist()
    hypotheses = search(model, torch.full((3, 1), 2), None, settings, prefixes=prompts)
    for (best,), row in zip(hypotheses, wanted.tolist(), strict=True):
        tokens = [ids[token] for token in best.tokens]
        assert tokens == row[1 : 1 + len(tokens)]
        assert best.finished or len(tokens) == 20


OURS: dict[str, tuple[Decoder, dict[str, Any]]] = {
    "GPT-2": (GPT2(), {}),
    "GPT-2 with gelu and a separate projection": (GPT2(), {"activation": "gelu", "tying": "none"}),
    "GPT-NeoX": (NeoX(), {"positions": "rotary", "heads": 2}),
    "Llama": (Llama(), {"biases": "none"}),
    "Llama with biases and grouped queries": (
        Llama(), {"attention": "grouped-query", "kv_heads": 1, "d_k": 8, "tying": "none"}
    ),
}  # fmt: skip
OF_LLAMA = {"norm": "rms", "positions": "rotary", "activation": "swiglu"}


@torch.no_grad()
@pytest.mark.parametrize("name", OURS)
def test_exported_language_models_compute_the_same_and_can_be_imported_again(
    name: str, tmp_path: Path
):
    architecture, changes = OURS[name]
    sizes = {"layers": 2, "d_model": 12, "heads": 3, "d_ff": 20, "max_length": 24}
    usual = OF_LLAMA | {"heads": 2} if isinstance(architecture, Llama) else {}
    torch.manual_seed(0)
    model = GPT(GPTSettings(**sizes | usual | changes), (23, 23)).eval()
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    ids, settings = range(23), model.settings
    vocabularies = Vocabularies(ids, ids)
    assert architecture.refusals(settings) == []
    config = architecture.config_from(settings, vocabularies)
    weights = architecture.weights_out(dict(model.named_parameters()), settings, vocabularies)
    write_directory(tmp_path, config, architecture.generation_to(vocabularies), weights)
    kind = transformers.AutoModelForCausalLM
    other, report = kind.from_pretrained(tmp_path, output_loading_info=True, local_files_only=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    ours, mapped = batch(ids)
    assert_close(other.eval()(mapped).logits, model(ours), rtol=1e-5, atol=1e-5)
    assert other.generation_config.suppress_tokens == [0, 1, 3, 4]
    again = imported(architecture, ids, tmp_path)
    assert_close(again(ours), model(ours), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "changes", "reason"),
    [
        (GPT2(), {"positions": "rotary"}, "`model.positions` is rotary: GPT-2 needs learned"),
        (GPT2(), {"wiring": "post-norm"}, "GPT-2 needs pre-norm"),
        (GPT2(), {"activation": "swiglu"}, "GPT-2 needs relu, gelu, gelu-tanh or silu"),
        (GPT2(), {"d_k": 5}, "`model.d_k` is 5: GPT-2 needs d_model / heads"),
        (GPT2(), {"output_bias": "learned"}, "GPT-2 needs none or fixed"),
        (GPT2(), {"embedding_scale": "sqrt-d-model"}, "GPT-2 needs one"),
        (Llama(), OF_LLAMA | {"norm": "layer"}, "Llama needs rms"),
        (Llama(), OF_LLAMA | {"positions": "alibi"}, "Llama needs rotary"),
        (Llama(), OF_LLAMA | {"score_scale": "qk-norm"}, "Llama needs inverse-sqrt"),
    ],
)
def test_settings_that_an_architecture_lacks_are_refused_with_the_reason(
    architecture: Decoder, changes: dict[str, Any], reason: str
):
    settings = GPTSettings(layers=1, d_model=16, heads=2, **changes)
    (found,) = architecture.refusals(settings)
    assert reason in found


@pytest.mark.parametrize(
    ("architecture", "config", "reason"),
    [
        (GPT2(), {"activation_function": "tanh"}, "`activation_function` must be one of"),
        (GPT2(), {"scale_attn_by_inverse_layer_idx": True}, "must be false"),
        (GPT2(), {"architectures": ["GPT2ForSequenceClassification"]}, "only a language model"),
        (Llama(), {"hidden_act": "gelu"}, "`hidden_act` must be silu"),
        (Llama(), {"mlp_bias": True}, "`mlp_bias` must be false"),
        (Llama(), {"rope_theta": 500000.0}, "base 500000, the scaling default"),
        (
            NeoX(),
            OF_NEOX | {"use_parallel_residual": True},
            "`use_parallel_residual` must be false",
        ),
        (NeoX(), {"use_parallel_residual": False}, "25% of the dimensions"),
        (Llama(), {"rope_scaling": {"rope_type": "llama3"}}, "the scaling llama3"),
    ],
)
def test_configurations_that_cannot_be_imported_are_refused_with_the_reason(
    architecture: Decoder, config: dict[str, Any], reason: str
):
    (found,) = architecture.reasons_against(config)
    assert reason in found
