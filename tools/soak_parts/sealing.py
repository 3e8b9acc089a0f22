"""Correct the hashes of a run after its files were changed, as an attacker would."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from whyformer.foundation.integrity import sealed_text

SHA256 = re.compile(r"[0-9a-f]{64}")


def seal(run: Path) -> None:
    """Correct, in every JSON file of ``run``, the hashes of files in the same directory."""
    for path in sorted(run.rglob("*.json")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 1 << 20:
            continue
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError, OSError):
            continue
        changed = _corrected(state, path.parent)
        if isinstance(state, dict) and "seal" in state:
            ascii_only = json.dumps(json.loads(sealed_text(state)))  # also lone surrogates
            path.write_text(ascii_only, encoding="utf-8")
        elif changed:
            path.write_text(json.dumps(state), encoding="utf-8")


def _corrected(state: Any, place: Path) -> bool:
    changed = False
    if isinstance(state, dict):
        for name, value in state.items():
            beside = place / str(name).replace("\0", "")
            if isinstance(value, str) and SHA256.fullmatch(value) and os.path.isfile(beside):
                state[name] = hashlib.sha256(beside.read_bytes()).hexdigest()
                changed |= state[name] != value
            elif isinstance(value, dict | list):
                changed |= _corrected(value, place)
    return changed
