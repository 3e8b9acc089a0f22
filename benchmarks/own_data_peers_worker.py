"""The worker of `own_data_peers.py`: trains one peer, or translates with it.

``python own_data_peers_worker.py ACTION PEER FOLDER`` runs in the environment of the peer. ACTION
is `tokenizer`, `train` or `translate`. FOLDER has the settings and the texts. `train` prints a
summary as JSON. Both peers get the same SentencePiece model, batches of pairs of similar length,
and a learning rate that rises linearly over some updates and decays to zero with elapsed time.
"""

import functools
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import torch.nn.functional as F
from torch import Tensor, nn

UNK, PAD, BOS, EOS = range(4)
BETAS, EPSILON, CLIP = (0.9, 0.98), 1e-9, 1.0
VALIDATE_AT = (0.4, 0.55, 0.7, 0.8, 0.9)
"""Fractions of the time at which a checkpoint is validated. The last one is always validated."""
FEW = 100
"""Up to this number of validation pairs, the checkpoint is selected by chrF of greedy translations.

With more pairs, it is selected by the loss, because JoeyNMT needs minutes to translate 500 pairs.
"""
GROUP = 64
Settings = dict[str, Any]


class Clock:
    """Learning rate, validations and end of a training with a time limit in minutes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limit = 60 * settings["minutes"]
        self.validation_seconds = 0.0
        self.pending = list(VALIDATE_AT)
        self.now = {"wall": time.perf_counter, "cpu": time.process_time}[settings["clock"]]
        self.began = self.now()

    def elapsed(self) -> float:
        """Return the elapsed fraction of the time for updates."""
        end = max(self.limit - 1.1 * self.validation_seconds, 1.0)
        return (self.now() - self.began) / end

    def rate(self, update: int) -> float:
        """Return the learning rate of an update, counted from 0."""
        warmed = min(1.0, (update + 1) / self.settings["warmup"])
        return self.settings["rate"] * warmed * max(1 - self.elapsed(), 0.0)

    def after_update(self, validate: Callable[[], None]) -> bool:
        """Validate if it is time. Return whether the training is over."""
        over = self.elapsed() >= 1
        if over or (self.pending and self.elapsed() >= self.pending[0]):
            began = self.now()
            while self.pending and self.elapsed() >= self.pending[0]:
                self.pending.pop(0)
            validate()
            self.validation_seconds = self.now() - began
        return over

    def summary(self, updates: int, epochs: float) -> str:
        """Return the summary as JSON."""
        spent = self.now() - self.began
        return json.dumps(
            {"updates": updates, "epochs": epochs, "training_seconds": round(spent, 1)}
        )


def bucketed(
    lengths: Sequence[tuple[int, int]], budget: int, draw: random.Random
) -> list[list[int]]:
    """Return batches of indices of pairs with similar lengths, in random order.

    Args:
        lengths: source and target length of each pair.
        budget: maximum number of tokens of a side, including padding.
    """
    keys = [(max(pair), min(pair), draw.random()) for pair in lengths]
    batches: list[list[int]] = []
    batch: list[int] = []
    for index in sorted(range(len(keys)), key=keys.__getitem__):
        if batch and (keys[index][0] + 1) * (len(batch) + 1) > budget:
            batches.append(batch)
            batch = []
        batch.append(index)
    if batch:
        batches.append(batch)
    draw.shuffle(batches)
    return batches


def train_tokenizer(settings: Settings, work: Path) -> None:
    """Train one SentencePiece model for both sides."""
    sentencepiece.SentencePieceTrainer.train(
        input=[str(work / "train.src"), str(work / "train.trg")],
        model_prefix=str(work / "spm"),
        model_type="bpe",
        vocab_size=settings["vocabulary"],
        hard_vocab_limit=False,
        character_coverage=0.9998,
        normalization_rule_name="identity",
        unk_id=UNK,
        pad_id=PAD,
        bos_id=BOS,
        eos_id=EOS,
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(work / "spm.model"))
    pieces = [processor.id_to_piece(index) for index in range(4, len(processor))]
    (work / "pieces.txt").write_text("".join(piece + "\n" for piece in pieces), encoding="utf-8")


def lines_of(file: Path) -> list[str]:
    """Return the lines of a file."""
    return file.read_text(encoding="utf-8").split("\n")[:-1]


def chrf_of(hypotheses: list[str], references: list[str]) -> float:
    """Return chrF."""
    from sacrebleu.metrics.chrf import CHRF

    return CHRF().corpus_score(hypotheses, [references]).score


# ---------------------------------------------------------------------------------------- Marian


def marian_model(settings: Settings, size: int) -> nn.Module:
    """Return Hugging Face's Marian with random weights."""
    from transformers import MarianConfig, MarianMTModel

    config = MarianConfig(
        vocab_size=size,
        decoder_vocab_size=size,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        d_model=settings["d_model"],
        encoder_layers=settings["encoder_layers"],
        decoder_layers=settings["decoder_layers"],
        encoder_attention_heads=settings["heads"],
        decoder_attention_heads=settings["heads"],
        encoder_ffn_dim=settings["d_ff"],
        decoder_ffn_dim=settings["d_ff"],
        max_position_embeddings=512,
        activation_function="relu",
        dropout=settings["dropout"],
        attention_dropout=0.0,
        activation_dropout=0.0,
        scale_embedding=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        forced_eos_token_id=None,
        decoder_start_token_id=BOS,
    )
    config._attn_implementation = "sdpa"
    model = MarianMTModel(config)
    if settings["xavier"]:
        for module in model.model.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
        nn.init.normal_(model.model.shared.weight, std=settings["d_model"] ** -0.5)
        with torch.no_grad():
            model.model.shared.weight[PAD].zero_()
    return model


