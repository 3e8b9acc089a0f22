"""The parts of `gpu.sh`. Each part measures one thing on a GPU and writes one JSON file.

    python benchmarks/gpu.py check OUT
    python benchmarks/gpu.py training OUT --seconds 200

A part writes its file after every measurement, so a time limit loses no completed measurement.
With `--rehearse`, the same code runs with tiny sizes on a CPU. Such numbers have no meaning.
"""

import argparse
import contextlib
import importlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NEEDED = (
    "torch", "numpy", "safetensors", "tokenizers", "pydantic", "jaxtyping", "yaml", "pytest",
    "hypothesis", "beartype",
)  # fmt: skip
"""Modules without which a part fails."""
COMPARED = ("transformers", "ctranslate2")
"""Modules of the peers, which are left out if they are missing."""
CONTENDERS = ("whyformer", "marian", "whyformer-compile", "marian-compile", "torch")
BATCHES = 24
"""Number of different batches per round, so that lengths vary."""
SHORT = {"warmup": 12, "steps": 16}
"""Updates before and in a round: with three rounds, a contender of size big takes 15 seconds."""
TINY = {
    "encoder_layers": 1, "decoder_layers": 1, "d_model": 64, "heads": 2, "d_ff": 128,
    "batch_tokens": 512, "vocabulary": 500, "warmup": 2, "steps": 3,
}  # fmt: skip
MEASURED_UPDATES = 300
"""Updates of a run in the part `learning`, if the time is enough."""
PROBED = 8
"""Updates of a run from which their number is chosen."""
RESERVE = 12
"""Seconds of a time limit that are kept for the end of a part."""
LEFT_OUT = "left out: no time"


class Sheet:
    """The measurements of a part. They are written to disk after each measurement."""

    def __init__(self, file: Path, rehearsal: bool, ends: float) -> None:
        import torch

        self.file, self.ends = file, ends - RESERVE
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
        """Write the current results. The file is complete even if this process is killed."""
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.values, indent=1, default=str), encoding="utf-8")
        os.replace(temporary, self.file)

    @contextlib.contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Record a failure as a result and continue with the next measurement."""
        try:
            yield
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- must not end the other ones
            traceback.print_exc()
            self.put(f"{name}/failed", f"{type(error).__name__}: {error}"[:500])

    def measure(self, name: str, work: Callable[[], Any]) -> None:
        """Record the result of a measurement, its failure, or that no time is left for it."""
        if time.monotonic() > self.ends:
            self.put(name, LEFT_OUT)
            return
        with self.attempt(name):
            self.put(name, work())


def check(out: Path, *, rehearse: bool) -> int:
    """Print the versions of what the parts need; return 1 if something is missing."""
    missing = []
    for name in (*NEEDED, *COMPARED):
        try:
            found = importlib.import_module(name)
            print(f"{name:<14} {getattr(found, '__version__', 'found')}")
        except ImportError as error:
            print(f"{name:<14} MISSING ({error})")
            missing += [name] if name in NEEDED else []
    if missing:
        print(f"Missing: {', '.join(missing)}. The header of gpu.sh says how to bring them.")
        return 1
    import torch

    if not torch.cuda.is_available() and not rehearse:
        print("No GPU found. Use --rehearse to try the script on a CPU.")
        return 1
    print(f"device         {torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'}")
    out.mkdir(parents=True, exist_ok=True)
    return 0


def tests(sheet: Sheet, tiny: bool) -> None:
    """Run the tests that need a GPU. Only their files are read, because reading all takes long."""
    files = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        if "mark.gpu" in file.read_text(encoding="utf-8")
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
    command += ["-W", "default", *files]  # a warning of another version of torch is no failure
    sheet.put("command", " ".join(command[1:]))
    code, said = _run_limited(command, max(1.0, sheet.ends - time.monotonic()))
    print(said[-6000:])
    sheet.put("exit_code", code)
    sheet.put("last_lines", said.splitlines()[-5:])


def _run_limited(command: Sequence[str], seconds: float) -> tuple[int | str, str]:
    """Return the exit code and the output of a program, which is killed after a time.

    The output goes to a file: a pipe stays open as long as any process started by the program runs.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        code: int | str = "time limit"
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        said.seek(0)
        return code, said.read()


