"""The parts of the soak test by name: claim, goal, trials per chunk, set-up and trial."""

from soak_parts import batches, flips, fuzz, hostile, io, jobs, kill, nan, split, valid
from soak_parts.tiny_runs import prepare
from soak_parts.verdicts import Part, one_by_one

PARTS: dict[str, Part] = {
    "kill": Part(
        "after a kill at any moment, the same command completes the work, bit for bit",
        1000,
        20,
        jobs.set_up,
        one_by_one(kill.trial),
    ),
    "io": Part(
        "if the disk fails, a command prints one sentence, loses nothing and can be repeated",
        500,
        20,
        io.set_up,
        one_by_one(io.trial),
    ),
    "flips": Part(
        "a file with one flipped bit is rejected in one sentence, or the result is the same",
        1000,
        20,
        flips.set_up,
        one_by_one(flips.trial),
    ),
    "hostile": Part(
        "a malicious model directory needs little memory and time and executes no code",
        200,
        10,
        hostile.set_up,
        one_by_one(hostile.trial),
    ),
    "fuzz-readers": Part(
        "a mutated file is read, or rejected in one sentence",
        1_000_000,
        5000,
        prepare,
        fuzz.read_chunk,
    ),
    "fuzz-commands": Part(
        "a mutated command line ends with a documented exit code and without a traceback",
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
        "the training set contains no validation row, in any spelling",
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
        "if a value is not finite, training stops before the update and names the module",
        100,
        10,
        nan.set_up,
        one_by_one(nan.trial),
    ),
}
PRELOADED = ("kill", "io")
"""Parts that need the library built by syscalls.py."""