def padded(rows: list[list[int]]) -> Tensor:
    """Return rows of different lengths as one tensor."""
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


def marian_loss(
    model: nn.Module, sources: list[list[int]], targets: list[list[int]], smoothing: float
) -> tuple[Tensor, int]:
    """Return the summed loss of a batch, and its number of target tokens."""
    source = padded([[*row, EOS] for row in sources])
    wanted = padded([[*row, EOS] for row in targets])
    given = padded([[BOS, *row] for row in targets])
    logits = model(
        input_ids=source,
        attention_mask=(source != PAD).long(),
        decoder_input_ids=given,
        use_cache=False,
    ).logits
    loss = F.cross_entropy(
        logits.flatten(0, 1),
        wanted.flatten(),
        ignore_index=PAD,
        label_smoothing=smoothing,
        reduction="sum",
    )
    return loss, int((wanted != PAD).sum())


def marian_translate(
    model: nn.Module, processor: Any, texts: list[str], beam: int, penalty: float
) -> list[str]:
    """Translate texts that are sorted by length."""
    found: list[str] = []
    model.eval()
    for first in range(0, len(texts), GROUP):
        source = padded([[*processor.encode(one), EOS] for one in texts[first : first + GROUP]])
        with torch.inference_mode():
            answers = model.generate(
                input_ids=source,
                attention_mask=(source != PAD).long(),
                num_beams=beam,
                do_sample=False,
                max_new_tokens=min(2 * source.shape[1] + 10, 250),
                length_penalty=penalty,
                suppress_tokens=[UNK, PAD, BOS],
            )
        for row in answers.tolist():
            found.append(processor.decode([token for token in row if token > EOS]))
    return found


def train_marian(settings: Settings, work: Path) -> str:
    """Train Marian in a plain loop."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(work / "spm.model"))
    sides = {
        part: [processor.encode(lines_of(work / f"{part}.{side}")) for side in ("src", "trg")]
        for part in ("train", "valid")
    }
    limit = settings["max_length"]
    pairs = [pair for pair in zip(*sides["train"], strict=True) if 0 < max(map(len, pair)) <= limit]
    texts, references = (lines_of(work / f"valid.{side}") for side in ("src", "trg"))
    torch.manual_seed(settings["seed"])
    draw = random.Random(settings["seed"])
    model = marian_model(settings, len(processor))
    optimizer = torch.optim.Adam(model.parameters(), betas=BETAS, eps=EPSILON, fused=True)
    best = float("inf")
    updates = 0

    def validate() -> None:
        nonlocal best
        model.eval()
        if len(texts) <= FEW:
            loss = -chrf_of(marian_translate(model, processor, texts, 1, 1.0), references)
        else:
            total = tokens = 0.0
            with torch.inference_mode():
                for first in range(0, len(texts), GROUP):
                    some = [side[first : first + GROUP] for side in sides["valid"]]
                    summed, number = marian_loss(model, *some, smoothing=0.0)
                    total, tokens = total + float(summed), tokens + number
            loss = total / tokens
        print(f"update {updates}: validation {loss:.4f}", file=sys.stderr, flush=True)
        if loss < best:
            best = loss
            torch.save(model.state_dict(), work / "best.pt")
        model.train()

    clock = Clock(settings)
    model.train()
    for epoch in count():
        batches = bucketed([(len(s), len(t)) for s, t in pairs], settings["batch_tokens"], draw)
        for number, batch in enumerate(batches):
            sources, targets = ([pairs[index][side] for index in batch] for side in (0, 1))
            loss, tokens = marian_loss(model, sources, targets, settings["label_smoothing"])
            (loss / tokens).backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            for group in optimizer.param_groups:
                group["lr"] = clock.rate(updates)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            updates += 1
            if updates % 100 == 0:
                print(f"update {updates}: loss {loss.item() / tokens:.3f}", file=sys.stderr)
            if clock.after_update(validate):
                return clock.summary(updates, round(epoch + number / len(batches), 2))
    raise AssertionError


def translate_marian(settings: Settings, work: Path) -> list[str]:
    """Translate the scored texts with the best checkpoint of Marian."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(work / "spm.model"))
    model = marian_model(settings, len(processor))
    model.load_state_dict(torch.load(work / "best.pt"))
    texts = lines_of(work / "scored.src")
    return marian_translate(model, processor, texts, settings["beam"], settings["length_penalty"])


