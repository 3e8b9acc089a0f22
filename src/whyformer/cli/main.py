"""The command ``whyformer``: find the command, run it, turn what happened into an exit code."""

import errno
import logging
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError

from whyformer import __version__
from whyformer.acceleration.allocator import keep_big_blocks, restart_with_fast_allocator
from whyformer.cli import (
    ask,
    bench,
    check,
    classify,
    config,
    convert,
    demo,
    diagnose,
    doctor,
    evaluate,
    generate,
    inspect_run,
    lab,
    plan,
    score,
    train,
    translate,
)
from whyformer.cli.dotted import split
from whyformer.cli.streams import abandon_output, set_encodings
from whyformer.foundation.errors import UsageError, WhyformerError

INTERRUPTED = 130
LONG_COMMANDS = ("train", "demo", "check")
"""Commands that run long enough to gain from a restart with a faster allocator."""
LONGEST_SHOWN = 200
"""Characters of a path in a message."""
EPILOGUE = """Start here:

  whyformer demo
  whyformer train --data pairs.tsv --out runs/mine
  echo "A dog runs." | whyformer translate runs/mine
  whyformer ask "why divide by sqrt dk?"

Results go to standard output, progress and messages to standard error.
Exit code: 0 done, 1 failed, 2 asked wrongly (nothing was changed),
130 stopped by Ctrl-C."""

app = App(
    name="whyformer",
    help="The Transformer of “Attention Is All You Need”: train it, use it, question it.",
    help_epilogue=EPILOGUE,
    help_format="plaintext",
    version=__version__,
)
for _file in (
    *(
        demo,
        train,
        translate,
        generate,
        classify,
        score,
        evaluate,
        check,
        bench,
        plan,
        diagnose,
        ask,
    ),
):
    _name = _file.__name__.rpartition(".")[2]
    app.command(getattr(_file, _name), name=_name, help_epilogue=_file.EXAMPLES)
app.command(inspect_run.inspect_run, name="inspect", help_epilogue=inspect_run.EXAMPLES)
app.command(convert.convert, help_epilogue=convert.EXAMPLES)
app.command(config.config)
app.command(lab.lab)
app.command(doctor.doctor, help_epilogue=doctor.EXAMPLES)
for _number, _name in enumerate(
    (
        "demo",
        "train",
        "translate",
        "generate",
        "classify",
        "score",
        "evaluate",
        "check",
        "bench",
        "plan",
        "convert",
        "diagnose",
        "inspect",
        "ask",
        "lab",
        "config",
        "doctor",
    )
):
    app[_name].sort_key = _number


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args: argv: without the program's name; None takes the process's own, and only then the process
        may change its allocator, and restart itself for that.
    """
    set_encodings()
    logging.basicConfig(format="whyformer: %(message)s", level=logging.WARNING)
    try:
        return _run(sys.argv[1:] if argv is None else list(argv), restart=argv is None)
    except WhyformerError as error:
        return _say(str(error), error.exit_code)
    except CycloptsError as error:
        return _say(str(error), UsageError.exit_code)
    except BrokenPipeError:
        abandon_output()
        return _say(
            "The program that reads the output has ended, so the rest was not written.",
            UsageError.exit_code,
        )
    except KeyboardInterrupt:
        return _say("Stopped by Ctrl-C.", INTERRUPTED)
    except (MemoryError, RuntimeError) as error:
        from whyformer.foundation.memory import ran_out

        if not ran_out(error):
            raise
        return _say(*_out_of_memory(argv))
    except OSError as error:  # what no reader or writer foresaw: names too long, broken disks
        return _say(*_refused_by_system(error))


def _run(tokens: list[str], *, restart: bool) -> int:
    others, overrides = split(tokens)
    command, bound, given_by_us = app.parse_args(others, exit_on_error=False, print_error=False)
    if "overrides" in given_by_us:
        bound.arguments["overrides"] = overrides
    elif overrides:
        raise UsageError(
            f"`--{next(iter(overrides))}` is a setting of a recipe, which this command does not "
            "read. Give it to train, check or config show."
        )
    if restart:
        if getattr(command, "__name__", "") in LONG_COMMANDS:
            restart_with_fast_allocator()
        keep_big_blocks()
    result: Any = command(*bound.args, **bound.kwargs)
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


TO_LOWER = {
    "train": "`--training.batch-tokens`, `--data.filters.max-tokens`, `--data.row-tokens` or the "
    "sizes of the model; the last checkpoint is kept, and the same command resumes from it",
    "check": "`--training.batch-tokens` or the sizes of the model",
    "bench": "`--training.batch-tokens` or the sizes of the model",
    "translate": "`--beam`, `--nbest` or `--max-length`",
    "generate": "`--beam`, `--nbest` or `--tokens`",
    "evaluate": "`--beam`, or give a smaller file",
}
"""Command -> what takes less memory."""


def _out_of_memory(argv: Sequence[str] | None) -> tuple[str, int]:
    """Return the sentence and the exit code when memory ran out."""
    command = next(iter(sys.argv[1:] if argv is None else argv), "")
    advice = TO_LOWER.get(command, "the size of the input, or use a smaller model")
    return f"Memory ran out. Lower {advice}.", WhyformerError.exit_code


def _refused_by_system(error: OSError) -> tuple[str, int]:
    """Return the sentence and the exit code for a refusal by the operating system."""
    where = "" if error.filename is None else f" `{str(error.filename)[:LONGEST_SHOWN]}`"
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.ENODEV, errno.ENXIO):
        return f"The path{where} cannot be used: {reason}. Give another path.", UsageError.exit_code
    return (
        f"The operating system refused{where}: {reason}. Check the disk and the permissions, and "
        "run the command again.",
        WhyformerError.exit_code,
    )


def _say(message: str, code: int) -> int:
    sentence = " ".join(message.split())
    print(f"whyformer: {sentence}", file=sys.stderr)
    return code
