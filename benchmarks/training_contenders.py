"""The worker of `training_speed.py`: runs one contender in one process, controlled by JSON lines.

``python training_contenders.py NAME FILE CONFIG`` reads batches from FILE. For each command
``{"steps": n}`` it makes n updates on the next n batches and prints the time. It ends at the end of
its input. Each contender imports only its own library. `joeynmt` runs in a separate environment.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PAD, BOS, EOS = 0, 1, 2
SMOOTHING, CLIP, RATE = 0.1, 1.0, 2e-4
BETAS, EPSILON = (0.9, 0.98), 1e-9
SEED = 1
SQUARE = 8192

Batches = list[dict[str, Any]]
Updates = Iterator[float]
"""An iterator. Each `next` makes one whole update and returns the mean loss per token."""


def whyformer(
    config: dict[str, Any], batches: Batches, *, compiled: bool = False
) -> tuple[nn.Module, Updates]:
    """whyformer with its own loop, `training.loop.fit`."""
    import numpy as np

    from whyformer.blocks.embeddings import Tying
    from whyformer.data.batch import Batch
    from whyformer.foundation.randomness import seed_everything
    from whyformer.models.build import build_model
    from whyformer.models.transformer import TransformerSettings
    from whyformer.training.loop import fit, start
    from whyformer.training.settings import TrainingSettings

    class Saved:
        """Return the saved batches in the format of the loop."""

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
        precision=config["precision"],
        compile=compiled,
        seed=SEED,
    )
    seed_everything(SEED)
    model = build_model(model_settings, tuple(config["vocabularies"]), shared=config["shared"])
    model.to(config["device"])
    reports = fit(start(model, training), Saved(), training, d_model=config["d_model"])
    return model, (report.loss for report in reports)


def whyformer_compiled(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """The same with `training.compile`."""
    return whyformer(config, batches, compiled=True)


class TorchTranslator(nn.Module):
    """`torch.nn.Transformer` with embeddings, positions and output projection, which it lacks.

    Args:
        lean: no dropout inside attention and feed-forward, as in the paper and in the other
            contenders. `nn.Transformer` has no argument for this.
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
        """Return logits. Targets are padded on the right, so `causal` hides the padding."""
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

    return model, plain_loop(model, logits_of, config, batches)


