"""The parts of `gpu.sh`. Each part measures one thing on a GPU and writes one JSON file.

    python benchmarks/gpu.py training OUT --seconds 200
    python benchmarks/gpu.py report OUT

A part writes its file after every measurement, so a time limit loses no completed measurement.
With `--rehearse`, the same code runs with tiny sizes on a CPU. Such numbers have no meaning.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CONTENDERS = ("whyformer", "marian", "whyformer-compile", "marian-compile", "torch")
BATCHES = 24
"""Number of different batches per round, so that lengths vary."""
TINY = {
    "encoder_layers": 1, "decoder_layers": 1, "d_model": 64, "heads": 2, "d_ff": 128,
    "batch_tokens": 512, "vocabulary": 500, "warmup": 2, "steps": 3,
}  # fmt: skip
MEASURED_UPDATES = 300
"""Updates of a run in the part `learning`."""


class Sheet:
    """The measurements of a part. They are written to disk after each measurement."""

    def __init__(self, file: Path, rehearsal: bool) -> None:
        self.file = file
        self.values: dict[str, Any] = {
            "rehearsal": rehearsal,
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        }
        self.write()

    def put(self, name: str, value: Any) -> None:
        """Record one figure."""
        self.values[name] = value
        print(f"{name}: {json.dumps(value, default=str)[:300]}", flush=True)
        self.write()

    def write(self) -> None:
        """Write the current results."""
        self.file.write_text(json.dumps(self.values, indent=1, default=str), encoding="utf-8")

    @contextlib.contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Record a failure as a result and continue with the next measurement."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- one contender's failure must not end the run
            traceback.print_exc()
            self.put(f"{name}/failed", f"{type(error).__name__}: {error}"[:500])


def tests(sheet: Sheet, seconds: float, tiny: bool) -> None:
    """Run the tests that need a GPU."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "gpu", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    sheet.put("exit_code", done.returncode)
    sheet.put("last_lines", done.stdout.splitlines()[-5:])


def training(sheet: Sheet, seconds: float, tiny: bool) -> None:
    """Compare the paper's models with other toolkits: training speed, in alternating rounds."""
    from training_batches import make_batches
    from training_contenders import ceilings
    from training_speed import CONFIGS

    ends = time.monotonic() + seconds - 10
    for name in ("big", "base"):
        config = {**CONFIGS[name], "dropout": 0.1, "threads": torch.get_num_threads(), **where()}
        config |= TINY if tiny else {}
        batches, facts = make_batches(config, ROOT, Path("unused"), BATCHES)
        config |= {"vocabularies": facts["vocabularies"], "shared": facts["shared"]}
        sheet.put(f"{name}/batches", {k: v for k, v in facts.items() if k != "vocabularies"})
        with sheet.attempt(f"{name}/ceiling"):
            rates = ceilings(config, 0.2 if tiny else 1.0)
            sheet.put(f"{name}/ceiling", rates["torch.mm"])
        for contender in CONTENDERS:
            if time.monotonic() > ends:
                sheet.put(f"{name}/{contender}", "left out: no time")
                continue
            with sheet.attempt(f"{name}/{contender}"):
                sheet.put(f"{name}/{contender}", _timed(contender, config, batches, sheet, name))
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _timed(
    contender: str, config: dict[str, Any], batches: list[dict[str, Any]], sheet: Sheet, name: str
) -> dict[str, Any]:
    from training_contenders import CONTENDERS as MADE
    from training_contenders import finish, marian_logits, marian_model, plain_loop

    torch.manual_seed(1)
    if contender == "marian-compile":
        model = marian_model(config)
        compiled = torch.compile(model, dynamic=True)
        updates = plain_loop(model, lambda b: marian_logits(compiled, b), config, batches)
    else:
        model, updates = MADE[contender](config, batches)
    for _ in range(config["warmup"]):
        next(updates)
    finish(config["device"])
    rounds = []
    for _ in range(3):
        tokens = flops = 0.0
        began = time.perf_counter()
        for step in range(config["steps"]):
            loss = next(updates)
            batch = batches[(config["warmup"] + step) % len(batches)]
            tokens, flops = tokens + batch["tokens"], flops + batch["flops"]
        finish(config["device"])
        spent = time.perf_counter() - began
        rounds.append({"tokens_per_second": tokens / spent, "flops_per_second": flops / spent})
    ceiling = sheet.values.get(f"{name}/ceiling")
    rate = statistics.median(one["tokens_per_second"] for one in rounds)
    flops_rate = statistics.median(one["flops_per_second"] for one in rounds)
    return {
        "tokens_per_second": rate,
        "mfu_of_measured_peak": flops_rate / ceiling if ceiling else None,
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss": loss,
        "rounds": rounds,
    }


