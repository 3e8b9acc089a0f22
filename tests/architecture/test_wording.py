"""A message that counts agrees with its number: `counted` writes "1 layer" and "2 layers"."""

import ast
import re
from pathlib import Path

import whyformer

ROOT = Path(whyformer.__file__).parent
NOUNS = (
    "bytes", "characters", "classes", "columns", "documents", "entries", "examples", "files",
    "groups", "heads", "hypotheses", "items", "keys", "labels", "layers", "levels", "lines",
    "outputs", "pairs", "passes", "pieces", "positions", "prefixes", "questions", "references",
    "rows", "sentences", "sources", "spans", "symbols", "systems", "targets", "tensors", "texts",
    "tokens", "trials", "updates", "validations", "values", "weights", "words",
)  # fmt: skip
COUNT = re.compile(rf" (?:[a-z]+ ){{0,2}}({'|'.join(NOUNS)})\b")
BETWEEN = re.compile(
    r"\b(of|for|in|on|and|are|were|has|had|than|with|no|not|most|more|needs|by|to|times|whose)\b"
)
NEVER_ONE = {
    "blocks/additive_attention.py": {"keys.shape[1]"},  # more than a limit of 1 or more
    "models/gpt.py": {"self.positions"},  # a name
    "models/recurrent/settings.py": {"self.decoder_layers"},  # "1+1 layers"
    "models/transformer.py": {"self.decoder_layers"},
    "tasks/facts.py": {"recipe.training.batch_tokens"},  # 16 and more
    "tasks/language.py": {"data.row_tokens"},  # 8 and more
    "tasks/masked.py": {"training.batch_tokens"},
    "training/selection.py": {"self.validations"},  # said from 2 on
    "testing/evaluation.py": {"len(HYPOTHESES)"},
    "workflows/plan.py": {"made.batch_tokens"},
    "workflows/python/watch.py": {"name"},  # "loss over updates"
}
"""File -> expressions before a plural that are never 1."""


def fixed_plurals(code: str) -> list[str]:
    """Return what stands before a plural noun in the f-strings of ``code``, fractions left out."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                continue
            form = ast.unparse(value.format_spec) if value.format_spec else ""
            match = COUNT.match(str(after.value))
            text = ast.unparse(value.value)
            whole = "." not in form and not text.isupper() and not text.startswith("counted(")
            if match and whole and not BETWEEN.search(match[0]) and "_spread" not in text:
                found.append(text)
    return found


def test_the_search_finds_a_fixed_plural_and_nothing_else():
    assert fixed_plurals('f"{n} layers"; f"of {len(a):,} new sentences"') == ["n", "len(a)"]
    assert not fixed_plurals('f"{x:.2f} tokens"; f"{MOST} tokens"; f"{a} of {b:,}"; f"{n} layer"')


def test_no_message_holds_a_fixed_plural():
    found = {
        file.relative_to(ROOT).as_posix(): plurals
        for file in sorted(ROOT.rglob("*.py"))
        if "experiments" not in file.parts  # their keys are translated before they are shown
        and (plurals := set(fixed_plurals(file.read_text(encoding="utf-8"))))
    }
    assert found == NEVER_ONE, "use foundation.wording.counted"