# --------------------------------------------------------------------------------------- JoeyNMT


def joeynmt_config(settings: Settings, work: Path) -> dict[str, Any]:
    """Return the configuration of JoeyNMT. The file names of the sides end in `src` and `trg`."""
    side = {
        "level": "bpe",
        "max_length": settings["max_length"],
        "tokenizer_type": "sentencepiece",
        "tokenizer_cfg": {"model_file": str(work / "spm.model")},
        "voc_file": str(work / "pieces.txt"),
    }
    layers = {
        "type": "transformer",
        "num_heads": settings["heads"],
        "embeddings": {
            "embedding_dim": settings["d_model"],
            "scale": True,
            "dropout": settings["dropout"],
        },
        "hidden_size": settings["d_model"],
        "ff_size": settings["d_ff"],
        "dropout": settings["dropout"],
        "layer_norm": settings["norm"],
    }
    return {
        "name": "peer",
        "joeynmt_version": "2.3.0",
        "model_dir": str(work / "joeynmt"),
        "use_cuda": False,
        "random_seed": settings["seed"],
        "data": {
            "train": str(work / "train"),
            "dev": str(work / "valid"),
            "test": str(work / "scored"),
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "trg", **side},
        },
        "testing": {"batch_size": GROUP, "batch_type": "sentence"},
        "training": {
            "optimizer": "adam",
            "adam_betas": list(BETAS),
            "learning_rate": settings["rate"],
            "scheduling": "noam",  # replaced by the schedule of `Clock`
            "normalization": "tokens",
            "label_smoothing": settings["label_smoothing"],
            "clip_grad_norm": CLIP,
            "learning_rate_min": 0.0,
            "batch_size": settings["batch_tokens"],
            "batch_type": "token",
            "early_stopping_metric": "ppl",
            "epochs": 1_000_000,
            "validation_freq": 100_000_000,  # `Clock` decides
            "logging_freq": 100,
            "keep_best_ckpts": 1,
        },
        "model": {
            "initializer": "xavier_uniform",
            "bias_initializer": "zeros",
            "init_gain": 1.0,
            "embed_initializer": "xavier_uniform",
            "embed_init_gain": 1.0,
            "tied_embeddings": True,
            "tied_softmax": True,
            "encoder": {**layers, "num_layers": settings["encoder_layers"]},
            "decoder": {**layers, "num_layers": settings["decoder_layers"]},
        },
    }


def joeynmt_translate(model: Any, data: Any, beam: int, alpha: float) -> list[str]:
    """Translate a data set of JoeyNMT that is sorted by length."""
    from joeynmt.search import search

    model.eval()
    found: list[str] = []
    batches = data.make_iter(batch_size=GROUP, pad_index=model.pad_index, eos_index=model.eos_index)
    for batch in batches:
        back = batch.sort_by_src_length()
        output, _, _ = search(
            model=model,
            batch=batch,
            beam_size=beam,
            beam_alpha=alpha,
            max_output_length=min(2 * batch.src.shape[1] + 10, 250),
            n_best=1,
            generate_unk=False,
        )
        for tokens in model.trg_vocab.arrays_to_sentences(arrays=output[back], cut_at_eos=True):
            kept = [token for token in tokens if token not in model.trg_vocab.specials]
            found.append(data.tokenizer["trg"].post_process(kept) if kept else "")
    return found


