"""Rows of the rollup: blocks and checkpoints of the state manager, tasks of provers, transactions of settlement."""

from rollup.models.blocks import Block, BlockRequest, Checkpoint
from rollup.models.proving import ProvingTask
from rollup.models.settlement import Submission

__all__ = ["Block", "BlockRequest", "Checkpoint", "ProvingTask", "Submission"]
