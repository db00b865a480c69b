"""What the state manager seals of an engine's journal, the circuit accepts: no block is made that cannot be proven."""

from rollup.public_inputs import public_inputs
from rollup.state.manager import SealedBlock
from tests.rollup.journals import Run, random_steps

BLOCKS_MAX = 10


def some_of_every_kind(blocks: list[SealedBlock]) -> list[SealedBlock]:
    """Few blocks that have all operations among them, each after as many different ones as there are."""
    chosen: list[SealedBlock] = []
    seen: set[tuple[int, ...]] = set()
    for block in blocks:
        ops = tuple(slot.op for slot in block.slots)
        if ops not in seen:
            seen.add(ops)
            chosen.append(block)
    chosen.sort(key=lambda block: -len({slot.op for slot in block.slots}))
    return chosen


def test_sealed_blocks_fulfil_the_circuit(accepts):
    blocks = [block for seed in (1, 3) for block in Run(seed=seed).play(random_steps(seed, 300)).blocks]
    chosen = some_of_every_kind(blocks)[:BLOCKS_MAX]
    assert {slot.op for block in chosen for slot in block.slots} >= set(range(1, 9))
    for block in chosen:
        inputs = block.inputs | {"gamma": public_inputs(block.data).gamma}
        assert accepts(inputs), block.number
        assert not accepts(inputs | {"newRoot": block.new_root + 1})
