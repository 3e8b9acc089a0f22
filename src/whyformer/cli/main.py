"""The command ``whyformer``: find the command, run it, and return its exit code."""

import _thread
import contextlib
import errno
import importlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from keyword import iskeyword
from typing import Any

from cyclopts import App, CycloptsError, Group

from whyformer import __version__
from whyformer.acceleration.allocator import keep_big_blocks, restart_with_fast_allocator
from whyformer.cli.config import show
from whyformer.cli.shared.dotted import plugins_in, split
from whyformer.cli.shared.flag_names import in_flags
from whyformer.cli.shared.streams import abandon_output, set_encodings
from whyformer.cli.train import train
from whyformer.foundation.errors import UsageError, WhyformerError

INTERRUPTED = 130
AGAIN_SECONDS = 0.05
PLUGINS = "whyformer.plugins"
"""Name of the group of entry points with which installed packages declare plugins."""
LONGEST_SHOWN = 200
"""Maximum number of characters of a path in a message."""
EPILOGUE = """Start here:

  whyformer demo
  whyformer train --data pairs.tsv --out runs/mine
  echo "A dog runs." | whyformer translate runs/mine
  whyformer ask "why divide by sqrt dk?"

Every command accepts --plugin FILE.py or --plugin PACKAGE, which adds your own
variants (docs/extending.md). Repeat it for several plugins.

Results go to standard output, progress and messages to standard error.
Exit codes: 0 success, 1 failure, 2 usage error (nothing was changed),
130 stopped by Ctrl-C."""

app = App(
    name="whyformer",
    help="The Transformer of “Attention Is All You Need”: train it, use it, study it.",
    help_epilogue=EPILOGUE,
    help_format="plaintext",
    version=__version__,
)
TRAIN, USE, MEASURE, UNDERSTAND, OTHER = (
    Group(name, sort_key=number)
    for number, name in enumerate(("Train", "Use", "Measure", "Understand", "Other"))
)


@dataclass(frozen=True)
class Command:
    """A command of the command line, and how `main` runs it.

    Args:
        module: module in this package that has a function or an `App` with the name of the command.
        group: the section of `--help` in which the command is listed.
        long: whether the command runs so long that a restart with a faster allocator saves time.
        to_lower: the settings that the error message advises to lower when memory runs out.
    """

    module: str
    group: Group
    long: bool = False
    to_lower: str = "the size of the input, or use a smaller model"


_SMALLER = "`--training.batch-tokens` or the sizes of the model"
COMMANDS = {
    "demo": Command("demo", TRAIN, long=True),
    "train": Command(
        "train",
        TRAIN,
        long=True,
        to_lower="`--training.batch-tokens`, `--data.filters.max-tokens`, `--data.row-tokens` or "
        "the sizes of the model; the last checkpoint is kept, and the same command resumes from it",
    ),
    "distil": Command("distil", TRAIN, long=True, to_lower=_SMALLER),
    "data": Command("data", TRAIN),
    "check": Command("check", TRAIN, long=True, to_lower=_SMALLER),
    "plan": Command("plan", TRAIN),
    "config": Command("config", TRAIN),
    "translate": Command(
        "translate.translate", USE, to_lower="`--beam`, `--nbest` or `--max-length`"
    ),
    "generate": Command("generate", USE, to_lower="`--beam`, `--nbest` or `--tokens`"),
    "classify": Command("classify", USE),
    "serve": Command("serve", USE, to_lower="--batch-tokens or --max-beam"),
    "shortlist": Command("shortlist", USE, long=True),
    "import": Command("import_", USE),
    "export": Command("export", USE),
    "push": Command("push", USE),
    "convert": Command("convert", USE),
    "score": Command("score", MEASURE),
    "evaluate": Command("evaluate", MEASURE, to_lower="`--beam`, or give a smaller file"),
    "errors": Command("errors", MEASURE, to_lower="`--count`, or give a smaller file"),
    "compare": Command("compare", MEASURE, long=True, to_lower=_SMALLER),
    "bench": Command("bench.bench", MEASURE, to_lower=_SMALLER),
    "doctor": Command("doctor", MEASURE),
    "view": Command("view", UNDERSTAND),
    "inspect": Command("inspect", UNDERSTAND),
    "diagnose": Command("diagnose", UNDERSTAND),
    "lab": Command("lab.lab", UNDERSTAND),
    "ask": Command("lab.ask", UNDERSTAND),
}
"""Every command, in the order of `--help`."""

WITH_TASKS = (train, show)
"""Commands whose help text contains `{tasks}`, which stands for the names of all tasks."""

for _number, (_name, _command) in enumerate(COMMANDS.items()):
    _module = importlib.import_module(f"whyformer.cli.{_command.module}")
    _found = getattr(_module, f"{_name}_" if iskeyword(_name) else _name)
    _examples = {} if isinstance(_found, App) else {"help_epilogue": _module.EXAMPLES}
    app.command(_found, name=_name, **_examples)
    app[_name].sort_key = _number
    app[_name].group = (_command.group,)