def training(sheet: Sheet, tiny: bool) -> None:
    """Compare the paper's models with other toolkits: training speed.

    The most important contenders of both models come first, so that a time limit costs the others.
    """
    import torch
    from training_batches import make_batches
    from training_contenders import ceilings
    from training_speed import CONFIGS

    configs, batches = {}, {}
    for name in ("big", "base"):
        config = {**CONFIGS[name], "dropout": 0.1, "threads": torch.get_num_threads(), **where()}
        config |= TINY if tiny else SHORT
        batches[name], facts = make_batches(config, ROOT, Path("unused"), BATCHES)
        configs[name] = {**config, "vocabularies": facts["vocabularies"], "shared": facts["shared"]}
        sheet.put(f"{name}/batches", {k: v for k, v in facts.items() if k != "vocabularies"})
        with sheet.attempt(f"{name}/ceiling"):
            sheet.put(f"{name}/ceiling", ceilings(configs[name], 0.2 if tiny else 0.7)["torch.mm"])
    for contender in CONTENDERS:
        for name, config in configs.items():
            torch._dynamo.reset()
            sheet.measure(
                f"{name}/{contender}",
                lambda contender=contender, name=name, config=config: _timed(
                    contender, config, batches[name], sheet, name
                ),
            )
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _timed(
    contender: str, config: dict[str, Any], batches: list[dict[str, Any]], sheet: Sheet, name: str
) -> dict[str, Any]:
    import torch
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


def decoding(sheet: Sheet, tiny: bool) -> None:
    """Compare greedy and beam search with other engines, single-sentence and in batches.

    All engines generate the same number of tokens, because random weights never produce eos.
    """
    import torch

    from whyformer.models.build import build_model
    from whyformer.models.transformer import TransformerSettings

    device = where()["device"]
    shapes = {
        "base": {},
        "T": {"encoder_layers": 3, "decoder_layers": 3, "d_model": 256, "heads": 4, "d_ff": 1024},
    }
    length, many = (6, 8) if tiny else (30, 512)
    sizes = (200, 200) if tiny else (8000, 8000)
    for name, shape in shapes.items():
        settings = TransformerSettings(
            **({**shape, "d_model": 64, "heads": 2} if tiny else shape), tying="three-way"
        )
        torch.manual_seed(1)
        model = build_model(settings, sizes, shared=True).eval()
        engines: dict[str, Any] = {}
        for engine, make in ENGINES.items():
            with sheet.attempt(f"{name}/{engine}"):
                engines[engine] = make(model, device, sizes, length)
        for beam in (5, 1):
            for count in (many, 1):
                source = torch.randint(100, sizes[0], (count, length))
                for engine, translate in engines.items():
                    sheet.measure(
                        f"{name}/{engine}/beam {beam}/{count} at once",
                        lambda translate=translate, source=source, beam=beam: {
                            "tokens_per_second": source.numel()
                            / _median_seconds(
                                lambda: translate(source, beam), device, 1 if tiny else 3
                            )
                        },
                    )


Translate = Callable[[Any, int], object]
"""A function that translates a matrix of ids with a beam size."""


def _by_whyformer(model: Any, device: str, sizes: Sequence[int], length: int) -> Translate:
    import copy

    import torch

    from whyformer.decoding.search import search
    from whyformer.decoding.settings import SearchSettings

    here = copy.deepcopy(model).to(device)

    def translate(source: Any, beam: int) -> object:
        asked = SearchSettings(beam=beam, min_length=length, max_length=length)
        with torch.inference_mode(), _precision(device):
            return search(here, source.to(device), None, asked)

    return translate


def _by_hugging_face(model: Any, device: str, sizes: Sequence[int], length: int) -> Translate:
    import torch
    from decoding_contenders import hugging_face_model

    theirs = hugging_face_model(model).to(device)

    def translate(source: Any, beam: int) -> object:
        with torch.inference_mode(), _precision(device):
            return theirs.generate(
                source.to(device), num_beams=beam, min_new_tokens=length, max_new_tokens=length
            )

    return translate


def _by_ctranslate2(model: Any, device: str, sizes: Sequence[int], length: int) -> Translate:
    import ctranslate2

    from whyformer.interop.ctranslate2 import specification

    with tempfile.TemporaryDirectory() as directory:
        spec = specification(model, (sizes[0], sizes[1]), length + 2)
        spec.validate()
        spec.optimize()
        spec.save(directory)
        engine = ctranslate2.Translator(
            directory,
            device=device,
            compute_type="bfloat16" if device == "cuda" else "float32",
        )

    def translate(source: Any, beam: int) -> object:
        rows = [[str(one) for one in row] for row in source.tolist()]
        return engine.translate_batch(
            rows, beam_size=beam, min_decoding_length=length, max_decoding_length=length
        )

    return translate


ENGINES: dict[str, Callable[[Any, str, Sequence[int], int], Translate]] = {
    "whyformer": _by_whyformer,
    "hugging-face": _by_hugging_face,
    "ctranslate2": _by_ctranslate2,
}
"""Functions that prepare a model for an engine."""


