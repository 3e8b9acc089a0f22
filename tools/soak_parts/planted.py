"""Faults that are injected into the package, to show that the soak test can fail.

Each function changes this process and its future children. Files are not changed.
"""

import traceback
from collections.abc import Callable
from typing import Any


def checksum_not_read() -> None:
    """Correct the hashes after each damage, as if hashes were not checked."""
    from soak_parts import flips, sealing

    flips.after_damage = sealing.seal


def depends_on_the_batch() -> None:
    """Let a Transformer attend to padding."""
    from whyformer.models.transformer import Transformer

    begin = Transformer.begin
    Transformer.begin = lambda self, source, source_real: begin(self, source, None)  # type: ignore[method-assign]


def split_leaks() -> None:
    """Add the first training documents to the validation set."""
    import itertools

    from whyformer.tasks import text_task

    build = text_task.build_documents
    first: list[Any] = []

    def leaking(documents: Any, tokenizer: Any, directory: Any, **options: Any) -> Any:
        if directory.name == "corpus":
            learned = [list(one) for one in documents]
            first[:] = learned[:3]
            documents = iter(learned)
        else:
            documents = itertools.chain(documents, first)
        return build(documents, tokenizer, directory, **options)

    text_task.build_documents = leaking


def traceback_swallowed() -> None:
    """Let `score` fail with a traceback and exit code 0."""
    from whyformer.cli import main

    run = main._run

    def swallowing(tokens: list[str], **options: Any) -> int:
        try:
            if tokens[:1] == ["score"]:
                raise RuntimeError("planted")
            return run(tokens, **options)
        except RuntimeError:
            traceback.print_exc()
            return 0

    main._run = swallowing


def not_finite_not_checked() -> None:
    """Continue training if the loss or the gradient is not finite."""
    import types

    from whyformer.training import loop

    math = types.SimpleNamespace(**vars(loop.math))
    math.isfinite = lambda _: True
    loop.math = math  # type: ignore[assignment]


def pickle_loaded() -> None:
    """Unpickle weights that are a pickle."""
    import pickle

    from whyformer import bundle

    refuse = bundle._refuse_pickle

    def loading(path: Any) -> None:
        if path.read_bytes()[:1] == b"\x80":
            pickle.loads(path.read_bytes())
        refuse(path)

    bundle._refuse_pickle = loading


def memory_wasted() -> None:
    """Allocate half a gigabyte before a configuration is read."""
    from whyformer import bundle

    read = bundle.find_bundle

    def reading(path: Any) -> Any:
        kept.append(b"x" * (1 << 29))
        return read(path)

    kept: list[bytes] = []
    bundle.find_bundle = reading


def everything_refused() -> None:
    """Reject every command."""
    from whyformer.cli import main
    from whyformer.foundation.errors import UsageError

    def refusing(_tokens: list[str], **_options: Any) -> int:
        raise UsageError("planted")

    main._run = refusing


def reader_fails() -> None:
    """Let the reader of pairs raise `KeyError`."""
    from whyformer.data import reading

    whole = reading.read_pairs

    def failing(path: Any, *rest: Any, **options: Any) -> Any:
        for pair in whole(path, *rest, **options):
            if "\x00" in pair.target or '"' in pair.target:
                raise KeyError(pair.target)
            yield pair

    reading.read_pairs = failing


def write_not_atomic() -> None:
    """Write files in place, without temporary files."""
    import contextlib

    from whyformer.cli.shared import streams
    from whyformer.foundation import files

    @contextlib.contextmanager
    def in_place(path: Any) -> Any:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.explain_write_errors(path):
            yield path

    files.atomic_path = in_place
    streams.atomic_path = in_place


def state_not_saved() -> None:
    """Leave the optimizer state out of checkpoints."""
    from whyformer.training import checkpoints

    held = checkpoints._state_tensors
    checkpoints._state_tensors = lambda state: {
        name: tensor for name, tensor in held(state).items() if not name.startswith("optimizer.")
    }


def write_errors_ignored() -> None:
    """Ignore errors of the system when files are written."""
    import contextlib

    from whyformer.foundation import files

    files.explain_write_errors = lambda _path: contextlib.suppress(OSError)


PLANTED: dict[str, Callable[[], None]] = {
    "checksum-not-read": checksum_not_read,
    "depends-on-the-batch": depends_on_the_batch,
    "split-leaks": split_leaks,
    "traceback-swallowed": traceback_swallowed,
    "not-finite-not-checked": not_finite_not_checked,
    "pickle-loaded": pickle_loaded,
    "memory-wasted": memory_wasted,
    "everything-refused": everything_refused,
    "reader-fails": reader_fails,
    "write-not-atomic": write_not_atomic,
    "state-not-saved": state_not_saved,
    "write-errors-ignored": write_errors_ignored,
}
"""The functions that inject the faults, by name of the fault."""
