"""The worker of `decoding_speed.py`: runs one contender in one process, controlled by JSON lines.

``python decoding_contenders.py NAME CONFIG`` loads the run. For each command
``{"beam": b, "batch": n, "count": c}`` it translates c sentences, n at once, and prints the time.
It ends at the end of its input. Input and output of every contender are text, with the tokenizers
of the run. whyformer and `ctranslate2-wide` get all texts at once. The other contenders get groups
of n texts, one after another, longest first. Only `hugging-face` imports transformers.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Found = list[tuple[str, int]]
"""The best translation of each text, and its number of tokens including eos."""
Translate = Callable[[Sequence[str], int, int], Found]
"""A function that translates texts. Its arguments are the texts, beam size and batch size."""


def in_groups(translate: Callable[[Sequence[str], int], Found]) -> Translate:
    """Translate one group after another."""

    def grouped(texts: Sequence[str], beam: int, batch: int) -> Found:
        firsts = range(0, len(texts), batch)
        return [one for first in firsts for one in translate(texts[first : first + batch], beam)]

    return grouped


def whyformer_torch(config: dict[str, Any], *, weights: str = "float32") -> Translate:
    """whyformer's reference engine. Args: weights: number format of the large weight matrices."""
    from whyformer.decoding.weights import Weights
    from whyformer.workflows.systems import load_system

    run, held = Path(config["run"]), Weights(weights)
    system = load_system([run], device=config["device"], weights=held)
    return _by_whyformer(system.translator, config)


def whyformer_torch_int8(config: dict[str, Any]) -> Translate:
    """The same engine with int8 for large weights."""
    return whyformer_torch(config, weights="int8")


def whyformer_ctranslate2(config: dict[str, Any]) -> Translate:
    """whyformer with a converted run."""
    from whyformer.interop.engine import CTranslate2Translator

    directory = Path(config["conversion"])
    return _by_whyformer(CTranslate2Translator(directory, threads=config["threads"]), config)


def _by_whyformer(translator: Any, config: dict[str, Any]) -> Translate:
    from whyformer.decoding.settings import SearchSettings

    def translate(texts: Sequence[str], beam: int, batch: int) -> Found:
        asked = SearchSettings(beam=beam, length_penalty=config["length_penalty"])
        answers = translator.translate(texts, asked, batch_tokens=1 << 20, batch_lines=batch)
        return [(one.text, len(one.hypotheses[0][1].tokens) + 1) for one in answers]

    return translate


def ctranslate2_api(
    config: dict[str, Any], *, plain: bool = False, wide: bool = False
) -> Translate:
    """CTranslate2's own Python API.

    Args:
        plain: search with CTranslate2's own length penalty, as its users do. Otherwise use the
            search options of whyformer's engine.
        wide: pass all groups in one call, so that each core computes one group. With int8, a single
            sentence is also computed by one core, because one core is faster than two.
    """
    import ctranslate2

    from whyformer.decoding.settings import SearchSettings
    from whyformer.interop.conversion import read_tokenizers
    from whyformer.interop.engine import NO_PENALTY, PATIENCE

    directory = Path(config["conversion"])
    source, target = read_tokenizers(directory)
    threads = config["threads"]
    alone = 1 if wide and config["quantize"] == "int8" else threads
    engine = ctranslate2.Translator(str(directory), intra_threads=alone)
    many = engine
    if wide:
        many = ctranslate2.Translator(str(directory), inter_threads=threads, intra_threads=1)
    limit = SearchSettings().limit

    def translate(texts: Sequence[str], beam: int, batch: int = 0) -> Found:
        rows = [[*map(str, source.encode(text)), "2"] for text in texts]
        search: dict[str, Any] = {"length_penalty": config["length_penalty"]}
        if not plain and beam > 1:
            search = {
                "length_penalty": NO_PENALTY,
                "patience": PATIENCE,
                "num_hypotheses": beam * PATIENCE,
            }
        results = (many if batch > 1 else engine).translate_batch(
            rows,
            max_batch_size=batch,
            beam_size=beam,
            max_input_length=0,
            max_decoding_length=limit(max(map(len, rows))),
            min_decoding_length=0,
            return_scores=True,
            **search,
        )
        best = [[int(word) for word in result.hypotheses[0]] for result in results]
        return [(target.decode(ids), len(ids) + 1) for ids in best]

    return translate if wide else in_groups(translate)


