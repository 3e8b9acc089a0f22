"""The parts of the soak test, by name."""

from soak_parts import batches, flips, fuzz, hostile, io, kill, nan, split, valid, works
from soak_parts.tiny_runs import prepare
from soak_parts.verdicts import Part, one_by_one

PARTS: dict[str, Part] = {
    "kill": Part(
        "a command killed at any moment is completed by the same command, bit for bit",
        1000,
        20,
        works.set_up,
        one_by_one(kill.trial),
    ),
    "io": Part(
        "a command whose disk fails ends with one sentence, loses nothing, completes after repair",
        500,
        20,
        io.set_up,
        one_by_one(io.trial),
    ),
    "flips": Part(
        "one flipped bit is refused with one sentence or changes nothing",
        1000,
        20,
        flips.set_up,
        one_by_one(flips.trial),
    ),
    "hostile": Part(
        "a hostile model directory costs little memory and time, and executes nothing",
        200,
        10,
        hostile.set_up,
        one_by_one(hostile.trial),
    ),
    "fuzz-readers": Part(
        "a changed file is read or refused with one sentence",
        1_000_000,
        5000,
        prepare,
        fuzz.read_chunk,
    ),
    "fuzz-commands": Part(
        "a silly command line ends with a documented exit code and without a traceback",
        20_000,
        200,
        prepare,
        fuzz.command_chunk,
    ),
    "valid": Part(
        "a valid input is accepted",
        300,
        20,
        valid.set_up,
        one_by_one(valid.trial),
    ),
    "split": Part(
        "no row of the validation set is in the training set, in any spelling",
        100,
        10,
        split.set_up,
        one_by_one(split.trial),
    ),
    "batches": Part(
        "a text's best hypothesis does not depend on its batch, threads or engine",
        100_000,
        2000,
        batches.set_up,
        batches.run,
    ),
    "nan": Part(
        "a value that is not finite stops training before the update, and its place is named",
        100,
        10,
        nan.set_up,
        one_by_one(nan.trial),
    ),
}
PRELOADED = ("kill", "io")
"""Parts that need the library of syscalls.py."""
