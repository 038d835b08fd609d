"""An emulated Track API for demo, selftest and tests; ``python -m bridge.sandbox.emulator`` serves one."""

from bridge.sandbox.emulator.contract import Event, RateLimit
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.sandbox.emulator.imports import EmulatedImports, EmulatedJob, ImportBehaviour
from bridge.sandbox.emulator.ledger import Accepted, AcceptedCompany, AcceptedIdentify, CountedAs, RequestLedger
from bridge.sandbox.emulator.rows import ImportedRows, content_hash
from bridge.sandbox.emulator.server import DEFAULT_KEY, Emulator

__all__ = [
    "DEFAULT_KEY",
    "Accepted",
    "AcceptedCompany",
    "AcceptedIdentify",
    "CountedAs",
    "EmulatedImports",
    "EmulatedJob",
    "Emulator",
    "Event",
    "Fault",
    "FaultKind",
    "ImportBehaviour",
    "ImportedRows",
    "RateLimit",
    "RequestLedger",
    "content_hash",
]