def ctranslate2_wide(config: dict[str, Any]) -> Translate:
    """CTranslate2's own Python API with one group per core."""
    return ctranslate2_api(config, wide=True)


def ctranslate2_plain(config: dict[str, Any]) -> Translate:
    """CTranslate2's own Python API with its own search options."""
    return ctranslate2_api(config, plain=True)


def hugging_face(config: dict[str, Any]) -> Translate:
    """`generate` of Hugging Face with the weights of the run, as Marian (post-norm) or Pegasus."""
    from whyformer.bundle import load_bundle
    from whyformer.decoding.settings import SearchSettings
    from whyformer.text.symbols import EOS

    bundle = load_bundle(Path(config["run"]))
    device = config["device"]
    model = hugging_face_model(bundle.model).to(device)
    limit = SearchSettings().limit

    def translate(texts: Sequence[str], beam: int) -> Found:
        rows = [[*bundle.source_tokenizer.encode(text), EOS] for text in texts]
        found = generated(
            model, rows, beam=beam, limit=limit, length_penalty=config["length_penalty"]
        )
        return [(bundle.target_tokenizer.decode(said), len(said) + 1) for said in found]

    return in_groups(translate)


def generated(
    model: Any,
    rows: list[list[int]],
    *,
    beam: int,
    limit: Callable[[int], int],
    length_penalty: float,
) -> list[list[int]]:
    """Return the output of `generate` for each row of ids, without bos and eos.

    Args: limit: function from the length of the longest row to the maximum number of new tokens.
    """
    from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK

    longest = max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows], device=model.device)
    with torch.inference_mode():
        found = model.generate(
            input_ids=ids,
            attention_mask=(ids != PAD).long(),
            num_beams=beam,
            do_sample=False,
            max_new_tokens=limit(longest),
            length_penalty=length_penalty,
            suppress_tokens=[PAD, BOS, UNK, MASK],
            decoder_start_token_id=BOS,
            eos_token_id=EOS,
            pad_token_id=PAD,
            forced_eos_token_id=None,
        )
    return [row[1 : row.index(EOS, 1)] if EOS in row[1:] else row[1:] for row in found.tolist()]


def hugging_face_model(model: Any) -> Any:
    """Return our model as a Hugging Face model.

    Raises: SystemExit if no Hugging Face model computes the same function.
    """
    from transformers import MarianConfig, MarianMTModel, PegasusConfig
    from transformers import PegasusForConditionalGeneration as Pegasus

    settings = model.settings
    kinds = {"post-norm": (MarianConfig, MarianMTModel), "pre-norm": (PegasusConfig, Pegasus)}
    fixed = {"norm": "layer", "positions": "sinusoidal", "score_scale": "inverse-sqrt"}
    odd = {key: str(getattr(settings, key)) for key in fixed}
    if settings.wiring not in kinds or odd != fixed or settings.activation not in ("relu", "gelu"):
        raise SystemExit(
            "Hugging Face has no model for this run. Remove hugging-face from --contenders."
        )
    if settings.d_k is not None or settings.tying != "three-way":
        raise SystemExit(
            "Hugging Face's models need three-way tying and d_k = d_model / heads. "
            "Remove hugging-face from --contenders."
        )
    make, kind = kinds[settings.wiring]
    theirs = kind(
        make(
            vocab_size=len(model.projection.weight),
            d_model=settings.d_model,
            encoder_layers=settings.encoder_layers,
            decoder_layers=settings.decoder_layers,
            encoder_attention_heads=settings.heads,
            decoder_attention_heads=settings.heads,
            encoder_ffn_dim=settings.d_ff,
            decoder_ffn_dim=settings.d_ff,
            max_position_embeddings=settings.max_length,
            activation_function=str(settings.activation),
            scale_embedding=True,
            tie_word_embeddings=True,
            dropout=0.0,
            attention_dropout=0.0,
            pad_token_id=0,
            eos_token_id=2,
            decoder_start_token_id=1,
            forced_eos_token_id=None,
        )
    )
    copy_weights(model, theirs)
    return theirs.eval()


