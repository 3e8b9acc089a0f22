"""The soak test can fail: each planted fault is found, and without it the same trials pass."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from soak_parts import planted, syscalls

FLIPS = """
from soak_parts import flips
every = [use for use in flips.uses() if use.run == 'gpt' and use.name == 'evaluate']
found = [flips.trial(1, index, place, every).kind for index in range(6)]
"""
PICKLES = """
from soak_parts import hostile
hostile.FAMILIES = ('gpt',)
found = [hostile.trial(1, index, place, ['weights: a pickle!']).kind for index in range(4)]
"""
MEMORY = PICKLES.replace("weights: a pickle!", "config: another kind")
NAN = """
from soak_parts import nan
nan.KINDS = {'gpt': nan.KINDS['gpt']}
found = [nan.trial(1, 0, nan.set_up(place)).kind]
"""
COMMANDS = """
from soak_parts import fuzz, fuzz_commands
fuzz_commands.commands = lambda all=fuzz_commands.commands: {'score': all()['score']}
found = [one['kind'] for one in fuzz.command_chunk(1, 0, 3, place).failures]
"""
READERS = """
from soak_parts import fuzz, fuzz_readers
fuzz_readers.chosen = lambda rng, every: 'pairs, TSV'
found = [one['kind'] for one in fuzz.read_chunk(1, 0, 200, place).failures]
"""
SPLIT = """
from soak_parts import split
split.TASKS, split.TROUBLES = ('gpt',), {'none': split.TROUBLES['none']}
found = [split.trial(1, 0, split.set_up(place)).kind]
"""
BATCHES = """
import random
from soak_parts import batches
some = batches.texts('sentences', random.Random(1), 8)
found = [
    verdict.kind
    for number in range(2)
    for _, verdict, _ in batches.translated('letters', random.Random(number), some, place)
]
"""
VALID = """
from soak_parts import valid
found = [valid.trial(1, 13, place).kind]
"""
KILL = """
from soak_parts import kill, jobs
one = {name: kill.JOBS[name]}
kill.JOBS = one
found = [kill.trial(1, turn, jobs.set_up(place, one.values())).kind]
"""
STATE = "name, turn = 'train gpt', 12" + KILL
OUTPUT = "name, turn = 'translate', 21" + KILL
IO = """
from soak_parts import io, jobs
one = {'translate': io.WRITERS['translate']}
io.WRITERS = one
found = [io.trial(1, turn, jobs.set_up(place, one.values())).kind for turn in (4, 22)]
"""
NEEDS = {
    FLIPS: ("gpt",),
    PICKLES: ("gpt",),
    MEMORY: ("gpt",),
    COMMANDS: ("gpt",),
    READERS: ("gpt", "bert", "rnn", "pairs"),
    BATCHES: ("letters",),
    VALID: ("gpt",),
    OUTPUT: ("letters",),
    IO: ("letters",),
}
"""Trials -> runs that must stand before a fault is planted."""
WITHOUT = (FLIPS, PICKLES, MEMORY, NAN, COMMANDS, READERS, SPLIT, BATCHES, VALID)
PRELOADED = (STATE, OUTPUT, IO)
FOUND = [
    ("checksum-not-read", FLIPS, "silent"),
    ("split-leaks", SPLIT, "leak"),
    ("depends-on-the-batch", BATCHES, "score"),
    ("pickle-loaded", PICKLES, "executed"),
    ("memory-wasted", MEMORY, "memory"),
    ("not-finite-not-checked", NAN, "wrong"),
    ("traceback-swallowed", COMMANDS, "score"),
    ("reader-fails", READERS, "pairs, TSV"),
    ("everything-refused", VALID, "refused"),
    ("state-not-saved", STATE, "different"),
    ("write-not-atomic", OUTPUT, "lost"),
    ("write-not-atomic", IO, "lost"),
    ("write-errors-ignored", IO, "silent"),
]
BAD = {
    "executed", "memory", "wrong", "crash", "score", "different", "leak", "pairs, TSV", "silent",
    "lost", "ending", "not completed",
}  # fmt: skip


def _kinds(served, trials: str, fault: str = "") -> list[str]:
    """Make trials; return the kinds of their verdicts."""
    if trials in PRELOADED and syscalls.compiler() is None:
        pytest.skip("needs Linux and a C compiler")
    served(
        "from soak_parts import tiny_runs\n"
        f"tiny_runs.prepare(place, {NEEDS.get(trials, ())}, convert=False)\n"
        "found = True"
    )
    return served(trials, fault)


@pytest.mark.parametrize(("fault", "trials", "kind"), FOUND)
def test_a_planted_fault_is_found(served, fault: str, trials: str, kind: str):
    assert kind in _kinds(served, trials, fault)


@pytest.mark.slow
@pytest.mark.parametrize("trials", [*WITHOUT, *PRELOADED])
def test_without_a_fault_nothing_is_found(served, trials: str):
    to_be_refused = trials in (FLIPS, PICKLES, MEMORY)
    bad = BAD if to_be_refused else BAD | {"refused"}
    assert not bad & set(_kinds(served, trials))


def test_every_planted_fault_is_tried():
    assert {fault for fault, _, _ in FOUND} == set(planted.PLANTED)
