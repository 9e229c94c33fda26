"""The durable record in memory: a plain second telling of what `gateway.adapters.sql` does in SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import sha256

from gateway.adapters.memory.kept import Kept, without_request
from gateway.adapters.memory.platform_records import MemoryPlatformRecords
from gateway.core.audit import ADMINISTRATORS, DECISION, TRANSITION, decision_body, transition_body
from gateway.core.codec import encode_case, encode_message
from gateway.core.model import APPEALABLE, Case, Message, MessageState, keeps_request
from gateway.core.policy import PolicyInForce
from gateway.core.records import AuditRow, Entry, Owner, Stored, Transition, Written
from gateway.ports import KeyTaken, LeaseLost, StoreUnavailable

_BACKOFF = 6


class MemoryStore(MemoryPlatformRecords):
    """`gateway.ports.Store` and `gateway.ports.Register` in memory.

    While ``down`` is set, every call raises `StoreUnavailable`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Kept] = {}
        self._idempotency: dict[tuple[str, str], str] = {}
        self._decisions: dict[str, str] = {}
        self._policies: dict[str, str] = {}
        self._announced: dict[int, int] = {}

    async def ping(self) -> None:
        """See `gateway.ports.Store`, as for every method below."""
        self._check()

    async def commit(self, owner: Owner, entry: Entry) -> KeyTaken | None:
        self._check_lease(owner)
        if entry.key is not None and (taken := await self.by_key(entry.message.tenant_id, entry.key)) is not None:
            return KeyTaken(taken)
        with _encoding():
            for text in (entry.message_id, entry.decision_id, entry.fingerprint, entry.key or ""):
                text.encode()
            message_json, case_json = encode_message(entry.message), encode_case(entry.case)
            body = decision_body(
                entry.message_id, entry.message, entry.state, entry.decision_id, entry.case, case_json, message_json
            )
        if entry.message_id in self._kept or entry.decision_id in self._decisions:
            raise StoreUnavailable("the row is there already")
        self._kept[entry.message_id] = Kept(
            entry if keeps_request(entry.state, entry.forwards) else without_request(entry),
            entry.state,
            owner if entry.state is MessageState.FORWARDING else None,
            updated_ms=entry.at_ms,
            recheck_at=entry.at_ms,
            cases=[(entry.decision_id, entry.case)],
        )
        self._decisions[entry.decision_id] = entry.message_id
        if entry.key is not None:
            self._idempotency[entry.message.tenant_id, entry.key] = entry.message_id
        self._chains.append(owner.slot, entry.at_ms, DECISION, entry.message_id, body)
        return None

    async def move(self, owner: Owner, transition: Transition) -> bool:
        self._check_lease(owner)
        kept = self._kept.get(transition.message_id)
        if kept is None or kept.state is not transition.expect or transition.step not in (None, kept.steps):
            return False
        if kept.state is MessageState.FORWARDING and kept.owner != owner:
            return False
        if transition.case is None:
            self._change_state(kept, owner.slot, transition, owner)
        else:
            if transition.decision_id is None or transition.decision_id in self._decisions:
                raise StoreUnavailable("the row is there already, or has no id")
            with _encoding():
                case_json = encode_case(transition.case)
            self._change_state(kept, owner.slot, transition, owner, case_json)
            kept.cases.append((transition.decision_id, transition.case))
            self._decisions[transition.decision_id] = transition.message_id
        kept.upstream = transition.upstream or kept.upstream
        return True

    async def by_key(self, tenant_id: str, key: str) -> Stored | None:
        self._check()
        return self._stored(self._idempotency.get((tenant_id, key)))

    async def message(self, message_id: str, tenant_id: str | None = None) -> Stored | None:
        self._check()
        return self._stored(message_id, tenant_id)

    async def recall(self, tenant_id: str, platform: str, reference: str, account_id: str) -> list[Message]:
        self._check()
        behind = self._references.get((tenant_id, platform, reference), [])
        found = [kept.entry.message for kept in self._oldest_first() if kept.entry.message_id in behind]
        return [message for message in found if message.account_id == account_id]

    async def cases(self, message_id: str) -> list[tuple[str, Case]]:
        self._check()
        kept = self._kept.get(message_id)
        return list(kept.cases) if kept else []

    async def written(self, after: str = "", limit: int = 1, only: str | None = None) -> list[Written]:
        self._check()
        found = sorted(each for each in self._kept if (each > after if only is None else each == only))[:limit]
        return [_written(each, self._kept[each]) for each in found]

    async def message_of_decision(self, decision_id: str, tenant_id: str | None = None) -> Stored | None:
        self._check()
        return self._stored(self._decisions.get(decision_id), tenant_id)

    async def history(self, message_id: str) -> list[AuditRow]:
        self._check()
        return [row for row in self._chains.rows if row.message_id == message_id]

    async def in_state(self, state: MessageState, limit: int, tenant_id: str | None = None) -> list[Stored]:
        self._check()
        found = [kept.stored for kept in self._oldest_first() if kept.state is state]
        return [stored for stored in found if tenant_id in (None, stored.message.tenant_id)][:limit]

    async def forwarding(self, owner: Owner) -> list[Stored]:
        self._check()
        return [kept.stored for kept in self._oldest_first() if kept.owner == owner]

    async def count(self, state: MessageState) -> tuple[int, int | None]:
        self._check()
        found = [kept.entry.at_ms for kept in self._kept.values() if kept.state is state]
        return len(found), min(found, default=None)

    async def since(self, state: MessageState) -> tuple[int, int | None]:
        self._check()
        found = [kept.updated_ms for kept in self._kept.values() if kept.state is state]
        return len(found), min(found, default=None)

    async def waiting(self) -> dict[str, tuple[int, int]]:
        self._check()
        found: dict[str, tuple[int, int]] = {}
        for kept in self._kept.values():
            if kept.state is MessageState.HELD:
                number, size = found.get(kept.entry.message.tenant_id, (0, 0))
                found[kept.entry.message.tenant_id] = (number + 1, size + len(kept.entry.request.body))
        return found

    async def claim_silent_holds(self, now_ms: int, retry_ms: int, limit: int, *, early: bool = False) -> list[Stored]:
        self._check()
        due = [kept for kept in self._oldest_first() if kept.waits and (early or kept.recheck_at <= now_ms)]
        due = sorted(due, key=lambda kept: kept.recheck_at)[:limit]
        for kept in due:
            kept.recheck_at = now_ms + (retry_ms << min(kept.rechecks, _BACKOFF))
            kept.rechecks += 1
        return [kept.stored for kept in self._oldest_first() if kept in due]

    async def has_silent_holds(self) -> bool:
        self._check()
        return any(kept.waits for kept in self._kept.values())

    async def wake_silent_holds(self, by_ms: int) -> None:
        self._check()
        for kept in self._kept.values():
            if kept.waits_for_ever:
                kept.recheck_at = min(kept.recheck_at, by_ms)

    async def claim_queued(self, owner: Owner, now_ms: int, limit: int) -> list[Stored]:
        self._check_lease(owner)
        found = [kept for kept in self._oldest_first() if kept.state is MessageState.QUEUED][:limit]
        for kept in found:
            change = Transition(kept.entry.message_id, kept.state, MessageState.FORWARDING, "queue", "taken up", now_ms)
            self._change_state(kept, owner.slot, change, owner)
        return [kept.stored for kept in found]

    async def recover(self, now_ms: int) -> tuple[int, int]:
        self._check()
        counts = {MessageState.QUEUED: 0, MessageState.UNKNOWN: 0}
        for kept in self._oldest_first():
            if kept.state is not MessageState.FORWARDING or self._holds(kept.owner):
                continue
            known = kept.steps > 1 or kept.entry.fingerprint
            state = MessageState.QUEUED if kept.entry.idempotent and known else MessageState.UNKNOWN
            note = "the process that forwarded it is gone"
            change = Transition(kept.entry.message_id, kept.state, state, "recovery", note, now_ms)
            self._change_state(kept, ADMINISTRATORS, change)
            counts[state] += 1
        return counts[MessageState.QUEUED], counts[MessageState.UNKNOWN]

    async def forget_requests(self, ended_ms: int, limit: int) -> int:
        self._check()
        due = [
            kept
            for kept in self._kept.values()
            if kept.state in APPEALABLE and kept.entry.request.body and kept.updated_ms <= ended_ms
        ]
        due = sorted(due, key=lambda kept: (kept.updated_ms, kept.entry.message_id))[:limit]
        for kept in due:
            kept.entry = without_request(kept.entry)
        return len(due)

    async def keep_policy(self, policy: PolicyInForce, now_ms: int) -> None:
        self._check()
        self._policies.setdefault(policy.version, policy.text)

    async def newest_policy(self) -> str | None:
        self._check()
        return next(reversed(self._policies.values()), None)

    async def policy(self, version: str) -> str | None:
        self._check()
        return self._policies.get(version)

    async def append_audit(self, kind: str, body: str, now_ms: int) -> None:
        self._check()
        self._chains.append(ADMINISTRATORS, now_ms, kind, "", body)

    async def audit(self) -> AsyncIterator[AuditRow]:
        self._check()
        for row in sorted(self._chains.rows, key=lambda row: (row.chain, row.seq)):
            yield row

    async def heads(self) -> dict[int, tuple[int, str]]:
        self._check()
        return dict(self._chains.heads)

    async def events(self, chain: int, limit: int) -> list[AuditRow]:
        self._check()
        found: list[AuditRow] = []
        waiting: set[str] = set()
        for row in self._chains.rows:  # in the order they were written
            if row.seq <= self._announced.get(row.chain, 0):
                continue
            if row.chain != chain:
                waiting.add(row.message_id)
            elif row.message_id and row.message_id in waiting:
                break
            else:
                found.append(row)
        return found[:limit]

    async def announced(self, chain: int, seq: int) -> None:
        self._check()
        self._announced[chain] = max(seq, self._announced.get(chain, 0))

    def _check_lease(self, owner: Owner) -> None:
        self._check()
        if owner != Owner(ADMINISTRATORS, 0) and not self._holds(owner):  # theirs is leased to nobody
            raise LeaseLost(f"slot {owner.slot} is no longer held under epoch {owner.epoch}")

    def _change_state(
        self,
        kept: Kept,
        chain: int,
        change: Transition,
        owner: Owner | None = None,
        case_json: bytes | None = None,
    ) -> None:
        message = kept.entry.message
        with _encoding():
            body = transition_body(
                change, message.tenant_id, message.account_id, message.platform, message.content_hash, case_json
            )
        kept.state, kept.updated_ms, kept.steps = change.state, change.at_ms, kept.steps + 1
        if not keeps_request(change.state, kept.entry.forwards):
            kept.entry = without_request(kept.entry)
        kept.owner = owner if change.state is MessageState.FORWARDING else None
        self._chains.append(chain, change.at_ms, TRANSITION, change.message_id, body)

    def _stored(self, message_id: str | None, tenant_id: str | None = None) -> Stored | None:
        kept = self._kept.get(message_id or "")
        if kept is None or tenant_id not in (None, kept.entry.message.tenant_id):
            return None
        return kept.stored

    def _oldest_first(self) -> list[Kept]:
        return sorted(self._kept.values(), key=lambda kept: (kept.entry.at_ms, kept.entry.message_id))


@contextmanager
def _encoding() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise StoreUnavailable("a value that cannot be written") from error


def _written(message_id: str, kept: Kept) -> Written:
    message = kept.entry.message
    return Written(
        message_id,
        kept.state,
        message.content_hash,
        sha256(encode_message(message)).hexdigest(),
        tuple([(name, sha256(encode_case(case)).hexdigest(), case.decision.outcome) for name, case in kept.cases]),
    )