PLACES = {
    "wire_self_attention.norm": "self_attn_layer_norm",
    "wire_cross_attention.norm": "encoder_attn_layer_norm",
    "wire_feedforward.norm": "final_layer_norm",
    "self_attention.": "self_attn.",
    "cross_attention.": "encoder_attn.",
    "project_query": "q_proj",
    "project_key": "k_proj",
    "project_value": "v_proj",
    "project_output": "out_proj",
    "feedforward.expand": "fc1",
    "feedforward.contract": "fc2",
    "final_norm": "layer_norm",
}
"""Parts of our weight names and their replacements, applied in this order."""


def copy_weights(ours: Any, theirs: Any) -> None:
    """Copy our weights to their model. Set biases that our model does not have to zero."""
    from whyformer.blocks.positions import sinusoids

    wanted: dict[str, Tensor] = dict(theirs.named_parameters()) | dict(theirs.named_buffers())
    given: dict[str, Tensor] = {}
    for name, tensor in ours.state_dict().items():
        if "embedding" in name or name == "projection.weight":
            continue
        for part, place in PLACES.items():
            name = name.replace(part, place)
        given[f"model.{name}"] = tensor
    given["model.shared.weight"] = ours.projection.weight.detach()
    with torch.no_grad():
        for name, tensor in wanted.items():
            if name.endswith("embed_positions.weight"):
                tensor.copy_(sinusoids(torch.arange(len(tensor)), tensor.shape[1]))
            elif name in given:
                tensor.copy_(given.pop(name))
            elif name.endswith("bias"):
                tensor.zero_()
            elif "embed_tokens" not in name and name != "lm_head.weight":
                raise SystemExit(f"{name} has no counterpart in our weights")
    if given:
        raise SystemExit(f"{', '.join(given)} found no place")


CONTENDERS: dict[str, Callable[[dict[str, Any]], Translate]] = {
    "whyformer-torch": whyformer_torch,
    "whyformer-torch-int8": whyformer_torch_int8,
    "whyformer-ctranslate2": whyformer_ctranslate2,
    "ctranslate2": ctranslate2_api,
    "ctranslate2-wide": ctranslate2_wide,
    "ctranslate2-plain": ctranslate2_plain,
    "hugging-face": hugging_face,
}


def serve(name: str, config: dict[str, Any]) -> None:
    """Answer commands until the end of the input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to standard error, not into the answers
    torch.set_num_threads(config["threads"])
    if config["allocator"] == "kept" or (config["allocator"] == "ours-only" and "whyf" in name):
        from whyformer.acceleration.allocator import keep_big_blocks

        if not keep_big_blocks():
            raise SystemExit(
                "The allocator cannot be changed on this system. Use --allocator default."
            )

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    translate = CONTENDERS[name](config)
    texts = config["sentences"]
    answer(ready=name)
    for line in sys.stdin:
        command = json.loads(line)
        some = texts[: command["count"]]
        seconds, found = [], []
        cpu = time.process_time()
        for texts_of_call in [some] if command["batch"] > 1 else [[one] for one in some]:
            began = time.perf_counter()
            found += translate(texts_of_call, command["beam"], command["batch"])
            seconds.append(time.perf_counter() - began)
        answer(
            seconds=seconds,
            cpu_seconds=time.process_time() - cpu,
            tokens=sum(count for _, count in found),
            texts=[text for text, _ in found],
        )


if __name__ == "__main__":
    serve(sys.argv[1], json.loads(sys.argv[2]))
