"""The witness of a circuit: its own WebAssembly program, run by wasmtime.

The program is what circom makes of a circuit; the protocol with it is circom's version 2: inputs go in by the 64-bit
FNV-1a hash of their names, words of 32 bits pass through a shared buffer.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wasmtime import Engine, Func, FuncType, Instance, Memory, Module, Store, Trap, ValType, WasmtimeError

from rollup.state.field import MODULUS

ELEMENT_BYTES = 32
_PAGE_BYTES = 65_536
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3

# Copies all signals behind each other. A call from Python into WebAssembly costs some 10 µs, and a block has hundreds
# of thousands of signals; from here it costs nothing.
_COPIER = """
(module
  (import "circuit" "memory" (memory 0))
  (import "circuit" "getWitness" (func $signal (param i32)))
  (func (export "copy") (param $count i32) (param $from i32) (param $to i32)
    (local $index i32)
    (loop $next
      (call $signal (local.get $index))
      (memory.copy (local.get $to) (local.get $from) (i32.const 32))
      (local.set $to (i32.add (local.get $to) (i32.const 32)))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $index) (local.get $count))))))
"""


class WitnessRefused(Exception):
    """The inputs are not the ones that the circuit has, or break its rules."""


class WitnessProgram:
    """A circuit's program, compiled once; `witness` may be called as often as wanted, by one thread at a time."""

    def __init__(self, wasm: Path) -> None:
        self.engine = Engine()
        self.module = Module.from_file(self.engine, str(wasm))
        self.copier = Module(self.engine, _COPIER)

    def witness(self, inputs: Mapping[str, Any]) -> list[int]:
        """All signals' values, the constant 1 first. Inputs: integers or nested lists of them, by signal name.

        WitnessRefused if an input is missing, too much, unknown or no field element. The program computes, it does not
        check: whether the witness fulfils the constraints, a proof shows (or rollup.prover.keyfile).
        """
        # Closed, not left to the collector: wasmtime holds what it may call, and that holds the store and its memory.
        with Store(self.engine) as store:
            return _Run(store, self.module, self.copier).witness(inputs)


class _Run:
    # Each witness has an instance of its own: after a failed assertion an instance cannot be used again.

    def __init__(self, store: Store, module: Module, copier: Module) -> None:
        self.store = store
        self.failure = 0
        i32, nothing = ValType.i32(), FuncType([], [])
        known = {
            "exceptionHandler": Func(self.store, FuncType([i32], []), self._fail),
            "printErrorMessage": Func(self.store, nothing, lambda: None),
            "writeBufferMessage": Func(self.store, nothing, lambda: None),
            "showSharedRWMemory": Func(self.store, nothing, lambda: None),
        }
        instance = Instance(self.store, module, [known[item.name or ""] for item in module.imports])
        self.exports = instance.exports(self.store)
        memory = self.exports["memory"]
        assert isinstance(memory, Memory)
        self.memory = memory
        self.shared = self._call("getSharedRWMemoryStart")
        shim = Instance(self.store, copier, [memory, self.exports["getWitness"]])
        copy = shim.exports(self.store)["copy"]
        assert isinstance(copy, Func)
        self.copy = copy

    def _fail(self, code: int) -> None:
        self.failure = code

    def _call(self, name: str, *arguments: int) -> int:
        function = self.exports[name]
        assert isinstance(function, Func)
        try:
            result = function(self.store, *arguments)
        except (Trap, WasmtimeError) as error:
            raise WitnessRefused(f"the circuit's code {self.failure} in {name}") from error
        return int(result or 0)

    def witness(self, inputs: Mapping[str, Any]) -> list[int]:
        self._call("init", 1)
        given = 0
        for name, value in inputs.items():
            high, low = _hash(name)
            elements = list(_flat(value))
            if self._call("getInputSignalSize", high, low) != len(elements):
                raise WitnessRefused(f"{name} does not have {len(elements)} elements")
            for index, element in enumerate(elements):
                self._write(element)
                self._call("setInputSignal", high, low, index)
            given += len(elements)
        if given != self._call("getInputSize"):
            raise WitnessRefused(f"{given} inputs, not {self._call('getInputSize')}")
        count = self._call("getWitnessSize")
        start = self.memory.grow(self.store, count * ELEMENT_BYTES // _PAGE_BYTES + 1) * _PAGE_BYTES
        self.copy(self.store, count, self.shared, start)
        values = self.memory.read(self.store, start, start + count * ELEMENT_BYTES)
        return [
            int.from_bytes(values[at : at + ELEMENT_BYTES], "little") for at in range(0, len(values), ELEMENT_BYTES)
        ]

    def _write(self, element: int) -> None:
        if not 0 <= element < MODULUS:
            raise WitnessRefused(f"{element} is no field element")
        self.memory.write(self.store, element.to_bytes(ELEMENT_BYTES, "little"), self.shared)


def wtns(witness: list[int]) -> bytes:
    """A witness in the file format of circom and snarkjs, version 2."""
    size = ELEMENT_BYTES
    header = size.to_bytes(4, "little") + MODULUS.to_bytes(size, "little") + len(witness).to_bytes(4, "little")
    values = b"".join(value.to_bytes(size, "little") for value in witness)
    sections = b"".join(
        kind.to_bytes(4, "little") + len(body).to_bytes(8, "little") + body for kind, body in ((1, header), (2, values))
    )
    return b"wtns" + (2).to_bytes(4, "little") + (2).to_bytes(4, "little") + sections


def _flat(value: Any) -> Iterator[int]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _hash(name: str) -> tuple[int, int]:
    total = _FNV_OFFSET
    for byte in name.encode():
        total = (total ^ byte) * _FNV_PRIME % 2**64
    high, low = total >> 32, total & 0xFFFFFFFF
    return high - (high >> 31 << 32), low - (low >> 31 << 32)
