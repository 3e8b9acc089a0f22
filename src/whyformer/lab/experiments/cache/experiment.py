"""What does a key-value cache save? Equal outputs, counted operations, memory and time."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from whyformer.blocks.history import History
from whyformer.lab.instruments.counter import count_operations
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.models.gpt import GPT, GPTSettings

D_MODEL, LAYERS, HEADS, VOCABULARY = 128, 2, 8, 300
POSITIONS = ("sinusoidal", "learned", "rotary", "alibi")
KV_HEADS = {"multi-head": HEADS, "grouped-query": 2, "multi-query": 1}
"""For each kind of attention, its number of key and value heads."""
COMPARED = 48
"""Length of the sequences whose logits are compared."""
LENGTHS = (1, 4, 16, 64, 256, 1024)
TIMED_LENGTHS = (16, 64, 256)
REMEMBERED = (16, 64, 256)


def model_of(attention: str = "multi-head", positions: str = "sinusoidal") -> GPT:
    """Return a small GPT with random weights."""
    shape: dict[str, Any] = {
        "layers": LAYERS, "d_model": D_MODEL, "heads": HEADS, "d_ff": 4 * D_MODEL, "dropout": 0.0,
        "max_length": max(LENGTHS), "positions": positions, "attention": attention,
    }  # fmt: skip
    if attention == "grouped-query":
        shape["kv_heads"] = KV_HEADS[attention]
    return GPT(GPTSettings.model_validate(shape), (VOCABULARY, VOCABULARY)).eval()


def generate(model: GPT, ids: Tensor, *, cached: bool) -> Iterator[tuple[Tensor, list[History]]]:
    """Read a sequence token by token, as a generation does. Yield, after each token, the logits of
    the next token and the cache.

    Args: cached: keep keys and values; otherwise, read the whole text again for each token.
    """
    histories = [History() for _ in model.layers]
    for length in range(1, ids.shape[1] + 1):
        if cached:
            x = model.features(ids[:, length - 1 : length], None, histories)
        else:
            x = model.features(ids[:, :length])
        yield model.projection(x[:, -1]), histories


@torch.inference_mode()
def measure_equal(settings: Settings, seed: int) -> Numbers:
    """Return the largest difference between the logits with and without a cache, in float64."""
    torch.manual_seed(seed)
    model = model_of(settings["attention"], settings["positions"]).double()
    ids = torch.randint(VOCABULARY, (1, COMPARED))
    with_cache, without = (
        torch.cat([logits for logits, _ in generate(model, ids, cached=cached)])
        for cached in (True, False)
    )
    return {"gap": (with_cache - without).abs().max().item(), "size": without.std().item()}


@torch.inference_mode()
def measure_work(settings: Settings, seed: int) -> Numbers:
    """Count the multiply-adds of the last token and of all tokens, from shapes only."""
    with torch.device("meta"):
        model = model_of()
        ids = torch.zeros(1, settings["n"], dtype=torch.long)
    last = 0
    with count_operations(model) as counted:
        for _ in generate(model, ids, cached=settings["cached"]):
            last, before = counted.total, last
    return {"token": last - before, "total": last}  # pyright: ignore[reportPossiblyUnboundVariable]


@torch.inference_mode()
def measure_memory(settings: Settings, seed: int) -> Numbers:
    """Return the bytes of the keys and values after n tokens."""
    model = model_of(settings["attention"])
    histories: list[History] = []
    for _, cache in generate(model, torch.zeros(1, settings["n"], dtype=torch.long), cached=True):
        histories = cache
    return {"bytes": sum(one.bytes for one in histories)}


@torch.inference_mode()
def measure_time(settings: Settings, seed: int) -> Numbers:
    """Return the seconds of generating n tokens, with and without a cache.

    The clock counts the time of this thread only, so that other programs matter less. Both ways
    alternate, and the result is the smallest of several times.
    """
    torch.manual_seed(seed)
    model, ids = model_of(), torch.randint(VOCABULARY, (1, settings["n"]))
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(settings["repeats"]):
        for cached, found in seconds.items():
            began = time.thread_time()
            for _ in generate(model, ids, cached=cached):
                pass
            found.append(time.thread_time() - began)
    return {"cached": min(seconds[True]), "again": min(seconds[False])}


def equal_conditions(mode: Mode) -> list[Settings]:
    """Return every kind of attention with every position scheme."""
    return [{"attention": kind, "positions": scheme} for kind in KV_HEADS for scheme in POSITIONS]


def work_conditions(mode: Mode) -> list[Settings]:
    """Return every length, with and without a cache."""
    return [{"cached": cached, "n": n} for cached in (True, False) for n in LENGTHS]


def memory_conditions(mode: Mode) -> list[Settings]:
    """Return every kind of attention and every length."""
    return [{"attention": kind, "n": n} for kind in KV_HEADS for n in REMEMBERED]


def time_conditions(mode: Mode) -> list[Settings]:
    """Return every length."""
    return [{"n": n, "repeats": 3} for n in TIMED_LENGTHS]
