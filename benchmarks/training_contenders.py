"""The worker of `training_speed.py`: one contender in one process, obeying JSON lines.

``python training_contenders.py NAME FILE CONFIG`` reads batches from FILE, answers
``{"steps": n}`` with what n updates on the next n batches took, and ends with its input.
Only `whyformer` imports whyformer, and only `marian` imports transformers.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PAD, BOS, EOS = 0, 1, 2
SMOOTHING, CLIP, RATE = 0.1, 1.0, 2e-4
BETAS, EPSILON = (0.9, 0.98), 1e-9
SEED = 1

Batches = list[dict[str, Any]]
Updates = Iterator[float]
"""Each `next` is one whole update and gives its mean loss a token."""


def whyformer(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """whyformer by its own loop, `training.loop.fit`."""
    import numpy as np

    from whyformer.blocks.embeddings import Tying
    from whyformer.data.batch import Batch
    from whyformer.foundation.randomness import seed_everything
    from whyformer.models.build import build_model
    from whyformer.models.transformer import TransformerSettings
    from whyformer.training.loop import TrainingSettings, fit, start

    class Saved:
        """The saved batches as the loop asks for them."""

        def __init__(self) -> None:
            self.batches = [
                Batch(
                    **{key: value for key, value in batch.items() if key != "flops"},
                    indices=np.arange(len(batch["source"])),
                )
                for batch in batches
            ]

        def count(self, epoch: int) -> int:
            return len(self.batches)

        def batch(self, epoch: int, index: int) -> Batch:
            return self.batches[index]

    shape = ("encoder_layers", "decoder_layers", "d_model", "heads", "d_ff", "dropout")
    model_settings = TransformerSettings(
        **{key: config[key] for key in shape},
        tying=Tying.THREE_WAY if config["shared"] else Tying.DECODER,
    )
    training = TrainingSettings(
        updates=1_000_000,
        optimizer="adam",
        betas=BETAS,
        epsilon=EPSILON,
        schedule="constant",
        warmup=0,
        learning_rate=RATE,
        label_smoothing=SMOOTHING,
        clip=CLIP,
        seed=SEED,
    )
    seed_everything(SEED)
    model = build_model(model_settings, tuple(config["vocabularies"]), shared=config["shared"])
    reports = fit(start(model, training), Saved(), training, d_model=config["d_model"])
    return model, (report.loss for report in reports)


class TorchTranslator(nn.Module):
    """`torch.nn.Transformer` with what it leaves to its user: embeddings, positions, projection.

    Args: lean: no dropout inside attention and feed-forward, as in the paper and in the other
        contenders; `nn.Transformer` itself offers no such argument.
    """

    def __init__(self, config: dict[str, Any], *, lean: bool) -> None:
        super().__init__()
        d_model, (sources, targets) = config["d_model"], config["vocabularies"]
        self.scale = math.sqrt(d_model)
        self.target_embedding = nn.Embedding(targets, d_model)
        nn.init.normal_(self.target_embedding.weight, std=d_model**-0.5)
        self.source_embedding = self.target_embedding
        if not config["shared"]:
            self.source_embedding = nn.Embedding(sources, d_model)
            nn.init.normal_(self.source_embedding.weight, std=d_model**-0.5)
        self.dropout = nn.Dropout(config["dropout"])
        self.transformer = nn.Transformer(
            d_model,
            config["heads"],
            config["encoder_layers"],
            config["decoder_layers"],
            config["d_ff"],
            config["dropout"],
            batch_first=True,
        )
        if lean:
            for module in self.transformer.modules():
                if isinstance(module, nn.MultiheadAttention):
                    module.dropout = 0.0
                elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
                    module.dropout = nn.Identity()
        pair = torch.arange(0, d_model, 2)
        angle = torch.arange(512)[:, None] / 10000 ** (pair / d_model)
        table = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
        self.register_buffer("table", table, persistent=False)
        forbidden = nn.Transformer.generate_square_subsequent_mask(512).isinf()
        self.register_buffer("forbidden", forbidden, persistent=False)

    def forward(self, source: Tensor, padding: Tensor | None, target: Tensor) -> Tensor:
        """Return logits. Padding stands to the right of targets, so `causal` hides it."""
        x = self.dropout(self.source_embedding(source) * self.scale + self.table[: source.shape[1]])
        length = target.shape[1]
        y = self.dropout(self.target_embedding(target) * self.scale + self.table[:length])
        y = self.transformer(
            x,
            y,
            tgt_mask=self.forbidden[:length, :length],
            tgt_is_causal=True,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return F.linear(y, self.target_embedding.weight)


def torch_transformer(
    config: dict[str, Any], batches: Batches, *, lean: bool = False
) -> tuple[nn.Module, Updates]:
    """A plain loop around `torch.nn.Transformer`."""
    model = TorchTranslator(config, lean=lean)

    def logits_of(batch: dict[str, Any]) -> Tensor:
        real = batch["source_real"]
        return model(batch["source"], None if real is None else ~real, batch["target"])

    return model, plain_loop(model, logits_of, batches)


def torch_lean(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """`torch_transformer` with dropout only where the others have it."""
    return torch_transformer(config, batches, lean=True)


def marian(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """A plain loop around Hugging Face's Marian with random weights."""
    from transformers import MarianConfig, MarianMTModel

    sources, targets = config["vocabularies"]
    settings = MarianConfig(
        vocab_size=sources,
        decoder_vocab_size=targets,
        share_encoder_decoder_embeddings=config["shared"],
        tie_word_embeddings=True,
        d_model=config["d_model"],
        encoder_layers=config["encoder_layers"],
        decoder_layers=config["decoder_layers"],
        encoder_attention_heads=config["heads"],
        decoder_attention_heads=config["heads"],
        encoder_ffn_dim=config["d_ff"],
        decoder_ffn_dim=config["d_ff"],
        max_position_embeddings=512,
        activation_function="relu",
        dropout=config["dropout"],
        attention_dropout=0.0,
        activation_dropout=0.0,
        scale_embedding=True,
        use_cache=False,
        pad_token_id=PAD,
        eos_token_id=EOS,
        forced_eos_token_id=EOS,
        decoder_start_token_id=BOS,
    )
    settings._attn_implementation = "sdpa"
    model = MarianMTModel(settings)

    def logits_of(batch: dict[str, Any]) -> Tensor:
        real = batch["source_real"]
        return model(
            input_ids=batch["source"],
            attention_mask=None if real is None else real.long(),
            decoder_input_ids=batch["target"],
            use_cache=False,
        ).logits

    return model, plain_loop(model, logits_of, batches)


