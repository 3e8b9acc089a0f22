"""CTranslate2 behind the plainest FastAPI application: one request, one call of the model.

    SERVING_RUN=runs/mine uvicorn --app-dir benchmarks serving_contender:app --port 8001

This is what the documentation of both libraries leads to: a function that tokenizes, translates and
detokenizes. FastAPI calls it in a thread. With SERVING_SEARCH=whyformer, CTranslate2 searches as
far as whyformer does: with length penalty 0 and one hypothesis, CTranslate2 stops earlier.
"""

import os
from pathlib import Path

import ctranslate2
from fastapi import FastAPI
from pydantic import BaseModel

from whyformer.interop.conversion import find_conversion, read_record, read_tokenizers
from whyformer.interop.engine import cores

directory = find_conversion(Path(os.environ["SERVING_RUN"]))
assert directory is not None, "convert the run first"
source, target = read_tokenizers(directory)
search = read_record(directory).facts["decoding"]
engine = ctranslate2.Translator(str(directory), intra_threads=cores())
how = {"beam_size": search["beam"], "length_penalty": search["length_penalty"]}
if os.environ.get("SERVING_SEARCH") == "whyformer":
    how |= {"patience": 2, "num_hypotheses": 2 * search["beam"], "length_penalty": 1e-9}
app = FastAPI()


class Body(BaseModel):
    """Texts to translate."""

    texts: list[str]


@app.post("/v1/translate")
def translate(body: Body) -> dict[str, list[dict[str, str | float]]]:
    """Translate texts."""
    rows = [[*map(str, source.encode(text)), "2"] for text in body.texts]
    results = engine.translate_batch(rows, return_scores=True, **how)
    return {
        "translations": [
            {
                "text": target.decode([int(word) for word in one.hypotheses[0]]),
                "score": one.scores[0],
            }
            for one in results
        ]
    }
