"""Save the diagnosis of a run whose loss is not finite, for `whyformer diagnose`."""

from pathlib import Path

from whyformer.bundle import save_tensors
from whyformer.foundation.files import (
    atomic_directory,
)
from whyformer.foundation.integrity import FILES, hashes, write_sealed
from whyformer.tasks.task import Task
from whyformer.training.checkpoints import save_checkpoint
from whyformer.training.finite import Divergence
from whyformer.training.state import TrainingState
from whyformer.workflows.runs.diagnosis import FORMAT as DIAGNOSIS_FORMAT


def keep_diagnosis(failure: Divergence, state: TrainingState, task: Task, out: Path) -> None:
    """Write the batch of the failed update, and the training state before that update."""
    if state.parallelism.ranks.first:
        _keep_record(failure, task, out)
    save_checkpoint(out / "diagnosis" / "state", state, {})


def _keep_record(failure: Divergence, task: Task, out: Path) -> None:
    texts, tensors = task.preview(failure.batch)
    record = {
        "format": DIAGNOSIS_FORMAT,
        "step": failure.step,
        "first": failure.first,
        "kind": failure.kind,
        "advice": failure.advice,
        "loss": repr(failure.loss),
        "norm": repr(failure.norm),
        "message": str(failure),
        "batch": texts,
    }
    with atomic_directory(out / "diagnosis") as directory:
        save_tensors(tensors, directory / "batch.safetensors")
        files = hashes(directory, ["batch.safetensors"])
        write_sealed(directory / "diagnosis.json", {**record, FILES: files})
