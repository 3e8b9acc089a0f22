"""What one process and two ranks must do alike: imported by the tests, or run by torchrun.

Under torchrun: python cases.py DIRECTORY, once for all tests, for starting two ranks takes longer
than all they have to do.
"""

import contextlib
import io
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

import tiny
from whyformer.cli.main import main as whyformer
from whyformer.foundation.joining import joined
from whyformer.foundation.randomness import seed_everything, seed_of_rank
from whyformer.foundation.ranks import Ranks
from whyformer.foundation.torchrun import leave
from whyformer.models.bert import BERT, BERTSettings
from whyformer.training.checkpoints import has_checkpoint, load_checkpoint, save_checkpoint
from whyformer.training.finite import Divergence
from whyformer.training.loop import fit, sequence_loss, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.settings import TrainingSettings
from whyformer.training.shards import local
from whyformer.training.state import TrainingState

UPDATES = 2
BASE: dict[str, Any] = {
    "updates": 2 * UPDATES, "accumulate": 4, "learning_rate": 1e-3, "schedule": "constant",
    "warmup": 0, "clip": 0.5, "average": "ema",
}  # fmt: skip
SMALL = {"encoder_layers": 1, "decoder_layers": 1}
OPTIMIZERS = ("adam", "adamw", "muon", "radam", "sgd")
FAMILIES = ("gpt", "rnn", "bert", "untied")


def bert(**changes: Any) -> BERT:
    """Make a BERT whose layers are one, called several times in a pass."""
    torch.manual_seed(0)
    small = {"layers": 2, "d_model": 16, "heads": 2, "d_ff": 24, "dropout": 0.0, "sharing": "all"}
    settings = BERTSettings(**{**small, "max_length": 64, **changes})
    return BERT(settings, (tiny.VOCABULARY, tiny.VOCABULARY))


def frozen() -> nn.Module:
    """Make a Transformer whose encoder does not learn."""
    model = tiny.build(tying="decoder", **SMALL)
    model.encoder.requires_grad_(False)
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "transformer": lambda: tiny.build(**SMALL),
    "untied": lambda: tiny.build(tying="none"),
    "gpt": tiny.gpt,
    "rnn": tiny.recurrent,
    "bert": bert,
    "frozen": frozen,
}


def loss_of(model: Any, batch: Any, smoothing: float) -> Loss:
    """Return the loss of any of the models on copy batches."""
    if not isinstance(model, BERT) and hasattr(model, "encoder"):
        return sequence_loss(model, batch, smoothing)
    if isinstance(model, BERT):
        x = model(batch.target)
        features, table = model.masked.features(x), model.masked.table()
    else:
        features, table = model.features(batch.target), model.projection.weight
    real = batch.labels.flatten() != 0
    return fused_cross_entropy(
        features.flatten(0, 1)[real], table, batch.labels.flatten()[real], smoothing
    )


def fresh(family: str, parallel: str, ranks: Ranks, **changes: Any):
    """Return a new state and its settings."""
    settings = TrainingSettings(**{**BASE, "parallel": parallel, **changes})
    return start(MODELS[family](), settings, ranks), settings


def trained(
    state: TrainingState, settings: TrainingSettings, count: int = UPDATES, loss: Any = loss_of
) -> list[float]:
    """Make some updates and return their losses."""
    reports = fit(state, tiny.CopyBatches(), settings, d_model=16, loss_of=loss)
    losses = []
    for report in itertools.islice(reports, count):
        state.average.add_checkpoint(state.model)
        losses.append(report.loss)
    return losses


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return name -> family and changed settings of every training that must come out alike."""
    found: dict[str, tuple[str, dict[str, Any]]] = {
        name: ("transformer", {"optimizer": name}) for name in OPTIMIZERS
    }
    found |= {name: (name, {"optimizer": "muon"}) for name in FAMILIES}
    return found | {
        "mean": ("transformer", {"average": "checkpoints", "average_last": 2}),
        "bf16": ("transformer", {"precision": "bf16"}),
        "frozen": ("frozen", {}),
        "recomputed": ("untied", {"gradient_checkpointing": True}),
    }


BY_DDP = ("muon", "bert", "rnn", "mean", "recomputed")
"""Cases that DDP does as well; it gives the optimizers the tensors that one process gives them."""


def saved(
    directory: Path, state: TrainingState, settings: TrainingSettings, count: int = UPDATES
) -> None:
    """Train on and leave a checkpoint with the losses."""
    losses = trained(state, settings, count)
    save_checkpoint(directory, state, {"losses": losses})


def run_case(name: str, directory: Path, ranks: Ranks, parallel: str) -> TrainingState:
    """Train a case and leave its checkpoint."""
    family, changes = cases()[name]
    state, settings = fresh(family, parallel, ranks, **changes)
    saved(directory, state, settings)
    return state


def go_on(former: Path, directory: Path, ranks: Ranks, parallel: str) -> None:
    """Go on with the case `muon` from its checkpoint, whoever left it."""
    state, settings = fresh("transformer", parallel, ranks, optimizer="muon")
    load_checkpoint(former, state)
    saved(directory, state, settings)


def dropping(out: Path, ranks: Ranks) -> None:
    """Train sharded with dropout, whole and in two halves."""
    for name, halves in (("whole", (2 * UPDATES,)), ("halves", (UPDATES, UPDATES))):
        for half in halves:
            seed_everything(seed_of_rank(1, ranks.rank))
            settings = TrainingSettings(**{**BASE, "parallel": "fsdp", "optimizer": "muon"})
            state = start(tiny.build(dropout=0.3, **SMALL), settings, ranks)
            if has_checkpoint(out / name):
                load_checkpoint(out / name, state)
            saved(out / name, state, settings, half)
            ranks.wait()


OVERFLOWING = "encoder.layers.1.feedforward.contract"


def overflowing() -> nn.Module:
    """Make a model one of whose layers gives numbers that are too large."""
    model = tiny.build()
    with torch.no_grad():
        model.encoder.layers[1].feedforward.contract.weight.fill_(3e38)
    return model


def spoiled(model: Any, batch: Any, smoothing: float) -> Loss:
    """Return a loss that is infinite for the second batch alone, which is the second rank's."""
    loss = sequence_loss(model, batch, smoothing)
    guilty = tiny.CopyBatches().batch(0, 1)
    return Loss(loss.smoothed / (0 if torch.equal(batch.labels, guilty.labels) else 1), loss.nll)


