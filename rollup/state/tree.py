"""A sparse quaternary Poseidon tree: four children a node, `depth` levels, 4^depth leaves.

A leaf that was never set has the tree's default value; subtrees of such leaves cost nothing.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from rollup.state.field import poseidon

ARITY: Final = 4

# For each level from the leaf up, the four children of the node on the way.
Path = list[tuple[int, int, int, int]]


class Tree:
    """The tree as it is after the last `put`; `root` is a field element."""

    def __init__(self, depth: int, default: int = 0) -> None:
        self.depth = depth
        self.default = default
        self.defaults = _defaults(depth, default)
        # nodes[k][i] is the i-th node k levels above the leaves, where it is not a default.
        self.nodes: list[dict[int, int]] = [{} for _ in range(depth + 1)]
        # Leaves that were loaded and are not hashed yet.
        self._late: set[int] = set()

    @property
    def root(self) -> int:
        """The hash of everything."""
        self._hash_late()
        return self._node(self.depth, 0)

    def get(self, index: int) -> int:
        """The leaf at an index. IndexError outside 0 … 4^depth - 1."""
        return self._node(0, self._checked(index))

    def put(self, index: int, leaf: int) -> None:
        """Set a leaf and the hashes above it. IndexError outside the tree; ValueError if it is no field element."""
        position = self._checked(index)
        self._hash_late()
        node = leaf
        hashes = [leaf]
        for level in range(self.depth):
            children = list(self._children(level, position))
            children[position % ARITY] = node
            position //= ARITY
            node = poseidon(*children)
            hashes.append(node)
        # Only now, so that a leaf which is refused leaves the tree as it was.
        for level, value in enumerate(hashes):
            self.nodes[level][index // ARITY**level] = value

    def put_all(self, leaves: Iterable[tuple[int, int]]) -> None:
        """Set many leaves, hashing each node above them once. As `put` otherwise, but what is wrong spoils the tree."""
        self.load(leaves)
        self._hash_late()

    def load(self, leaves: Iterable[tuple[int, int]]) -> None:
        """As `put_all`, but hashed only when somebody asks for what is above the leaves."""
        for index, leaf in leaves:
            self.nodes[0][self._checked(index)] = leaf
            self._late.add(index)

    def _hash_late(self) -> None:
        changed, self._late = self._late, set()
        for level in range(self.depth if changed else 0):
            changed = {index // ARITY for index in changed}
            for index in changed:
                self.nodes[level + 1][index] = poseidon(*self._children(level, index * ARITY))

    def leaves(self) -> list[tuple[int, int]]:
        """(index, leaf) of all leaves that are not the default, by index."""
        return sorted((index, leaf) for index, leaf in self.nodes[0].items() if leaf != self.default)

    def path(self, index: int) -> Path:
        """What proves a leaf: the children of every node above it, the way's own among them."""
        position = self._checked(index)
        self._hash_late()
        path = []
        for level in range(self.depth):
            path.append(self._children(level, position))
            position //= ARITY
        return path

    def _node(self, level: int, index: int) -> int:
        return self.nodes[level].get(index, self.defaults[level])

    def _children(self, level: int, position: int) -> tuple[int, int, int, int]:
        first = position - position % ARITY
        return (
            self._node(level, first),
            self._node(level, first + 1),
            self._node(level, first + 2),
            self._node(level, first + 3),
        )

    def _checked(self, index: int) -> int:
        if not 0 <= index < ARITY**self.depth:
            raise IndexError(f"leaf {index} of a tree of {ARITY**self.depth:,}")
        return index


def root_of_path(index: int, leaf: int, path: Sequence[Sequence[int]]) -> int:
    """The root that a path gives to a leaf, by which anybody can check that the leaf is there."""
    node = leaf
    for children in path:
        siblings = list(children)
        siblings[index % ARITY] = node
        node = poseidon(*siblings)
        index //= ARITY
    return node


@cache
def _defaults(depth: int, default: int) -> tuple[int, ...]:
    # The k-th is the hash of a subtree of k levels in which nothing was set.
    hashes = [default]
    for _ in range(depth):
        hashes.append(poseidon(*[hashes[-1]] * ARITY))
    return tuple(hashes)
