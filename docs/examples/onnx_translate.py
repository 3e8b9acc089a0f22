"""Translate by greedy search with onnxruntime and numpy: onnx_translate.py DIRECTORY TEXT"""

import json
import sys
import unicodedata
from pathlib import Path

import numpy as np
import onnxruntime

FIRST_BYTE, FIRST_PIECE, BOS, EOS = 5, 261, 1, 2
place, text = Path(sys.argv[1]), sys.argv[2]
source = json.loads((place / "source.json").read_text(encoding="utf-8"))
other = place / "target.json"  # missing if both sides share one tokenizer
target = json.loads(other.read_text(encoding="utf-8")) if other.exists() else source
if source["units"] != "chars" or target["units"] not in ("chars", "phonemes"):
    sys.exit("This program needs a source in chars, and a target in chars or phonemes.")
encoder = onnxruntime.InferenceSession(place / "encoder.onnx")
decoder = onnxruntime.InferenceSession(place / "decoder.onnx")

# Text to ids, for the units chars.
text = unicodedata.normalize("NFC", text.lower() if source["lowercase"] else text)
known = {piece: FIRST_PIECE + number for number, piece in enumerate(source["pieces"])}
ids: list[int] = []
for piece in text:
    ids += [known[piece]] if piece in known else [FIRST_BYTE + byte for byte in piece.encode()]

ids.append(EOS)

mask = np.ones((1, len(ids)), bool)
memories = encoder.run(None, {"source": np.array([ids]), "source_mask": mask})
feeds = dict(zip([one.name for one in encoder.get_outputs()], memories, strict=True))
feeds["source_mask"] = mask
for one in decoder.get_inputs():  # the past is empty: (1, heads, 0, width of a head)
    if one.name.startswith("past_"):
        feeds[one.name] = np.zeros((1, one.shape[1], 0, one.shape[3]), np.float32)
names = ["logits", *(name.replace("past", "present") for name in feeds if "past" in name)]
found = [BOS]
while found[-1] != EOS and len(found) <= 100:
    logits, *present = decoder.run(names, feeds | {"tokens": np.array([found[-1:]])})
    logits[..., [0, 1, 3, 4]] = -np.inf  # <pad>, <bos>, <unk> and <mask>
    found.append(int(logits[0, -1].argmax()))
    for name, value in zip(names[1:], present, strict=True):
        feeds[name.replace("present", "past")] = value

# Ids to text, for the units chars and phonemes.
spellings = [bytes([byte]) for byte in range(256)] + [p.encode() for p in target["pieces"]]
space = b"" if target["units"] == "chars" else b" "
words = [spellings[number - FIRST_BYTE] for number in found[1:] if number != EOS]
print(space.join(words).decode(errors="replace"))