def diverged(ranks: Ranks, parallel: str) -> dict[str, Any]:
    """Return what every rank says when a layer overflows, and when one rank's batch is bad."""
    settings = TrainingSettings(**{**BASE, "parallel": parallel})
    said = {}
    for name, model, loss in (
        ("layer", overflowing(), sequence_loss),
        ("batch", tiny.build(), spoiled),
    ):
        state = start(model, settings, ranks)
        try:
            trained(state, settings, loss=loss)
        except Divergence as failure:
            told = (failure.first, failure.kind, failure.batch.labels.tolist(), str(failure))
            said[name] = ranks.gather(told)
    return said


TINY: dict[str, Any] = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "model.dropout": 0.0,
    "training.updates": 8, "training.batch_tokens": 256, "training.accumulate": 2,
    "training.average": "ema", "validation.every": 4, "validation.sentences": 5,
}  # fmt: skip
DROPPING = {"model__dropout": 0.1, "training__updates": 40}
BY_MINUTES = {"training__updates": None, "training__minutes": 0.03}


def learn(place: str | Path = "{}", **changes: Any) -> list[str]:
    """Return the words of a small training. Args: changes: settings, two underscores for a dot."""
    given = TINY | {name.replace("__", "."): value for name, value in changes.items()}
    kept = {key: value for key, value in given.items() if value is not None}
    options = [word for key, value in kept.items() for word in (f"--{key}", str(value))]
    return ["train", "copy", "--out", str(place), *options]


def commands(out: Path) -> dict[str, list[str]]:
    """Return name -> command line of what ranks do together; `{}` is where one process writes."""
    run, lines, pairs = (str(out / name) for name in ("toy", "lines.txt", "pairs.tsv"))
    return {
        "file": ["translate", run, "--input", lines, "--output", "{}", "--beam", "3"],
        "json": ["translate", run, "--input", lines, "--output", "{}", "--json", "--nbest", "2"],
        "draws": ["translate", run, "--input", lines, "--output", "{}", "--sample"],
        "text": ["translate", run, "--text", "a b c", "--text", "e"],
        "stdin": ["translate", run],
        "scores": ["evaluate", run, "--pairs", pairs, "--metric", "chrf,exact", "--json"],
        "labels": ["evaluate", run, "--labelled", pairs],
        "odd": learn(training__accumulate=3),
        "ddp": learn(),
        "fsdp": learn(training__parallel="fsdp"),
        "dropping": learn(**DROPPING),
        "minutes": learn(**BY_MINUTES),
        "bad": learn(training__parallel="fsdp", training__learning_rate=1e6, training__warmup=0),
    }


def called(words: list[str], place: Path) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of a command in this process."""
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = whyformer([word.format(place) if word == "{}" else word for word in words])
    return code, said.getvalue(), complained.getvalue()


def main(out: Path) -> None:
    """What two ranks do."""
    with joined() as ranks:
        told: dict[str, Any] = {"ranks": ranks.count}
        for name in cases():
            state = run_case(name, out / "fsdp" / name, ranks, "fsdp")
            held = sum(local(p).numel() for p in state.model.parameters())
            told |= {f"held {name}": ranks.gather(held)}
        for name in BY_DDP:
            run_case(name, out / "ddp" / name, ranks, "ddp")
        ranks.wait()
        for former in ("one", "ddp", "fsdp"):
            go_on(out / former / "muon", out / f"fsdp-after-{former}", ranks, "fsdp")
        dropping(out / "dropout", ranks)
        for parallel in ("ddp", "fsdp"):
            told[f"diverged {parallel}"] = diverged(ranks, parallel)
        for name, words in commands(out).items():
            told[name] = ranks.gather(called(words, out / "two" / name))
            ranks.wait()
        if ranks.first:
            (out / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    leave(0)
