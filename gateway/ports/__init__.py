"""What the gateway needs of the world, as protocols, and the few faults that cross them.

Every port has one contract suite in ``tests/contract`` that runs over its forms. Adapters turn foreign exceptions into
the faults of `gateway.ports.faults`; nothing else leaves them.
"""

from gateway.ports.faults import (
    Fault,
    LeaseLost,
    OtherIndexKey,
    RegistrantErased,
    RegistrantShared,
    SchemaNewer,
    StoreUnavailable,
    TakedownFault,
    TakedownImpossible,
    Unopened,
    UpstreamNotReached,
    UpstreamUnknown,
    erased,
    shared,
)
from gateway.ports.following import Follower
from gateway.ports.imports import Chunk, Imports, PersonalSealer, Progress, SealedPerson
from gateway.ports.news import (
    Delivery,
    LicenceRefused,
    NewsReader,
    NewsRegister,
    Notices,
    Sources,
    Version,
    Webhooks,
)
from gateway.ports.operators import Appointed, Operators
from gateway.ports.origin import Origin, OriginHead, OriginResponse
from gateway.ports.outside import Brought, Classifiers, Clock, Events, Pictures, Upstream
from gateway.ports.personal import Personal, Rewrapped
from gateway.ports.queue import Queue
from gateway.ports.registrar import Registered, Registrar
from gateway.ports.registry import CHANGES, EVERYTHING, Register, Registry
from gateway.ports.reports import Reports
from gateway.ports.sanctions import Foreseen, Incident, Rung, SanctionHistory, Sanctions
from gateway.ports.sealing import Credentials, MasterKey, Sealer
from gateway.ports.sessions import Passwords, Sessions, SignedIn
from gateway.ports.statements import Appeals, Judged, Stale, StatementReader, Statements
from gateway.ports.store import KeyTaken, References, Store
from gateway.ports.takedowns import Order, Orders, Remover, Takedowns
from gateway.ports.verifications import Applied, Begun, Checker, CheckUnavailable, Verifications

__all__ = [
    "CHANGES",
    "EVERYTHING",
    "Appeals",
    "Applied",
    "Appointed",
    "Begun",
    "Brought",
    "CheckUnavailable",
    "Checker",
    "Chunk",
    "Classifiers",
    "Clock",
    "Credentials",
    "Delivery",
    "Events",
    "Fault",
    "Follower",
    "Foreseen",
    "Imports",
    "Incident",
    "Judged",
    "KeyTaken",
    "LeaseLost",
    "LicenceRefused",
    "MasterKey",
    "NewsReader",
    "NewsRegister",
    "Notices",
    "Operators",
    "Order",
    "Orders",
    "Origin",
    "OriginHead",
    "OriginResponse",
    "OtherIndexKey",
    "Passwords",
    "Personal",
    "PersonalSealer",
    "Pictures",
    "Progress",
    "Queue",
    "References",
    "Register",
    "Registered",
    "RegistrantErased",
    "RegistrantShared",
    "Registrar",
    "Registry",
    "Remover",
    "Reports",
    "Rewrapped",
    "Rung",
    "SanctionHistory",
    "Sanctions",
    "SchemaNewer",
    "SealedPerson",
    "Sealer",
    "Sessions",
    "SignedIn",
    "Sources",
    "Stale",
    "StatementReader",
    "Statements",
    "Store",
    "StoreUnavailable",
    "TakedownFault",
    "TakedownImpossible",
    "Takedowns",
    "Unopened",
    "Upstream",
    "UpstreamNotReached",
    "UpstreamUnknown",
    "Verifications",
    "Version",
    "Webhooks",
    "erased",
    "shared",
]