def decoding(sheet: Sheet, seconds: float, tiny: bool) -> None:
    """Compare greedy and beam search with Hugging Face, single-sentence and in batches."""
    from decoding_contenders import hugging_face_model

    from whyformer.decoding.search import search
    from whyformer.decoding.settings import SearchSettings
    from whyformer.models.build import build_model
    from whyformer.models.transformer import TransformerSettings

    device = where()["device"]
    shapes = {
        "base": {},
        "T": {"encoder_layers": 3, "decoder_layers": 3, "d_model": 256, "heads": 4, "d_ff": 1024},
    }
    length, many = (6, 8) if tiny else (30, 512)
    for name, shape in shapes.items():
        settings = TransformerSettings(**(shape if not tiny else {**shape, "d_model": 64}))
        torch.manual_seed(1)
        model = build_model(settings, (8000, 8000), shared=True).to(device).eval()
        theirs = None
        with sheet.attempt(f"{name}/hugging-face"):
            theirs = hugging_face_model(model.cpu()).to(device)
            model.to(device)
        for beam in (1, 5):
            # Both generate the same number of tokens, because random weights never produce eos.
            asked = SearchSettings(beam=beam, min_length=length, max_length=length)
            for count in (1, many):
                source = torch.randint(300, 8000, (count, length), device=device)

                def ours(model=model, source=source, asked=asked) -> None:
                    with torch.inference_mode(), _precision(device):
                        search(model, source, None, asked)

                def peers(theirs=theirs, source=source, beam=beam) -> None:
                    with torch.inference_mode(), _precision(device):
                        theirs.generate(
                            source, num_beams=beam, min_new_tokens=length, max_new_tokens=length
                        )

                for who, work in (("whyformer", ours), ("hugging-face", peers)):
                    if who == "hugging-face" and theirs is None:
                        continue
                    label = f"{name}/{who}/beam {beam}/{count} at once"
                    with sheet.attempt(label):
                        spent = _median_seconds(work, device, 1 if tiny else 3)
                        sheet.put(label, {"tokens_per_second": count * length / spent})


