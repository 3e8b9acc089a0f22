"""The worker of `time_to_quality.py`: trains and evaluates Hugging Face's Marian.

``python quality_contender.py CONFIG`` runs in the environment of the peers. It trains for some
minutes, prints a summary of the training as JSON, and writes translations of the test sentences to
a file. It uses whyformer's tokenizers and batches (pairs of similar length with a token budget),
because Hugging Face does not provide them.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import torch
from decoding_contenders import generated
from torch import Tensor, nn
from training_batches import as_dict
from training_contenders import marian_logits, marian_model, plain_loop

from whyformer.recipes.recipe import resolve
from whyformer.tasks.pair_data import CorpusBatches, Prepared, prepare
from whyformer.text.symbols import EOS

GROUP = 64


def train(config: dict[str, Any], data: Prepared, batches: CorpusBatches) -> tuple[nn.Module, int]:
    """Train Marian for the given minutes. Return the model and the number of updates.

    Uses label smoothing, gradient clipping and a linear warm-up in updates. The learning rate
    decays to zero with elapsed time, so the number of updates need not be estimated.
    """
    torch.manual_seed(config["seed"])
    model = marian_model(
        {
            **config["shape"],
            "vocabularies": [len(data.source_tokenizer), len(data.target_tokenizer)],
            "shared": data.shared,
        }
    )
    began, total = time.perf_counter(), 60 * config["minutes"]

    def rate(number: int) -> float:
        warmed = min(1.0, (number + 1) / config["warmup"])
        return config["rate"] * warmed * max(1 - (time.perf_counter() - began) / total, 0.0)

    def stream() -> Iterator[dict[str, Any]]:
        for epoch in count():
            for index in range(batches.count(epoch)):
                yield as_dict(batches.batch(epoch, index))

    def logits_of(batch: dict[str, Any]) -> Tensor:
        return marian_logits(model, batch)

    plain = {"device": "cpu", "precision": "fp32"}
    updates = 0
    for loss in plain_loop(model, logits_of, plain, stream(), rate=rate):
        updates += 1
        spent = time.perf_counter() - began
        if updates % 100 == 0:
            print(f"{spent / 60:.1f} min, update {updates}: {loss:.3f}", file=sys.stderr)
        if spent >= total:
            break
    return model.eval(), updates


def translate(model: nn.Module, data: Prepared, texts: list[str], beam: int) -> list[str]:
    """Translate with `generate`, in batches of sentences of similar length."""
    source, target = data.source_tokenizer, data.target_tokenizer
    rows = [[*source.encode(text), EOS] for text in texts]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    found = [""] * len(rows)
    for start in range(0, len(order), GROUP):
        some = order[start : start + GROUP]
        said = generated(
            model,
            [rows[index] for index in some],
            beam=beam,
            limit=lambda longest: 2 * longest + 10,
            length_penalty=0.0,
        )
        for index, tokens in zip(some, said, strict=True):
            found[index] = target.decode(tokens)
    return found


def main() -> None:
    """Train, translate and print the summary."""
    config = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to standard error, not into the answers
    torch.set_num_threads(config["threads"])
    recipe = resolve(config["recipe"], config["overrides"]).recipe
    data = prepare(recipe, Path(config["cache"]))
    shape = ("encoder_layers", "decoder_layers", "d_model", "heads", "d_ff", "dropout")
    config["shape"] = {key: getattr(recipe.model, key) for key in shape}
    model, updates = train(config, data, CorpusBatches.of(recipe, data))
    texts = Path(config["test"]).read_text(encoding="utf-8").splitlines()
    said = translate(model, data, texts, config["beam"])
    Path(config["out"]).write_text("".join(line + "\n" for line in said), encoding="utf-8")
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(json.dumps({"updates": updates, "parameters": parameters}), file=answers)


if __name__ == "__main__":
    main()
