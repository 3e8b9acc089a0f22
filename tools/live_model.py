"""Write the model of the live page on the documentation's home page: its weights and its manifest.

    python tools/live_model.py runs/demo

The weights are stored in int8, so that they stay below 1 MB. The page itself is made when the site
is built, see docs/_extensions/live_page.py.
"""

import json
import sys
from pathlib import Path

from whyformer.bundle import load_bundle
from whyformer.viewer.model import of_bundle

LIVE = Path(__file__).parents[1] / "docs" / "live"
PURPOSE = {
    "en": "Predicts the pronunciation of English words. It was trained as in whyformer demo.",
    "ko": "영어 단어의 발음을 예측합니다. whyformer demo처럼 학습했습니다.",
}
EXAMPLES = ("whyformer", "attention", "softmaxer", "quixotron")


def write(run: Path, directory: Path = LIVE) -> None:
    """Write ``pronounce.json`` and ``pronounce.bin``."""
    model = of_bundle(load_bundle(run), run, name="Pronounce English", examples=EXAMPLES, int8=True)
    directory.mkdir(exist_ok=True)
    manifest = {**model.manifest, "description": "", "purpose": PURPOSE}
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
    (directory / "pronounce.json").write_text(text + "\n", encoding="utf-8")
    (directory / "pronounce.bin").write_bytes(model.weights)
    print(f"{directory}: {len(model.weights):,} bytes of weights")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
