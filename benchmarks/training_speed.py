"""Compare training speed: target tokens per second of whole updates, on the same batches.

    python benchmarks/training_speed.py --config T

An update is forward, label-smoothed loss, backward, clipping and Adam. Each contender is a separate
process. All processes stay loaded and compute one at a time, in rounds A B C A B C …, so a slower
machine slows down all of them. See README.md. This script needs only the standard library. The
contenders run in ``.benchmarks/peers``, which is created on the first run.
"""

import argparse
import hashlib
import json
import os
import platform
import runpy
import shutil
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = ROOT / ".benchmarks"
PEERS = CACHE / "peers"
JOEYNMT = CACHE / "joeynmt"
INSTALL = {
    PEERS: (
        ("torch==2.13.0", "numpy"),
        ("transformers>=5,<6", "sentencepiece", "x-transformers>=2,<3", "-e", f"{ROOT}[demo]"),
        ("--no-deps", "eole==0.6.4", "pyonmttok>=1.38,<2"),  # its model imports no other package
    ),
    # It imports importlib_metadata but does not declare it, and calls a method of SentencePiece
    # that version 0.2.3 does not have.
    JOEYNMT: (
        ("torch==2.13.0", "numpy"),
        ("joeynmt==2.3.0", "importlib_metadata", "sentencepiece==0.2.0"),
    ),
}
"""Packages of each environment. The order matters: the others depend on the build of torch."""

ALLOCATOR = {
    "GLIBC_TUNABLES": runpy.run_path(str(ROOT / "src/whyformer/acceleration/allocator.py"))[
        "TUNABLES"
    ]
}
"""The setting with which `whyformer train` restarts itself: freed blocks are kept for reuse."""

CONFIGS: dict[str, dict[str, Any]] = {
    "T": {
        "encoder_layers": 3,
        "decoder_layers": 3,
        "d_model": 256,
        "heads": 4,
        "d_ff": 1024,
        "batch_tokens": 4096,
        "data": "multi30k",
        "vocabulary": 8000,
        "steps": 6,
        "warmup": 2,
    },
    "B": {
        "encoder_layers": 6,
        "decoder_layers": 6,
        "d_model": 512,
        "heads": 8,
        "d_ff": 2048,
        "batch_tokens": 2048,
        "data": "multi30k",
        "vocabulary": 8000,
        "steps": 3,
        "warmup": 1,
    },
    "demo": {
        "encoder_layers": 3,
        "decoder_layers": 1,
        "d_model": 128,
        "heads": 4,
        "d_ff": 512,
        "batch_tokens": 1024,
        "data": "cmudict",
        "steps": 60,
        "warmup": 200,  # until most shapes have occurred: oneDNN generates code for each shape
    },
    "base": {
        "encoder_layers": 6,
        "decoder_layers": 6,
        "d_model": 512,
        "heads": 8,
        "d_ff": 2048,
        "batch_tokens": 25_000,
        "data": "drawn",
        "vocabulary": 32_000,
        "steps": 40,
        "warmup": 30,
    },
    "big": {
        "encoder_layers": 6,
        "decoder_layers": 6,
        "d_model": 1024,
        "heads": 16,
        "d_ff": 4096,
        "batch_tokens": 25_000,
        "data": "drawn",
        "vocabulary": 32_000,
        "steps": 40,
        "warmup": 30,
    },
}
ON_GPU = ("base", "big")
"""The paper's two models and batch size, in bf16. Without a GPU, only a description is printed."""
CONTENDERS = (
    "whyformer", "torch", "marian", "torch-lean", "x-transformers", "joeynmt", "eole",
    "whyformer-compile",
)  # fmt: skip
DEFAULT_CONTENDERS = CONTENDERS[:3]
OURS = "whyformer"
SHARED = "torch.mm"
"""The contender whose products are the ceiling for all contenders."""
PAUSE = 0.3
"""Seconds between two contenders, so that no thread of the last one still spins."""

QUIET = 0.1
"""Cores that other processes may use before the table reports a busy machine."""


