"""Blocks, proofs and accounts of the rollup as JSON. Elements of the field are decimal text, times milliseconds."""

from datetime import datetime
from typing import Any

from rollup.explorer import Backlog, ReadableSlot, Recent
from rollup.models import Block, ProvingTask
from rollup.prover.sharing import SharedKeys
from rollup.proving import Lease
from rollup.public_inputs import PublicInputs
from rollup.selectors import BalanceProof


def block_json(block: Block) -> dict[str, Any]:
    """A block without its slots."""
    return {
        "number": block.number, "status": block.status, "reason": block.reason or None,
        "old_root": str(block.old_root), "new_root": str(block.new_root), "time": block.time_s * 1000,
        "slots": block.slot_count, "trades": block.trades, "first_trade": block.first_trade,
        "first_sequence": block.first_sequence, "last_sequence": block.last_sequence,
        "first_entry": block.first_entry, "last_entry": block.last_entry,
        "sealed_at": _ms(block.sealed_at), "proved_at": _ms(block.proved_at),
        "submitted_at": _ms(block.submitted_at), "final_at": _ms(block.final_at), "proof_ms": block.proof_ms,
        "gas": block.gas, "gas_per_slot": block.gas // block.slot_count if block.gas else None,
        "l1_tx": block.l1_tx or None, "l1_block": block.l1_block,
    }  # fmt: skip


def slot_json(slot: ReadableSlot) -> dict[str, Any]:
    """A slot in words."""
    return {
        "operation": slot.operation, "account": slot.account,
        "changes": [{"asset": one.asset, "amount": one.amount, "fee": one.fee} for one in slot.changes],
        "order_id": None if slot.order is None else str(slot.order), "recipient": slot.recipient,
        "key": None if slot.key is None else [str(part) for part in slot.key],
    }  # fmt: skip


def backlog_json(backlog: Backlog, recent: Recent, trouble: str) -> dict[str, Any]:
    """How far behind provers and settlement are."""
    return {
        "unproven": {
            "blocks": backlog.unproven_blocks, "slots": backlog.unproven_slots, "seconds": backlog.unproven_s,
        },
        "unsettled": {
            "blocks": backlog.unsettled_blocks, "slots": backlog.unsettled_slots, "seconds": backlog.unsettled_s,
        },
        "failed_blocks": backlog.failed_blocks, "proof_ms": recent.proof_ms, "gas_per_slot": recent.gas_per_slot,
        "final_after_s": recent.final_s, "reason": trouble or None,
    }  # fmt: skip


def proof_json(task: ProvingTask) -> dict[str, Any]:
    """A proof in a list."""
    return {"block": task.pk, "proof_ms": task.proof_ms, "prover": task.worker, "attempts": task.attempts}


def whole_proof_json(
    block: Block, inputs: PublicInputs, circuit: str, verification_key: dict[str, Any] | None
) -> dict[str, Any]:
    """All that a verifier needs, in the form of snarkjs: `proof`, `public_signals`, `verification_key`."""
    points: list[str] = block.task.proof or []
    return proof_json(block.task) | {
        "circuit": circuit, "points": points, "h": str(inputs.h), "e": str(inputs.e), "gamma": str(inputs.gamma),
        "proof": snarkjs_proof(points), "public_signals": [str(signal) for signal in inputs],
        "verification_key": verification_key, "data": block.data,
    }  # fmt: skip


def snarkjs_proof(points: list[str]) -> dict[str, Any]:
    """The eight numbers of the contract as snarkjs writes a proof: it has the parts of B the other way round."""
    return {
        "protocol": "groth16", "curve": "bn128", "pi_a": [points[0], points[1], "1"],
        "pi_b": [[points[3], points[2]], [points[5], points[4]], ["1", "0"]], "pi_c": [points[6], points[7], "1"],
    }  # fmt: skip


def balance_proof_json(proof: BalanceProof, asset: str, block: Block) -> dict[str, Any]:
    """A Merkle path from a balance to a root of the contract; docs/examples/check_balance.py checks one."""
    return {
        "block": proof.block, "root": str(proof.root), "l1_tx": block.l1_tx or None, "l1_block": block.l1_block,
        "account": proof.account,
        "key": [str(part) for part in proof.key], "nonce": str(proof.nonce), "order_root": str(proof.order_root),
        "asset": asset, "token": proof.token, "balance": str(proof.balance),
        "balance_path": [[str(child) for child in level] for level in proof.balance_path],
        "account_path": [[str(child) for child in level] for level in proof.account_path],
    }  # fmt: skip


def lease_json(lease: Lease) -> dict[str, Any]:
    """What a prover elsewhere needs. Inputs are decimal text."""
    return {
        "block": lease.block, "lease": lease.number, "circuit": lease.circuit, "key": lease.key or None,
        "until": _ms(lease.until),
        "inputs": {name: _texts(value) for name, value in lease.inputs.items()},
    }  # fmt: skip


def shared_keys_json(shared: SharedKeys) -> dict[str, Any]:
    """What a prover elsewhere fetches."""
    return {
        "circuit": shared.circuit, "digest": shared.digest, "fingerprint": shared.fingerprint,
        "files": [{"name": file.name, "bytes": file.size, "sha256": file.sha256} for file in shared.files],
    }  # fmt: skip


def _texts(value: Any) -> Any:
    return [_texts(part) for part in value] if isinstance(value, list) else str(value)


def _ms(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1000)
