"""The tests run on the CPU, even where there is a GPU. CUDA_VISIBLE_DEVICES=0 shows it to them.

They compare numbers that are exact in float32 only, and one H100 failed them for that.
"""

import os

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch

torch.backends.mps.is_available = lambda: False
