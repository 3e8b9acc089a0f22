"""The worker of `time_to_quality.py`: Hugging Face's Marian, trained for some minutes and judged.

``python quality_contender.py CONFIG`` runs in the environment of the peers and prints what the
training was, as JSON; its translations of the test sentences go to a file. It is given whyformer's
own tokenizers and batches (pairs of like length, cut by a budget of tokens), which Hugging Face has
not.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from training_batches import as_dict
from training_contenders import (
    BETAS,
    BOS,
    CLIP,
    EOS,
    EPSILON,
    PAD,
    SMOOTHING,
    marian_logits,
    marian_model,
)

from whyformer.text.symbols import MASK, UNK
from whyformer.text.tokenizer import Tokenizer
from whyformer.workflows.prepare import CorpusBatches, Prepared, prepare
from whyformer.workflows.recipe import resolve

GROUP = 64


def train(config: dict[str, Any], data: Prepared, batches: CorpusBatches) -> tuple[nn.Module, int]:
    """Return Marian after the minutes, and its updates.

    Label smoothing, clipping, a linear warm-up in updates, and a rate that falls to zero by the
    clock, so that none of the minutes is lost to an estimate.
    """
    torch.manual_seed(config["seed"])
    model = marian_model(
        {
            **config["shape"],
            "vocabularies": [len(data.source_tokenizer), len(data.target_tokenizer)],
            "shared": data.shared,
        }
    )
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        parameters, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True
    )
    model.train()
    epoch, index, updates, began, total = 0, 0, 0, time.perf_counter(), 60 * config["minutes"]
    while (spent := time.perf_counter() - began) < total:
        batch = as_dict(batches.batch(epoch, index))
        for group in optimizer.param_groups:
            warmed = min(1.0, (updates + 1) / config["warmup"])
            group["lr"] = config["rate"] * warmed * (1 - spent / total)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(
            marian_logits(model, batch).flatten(0, 1),
            batch["labels"].flatten(),
            ignore_index=PAD,
            label_smoothing=SMOOTHING,
        )
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP, foreach=True)
        optimizer.step()
        updates, index = updates + 1, index + 1
        if index == batches.count(epoch):
            epoch, index = epoch + 1, 0
        if updates % 100 == 0:
            print(f"{spent / 60:.1f} min, update {updates}: {loss.item():.3f}", file=sys.stderr)
    return model.eval(), updates


def translate(model: nn.Module, data: Prepared, texts: list[str], beam: int) -> list[str]:
    """Translate by `generate`, sentences of like length together."""
    source, target = data.source_tokenizer, data.target_tokenizer
    rows = [[*encoded(source, text), EOS] for text in texts]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    found = [""] * len(rows)
    for start in range(0, len(order), GROUP):
        some = order[start : start + GROUP]
        longest = max(len(rows[index]) for index in some)
        ids = torch.tensor([rows[index] + [PAD] * (longest - len(rows[index])) for index in some])
        with torch.inference_mode():
            said: Tensor = model.generate(
                input_ids=ids,
                attention_mask=(ids != PAD).long(),
                num_beams=beam,
                do_sample=False,
                max_new_tokens=2 * longest + 10,
                length_penalty=0.0 if beam > 1 else 1.0,
                suppress_tokens=[PAD, BOS, UNK, MASK],
                decoder_start_token_id=BOS,
                eos_token_id=EOS,
                pad_token_id=PAD,
                forced_eos_token_id=None,
            )
        for index, row in zip(some, said.tolist(), strict=True):
            tokens = row[1 : row.index(EOS, 1)] if EOS in row[1:] else row[1:]
            found[index] = target.decode(tokens)
    return found


def encoded(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return the ids of a text."""
    return list(tokenizer.encode(text))


def main() -> None:
    """Train, translate and print."""
    config = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
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
