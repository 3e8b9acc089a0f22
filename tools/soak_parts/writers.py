"""More jobs for the part `io`: commands that write outputs, pages, or the hashes of a run."""

import json
import shutil
from pathlib import Path

from soak_parts.jobs import EVERY, JOBS, Job

OUTPUT = "output.txt"
FORMER = "previous output\n"


def _former_output(out: Path) -> None:
    out.mkdir(parents=True)
    (out / OUTPUT).write_text(FORMER, encoding="utf-8")


def _edited_run(out: Path) -> None:
    """Write a copy of a run with a manually changed configuration."""
    shutil.copytree(out.parent / "letters" / "model", out / "model")
    config = json.loads((out / "model" / "config.json").read_text(encoding="utf-8"))
    config["facts"]["decoding"]["beam"] = 3
    (out / "model" / "config.json").write_text(json.dumps(config, indent=4), encoding="utf-8")


def _output(name: str, run: str, *argv: str) -> Job:
    """Return a job whose command replaces an existing file."""
    return Job(
        name,
        lambda place, out: [
            *(argv[0], str(place / run), "--output", str(out / OUTPUT), "--overwrite"),
            *(one.replace("@", f"{place}/") for one in argv[1:]),
        ],
        needs=(run,),
        begin=_former_output,
    )


WRITERS: dict[str, Job] = JOBS | {
    job.name: job
    for job in (
        _output("generate", "gpt", "generate", "--prompt", "ba", "--seed", "1", "--tokens", "20"),
        _output("classify", "classify", "classify", "--input", "@data/sources.txt", "--json"),
        _output("regress", "regress", "classify", "--input", "@data/sources.txt", "--json"),
        _output("tag", "tag", "classify", "--input", "@data/sources.txt"),
        Job(
            "translate with alignments",
            lambda place, out: [
                *("translate", str(place / "pairs"), "--engine", "torch"),
                *("--input", str(place / "data" / "sources.txt")),
                *("--output", str(out / OUTPUT), "--alignments", str(out / "alignments.jsonl")),
                "--overwrite",
            ],
            needs=("pairs",),
            begin=_former_output,
        ),
        Job(
            "inspect",
            lambda place, out: [
                *("inspect", str(place / "letters"), "--text", "ba de"),
                *("--out", str(out / "page.html")),
            ],
            needs=("letters",),
        ),
        Job("lab report", lambda place, out: ["lab", "report", "--out", str(out)]),
        Job(
            "doctor --reseal",
            lambda place, out: ["doctor", str(out), "--reseal"],
            needs=("letters",),
            begin=_edited_run,
        ),
        Job(
            "train and start from",
            lambda place, out: [
                *("train", "classify", "--out", str(out), "--quiet", "--start-from"),
                *(str(place / "bert"), "--data", str(place / "data" / "labelled.tsv")),
                *("--training.updates", str(2 * EVERY), "--validation.every", str(EVERY)),
                *("--training.warmup", "2"),
                *("--training.batch-tokens", "256", "--data.row-tokens", "32"),
            ],
            needs=("bert",),
        ),
    )
}
"""All jobs by name, including those of jobs.py."""