def joeynmt_loss(model: Any, data: Any) -> float:
    """Return JoeyNMT's loss per target token."""
    model.eval()
    total = tokens = 0.0
    batches = data.make_iter(batch_size=GROUP, pad_index=model.pad_index, eos_index=model.eos_index)
    with torch.inference_mode():
        for batch in batches:
            batch.sort_by_src_length()
            summed = model(return_type="loss", **vars(batch))[0]
            total, tokens = total + float(summed), tokens + batch.ntokens
    return total / tokens


def train_joeynmt(settings: Settings, work: Path) -> str:
    """Train JoeyNMT with its own trainer.

    Three parts of the trainer are replaced: batches have pairs of similar length, the learning rate
    follows the clock, and large validation sets are not translated.
    """
    import joeynmt.datasets
    from joeynmt.builders import BaseScheduler
    from joeynmt.config import parse_global_args, set_validation_args
    from joeynmt.prediction import prepare
    from joeynmt.training import TrainManager

    draw = random.Random(settings["seed"])

    class Bucketed(joeynmt.datasets.TokenBatchSampler):
        """JoeyNMT's batches by tokens, with pairs of similar length."""

        def __iter__(self) -> Iterator[list[int]]:
            data = self.sampler.data_source
            items = [data[index] for index in range(len(data))]
            kept = [item for item in items if item[1] is not None]
            lengths = [(len(source), len(target)) for _, source, target in kept]
            for batch in bucketed(lengths, self.batch_size, draw):
                yield [kept[index][0] for index in batch]

    joeynmt.datasets.TokenBatchSampler = Bucketed
    (work / "joeynmt").mkdir()
    args = parse_global_args(joeynmt_config(settings, work), rank=0, mode="train")
    model, train_data, valid_data, _ = prepare(args, rank=0, mode="train")
    train_data.get_item = functools.cache(train_data.get_item)
    for index in range(len(train_data)):
        train_data[index]

    class Manager(TrainManager):
        """JoeyNMT's trainer with a cheaper validation."""

        def _validate(self, valid_data: Any) -> None:
            if len(valid_data) <= FEW:
                found = joeynmt_translate(self.model, valid_data, 1, -1)
                loss = -chrf_of(found, lines_of(work / "valid.trg"))
            else:
                loss = joeynmt_loss(self.model, valid_data)
            print(f"update {self.stats.steps}: validation {loss:.4f}", file=sys.stderr)
            if self.stats.is_best(loss):
                self.stats.best_ckpt_score, self.stats.best_ckpt_iter = loss, self.stats.steps
                self._save_checkpoint(new_best=True, score=loss)

    manager = Manager(
        model=model,
        model_dir=args.model_dir,
        device=args.device,
        autocast=args.autocast,
        rank=0,
        seed=args.seed,
        train_args=args.train,
        dev_args=set_validation_args(args.test),
    )
    clock = Clock(settings)

    class ByTime(BaseScheduler):
        """JoeyNMT's interface of a schedule. It is called after every update."""

        def step(self, step: int) -> None:
            """Set the next learning rate, validate, and end the training."""
            if clock.after_update(lambda: manager._validate(valid_data)):
                manager.stats.is_max_update = True
            super().step(step)

        def _compute_rate(self) -> float:
            return clock.rate(self._step)

    manager.scheduler = ByTime(manager.optimizer)
    for group in manager.optimizer.param_groups:
        group["lr"] = clock.rate(0)
    clock.began = clock.now()
    manager.train_and_validate(train_data=train_data, valid_data=valid_data)
    return clock.summary(manager.stats.steps, manager.stats.epochs)


def translate_joeynmt(settings: Settings, work: Path) -> list[str]:
    """Translate the scored texts with the best checkpoint of JoeyNMT."""
    from joeynmt.config import parse_global_args
    from joeynmt.prediction import prepare

    args = parse_global_args(joeynmt_config(settings, work), rank=0, mode="test")
    model, _, _, data = prepare(args, rank=0, mode="test")
    return joeynmt_translate(model, data, settings["beam"], settings["length_penalty"])


def main() -> None:
    """Run one action."""
    action, peer, work = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to standard error, not into the summary
    torch.set_num_threads(1)
    settings = json.loads((work / "settings.json").read_text())
    if action == "tokenizer":
        train_tokenizer(settings, work)
    elif action == "train":
        train = {"joeynmt": train_joeynmt, "marian": train_marian}[peer]
        print(train(settings, work), file=answers)
    else:
        translate = {"joeynmt": translate_joeynmt, "marian": translate_marian}[peer]
        found = translate(settings, work)
        lines = "".join(line.replace("\n", " ") + "\n" for line in found)
        (work / "answers.txt").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