def plain_loop(
    model: nn.Module, logits_of: Callable[[dict[str, Any]], Tensor], batches: Batches
) -> Updates:
    """What a careful user writes: fused Adam, clipping in one call, gradients set to None."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=RATE, betas=BETAS, eps=EPSILON, fused=True)
    model.train()
    for batch in cycle(batches):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(
            logits_of(batch).flatten(0, 1),
            batch["labels"].flatten(),
            ignore_index=PAD,
            label_smoothing=SMOOTHING,
        )
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP, foreach=True)
        optimizer.step()
        yield loss.item()


CONTENDERS = {
    "whyformer": whyformer,
    "torch": torch_transformer,
    "torch-lean": torch_lean,
    "marian": marian,
}


def ceiling(config: dict[str, Any], seconds: float) -> float:
    """Return the most multiplications and additions a second in the model's own products."""
    rows, d_model, d_ff = config["batch_tokens"], config["d_model"], config["d_ff"]
    best = 0.0
    for inner, outer in ((d_model, d_model), (d_model, d_ff), (d_ff, d_model)):
        x, weight = torch.randn(rows, inner), torch.randn(outer, inner)
        y = torch.empty(rows, outer)
        torch.mm(x, weight.T, out=y)
        began, count = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            torch.mm(x, weight.T, out=y)
            count += 1
        best = max(best, count * 2.0 * rows * inner * outer / spent)
    return best


def serve(name: str, file: str, config: dict[str, Any]) -> None:
    """Answer commands until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    torch.set_num_threads(config["threads"])
    torch.manual_seed(SEED)

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    if name == "ceiling":
        answer(ready=name)
        for line in sys.stdin:
            answer(flops_per_second=ceiling(config, json.loads(line)["seconds"]))
        return
    batches = torch.load(file, weights_only=True)
    model, updates = CONTENDERS[name](config, batches)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    answer(ready=name, parameters=parameters)
    sizes = cycle([(batch["tokens"], batch["flops"]) for batch in batches])
    for line in sys.stdin:
        steps, tokens, flops, losses = [], 0, 0.0, []
        cpu = time.process_time()
        for _ in range(json.loads(line)["steps"]):
            began = time.perf_counter()
            losses.append(next(updates))
            steps.append(time.perf_counter() - began)
            size = next(sizes)
            tokens, flops = tokens + size[0], flops + size[1]
        cpu = time.process_time() - cpu
        answer(
            seconds=sum(steps),
            cpu_seconds=cpu,
            steps=steps,
            tokens=tokens,
            flops=flops,
            loss=losses[-1],
        )


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
