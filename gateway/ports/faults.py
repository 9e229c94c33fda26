"""The few faults that cross the ports. Adapters turn foreign exceptions into these; nothing else leaves them."""

from __future__ import annotations

from gateway.core.takedown_problems import TakedownProblem, said


class Fault(Exception):
    """Something outside the gateway failed; the text says what, without message text or personal data."""


class StoreUnavailable(Fault):
    """The store did not take a write or answer a read. The client gets 503, nothing is forwarded."""


class SchemaNewer(StoreUnavailable):
    """A later version of the gateway has changed the database's tables; this one must not touch them."""

    def __init__(self, found: str, ours: str) -> None:
        super().__init__(
            f"The database has schema {found}, newer than this program's {ours}; upgrade the program, or set "
            "GATEWAY_DATABASE_URL to another database."
        )


class LeaseLost(StoreUnavailable):
    """This process no longer holds its slot, so the store refused its write."""


class RegistrantShared(Fault):
    """An account was to be written with another account's registrant, and with other facts about that registrant."""


class RegistrantErased(Fault):
    """What is known of a registrant was to be written after it was erased; the text is `erased`."""


def erased(registrant_id: str) -> str:
    """What `RegistrantErased` says, the same everywhere."""
    return f"registrant {registrant_id!r} was erased, and cannot come back; register another"


def shared(registrant_id: str, account_id: str) -> str:
    """What `RegistrantShared` says, the same everywhere."""
    return (
        f"registrant {registrant_id!r} stands behind account {account_id!r} too, and is not as given here; change it "
        "for all of them with `gateway registrants put`, or give it as it is"
    )


class OtherIndexKey(Fault):
    """Personal data was to be kept or sought under another index key than what is kept is found by."""


class Unopened(Fault):
    """Something sealed that no key here opens; asking again does not help."""


class UpstreamNotReached(Fault):
    """The request was not sent: the upstream certainly does not have it."""


class UpstreamUnknown(Fault):
    """The request was sent, or may have been, and no answer came: the upstream may have accepted it."""


class TakedownFault(Fault):
    """What was published was not removed, or put back, for this ``problem``; it may be when it is tried again."""

    def __init__(self, problem: TakedownProblem) -> None:
        super().__init__(said(problem))
        self.problem = problem


class TakedownImpossible(TakedownFault):
    """It cannot be removed, or put back, from here, however often it is tried."""
