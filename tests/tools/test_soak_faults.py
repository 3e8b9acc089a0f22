"""The soak test can fail: each planted fault is found, and without it the same trials pass."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
BEGIN = """
import json, sys
from pathlib import Path
import torch, whyformer.cli.main, whyformer.workflows.train, whyformer.workflows.evaluate
from soak_parts.planted import PLANTED
from soak_parts.tiny_runs import prepare
place = Path(sys.argv[1])
{setting}
if sys.argv[2]:
    PLANTED[sys.argv[2]]()
{trials}
print(json.dumps(kinds))
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="trials run in forked children")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("soak")


def kinds(place: Path, fault: str, setting: str, trials: str) -> list[str]:
    """Run some trials in a fresh process and return the kinds of their verdicts."""
    script = BEGIN.format(setting=setting, trials=trials)
    done = subprocess.run(
        [sys.executable, "-c", script, place, fault],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TOOLS), *sys.path])},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


FLIPS = (
    "prepare(place, ('gpt',))",
    """
from soak_parts import flips
every = [use for use in flips.uses() if use.run == 'gpt' and use.name == 'evaluate']
kinds = [flips.trial(1, index, place, every).kind for index in range(12)]
""",
)
PICKLES = (
    FLIPS[0],
    """
from soak_parts import hostile
hostile.FAMILIES = ('gpt',)
kinds = [hostile.trial(1, index, place, ['weights: a pickle!']).kind for index in range(4)]
""",
)
MEMORY = (
    PICKLES[0],
    PICKLES[1].replace("weights: a pickle!", "config: another kind"),
)
NAN = (
    "",
    """
from soak_parts import nan
nan.KINDS = {'gpt': nan.KINDS['gpt']}
kinds = [nan.trial(1, index, nan.set_up(place)).kind for index in range(3)]
""",
)
COMMANDS = (
    "prepare(place, ('gpt',))",
    """
from soak_parts import fuzz, fuzz_commands
fuzz_commands.commands = lambda all=fuzz_commands.commands: {'score': all()['score']}
kinds = [one['kind'] for one in fuzz.command_chunk(1, 0, 10, place).failures]
""",
)
READERS = (
    "prepare(place, ('gpt', 'bert', 'rnn', 'pairs'))",
    """
from soak_parts import fuzz, fuzz_readers
fuzz_readers.chosen = lambda rng, every: 'pairs, TSV'
kinds = [one['kind'] for one in fuzz.read_chunk(1, 0, 300, place).failures]
""",
)
SPLIT = (
    "",
    """
from soak_parts import split
split.TASKS, split.TROUBLES = ('gpt',), {'none': split.TROUBLES['none']}
kinds = [split.trial(1, 0, split.set_up(place)).kind]
""",
)
BATCHES = (
    "prepare(place, ('letters',), convert=False)",
    """
import random
from soak_parts import batches
some = batches.texts('sentences', random.Random(1), 30)
kinds = [
    verdict.kind
    for number in range(4)
    for _, verdict, _ in batches.translated('letters', random.Random(number), some, place)
]
""",
)
VALID = (
    "prepare(place, ('gpt', 'pairs', 'classify'))",
    """
from soak_parts import valid
kinds = [valid.trial(1, index, place).kind for index in (10, 13)]
""",
)


@pytest.mark.parametrize(
    ("fault", "trials", "kind"),
    [
        ("checksum-not-read", FLIPS, "silent"),
        ("split-leaks", SPLIT, "leak"),
        ("depends-on-the-batch", BATCHES, "score"),
        ("pickle-loaded", PICKLES, "executed"),
        ("memory-wasted", MEMORY, "memory"),
        ("not-finite-not-checked", NAN, "wrong"),
        ("traceback-swallowed", COMMANDS, "score"),
        ("reader-fails", READERS, "pairs, TSV"),
        ("everything-refused", VALID, "refused"),
    ],
)
def test_a_planted_fault_is_found(place: Path, fault: str, trials: tuple[str, str], kind: str):
    assert kind in kinds(place, fault, *trials)


@pytest.mark.parametrize("trials", [PICKLES, MEMORY, NAN, COMMANDS, READERS, SPLIT, BATCHES, VALID])
def test_without_a_fault_nothing_is_found(place: Path, trials: tuple[str, str]):
    found = kinds(place, "", *trials)
    bad = {"executed", "memory", "wrong", "crash", "score", "different", "leak", "pairs, TSV"}
    if trials not in (PICKLES, MEMORY):  # which are to be refused
        bad.add("refused")
    assert not bad & set(found)
