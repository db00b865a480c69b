"""Vyper sources made to code for the chain, once: kept under var/contracts by the hash of all that goes in."""

import hashlib
import json
import os
import secrets
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

from django.conf import settings

from rollup.state.parameters import Parameters

SOURCES: Final = Path(__file__).parent / "contracts"
COMPILER_VERSION: Final = "0.4.3"
# The oldest rules of a chain that know everything the code uses (transient storage, memory copies).
EVM_VERSION: Final = "cancun"

# What rollup.vy imports, each with its part of the storage and the rules for it.
ROLLUP_MODULES: Final = ("accounts", "administration", "payouts", "progress", "queue", "vault")

# A setup that nobody contributed to leaves delta where it began: on gamma, or on the curve's generator. Whoever knows
# that proves anything with it. Compared are both parts of the points' x.
DEPLOYMENT_CHECK: Final = """
GENERATOR2_X: constant(uint256[2]) = [
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
]

@deploy
def __init__():
    assert DELTA2[0][0] != GAMMA2[0][0] or DELTA2[0][1] != GAMMA2[0][1], "delta_is_gamma"
    assert DELTA2[0][0] != GENERATOR2_X[0] or DELTA2[0][1] != GENERATOR2_X[1], "delta_is_generator"
"""


class Compiled(NamedTuple):
    """What a deployment needs; `bytecode` in hex with 0x."""

    abi: list[dict[str, Any]]
    bytecode: str


def rollup_contract(parameters: Parameters) -> Compiled:
    """The rollup's contract for one set of parameters."""
    modules = {f"{name}.vy": (SOURCES / f"{name}.vy").read_text() for name in ROLLUP_MODULES}
    modules["parameters.vy"] = parameters_module(parameters)
    return compiled((SOURCES / "rollup.vy").read_text(), modules=modules)


def mintable_token() -> Compiled:
    """The token whose minter makes as much as wanted."""
    return compiled((SOURCES / "mintable_token.vy").read_text())


def verifier(source: str) -> Compiled:
    """A verifier of proofs, from the source that the prover gives; its deployment fails for keys that prove nothing."""
    return compiled(source + DEPLOYMENT_CHECK)


def parameters_module(parameters: Parameters) -> str:
    """The source of the module `parameters` that rollup.vy and its modules import."""
    return (
        f"SLOTS: constant(uint256) = {parameters.slots}\n"
        f"ACCOUNTS: constant(uint256) = {parameters.accounts}\n"
        f"TOKENS: constant(uint256) = {parameters.tokens}\n"
    )


def compiled(source: str, *, modules: dict[str, str] | None = None) -> Compiled:
    """Compile, or take what was compiled before. `modules`: file name to source of what the source imports."""
    content = json.dumps([COMPILER_VERSION, EVM_VERSION, source, modules or {}], sort_keys=True)
    path = settings.VAR_DIR / "contracts" / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.json"
    if not path.exists():
        made = _compile(source, modules or {})
        path.parent.mkdir(parents=True, exist_ok=True)
        # Others may compile the same at the same time; each moves a whole file into place.
        draft = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        draft.write_text(json.dumps(made._asdict()))
        draft.replace(path)
    return Compiled(**json.loads(path.read_text()))


def _compile(source: str, modules: dict[str, str]) -> Compiled:
    # Imported late: it takes a while, and only whoever compiles needs it.
    import vyper
    from vyper.compiler.input_bundle import JSONInputBundle
    from vyper.compiler.settings import Settings

    bundle = JSONInputBundle(
        {PurePath(name): {"content": text} for name, text in modules.items()}, search_paths=[PurePath()]
    )
    output = vyper.compile_code(
        source, input_bundle=bundle, output_formats=("abi", "bytecode"), settings=Settings(evm_version=EVM_VERSION)
    )
    return Compiled(output["abi"], output["bytecode"])