def learning(sheet: Sheet, tiny: bool) -> None:
    """Run two experiments of the laboratory at the paper's size: √d_k, and warm-up by wiring.

    The first updates are timed, so that all arms and seeds get the same number in the time limit.
    """
    from whyformer.data.synthetic import synthetic_pairs

    pairs = list(synthetic_pairs("reverse", 2000, seed=1, symbols=50, shortest=20, longest=20))
    batches = _reversal_batches(pairs, 8 if tiny else 128)
    _losses(batches, PROBED, seed=1, tiny=tiny)
    began = time.monotonic()
    _losses(batches, PROBED, seed=1, tiny=tiny)
    each = (time.monotonic() - began) / PROBED
    left = 0.9 * (sheet.ends - time.monotonic())
    updates = 4 if tiny else max(PROBED, min(MEASURED_UPDATES, int(left / (2 * len(ARMS) * each))))
    sheet.put("seconds_per_update", each)
    sheet.put("updates", updates)
    for seed in (1, 2):
        for name, (choice, warmup) in ARMS.items():

            def last(seed=seed, choice=choice, warmup=warmup) -> dict[str, float]:
                found = _losses(batches, updates, seed, tiny=tiny, warmup=warmup, **choice)
                return {"nll": statistics.mean(found[-max(1, len(found) // 10) :])}

            sheet.measure(f"{name}/seed {seed}", last)


ARMS: dict[str, tuple[dict[str, str], int]] = {
    "inverse-sqrt, pre-norm, warm-up 100": ({"wiring": "pre-norm"}, 100),
    "no scaling, pre-norm, warm-up 100": ({"wiring": "pre-norm", "score_scale": "none"}, 100),
    "post-norm, warm-up 100": ({"wiring": "post-norm"}, 100),
    "post-norm, no warm-up": ({"wiring": "post-norm"}, 0),
    "pre-norm, no warm-up": ({"wiring": "pre-norm"}, 0),
}
"""For each arm, its settings and its updates of warm-up."""


def _losses(
    batches: Any, updates: int, seed: int, *, tiny: bool, warmup: int = 0, **choice: str
) -> list[float]:
    """Return the loss of each update of a training."""
    import torch

    from whyformer.models.build import build_model
    from whyformer.models.transformer import TransformerSettings
    from whyformer.training.loop import fit, start
    from whyformer.training.settings import TrainingSettings

    shape = {k: TINY[k] for k in ("encoder_layers", "decoder_layers", "d_model", "heads", "d_ff")}
    torch.manual_seed(seed)
    settings = TransformerSettings(**(shape if tiny else {}), **choice)  # pyright: ignore
    model = build_model(settings, (400, 400), shared=True).to(where()["device"])
    training = TrainingSettings(
        updates=updates, schedule="constant", learning_rate=5e-4, optimizer="adam", warmup=warmup,
        precision=where()["precision"], seed=seed,
    )  # fmt: skip
    reports = fit(start(model, training), batches, training, d_model=settings.d_model)
    return [one.nll for one in reports]


def _reversal_batches(pairs: list[Any], rows: int) -> Any:
    """Return batches of symbol pairs in the format of `fit`."""
    import numpy as np
    import torch

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


def profile(sheet: Sheet, tiny: bool) -> None:
    """List the operations with the longest run time in updates of the base model."""
    import torch
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler
    from training_batches import make_batches
    from training_contenders import CONTENDERS as MADE
    from training_speed import CONFIGS

    config = {**CONFIGS["base"], "dropout": 0.1, "threads": torch.get_num_threads(), **where()}
    config |= TINY if tiny else SHORT
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
    seen.export_chrome_trace(str(sheet.file.with_name("trace.json.gz")))
    sheet.put("table", seen.key_averages().table(sort_by=order, row_limit=25).splitlines())


def where() -> dict[str, str]:
    """Return the device and the precision: bf16 on a GPU, fp32 on a CPU."""
    import torch

    if torch.cuda.is_available():
        return {"device": "cuda", "precision": "bf16"}
    return {"device": "cpu", "precision": "fp32"}


def _precision(device: str) -> Any:
    import torch

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


PARTS = {
    "tests": tests, "training": training, "decoding": decoding, "learning": learning,
    "profile": profile,
}  # fmt: skip


class TimeLimitReached(BaseException):
    """The time limit of a part ended."""


def _stop(number: int, frame: Any) -> None:
    raise TimeLimitReached


def main() -> int:
    """Run one part, or check what the parts need."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("part", choices=["check", *PARTS])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rehearse", action="store_true", help="use tiny sizes; works on a CPU")
    options = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _stop)
    if options.part == "check":
        return check(options.out, rehearse=options.rehearse)
    sys.path.insert(0, str(HERE))
    try:
        file = options.out / f"{options.part}.json"
        sheet = Sheet(file, options.rehearse, began + options.seconds)
        with sheet.attempt(options.part):
            PARTS[options.part](sheet, options.rehearse)
        sheet.put("seconds", round(time.monotonic() - began, 1))
    except TimeLimitReached:
        print("The time limit ended this part.")
        return 124
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
