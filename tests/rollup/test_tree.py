"""The sparse tree against one that hashes everything, and its paths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollup.state.field import MODULUS, poseidon
from rollup.state.tree import Tree, root_of_path

DEPTH = 2
leaves = st.lists(st.tuples(st.integers(0, 4**DEPTH - 1), st.integers(0, MODULUS - 1)), max_size=12)


def naive_root(level: list[int]) -> int:
    while len(level) > 1:
        level = [poseidon(*level[at : at + 4]) for at in range(0, len(level), 4)]
    return level[0]


@settings(max_examples=40, deadline=None)
@given(leaves, st.sampled_from([0, 7]))
def test_the_root_is_that_of_all_leaves(changes, default):
    tree, full = Tree(DEPTH, default), [default] * 4**DEPTH
    assert tree.root == naive_root(full)
    for index, leaf in changes:
        tree.put(index, leaf)
        full[index] = leaf
        assert tree.root == naive_root(full)
    for index, leaf in enumerate(full):
        assert tree.get(index) == leaf
        assert root_of_path(index, leaf, tree.path(index)) == tree.root


@settings(max_examples=40, deadline=None)
@given(leaves, leaves, st.sampled_from([0, 7]))
def test_many_leaves_at_once_are_the_same_as_one_after_the_other(before, changes, default):
    one, other = Tree(DEPTH, default), Tree(DEPTH, default)
    for index, leaf in [*before, *changes]:
        one.put(index, leaf)
    other.put_all(before)
    other.put_all(changes)
    assert other.root == one.root
    assert (
        other.leaves()
        == one.leaves()
        == sorted((index, leaf) for index, leaf in dict([*before, *changes]).items() if leaf != default)
    )
    for index in range(4**DEPTH):
        assert other.path(index) == one.path(index)


@settings(max_examples=40, deadline=None)
@given(leaves, leaves, st.integers(0, 15), st.sampled_from(["root", "path", "put"]))
def test_what_is_loaded_is_hashed_when_it_is_asked_for(before, loaded, index, asked):
    one, other = Tree(DEPTH), Tree(DEPTH)
    one.put_all([*before, *loaded])
    other.put_all(before)
    other.load(loaded)
    assert other.leaves() == one.leaves()
    if asked == "path":
        assert other.path(index) == one.path(index)
    if asked == "put":
        one.put(index, 3)
        other.put(index, 3)
    assert other.root == one.root


@settings(max_examples=20, deadline=None)
@given(leaves, st.integers(0, 15), st.integers(0, 15))
def test_a_path_proves_no_other_leaf_and_no_other_place(changes, index, other):
    tree = Tree(DEPTH)
    for at, leaf in changes:
        tree.put(at, leaf)
    assert root_of_path(index, (tree.get(index) + 1) % MODULUS, tree.path(index)) != tree.root
    if tree.get(other) != tree.get(index):
        assert root_of_path(other, tree.get(index), tree.path(other)) != tree.root


@pytest.mark.parametrize("index", [-1, 16, 2**64])
def test_there_is_no_leaf_outside(index):
    tree = Tree(DEPTH)
    for touch in (tree.get, tree.path, lambda index: tree.put(index, 1)):
        with pytest.raises(IndexError, match="leaf"):
            touch(index)
    assert tree.root == Tree(DEPTH).root


def test_a_leaf_that_is_no_field_element_changes_nothing():
    tree = Tree(DEPTH)
    tree.put(3, 9)
    root = tree.root
    with pytest.raises(ValueError, match="field"):
        tree.put(3, MODULUS)
    assert tree.root == root
    assert tree.get(3) == 9
