"""The tests run on the CPU, also where there is a GPU: they compare numbers that are exact in float32 only, and one H100
failed them for the tests' own tensors. CUDA_VISIBLE_DEVICES=0 shows it to them nevertheless."""

import os

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch

torch.backends.mps.is_available = lambda: False
