"""Compare the training speed of a small language model with torch.nn.TransformerEncoder.

    python benchmarks/language_model_speed.py

The model has the shape of `tiny-gpt`: 4 layers, width 128, 4 heads, rows of 128 characters, 2,048
tokens per update. Both contenders use Adam, learned positions, no dropout and the same random ids.
Each contender is a separate process and starts as its users start it: `whyformer train` restarts
itself with another allocator setting, and a plain script does not. The processes alternate, and one
computes at a time. The table shows medians over rounds. Run this script with an interpreter that
has whyformer.
"""

import argparse
import json
import os
import runpy
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS, WIDTH, HEADS, INNER, LENGTH, ROWS, VOCABULARY = 4, 128, 4, 512, 128, 16, 105
CONTENDERS = ("whyformer", "torch")


def main() -> None:
    """Run the contenders in alternating rounds and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="updates per round (default 20)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return
    tunables = runpy.run_path(str(ROOT / "src/whyformer/acceleration/allocator.py"))["TUNABLES"]
    workers = {}
    for name in CONTENDERS:
        environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
        if name == "whyformer":
            environment["GLIBC_TUNABLES"] = tunables
        workers[name] = subprocess.Popen(
            [sys.executable, __file__, "--work", name], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
    found: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for number in range(options.rounds + 1):
        for name, worker in workers.items():
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(f"{options.steps if number else 3}\n")
            worker.stdin.flush()
            speed = json.loads(worker.stdout.readline())
            if number:
                found[name].append(speed)
            time.sleep(0.3)
    for worker in workers.values():
        worker.terminate()
    torch_speed = statistics.median(found["torch"])
    print(
        "| contender | tokens per second | min-max | relative to torch |\n| --- | --- | --- | --- |"
    )
    for name, speeds in found.items():
        middle = statistics.median(speeds)
        print(
            f"| {name} | {middle:,.0f} | {min(speeds):,.0f}-{max(speeds):,.0f} | "
            f"{middle / torch_speed:.2f} × |"
        )


def work(name: str) -> None:
    """For each number of updates, answer with the speed in tokens per second."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.manual_seed(0)
    ids = torch.randint(5, VOCABULARY, (64, ROWS, LENGTH + 1))
    if name == "whyformer":
        from whyformer.models.gpt import GPT, GPTSettings
        from whyformer.training.loss import fused_cross_entropy
        from whyformer.training.optimizers import make_optimizer

        settings = GPTSettings(
            layers=LAYERS, d_model=WIDTH, heads=HEADS, d_ff=INNER, dropout=0.0, max_length=LENGTH
        )
        model: nn.Module = GPT(settings, (VOCABULARY, VOCABULARY))
        optimizer = make_optimizer(
            model, "adam", {"betas": (0.9, 0.98), "epsilon": 1e-9}
        )  # fmt: skip
        for group in optimizer.param_groups:
            group["lr"] = 1e-3

        def loss_of(rows: torch.Tensor) -> torch.Tensor:
            features = model.features(rows[:, :-1]).flatten(0, 1)  # pyright: ignore
            weight = model.projection.weight  # pyright: ignore
            labels = rows[:, 1:].flatten()
            return fused_cross_entropy(features, weight, labels, 0.0).smoothed / len(labels)
    else:

        class Plain(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.tokens = nn.Embedding(VOCABULARY, WIDTH)
                self.places = nn.Embedding(LENGTH, WIDTH)
                layer = nn.TransformerEncoderLayer(
                    WIDTH, HEADS, INNER, 0.0, "gelu", batch_first=True, norm_first=True
                )
                self.stack = nn.TransformerEncoder(
                    layer, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False
                )
                self.projection = nn.Linear(WIDTH, VOCABULARY, bias=False)
                self.projection.weight = self.tokens.weight
                self.mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)

            def forward(self, rows: torch.Tensor) -> torch.Tensor:
                x = self.tokens(rows) + self.places.weight
                return self.projection(self.stack(x, self.mask, is_causal=True))

        model = Plain()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, betas=(0.9, 0.98), fused=True)

        def loss_of(rows: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())

    model.train()
    done = 0
    for line in sys.stdin:
        steps, began = int(line), time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss_of(ids[done % len(ids)]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            done += 1
        print(steps * ROWS * LENGTH / (time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
