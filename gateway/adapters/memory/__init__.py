"""Store and registry in memory, with the semantics of the real ones: for tests and for trying things out."""

from gateway.adapters.memory.registry import MemoryRegister
from gateway.adapters.memory.store import MemoryStore

__all__ = ["MemoryRegister", "MemoryStore"]
