"""Which circuits there are, and what each is made of: names like "dev" (a block) and "exit-dev" (an escape)."""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rollup.state.parameters import PARAMETERS, Parameters

SOURCES: Final = Path(__file__).parent.parent / "circuits"
EXIT_PREFIX: Final = "exit-"
# Compiler and setup in one package, whose version fixes circomlib's as well.
TOOLCHAIN: Final = "groth16py"
NAMES: Final = (*PARAMETERS, *(EXIT_PREFIX + name for name in PARAMETERS))


def parameters_of(name: str) -> Parameters:
    """The parameter set of a circuit. KeyError for a name that is none."""
    return PARAMETERS[name.removeprefix(EXIT_PREFIX)]


def circuits_of(parameters: str) -> tuple[str, str]:
    """The two of a deployment: the one of blocks, and the one of escapes."""
    return parameters, EXIT_PREFIX + parameters


def main_source(name: str) -> str:
    """The circuit's main file, which only names a template and its parameters."""
    size = parameters_of(name)
    if name.startswith(EXIT_PREFIX):
        file, public = "exit.circom", "root, account, token, amount"
        of = [size.account_depth, size.token_depth]
    else:
        file, public = "block.circom", "gamma"
        of = [size.account_depth, size.token_depth, size.order_depth, size.slots]
    template = file.removesuffix(".circom").capitalize()
    arguments = ", ".join(map(str, of))
    return (
        f'pragma circom 2.1.6;\n\ninclude "{file}";\n\n'
        f"component main {{public [{public}]}} = {template}({arguments});\n"
    )


@cache
def digest(name: str) -> str:
    """What a circuit's keys are found by: 16 hex digits over its sources, its parameters and the toolchain."""
    parts = [f"{TOOLCHAIN} {version(TOOLCHAIN)}", main_source(name)]
    parts += [f"{path.name}\n{path.read_text()}" for path in sorted(SOURCES.glob("*.circom"))]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]