def main() -> None:
    """Measure and print."""
    options = parse_options()
    config = {**CONFIGS[options.config], "name": options.config, "dropout": options.dropout}
    config["threads"] = options.threads
    config["steps"] = options.steps or config["steps"]
    on_gpu = options.config in ON_GPU
    config |= (
        {"device": "cuda", "precision": "bf16"}
        if on_gpu
        else {"device": "cpu", "precision": "fp32"}
    )
    if on_gpu and not shutil.which("nvidia-smi"):
        print(intention(config, options))
        return
    python = peers_python()
    data = Path(options.data).resolve() / "train"
    count = config["warmup"] + options.rounds * config["steps"]
    file, facts = saved_batches(python, config, data, count)
    config |= {"vocabularies": facts["vocabularies"], "shared": facts["shared"]}
    environment = worker_environment(options)
    workers = {
        name: Worker(
            name, peers_python(JOEYNMT) if name == "joeynmt" else python, file, config, environment
        )
        for name in ("ceiling", *options.contenders)
    }
    try:
        rounds, ceilings = measure(workers, config, options.rounds)
    finally:
        for worker in workers.values():
            worker.stop()
    ceiling = {name: statistics.median(one[name] for one in ceilings) for name in ceilings[0]}
    result = {
        "config": config,
        "batches": facts,
        "machine": machine(python),
        "cores_used_by_others": cores_used_by_others(rounds),
        "allocator": options.allocator,
        "ceiling_gflops": {name: rate / 1e9 for name, rate in ceiling.items()},
        "contenders": summary(rounds, workers, ceiling[SHARED]),
    }
    print(json.dumps(result, indent=2, ensure_ascii=False) if options.json else table(result))


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--config", choices=CONFIGS, default="T")
    parser.add_argument(
        "--rounds",
        type=positive,
        default=5,
        help="number of rounds; the median is reported (default 5)",
    )
    parser.add_argument(
        "--steps", type=positive, help="updates per round (default: depends on --config)"
    )
    parser.add_argument("--threads", type=positive, default=cores, help=f"default {cores}: all")
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=CONTENDERS,
        metavar="NAME",
        help=f"of {', '.join(CONTENDERS)}; default {' '.join(DEFAULT_CONTENDERS)}, on a GPU with "
        "whyformer-compile",
    )
    parser.add_argument(
        "--dropout", type=float, default=0.1, help="dropout of all contenders (default 0.1)"
    )
    parser.add_argument(
        "--data",
        default=ROOT.parent / "shared" / "data" / "multi30k",
        help="directory with train.en and train.de; without it, lengths are sampled",
    )
    parser.add_argument(
        "--allocator",
        choices=("tuned", "default", "ours-only"),
        default="tuned",
        help="use our GLIBC_TUNABLES for all contenders, for none, or only for whyformer",
    )
    parser.add_argument("--json", action="store_true", help="print all measurements as JSON")
    options = parser.parse_args()
    default = [*DEFAULT_CONTENDERS, *(["whyformer-compile"] if options.config in ON_GPU else [])]
    options.contenders = list(dict.fromkeys(options.contenders or default))
    return options


def intention(config: dict[str, Any], options: argparse.Namespace) -> str:
    """Return a description of the measurement on a GPU."""
    return "\n".join(
        [
            f"Configuration {config['name']} needs a GPU, but nvidia-smi was not found. "
            "On a GPU, it would measure in bf16 autocast:",
            f"- {', '.join(options.contenders)}: each {config['warmup']} warm-up updates, then "
            f"{options.rounds} alternating rounds of {config['steps']} updates;",
            f"- {config['encoder_layers']}+{config['decoder_layers']} layers, d_model "
            f"{config['d_model']}, {config['heads']} heads, d_ff {config['d_ff']}, vocabulary "
            f"{config['vocabulary']:,}, dropout {config['dropout']:g}, batches of "
            f"{config['batch_tokens']:,} padded tokens per side with varying lengths;",
            "- real target tokens per second, and MFU: the rate of the model's products of real "
            "tokens, as a fraction of the highest measured rate of bf16 matrix products.",
        ]
    )


