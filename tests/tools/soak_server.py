"""Run pieces of Python in forked children of one process that has everything loaded.

Reads a JSON object a line: ``fault`` to plant first, or "", and ``code``, which sets ``found``.
Answers with a JSON object a line: ``found``, or the traceback as ``fault``.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import soak
from soak_parts import syscalls
from soak_parts.forks import in_child
from soak_parts.planted import PLANTED


def run(fault: str, code: str, place: Path) -> Any:
    """Plant a fault and run some code; return what it found."""
    if fault:
        PLANTED[fault]()
    names: dict[str, Any] = {"place": place}
    exec(code, names)
    return names["found"]


def main(place: Path) -> None:
    """Answer until standard input ends."""
    if syscalls.compiler() is not None:
        syscalls.restart_preloaded(place)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what trials print is no answer
    soak.import_everything()
    for line in sys.stdin:
        asked = json.loads(line)
        ending = in_child(run, asked["fault"], asked["code"], place, seconds=250, memory=None)
        print(json.dumps({"found": ending.value, "fault": ending.fault}), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
