import pytest
import torch

from whyformer.foundation import memory
from whyformer.foundation.errors import UsageError
from whyformer.models.build import build_model
from whyformer.models.transformer import TransformerSettings
from whyformer.recipes.recipe import resolve
from whyformer.training.checkpoints import has_checkpoint
from whyformer.workflows import train as training
from whyformer.workflows.train import train

SMALL = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.updates": 4, "training.batch_tokens": 256,
    "validation.every": 2, "validation.metric": "loss",
}  # fmt: skip


@pytest.fixture
def room(monkeypatch):
    """Return a function that sets the bytes that are available."""

    def leave(count: int) -> None:
        monkeypatch.setattr(memory, "available_bytes", lambda device: count)

    return leave


def test_a_model_that_cannot_fit_is_refused_before_it_is_allocated():
    settings = TransformerSettings(d_model=1 << 17, d_ff=1 << 20)  # more than any machine has
    with pytest.raises(UsageError, match=r"The model needs at least .* TB of memory, but"):
        build_model(settings, (300, 300), shared=True)


def test_checking_the_size_leaves_the_weights_alone():
    settings = TransformerSettings(encoder_layers=1, decoder_layers=1, d_model=8, heads=2, d_ff=8)
    torch.manual_seed(3)
    one = build_model(settings, (300, 300), shared=True)
    torch.manual_seed(3)
    with torch.device("cpu"):
        other = type(one)(settings, (300, 300))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("more", "left", "sentence"),
    [
        ({}, 30_000, "The model needs at least .* `model.d_model`"),
        ({}, 100_000, "Training this model needs at least"),
        ({"training.average": "checkpoints", "training.average_last": 900}, 10**7, "average_last"),
        ({"training.batch_tokens": 100_000}, 10**6, "A batch of .* tokens needs .*batch_tokens"),
    ],
)
def test_what_cannot_fit_is_refused_with_what_to_lower(room, tmp_path, more, left, sentence):
    room(left)
    with pytest.raises(UsageError, match=sentence):
        train(resolve("copy", SMALL | more), tmp_path / "run", quiet=True)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate"
                     " memory: you tried to allocate 99 bytes."),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 99 GiB."),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_running_out_of_memory_is_one_sentence_and_keeps_the_checkpoint(
    tmp_path, monkeypatch, capsys, error
):
    from whyformer.cli.main import main

    fit = training.fit

    def failing(*args, **kwargs):
        for report in fit(*args, **kwargs):
            yield report
            if report.step == 3:
                raise error

    argv = ["train", "copy", "--quiet", "--out", str(tmp_path / "run")]
    argv += [f"--{name}={value}" for name, value in SMALL.items()]
    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", failing)
        assert main(argv) == 1
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("whyformer: Memory ran out. Lower `--training.batch")
    assert "Traceback" not in said
    assert has_checkpoint(tmp_path / "run" / "checkpoint")
    assert main(argv) == 0


def test_another_runtime_error_is_not_called_a_lack_of_memory(monkeypatch):
    from whyformer.cli import main as command_line

    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(command_line, "_run", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        command_line.main(["doctor"])