def torch_lean(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """`torch_transformer` with the same kinds of dropout as the other contenders."""
    return torch_transformer(config, batches, lean=True)


def marian_model(config: dict[str, Any]) -> nn.Module:
    """Hugging Face's Marian with random weights."""
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
    return MarianMTModel(settings)


def marian(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """A plain loop around `marian_model`."""
    model = marian_model(config)

    def logits_of(batch: dict[str, Any]) -> Tensor:
        return marian_logits(model, batch)

    return model, plain_loop(model, logits_of, config, batches)


def marian_logits(model: nn.Module, batch: dict[str, Any]) -> Tensor:
    """Return the logits of a Marian model for a batch."""
    real = batch["source_real"]
    return model(
        input_ids=batch["source"],
        attention_mask=None if real is None else real.long(),
        decoder_input_ids=batch["target"],
        use_cache=False,
    ).logits


def x_transformers(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """A plain loop around the encoder and decoder of x-transformers.

    Learned positions, pre-norm, fused attention, and otherwise its default options.
    """
    from x_transformers import Decoder, Encoder, TransformerWrapper

    d_model, dropout, (sources, targets) = (
        config[key] for key in ("d_model", "dropout", "vocabularies")
    )
    layers = {
        "dim": d_model,
        "heads": config["heads"],
        "attn_dim_head": d_model // config["heads"],
        "attn_flash": True,
        "attn_sublayer_dropout": dropout,
        "ff_mult": config["d_ff"] / d_model,
        "ff_custom_activation": nn.ReLU(),
        "ff_sublayer_dropout": dropout,
    }
    around = {"max_seq_len": 512, "emb_dropout": dropout}
    encoder = TransformerWrapper(
        num_tokens=sources,
        attn_layers=Encoder(depth=config["encoder_layers"], **layers),
        return_only_embed=True,
        **around,
    )
    decoder = TransformerWrapper(
        num_tokens=targets,
        attn_layers=Decoder(depth=config["decoder_layers"], cross_attend=True, **layers),
        tie_embedding=True,
        **around,
    )
    if config["shared"]:
        encoder.token_emb = decoder.token_emb

    def logits_of(batch: dict[str, Any]) -> Tensor:
        real = batch["source_real"]
        return decoder(
            batch["target"], context=encoder(batch["source"], mask=real), context_mask=real
        )

    model = nn.ModuleList([encoder, decoder])
    return model, plain_loop(model, logits_of, config, batches)


def eole(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """A plain loop around the model of eole.

    Pre-norm, because its decoder supports nothing else. Its feed-forward networks have dropout.
    """
    from types import SimpleNamespace

    from eole.config.models import TransformerModelConfig
    from eole.models.model import EncoderDecoderModel

    class Vocabulary(dict[str, int]):
        """The attributes of a vocabulary that eole reads: its size and the index of the padding."""

        def __init__(self, size: int) -> None:
            super().__init__({"<pad>": PAD})
            self.size = size

        def __len__(self) -> int:
            return self.size

    sources, targets = config["vocabularies"]
    vocabularies = {
        "specials": {"pad_token": "<pad>"},
        "src": Vocabulary(sources),
        "tgt": Vocabulary(targets),
    }
    running = SimpleNamespace(
        dropout=[config["dropout"]],
        attention_dropout=[0.0],
        param_init_method="xavier_uniform",
        self_attn_backend="pytorch",
    )
    settings = TransformerModelConfig(
        encoder={"layers": config["encoder_layers"]},
        decoder={"layers": config["decoder_layers"]},
        hidden_size=config["d_model"],
        heads=config["heads"],
        transformer_ff=config["d_ff"],
        mlp_activation_fn="relu",
        embeddings={"word_vec_size": config["d_model"]},
        share_embeddings=config["shared"],
        share_decoder_embeddings=True,
    )
    model = EncoderDecoderModel.build_blocks(settings, vocabularies, running)
    model.build_generator(settings, running, vocabularies)
    model.init_weights(running)

    def logits_of(batch: dict[str, Any]) -> Tensor:
        target = batch["target"]
        longer = torch.cat([target, target[:, -1:]], 1)  # the model drops the last token
        return model.generator(model(batch["source"], longer, None).dec_out)

    return model, plain_loop(model, logits_of, config, batches)


def joeynmt(config: dict[str, Any], batches: Batches) -> tuple[nn.Module, Updates]:
    """JoeyNMT's model, loss and count of correct tokens, in the loop of the other peers."""
    from types import SimpleNamespace

    from joeynmt.batch import Batch
    from joeynmt.model import build_model
    from joeynmt.vocabulary import Vocabulary

    ids = torch.arange(max(config["vocabularies"]))
    ids[:4] = torch.tensor([1, 2, 3, 0])  # JoeyNMT expects unk, pad, bos, eos; our pad is first
    special = {"unk": 0, "pad": 1, "bos": 2, "eos": 3}
    symbols = {f"{name}_id": index for name, index in special.items()}
    symbols |= {f"{name}_token": f"<{name}>" for name in special}
    about = SimpleNamespace(**symbols, sep_token=None, lang_tags=[])

    def vocabulary(size: int) -> Vocabulary:
        made = Vocabulary([], about)
        made._itos += [
            str(index) for index in range(4, size)
        ]  # adding them one at a time takes minutes
        made._stoi |= {word: index for index, word in enumerate(made._itos)}
        return made

    d_model = config["d_model"]

    def side(layers: int) -> dict[str, Any]:
        return {
            "type": "transformer",
            "num_layers": layers,
            "num_heads": config["heads"],
            "embeddings": {"embedding_dim": d_model, "scale": True},
            "hidden_size": d_model,
            "ff_size": config["d_ff"],
            "dropout": config["dropout"],
            "layer_norm": "post",
        }

    sources, targets = config["vocabularies"]
    source = vocabulary(sources)
    model = build_model(
        {
            "initializer": "xavier_uniform",
            "embed_initializer": "xavier_uniform",
            "tied_embeddings": config["shared"],
            "tied_softmax": True,
            "encoder": side(config["encoder_layers"]),
            "decoder": side(config["decoder_layers"]),
        },
        source,
        source if config["shared"] else vocabulary(targets),
    )
    model.loss_function = ("crossentropy", SMOOTHING)

    def loss_of(batch: dict[str, Any]) -> Tensor:
        read, labels = ids[batch["source"]], ids[batch["labels"]]
        bos = torch.full((len(labels), 1), special["bos"])
        made = Batch(
            src=read,
            src_length=(read != special["pad"]).sum(1),
            src_prompt_mask=None,
            trg=torch.cat([bos, labels], 1),
            trg_prompt_mask=None,
            indices=torch.arange(len(read)),
            device=torch.device(config["device"]),
            pad_index=special["pad"],
            eos_index=special["eos"],
        )
        loss, _, _, correct = model(return_type="loss", **vars(made))
        correct.item()
        return loss / made.ntokens

    return model, plain_loop(model, loss_of, config, batches, gives_loss=True)


def plain_loop(
    model: nn.Module,
    logits_of: Callable[[dict[str, Any]], Tensor],
    config: dict[str, Any],
    batches: Iterable[dict[str, Any]],
    *,
    gives_loss: bool = False,
    rate: Callable[[int], float] | None = None,
) -> Updates:
    """A careful user's training loop: fused Adam, one call for clipping, gradients set to None.

    On a GPU, it uses autocast and batches from pinned memory.

    Args:
        batches: a list is repeated without end; an iterator must be infinite.
        gives_loss: ``logits_of`` returns the mean loss instead of logits.
        rate: learning rate of each update, counted from 0. None means `RATE`.
    """
    device, bf16 = config["device"], config["precision"] == "bf16"
    model.to(device)
    if device == "cuda":
        batches = [
            {k: v.pin_memory() if torch.is_tensor(v) else v for k, v in batch.items()}
            for batch in batches
        ]
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=RATE, betas=BETAS, eps=EPSILON, fused=True)
    model.train()
    endless = cycle(batches) if isinstance(batches, list) else batches
    for number, saved in enumerate(endless):
        if rate is not None:
            for group in optimizer.param_groups:
                group["lr"] = rate(number)
        batch = {
            k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v
            for k, v in saved.items()
        }
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = logits_of(batch)
            if not gives_loss:
                loss = F.cross_entropy(
                    loss.flatten(0, 1),
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
    "whyformer-compile": whyformer_compiled,
    "torch": torch_transformer,
    "torch-lean": torch_lean,
    "marian": marian,
    "x-transformers": x_transformers,
    "joeynmt": joeynmt,
    "eole": eole,
}


def ceilings(config: dict[str, Any], seconds: float) -> dict[str, float]:
    """Return the maximum rate of the model's matrix products in operations per second.

    An operation is a multiplication or an addition. On a GPU, large square products are also
    measured, and the faster rate counts. The rate is that of `torch.mm`. On a CPU, the rate of
    oneDNN is returned as well.
    """
    rows, d_model, d_ff, device = (
        config[key] for key in ("batch_tokens", "d_model", "d_ff", "device")
    )
    shapes = [(rows, d_model, d_model), (rows, d_model, d_ff), (rows, d_ff, d_model)]
    shapes += [(SQUARE, SQUARE, SQUARE)] if device == "cuda" else []
    dtype = torch.bfloat16 if config["precision"] == "bf16" else torch.float32
    products: dict[str, Callable[[Tensor, Tensor, Tensor], object]] = {
        "torch.mm": lambda x, weight, y: torch.mm(x, weight.T, out=y)
    }
    if device == "cpu" and torch.backends.mkldnn.is_available():
        by_onednn = torch.ops.mkldnn._linear_pointwise
        products["oneDNN"] = lambda x, weight, y: by_onednn(x, weight, None, "none", [], "")
    best = dict.fromkeys(products, 0.0)
    for rows, inner, outer in shapes:
        x = torch.randn(rows, inner, device=device, dtype=dtype)
        weight = torch.randn(outer, inner, device=device, dtype=dtype)
        y = torch.empty(rows, outer, device=device, dtype=dtype)
        for name, product in products.items():
            product(x, weight, y)
            finish(device)
            began, count = time.perf_counter(), 0
            while (spent := time.perf_counter() - began) < seconds:
                product(x, weight, y)
                finish(device)
                count += 1
            best[name] = max(best[name], count * 2.0 * rows * inner * outer / spent)
    return best


def finish(device: str) -> None:
    """Wait until the GPU has finished."""
    if device == "cuda":
        torch.cuda.synchronize()


def serve(name: str, file: str, config: dict[str, Any]) -> None:
    """Answer commands until the end of the input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to standard error, not into the answers
    torch.set_num_threads(config["threads"])
    torch.manual_seed(SEED)

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    if name == "ceiling":
        answer(ready=name)
        for line in sys.stdin:
            with torch.inference_mode():
                answer(flops_per_second=ceilings(config, json.loads(line)["seconds"]))
        return
    batches = torch.load(file, weights_only=True)
    model, updates = CONTENDERS[name](config, batches)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    answer(ready=name, parameters=parameters)
    sizes = cycle([(batch["tokens"], batch["flops"]) for batch in batches])
    for line in sys.stdin:
        steps, tokens, flops, losses = [], 0, 0.0, []
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(json.loads(line)["steps"]):
            began = time.perf_counter()
            losses.append(next(updates))
            steps.append(time.perf_counter() - began)
            size = next(sizes)
            tokens, flops = tokens + size[0], flops + size[1]
        finish(config["device"])
        answer(
            seconds=time.perf_counter() - start,
            cpu_seconds=time.process_time() - cpu,
            steps=steps,
            tokens=tokens,
            flops=flops,
            loss=losses[-1],
        )


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