for _name in (*app.help_flags, *app.version_flags):
    app[_name].group = (OTHER,)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args: argv: arguments without the program name. None uses the arguments of the process, and
        allows a restart of the process with another allocator.
    """
    set_encodings()
    logging.basicConfig(format="whyformer: %(message)s", level=logging.WARNING)
    try:
        with _repeated_interrupts():
            return _run(sys.argv[1:] if argv is None else list(argv), restart=argv is None)
    except WhyformerError as error:
        return _say(str(error), error.exit_code)
    except CycloptsError as error:
        return _say(str(error), UsageError.exit_code)
    except BrokenPipeError:
        abandon_output()
        return _say(
            "The program that reads the output has exited, so the rest was not written.",
            WhyformerError.exit_code,
        )
    except KeyboardInterrupt:
        return _say("Stopped by Ctrl-C.", INTERRUPTED)
    except OSError as error:  # such as a file name that is too long
        return _say(*_refused_by_system(error))
    except Exception as error:
        from whyformer.foundation.out_of_memory import ran_out

        if isinstance(error, MemoryError | RuntimeError) and ran_out(error):
            return _say(*_out_of_memory(argv))
        if explanation := _failure_of_a_plugin(error):
            return _say(explanation, UsageError.exit_code)
        raise


def _run(tokens: list[str], *, restart: bool) -> int:
    tokens, named = plugins_in(tokens)
    _load_plugins(named)
    if tokens[:1] in (["train"], ["config"]) and any(flag in tokens for flag in app.help_flags):
        _list_tasks()
    others, overrides = split(tokens)
    command, bound, given_by_us = app.parse_args(others, exit_on_error=False, print_error=False)
    if "overrides" in given_by_us:
        bound.arguments["overrides"] = overrides
    elif overrides:
        raise UsageError(
            f"`--{next(iter(overrides))}` is a setting of a recipe, and this command does not read "
            "recipes. Use it with train, check or config show."
        )
    if restart:
        if others and others[0] in COMMANDS and COMMANDS[others[0]].long:
            restart_with_fast_allocator()
        keep_big_blocks()
    try:
        result: Any = command(*bound.args, **bound.kwargs)
    except WhyformerError as error:
        error.args = (in_flags(str(error), command),)
        raise
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


def _load_plugins(named: list[str]) -> None:
    """Import the plugins of installed packages, and the plugins given with ``--plugin``.

    Without plugins, no large module is imported, so that `--help` stays fast.
    """
    if not named and not metadata.entry_points(group=PLUGINS):
        return
    import whyformer.registries  # noqa: F401  (registers the built-in variants first)
    from whyformer.foundation import plugins

    plugins.load_installed()
    for source in named:
        plugins.load(source)


def _list_tasks() -> None:
    """Replace `{tasks}` in help texts by the names of all tasks."""
    from whyformer.foundation.wording import either
    from whyformer.recipes.task_declaration import TASKS

    tasks = either(TASKS.names())
    for command in WITH_TASKS:
        command.__doc__ = (command.__doc__ or "").replace("{tasks}", tasks)


def _failure_of_a_plugin(error: Exception) -> str | None:
    from whyformer.foundation import plugins

    return plugins.failure(error)


def _interrupt() -> None:
    """Interrupt the main thread as Ctrl-C does. If possible, send a signal, because it also
    interrupts blocking calls."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextlib.contextmanager
def _repeated_interrupts() -> Iterator[None]:
    """In a `with` block, repeat an interrupt by Ctrl-C if Python could not raise KeyboardInterrupt.

    If the interrupt arrives in a destructor or in a callback of the import system, Python prints
    the exception and ignores it. Without a repetition, the command would continue.
    """
    previous_hook = sys.unraisablehook

    def hook(found: Any) -> None:
        if isinstance(found.exc_value, KeyboardInterrupt):
            threading.Timer(AGAIN_SECONDS, _interrupt).start()
        else:
            previous_hook(found)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = previous_hook


def _out_of_memory(argv: Sequence[str] | None) -> tuple[str, int]:
    """Return the message and the exit code for the case that memory runs out."""
    command = next(iter(sys.argv[1:] if argv is None else argv), "")
    advice = COMMANDS[command].to_lower if command in COMMANDS else Command.to_lower
    return f"Memory ran out. Lower {advice}.", WhyformerError.exit_code


def _refused_by_system(error: OSError) -> tuple[str, int]:
    """Return the message and the exit code for an error of the operating system."""
    where = "" if error.filename is None else f" `{str(error.filename)[:LONGEST_SHOWN]}`"
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.ENODEV, errno.ENXIO):
        return f"The path{where} cannot be used: {reason}. Use another path.", UsageError.exit_code
    return (
        f"The operating system reported an error{where and ' for' + where}: {reason}. Check the "
        "disk and the permissions, and run the command again.",
        WhyformerError.exit_code,
    )


def _say(message: str, code: int) -> int:
    sentence = " ".join(message.split())
    print(f"whyformer: {sentence}", file=sys.stderr)
    return code