def learning(sheet: Sheet, seconds: float, tiny: bool) -> None:
    """Run two experiments of the laboratory at the paper's size: √d_k, and warm-up by wiring."""
    from whyformer.data.synthetic import synthetic_pairs
    from whyformer.models.build import build_model
    from whyformer.models.transformer import TransformerSettings
    from whyformer.training.loop import fit, start
    from whyformer.training.settings import TrainingSettings

    pairs = list(synthetic_pairs("reverse", 2000, seed=1, symbols=50, shortest=20, longest=20))
    batches = _reversal_batches(pairs, 8 if tiny else 128)
    device, precision = where()["device"], where()["precision"]
    arms = {
        "inverse-sqrt, pre-norm, warm-up 100": {"wiring": "pre-norm"},
        "no scaling, pre-norm, warm-up 100": {"wiring": "pre-norm", "score_scale": "none"},
        "post-norm, warm-up 100": {"wiring": "post-norm"},
        "post-norm, no warm-up": {"wiring": "post-norm"},
        "pre-norm, no warm-up": {"wiring": "pre-norm"},
    }
    updates = 4 if tiny else MEASURED_UPDATES
    shape = {k: TINY[k] for k in ("encoder_layers", "decoder_layers", "d_model", "heads", "d_ff")}
    for seed in (1, 2):
        for name, choice in arms.items():
            with sheet.attempt(f"{name}/seed {seed}"):
                torch.manual_seed(seed)
                settings = TransformerSettings(**(shape if tiny else {}), **choice)
                model = build_model(settings, (400, 400), shared=True).to(device)
                training = TrainingSettings(
                    updates=updates, schedule="constant", learning_rate=5e-4, optimizer="adam",
                    warmup=0 if "no warm-up" in name else 100, precision=precision, seed=seed,
                )  # fmt: skip
                state = start(model, training)
                losses = [r.nll for r in fit(state, batches, training, d_model=settings.d_model)]
                last = losses[-max(1, len(losses) // 10) :]
                sheet.put(f"{name}/seed {seed}", {"nll": statistics.mean(last)})


def _reversal_batches(pairs: list[Any], rows: int) -> Any:
    """Return batches of symbol pairs in the format of `fit`."""
    import numpy as np

    from whyformer.data.batch import Batch

    def ids(text: str) -> list[int]:
        return [300 + int(symbol[1:]) for symbol in text.split()]

    made = []
    for first in range(0, len(pairs) - rows + 1, rows):
        some = pairs[first : first + rows]
        source = torch.tensor([[*ids(one.source), 2] for one in some])
        labels = torch.tensor([[*ids(one.target), 2] for one in some])
        target = torch.cat([torch.ones_like(labels[:, :1]), labels[:, :-1]], dim=1)
        made.append(
            Batch(
                source=source, source_real=None, target=target, labels=labels,
                tokens=labels.numel(), indices=np.arange(rows),
            )
        )  # fmt: skip

    class Fixed:
        def count(self, epoch: int) -> int:
            return len(made)

        def batch(self, epoch: int, index: int) -> Any:
            return made[index]

    return Fixed()


def profile(sheet: Sheet, seconds: float, tiny: bool) -> None:
    """List the operations with the longest run time in updates of the base model."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler
    from training_batches import make_batches
    from training_contenders import CONTENDERS as MADE
    from training_speed import CONFIGS

    config = {**CONFIGS["base"], "dropout": 0.1, "threads": torch.get_num_threads(), **where()}
    config |= TINY if tiny else {}
    batches, facts = make_batches(config, ROOT, Path("unused"), 6)
    config |= {"vocabularies": facts["vocabularies"], "shared": facts["shared"]}
    _, updates = MADE["whyformer"](config, batches)
    for _ in range(3):
        next(updates)
    kinds = [ProfilerActivity.CPU]
    kinds += [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
    with profiler(activities=kinds) as seen:
        for _ in range(3):
            next(updates)
    order = "self_cuda_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
    sheet.put("table", seen.key_averages().table(sort_by=order, row_limit=25).splitlines())


def where() -> dict[str, str]:
    """Return the device and the precision: bf16 on a GPU, fp32 on a CPU."""
    if torch.cuda.is_available():
        return {"device": "cuda", "precision": "bf16"}
    return {"device": "cpu", "precision": "fp32"}


def _precision(device: str) -> Any:
    return torch.autocast(device, torch.bfloat16, enabled=device == "cuda")


def _median_seconds(work: Callable[[], None], device: str, rounds: int) -> float:
    from training_contenders import finish

    work()
    spent = []
    for _ in range(rounds):
        finish(device)
        began = time.perf_counter()
        work()
        finish(device)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def report(out: Path) -> str:
    """Return the results of all parts as Markdown tables."""
    lines: list[str] = []
    for name in PARTS:
        file = out / f"{name}.json"
        if not file.is_file():
            lines.append(f"## {name}: not run")
            continue
        values = json.loads(file.read_text(encoding="utf-8"))
        kind = "REHEARSAL, not a measurement" if values["rehearsal"] else values["device"]
        lines += [f"## {name} ({kind}, torch {values['torch']})", "", "| figure | value |"]
        lines.append("| --- | --- |")
        for key, value in values.items():
            if key in ("rehearsal", "torch", "device", "table"):
                continue
            if isinstance(value, dict):
                value = ", ".join(
                    f"{k} {v:,.4g}" if isinstance(v, float) else f"{k} {v}"
                    for k, v in value.items()
                    if k != "rounds"
                )
            lines.append(f"| {key} | {value} |")
        lines += ["", *values.get("table", [])]
    return "\n".join(lines)


PARTS = {
    "tests": tests, "training": training, "decoding": decoding, "learning": learning,
    "profile": profile,
}  # fmt: skip


def main() -> None:
    """Run one part, or print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("part", choices=[*PARTS, "report"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rehearse", action="store_true", help="use tiny sizes; works on a CPU")
    options = parser.parse_args()
    if options.part == "report":
        print(report(options.out))
        return
    if not torch.cuda.is_available() and not options.rehearse:
        raise SystemExit("No GPU found. Use --rehearse to try the script on a CPU.")
    sys.path.insert(0, str(HERE))
    sheet = Sheet(options.out / f"{options.part}.json", options.rehearse)
    began = time.monotonic()
    with sheet.attempt(options.part):
        PARTS[options.part](sheet, options.seconds, options.rehearse)
    sheet.put("seconds", round(time.monotonic() - began, 1))


if __name__ == "__main__":
    main()
