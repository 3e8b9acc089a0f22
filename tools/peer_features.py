"""Run each feature in the table of docs/peers.md that whyformer has, on toy data.

    python tools/peer_features.py [PART OF A NAME …]

Each feature is one shell command. The tool prints the failed commands, and exits with 1 if there
are any. It needs the environment of `make test`. It also checks that the features of the table and
of this file are the same.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "peers.md"

TINY = (
    "--model.d-model 16 --model.heads 2 --model.d-ff 32 --validation.verdict false "
    "--training.updates 6"
)
PAIRS = f"whyformer train translate --data pairs.tsv {TINY}"
TEXT = f"whyformer train --data text.txt --task language {TINY}"
MASKED = f"whyformer train --data text.txt --task masked {TINY}"
RANKS = "torchrun --nproc-per-node 2 -m"
TESTS = f"python -m pytest -q -n 0 -p no:cacheprovider --rootdir {ROOT} {ROOT}/tests/"

SETUP = f"""
python - <<'PY'
import random
rng = random.Random(1)
words = ["".join(rng.choices("abcdefgh", k=rng.randint(3, 8))) for _ in range(300)]
texts = [" ".join(rng.choices(words, k=rng.randint(2, 6))) for _ in range(600)]
open("pairs.tsv", "w").write("".join(f"{{t}}\\t{{t[::-1]}}\\n" for t in texts))
open("text.txt", "w").write("".join(f"{{t}}.\\n" for t in texts))
open("in.txt", "w").write("".join(f"{{t}}\\n" for t in texts[:7]))
open("ref.txt", "w").write("".join(f"{{t[::-1]}}\\n" for t in texts[:7]))
PY
{PAIRS} --out a
{PAIRS} --out b --training.seed 2
{TEXT} --out lm
"""

COMMANDS = {
    "token-budget dynamic batches": f"{PAIRS} --out 1 --training.batch-tokens 300",
    "gradient accumulation": f"{PAIRS} --out 2 --training.accumulate 2",
    "… normalized by tokens over the whole step": f"{TESTS}training/test_fit.py -k micro_batches",
    "AMP bf16": f"{PAIRS} --out 3 --training.precision bf16",
    "torch.compile": f"{PAIRS} --out 4 --training.compile true",
    "data parallel, several GPUs": f"{RANKS} {PAIRS} "
    "--out 5 --training.accumulate 2 --training.parallel ddp",
    "sharded parameters (FSDP or like)": f"{RANKS} {PAIRS} "
    f"--out 6 --training.accumulate 2 --training.parallel fsdp",
    "resume: model, optimizer, schedule": f"{TESTS}training/test_fit.py -k changes_no_bit",
    "resume: exact place in the data + RNG": f"{TESTS}workflows/test_fit_iteration.py -k for_bit",
    "early stopping": f"{PAIRS} --out 7 --validation.patience 2",
    "checkpoint averaging or EMA": f"{PAIRS} --out 8 --training.average ema",
    "Noam / inverse-sqrt warm-up": f"{PAIRS} --out 9 --training.schedule noam",
    "label smoothing": f"{PAIRS} --out 10 --training.label-smoothing 0.1",
    "tied embeddings (2- and 3-way)": f"{PAIRS} --out 11 --model.tying decoder",
    "Pre-LN / Post-LN switch": f"{PAIRS} --out 12 --model.wiring pre-norm",
    "relative positions": f"{PAIRS} --out 13 --model.positions relative",
    "rotary": f"{PAIRS} --out 14 --model.positions rotary",
    "ALiBi": f"{PAIRS} --out 15 --model.positions alibi",
    "RNN seq2seq with attention": "whyformer train copy-lstm --training.updates 6 --out 16",
    "decoder LM": "whyformer generate lm --prompt abc --tokens 5",
    "BERT: MLM": f"{MASKED} --out 17",
    "BERT: NSP": f"{MASKED} --data.next-sentence true --out 18",
    "gradient norm logged (one number)": "grep -q gradient_norm a/journal.jsonl",
    "anything else measured while training": f"{PAIRS} --out 19 --validation.track tensorboard",
    "BPE / unigram inside the tool": f"{PAIRS} --out 20 --text.units unigram",
    "bytes or byte-level": f"{PAIRS} --out 21 --text.units byte_bpe",
    "BPE-dropout / subword sampling in training": f"{PAIRS} --out 22 --text.sampling 0.1",
    "tokenize on the fly from raw text": "test -d a/tokenizers",
    "corpus larger than memory": f"{TESTS}data/test_corpus.py",
    "length / ratio / cleaning filters": "whyformer data pairs.tsv --clean clean.tsv",
    "the tokenizer travels inside the model file": "ls a/model/source.json",
    "greedy and beam": "whyformer translate a --input in.txt --beam 5",
    "top-k / top-p sampling": "whyformer translate a --text abc --sample --top-k 5 --top-p 0.9",
    "diverse beam": "whyformer translate a --text abc --beam 4 --groups 2 --diversity 1",
    "length penalty": "whyformer translate a --text abc --length-penalty 0.6",
    "coverage penalty": "whyformer translate a --text abc --coverage-penalty 0.2",
    "lexical constraints": "whyformer translate a --text abc --force cb --forbid dd",
    "target prefix forcing": "whyformer translate a --text 'abc abc' --prefix cba",
    "n-best": "whyformer translate a --text abc --nbest 3",
    "ensembles": "whyformer translate a b --text abc",
    "KV cache": f"{TESTS}models/test_laws.py -k past_64",
    "int8 inference": "whyformer translate a --text abc --weights int8",
    "alignment / attention output": "whyformer translate a --input in.txt --alignments w.jsonl",
    "score given pairs": "whyformer score a --source in.txt --target ref.txt",
    "own test: output does not depend on batch size": f"{TESTS}decoding/test_beam.py "
    "-k on_its_batch",
    "own test: cached = uncached decoding": f"{TESTS}models/test_laws.py -k step_by_step",
    "sacreBLEU": "whyformer evaluate a --source in.txt --references ref.txt --metric bleu",
    "chrF": "whyformer evaluate a --source in.txt --references ref.txt --metric chrf",
    "TER": "whyformer evaluate a --source in.txt --references ref.txt --metric ter",
    "paired significance test": "whyformer evaluate a b --source in.txt --references ref.txt",
    "to CTranslate2": "whyformer convert a",
    "to ONNX": "whyformer convert a --to onnx",
    "safetensors / hub directory": "whyformer export lm --out hub",
    "TensorBoard / W&B": f"{PAIRS} --out 23 --validation.track tensorboard",
    "plots shipped": "whyformer errors a --html errors.html",
    "configuration checked": "! whyformer train translate --data pairs.tsv --model.d-modle 3",
}
"""For each feature, a command that needs it. The command succeeds if whyformer has the feature."""


UNTESTABLE = {"documentation for a learner"}


def features() -> dict[str, str]:
    """Return the features of the table and our mark for each."""
    rows = re.findall(r"^\| ([^|]+?) \| ([●◐○–])", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


def main() -> int:
    """Run the commands of the features whose name has one of the arguments; all without any."""
    marked = {name for name, mark in features().items() if mark in "●◐"}
    unproved = sorted((marked ^ COMMANDS.keys()) - UNTESTABLE)
    for name in unproved:
        print(f"only in the table or only here: {name}")
    chosen = {
        name: command
        for name, command in COMMANDS.items()
        if len(sys.argv) == 1 or any(part.lower() in name.lower() for part in sys.argv[1:])
    }
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        for name, command in {"the toy data and models": SETUP, **chosen}.items():
            done = subprocess.run(
                ["bash", "-ec", command],
                cwd=directory,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name}", flush=True)
            if done.returncode:
                failed += 1
                print(command, done.stdout[-1000:], done.stderr[-2000:], sep="\n", flush=True)
    return 1 if failed or unproved else 0


if __name__ == "__main__":
    sys.exit(main())
