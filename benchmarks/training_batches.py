"""The batches of `training_speed.py`: real sentences, batched by whyformer and saved to a file.

All contenders read the same file, so padding, order and lengths are the same for all. Runs in the
environment of the peers: ``python training_batches.py '{"config": …}' FILE``. It prints a
description of the batches as JSON.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from whyformer.data.batch import Batch
from whyformer.data.batching import make_batch
from whyformer.data.plan import plan_epoch
from whyformer.text.symbols import EOS, FIRST_PIECE

SEED = 1
LOG_LENGTHS = ((2.687, 0.295), (2.710, 0.330), 0.859)
"""Log-normal distribution of source and target lengths: means, deviations and correlation.

Measured on Multi30k en→de with 8,000 BPE units, including eos. Used if the corpus is not available.
"""
NEWS_LOG_LENGTHS = ((3.2, 0.6), (3.2, 0.6), 0.9)
"""Lengths for models of the paper's sizes on a GPU: about 29 units per sentence, as in news.

The lengths vary strongly. These values are a choice, not a measurement.
"""
SYNTHETIC_PAIRS = 29_000
LONGEST = 256


def make_batches(
    config: dict[str, Any], data: Path, cache: Path, count: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return ``count`` batches (fewer if an epoch is small) and their description."""
    corpus, vocabularies, shared, origin = _corpus(config, data, cache)
    plan = plan_epoch(
        corpus.source_lengths,
        corpus.target_lengths,
        seed=SEED,
        epoch=0,
        budget_tokens=config["batch_tokens"],
        fingerprint=getattr(corpus, "fingerprint", "synthetic"),
    )
    chosen = plan[:count]
    batches = []
    for indices in chosen:
        lengths = (corpus.source_lengths[indices], corpus.target_lengths[indices])
        batch = as_dict(make_batch(corpus, indices))
        batches.append({**batch, "flops": step_flops(config, *lengths, vocabularies[1])})
    cells = sum(batch["labels"].numel() for batch in batches)
    tokens = sum(batch["tokens"] for batch in batches)
    return batches, {
        "origin": origin,
        "vocabularies": vocabularies,
        "shared": shared,
        "batches": len(batches),
        "batches_in_epoch": len(plan),
        "target_tokens_per_batch": tokens / len(batches),
        "target_tokens_per_sentence": tokens / sum(len(indices) for indices in chosen),
        "target_padding": 1 - tokens / cells,
        "mflop_per_target_token": sum(batch["flops"] for batch in batches) / tokens / 1e6,
    }


def as_dict(batch: Batch) -> dict[str, Any]:
    """Return a batch as values that `torch.save` can store without classes."""
    return {
        "source": batch.source,
        "source_real": batch.source_real,
        "target": batch.target,
        "labels": batch.labels,
        "tokens": batch.tokens,
    }


def step_flops(
    config: dict[str, Any], source: np.ndarray, target: np.ndarray, vocabulary: int
) -> float:
    """Return the multiplications and additions of the matrix products of a step, real tokens only.

    3 × forward; forward = 2 × [N_src·(Le(4d²+2d·ff) + Ld·2d²) + N_tgt·(Ld(6d²+2d·ff) + dV)
    + 2d·Σ(Le·s² + Ld(t²+ts))].
    """
    d, ff = config["d_model"], config["d_ff"]
    encoder, decoder = config["encoder_layers"], config["decoder_layers"]
    s, t = source.astype(np.float64), target.astype(np.float64)
    per_source = encoder * (4 * d * d + 2 * d * ff) + decoder * 2 * d * d
    per_target = decoder * (6 * d * d + 2 * d * ff) + d * vocabulary
    attention = 2 * d * (encoder * s * s + decoder * (t * t + t * s)).sum()
    return float(3 * 2 * (s.sum() * per_source + t.sum() * per_target + attention))


def _corpus(config: dict[str, Any], data: Path, cache: Path) -> tuple[Any, list[int], bool, str]:
    if config["data"] == "drawn":
        origin = f"DRAWN (seed {SEED}): lengths as in news, ids from Zipf's distribution"
        pairs = _synthetic(config["vocabulary"], NEWS_LOG_LENGTHS)
        return pairs, [config["vocabulary"]] * 2, True, origin
    # Imported here: they need sacrebleu, which a machine with a GPU may lack.
    from whyformer.recipes.recipe import Recipe, resolve
    from whyformer.tasks.pair_data import prepare

    if config["data"] == "cmudict":
        recipe = resolve("pronounce").recipe
        origin = "CMU Pronouncing Dictionary, characters → phonemes"
    elif all(data.with_name(f"{data.name}.{side}").is_file() for side in ("en", "de")):
        recipe = Recipe.model_validate(
            {
                "data": {"train": [str(data)], "source": "en", "target": "de"},
                "text": {"vocabulary": config["vocabulary"]},
            }
        )
        origin = f"Multi30k en→de from {data}, BPE {config['vocabulary']}"
    else:
        origin = (
            f"SYNTHETIC DATA: no corpus at {data}.en, {data.name}.de; lengths sampled "
            f"(seed {SEED}) from the distribution of Multi30k en→de, ids from Zipf's"
        )
        pairs = _synthetic(config["vocabulary"], LOG_LENGTHS)
        return pairs, [config["vocabulary"]] * 2, True, origin
    prepared = prepare(recipe, cache / config["data"])
    sizes = [len(prepared.source_tokenizer), len(prepared.target_tokenizer)]
    return prepared.corpus, sizes, prepared.shared, origin


def _synthetic(vocabulary: int, log_lengths: tuple[Any, Any, float]) -> SimpleNamespace:
    """A random corpus with the attributes that `make_batch` reads."""
    rng = np.random.default_rng(SEED)
    (source_mean, source_deviation), (mean, deviation), correlation = log_lengths
    both = correlation * source_deviation * deviation
    logs = rng.multivariate_normal(
        [source_mean, mean], [[source_deviation**2, both], [both, deviation**2]], SYNTHETIC_PAIRS
    )
    lengths = np.clip(np.rint(np.exp(logs)), 4, LONGEST).astype(np.int64)
    rank = 1 / np.arange(1, vocabulary - FIRST_PIECE + 1)
    corpus = SimpleNamespace(offsets={}, ids={})
    for side, rows in (("source", lengths[:, 0]), ("target", lengths[:, 1])):
        ids = FIRST_PIECE + rng.choice(len(rank), rows.sum(), p=rank / rank.sum())
        corpus.offsets[side] = np.concatenate([[0], rows.cumsum()])
        ids[corpus.offsets[side][1:] - 1] = EOS
        corpus.ids[side] = ids
        setattr(corpus, f"{side}_lengths", rows)
    return corpus


def main() -> None:
    """Make and save the requested batches."""
    asked = json.loads(sys.argv[1])
    batches, facts = make_batches(
        asked["config"], Path(asked["data"]), Path(asked["cache"]), asked["count"]
    )
    torch.save(batches, sys.argv[2])
    print(json.dumps(facts, ensure_ascii=False))


if __name__ == "__main__":
    main()