def positive(text: str) -> int:
    """Parse a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, but is {number}")
    return number


def peers_python(environment: Path = PEERS) -> Path:
    """Return the interpreter of an environment of peers. Create or update it if needed."""
    python, done = environment / "bin" / "python", environment / ".installed"
    wanted = repr(INSTALL[environment])
    if done.is_file() and done.read_text() == wanted:
        return python
    say(f"Making {environment.relative_to(ROOT)} (once) …")
    if not python.is_file():
        venv.create(environment, with_pip=True)
    for packages in INSTALL[environment]:
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True, stdout=2)
    done.write_text(wanted)
    return python


def saved_batches(
    python: Path, config: dict[str, Any], data: Path, count: int
) -> tuple[Path, dict[str, Any]]:
    """Make the batches, or reuse those with the same settings. Return file and description."""
    about_speed = ("threads", "dropout", "steps", "warmup", "device", "precision")
    shape = {key: value for key, value in config.items() if key not in about_speed}
    asked = json.dumps(
        {"config": shape, "data": str(data), "cache": str(CACHE / "data"), "count": count}
    )
    source = (HERE / "training_batches.py").read_bytes()
    key = hashlib.sha256(source + asked.encode()).hexdigest()[:12]
    file = CACHE / "batches" / f"{config['name']}-{key}.pt"
    about = file.with_suffix(".json")
    if not about.is_file():
        say("Making the batches …")
        file.parent.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(
            [python, HERE / "training_batches.py", asked, file],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        about.write_text(made.stdout, encoding="utf-8")
    return file, json.loads(about.read_text(encoding="utf-8"))


def worker_environment(options: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return the environment of each worker."""
    threads = str(options.threads)
    plain = {key: value for key, value in os.environ.items() if key not in ALLOCATOR}
    plain |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1"}
    tuned = {
        "tuned": {"ceiling", *CONTENDERS},
        "default": set(),
        "ours-only": {OURS, f"{OURS}-compile"},
    }[options.allocator]
    return {name: plain | (ALLOCATOR if name in tuned else {}) for name in ("ceiling", *CONTENDERS)}


class Worker:
    """One contender in a separate process. Its standard error goes to a file."""

    def __init__(
        self,
        name: str,
        python: Path,
        file: Path,
        config: dict[str, Any],
        environment: dict[str, dict[str, str]],
    ) -> None:
        self.name = name
        self.log = CACHE / "logs" / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, HERE / "training_contenders.py", name, file, json.dumps(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment[name],
                text=True,
            )
        self.about = self._answer()

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            fail(f"{self.name} ended: {self.log.read_text()[-2000:]}\nAll of it: {self.log}")
        return json.loads(line)


def measure(
    workers: dict[str, Worker], config: dict[str, Any], rounds: int
) -> tuple[list[dict[str, dict[str, Any]]], list[dict[str, float]]]:
    """Run the workers in alternating rounds. Return the results and the ceilings of each round."""
    contenders = {name: worker for name, worker in workers.items() if name != "ceiling"}
    workers["ceiling"].ask(seconds=0.3)
    for name, worker in contenders.items():
        say(f"Warming up {name} …")
        worker.ask(steps=config["warmup"])
    found, ceilings = [], []
    for number in range(1, rounds + 1):
        time.sleep(PAUSE)
        ceilings.append(workers["ceiling"].ask(seconds=0.5)["flops_per_second"])
        turn = {}
        for name, worker in contenders.items():
            time.sleep(PAUSE)
            began, busy = time.perf_counter(), busy_seconds()
            turn[name] = worker.ask(steps=config["steps"])
            elapsed = time.perf_counter() - began
            others = max(0.0, busy_seconds() - busy - turn[name]["cpu_seconds"])
            turn[name]["cores_used_by_others"] = others / elapsed
            speed = turn[name]["tokens"] / turn[name]["seconds"]
            say(f"Round {number} of {rounds}: {name} {speed:.0f} tok/s")
        found.append(turn)
    return found, ceilings


def busy_seconds() -> float:
    """Return the total busy time of all cores of the machine since it started."""
    ticks = [
        int(word)
        for word in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]
    ]
    idle = ticks[3] + ticks[4]  # idle and waiting for I/O
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")


def cores_used_by_others(rounds: list[dict[str, dict[str, Any]]]) -> float:
    """Return the mean number of cores that other processes used during the measurement."""
    return statistics.mean(
        turn["cores_used_by_others"] for found in rounds for turn in found.values()
    )


