"""The runs of a server by name. A run whose model is replaced is loaded again."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from whyformer.foundation.errors import UsageError, nearest
from whyformer.serving.batcher import Batcher
from whyformer.serving.refusals import RefusedError
from whyformer.serving.runs.loading import State, load_run, state_of
from whyformer.serving.runs.served import Operation, ServedRun
from whyformer.serving.settings import ServerSettings

log = logging.getLogger(__name__)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
RETIRE_SECONDS = 5.0
"""Time for which a replaced model still accepts work from requests that have just found it."""
COMMANDS = {
    Operation.TRANSLATE: "a translation run",
    Operation.SCORE: "a translation run or a language model",
    Operation.GENERATE: "a language model",
    Operation.CLASSIFY: "a run of the task classify or regress",
    Operation.TAG: "a run of the task tag",
    Operation.ATTENTION: "a run with its weights for torch",
}
"""For each operation, the runs that it needs."""


@dataclass
class Loaded:
    """A loaded run with its batcher."""

    served: ServedRun
    batcher: Batcher
    state: State


Seen = Callable[[str, int, int, int, float], None]
"""A function that is called after each batch: with the name of the run, and the arguments of
`Batcher.seen`."""


class Catalog:
    """The runs of a server.

    Args:
        runs: path of each run by its name; the first is the default of its operations.
        seen: see `Seen`.
        reloaded: called after a run was loaded again (True) or could not be loaded (False).
    """

    def __init__(
        self,
        runs: Mapping[str, Path],
        settings: ServerSettings,
        *,
        seen: Seen = lambda name, jobs, items, tokens, seconds: None,
        reloaded: Callable[[str, bool], None] = lambda name, success: None,
    ) -> None:
        self._paths, self._settings = dict(runs), settings
        self._seen, self._reloaded = seen, reloaded
        self._loaded: dict[str, Loaded] = {}
        self._first: dict[str, ServedRun] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Load all runs. Call it once, before the server starts."""
        for name, path in self._paths.items():
            self._first[name] = self._read(name)
            log.info("loaded", extra={"model": name, "run": str(path)})

    def start(self) -> None:
        """Start the batchers, and the search for replaced models, in the running event loop."""
        for name, served in self._first.items():
            self._loaded[name] = Loaded(served, self._batcher(name), state_of(served.run))
        if self._settings.reload_seconds:
            self._watcher = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Finish all work, then stop."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.cancel()
        await asyncio.gather(*(one.batcher.close() for one in self._loaded.values()))
        await asyncio.gather(*self._closing)

    def __iter__(self) -> Iterator[Loaded]:
        """Iterate over the loaded runs."""
        return iter(self._loaded.values())

    def waiting(self, name: str) -> int:
        """Return the number of texts that wait for a run."""
        return self._loaded[name].batcher.waiting

    def find(self, name: str | None, operation: Operation) -> Loaded:
        """Return the run with a name; for None, the first run that has the operation.

        Raises: RefusedError if there is none.
        """
        if name is None:
            for one in self:
                if operation in one.served.operations:
                    return one
            raise RefusedError(
                404,
                f"This server cannot {operation}: it has no run for that, only "
                f"{', '.join(f'{one.served.name} ({one.served.family})' for one in self)}. "
                f"Serve {COMMANDS[operation]}.",
                "model",
            )
        found = self._loaded.get(name)
        if found is None:
            raise RefusedError(
                404, f"There is no model `{name[:64]}`.{nearest(name[:64], self._loaded)}", "model"
            )
        if operation not in found.served.operations:
            raise RefusedError(
                400,
                f"The model `{name}` ({found.served.family}) cannot {operation}. Choose "
                f"{COMMANDS[operation]}.",
                "model",
            )
        return found

    async def reload(self, name: str) -> None:
        """Load a run again. Work that has begun is finished with the old model. If the new model
        cannot be loaded, the old one stays."""
        old = self._loaded[name]
        state = state_of(old.served.run)
        try:
            served = await asyncio.to_thread(self._read, name)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with it, the old one stays
            old.state = state  # do not try again before the next change
            log.warning("not reloaded", extra={"model": name, "error": str(error)})
            self._reloaded(name, False)
            return
        self._loaded[name] = Loaded(served, self._batcher(name), state)
        closing = asyncio.create_task(self._retire(old))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        log.info("reloaded", extra={"model": name, "run": str(served.run)})
        self._reloaded(name, True)

    async def _retire(self, old: Loaded) -> None:
        """Close the batcher of a replaced model, after the requests that have just found it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETIRE_SECONDS):
                await self._stopping.wait()
        await old.batcher.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.reload_seconds)
            for name, one in list(self._loaded.items()):
                if await asyncio.to_thread(state_of, one.served.run) != one.state:
                    await self.reload(name)

    def _read(self, name: str) -> ServedRun:
        settings = self._settings
        return load_run(name, self._paths[name], engine=settings.engine, device=settings.device)

    def _batcher(self, name: str) -> Batcher:
        settings = self._settings
        return Batcher(
            batch_tokens=settings.batch_tokens,
            queue_texts=settings.queue_texts,
            wait_seconds=settings.wait_ms / 1000,
            seen=lambda *counts: self._seen(name, *counts),
        )


def named_runs(given: list[str]) -> dict[str, Path]:
    """Return the path of each run by its name, from arguments such as ``runs/a`` or ``en-de=run``.

    Without a name, the name is that of the directory.

    >>> {name: path.as_posix() for name, path in named_runs(["runs/mine", "ko-en=a=b"]).items()}
    {'mine': 'runs/mine', 'ko-en': 'a=b'}

    Raises: UsageError for names that are not unique or not valid.
    """
    runs: dict[str, Path] = {}
    for one in given:
        before, sign, after = one.partition("=")
        named = bool(sign) and NAME.fullmatch(before) is not None
        path = Path(after if named else one)
        name = before if named else path.resolve().name
        if not NAME.fullmatch(name):
            raise UsageError(
                f"The name of a run must have only letters, digits and . _ + -, but it is "
                f"`{name[:64]}`. Give a name: NAME={path}"
            )
        if name in runs:
            raise UsageError(f"Names of runs must be unique, but `{name}` is given twice.")
        runs[name] = path
    return runs
