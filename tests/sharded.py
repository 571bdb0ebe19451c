"""Runs a trainer under FSDP on CPUs: `python tests/sharded.py train_policy FLAGS`, in each process.

Accelerate shards over GPUs only. This turns it on by hand after the processes have joined, so that
everything else is what eight GPUs would run.
"""

import importlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accelerate import FullyShardedDataParallelPlugin, PartialState
from accelerate.utils import DistributedType

import trainer

join = trainer.start


def start(precision):
    accelerator = join(precision)
    # In both: the one is copied over the other now and then.
    for state in (PartialState(), accelerator.state):
        state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin()
    return accelerator


trainer.start = start
if __name__ == "__main__":
    # What `accelerate launch` sets for the flags that the README gives.
    os.environ.update(
        ACCELERATE_USE_FSDP="true",
        FSDP_VERSION="2",
        FSDP_AUTO_WRAP_POLICY="TRANSFORMER_BASED_WRAP",
        FSDP_STATE_DICT_TYPE="FULL_STATE_DICT",
        FSDP_CPU_RAM_EFFICIENT_LOADING="true",
    )
    sys.exit(importlib.import_module(sys.argv[1]).main(sys.argv[2:]))