def summary(
    rounds: list[dict[str, dict[str, Any]]], workers: dict[str, Worker], ceiling: float
) -> dict[str, dict[str, Any]]:
    """Return for each contender its speeds, its fraction of the ceiling and its rounds."""
    found = {}
    speeds = {
        name: [turn[name]["tokens"] / turn[name]["seconds"] for turn in rounds]
        for name in rounds[0]
    }
    peers = [name for name in speeds if not name.startswith(OURS)]
    fastest = max(peers, key=lambda name: statistics.median(speeds[name]), default=None)
    for name, values in speeds.items():
        ratios = [a / b for a, b in zip(values, speeds[fastest], strict=True)] if fastest else []
        rates = [turn[name]["flops"] / turn[name]["seconds"] for turn in rounds]
        found[name] = {
            "tokens_per_second": statistics.median(values),
            "lowest": min(values),
            "highest": max(values),
            "ratio_to_fastest_peer": statistics.median(ratios) if ratios else None,
            "share_of_ceiling": statistics.median(rates) / ceiling,
            "parameters": workers[name].about["parameters"],
            "last_loss": rounds[-1][name]["loss"],
            "rounds": [turn[name] for turn in rounds],
        }
    return found


def machine(python: Path) -> dict[str, Any]:
    """Return the versions and hardware that affect the results."""
    code = (
        "import json, torch, transformers; print(json.dumps({'torch': torch.__version__, "
        "'transformers': transformers.__version__, "
        "'isa': torch.backends.cpu.get_cpu_capability(), "
        "'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else None}))"
    )
    versions = subprocess.run(
        [python, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **json.loads(versions),
    }


def table(result: dict[str, Any]) -> str:
    """Return the results as readable text."""
    config, batches, where = result["config"], result["batches"], result["machine"]
    sources, targets = batches["vocabularies"]
    sizes = str(sources) if batches["shared"] else f"{sources} and {targets}"
    name = config["name"]
    device = where["gpu"] if config["device"] == "cuda" else "the CPU"
    by_library = ", ".join(f"{rate:.1f} by {who}" for who, rate in result["ceiling_gflops"].items())
    lines = [
        f"Training, configuration {name}: {config['encoder_layers']}+{config['decoder_layers']} "
        f"layers, d_model {config['d_model']}, {config['heads']} heads, d_ff {config['d_ff']}, "
        f"vocabulary {sizes}, dropout {config['dropout']:g}",
        f"Data: {batches['origin']}",
        f"Batches: {batches['batches']} of at most {config['batch_tokens']} padded tokens "
        f"per side, {batches['target_tokens_per_batch']:.0f} real target tokens on average "
        f"({100 * batches['target_padding']:.1f} % padding), "
        f"{batches['mflop_per_target_token']:.1f} MFLOP per target token",
        f"Machine: {where['processor']}, {config['threads']} of {where['cores']} cores, "
        f"{where['isa']}, torch {where['torch']}, transformers {where['transformers']}, "
        f"allocator {result['allocator']}, {config['precision']} on {device}",
        f"Ceiling of matrix products, GFLOP/s: {by_library}; fractions are of {SHARED}",
        "",
        "| contender | tok/s | min–max | relative to fastest peer | fraction of ceiling | "
        "parameters | last loss |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for contender, found in result["contenders"].items():
        ratio = found["ratio_to_fastest_peer"]
        lines.append(
            f"| {contender} | {found['tokens_per_second']:,.0f} "
            f"| {found['lowest']:,.0f}–{found['highest']:,.0f} "
            f"| {'–' if ratio is None else f'{ratio:.2f} ×'} "
            f"| {100 * found['share_of_ceiling']:.0f} % "
            f"| {found['parameters'] / 1e6:.2f} M | {found['last_loss']:.2f} |"
        )
    count = len(next(iter(result["contenders"].values()))["rounds"])
    lines += [
        "",
        f"tok/s: real target tokens per second, including eos; medians of {count} "
        f"alternating rounds of {config['steps']} updates.",
    ]
    others = result["cores_used_by_others"]
    if others > QUIET:
        lines.append(
            f"BUSY MACHINE: other processes used {others:.2f} cores during the "
            "measurement. Do not publish these numbers."
        )
    return "\n".join(lines)


def say(text: str) -> None:
    """Print the progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """End with a reason."""
    say(text)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
