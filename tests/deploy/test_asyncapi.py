"""deploy/asyncapi.yaml against the code: what really is sent is valid, by its names too, and what is wrong is not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from msgspec.structs import replace as replace_fields

from classifiers import kafka
from classifiers.announcing import Announcer
from classifiers.batch import Record
from classifiers.campaigns import sketch
from classifiers.campaigns.classifier import CampaignClassifier
from classifiers.campaigns.exchange import Exchange
from classifiers.campaigns.settings import CampaignSettings
from classifiers.contract import (
    CATEGORIES,
    LAST_MS,
    VERSION,
    Opinion,
    Picture,
    Question,
    Reply,
    Score,
    Silence,
    Span,
    Unanswered,
    decode_replies,
    decode_versions,
    encode_questions,
    encode_replies,
)
from classifiers.health import Health
from classifiers.outages import Outage
from classifiers.outbox import Outbox
from classifiers.settings import Settings as WorkerSettings
from gateway.adapters.kafka import events
from gateway.adapters.kafka.client import TOPICS
from gateway.adapters.kafka.direct import DirectProducer
from gateway.adapters.kafka.questions import Asker
from gateway.adapters.sql.takedowns import problem_fields
from gateway.core import audit
from gateway.core.codec import encode_case, encode_message
from gateway.core.model import (
    Case,
    Decision,
    Degree,
    Facts,
    Message,
    MessageState,
    NewsKind,
    Outcome,
    Reason,
    Suspension,
)
from gateway.core.news import SCHEMES, Evidence, Licence, licence_fields
from gateway.core.records import AuditRow, Transition, UpstreamAnswer
from gateway.core.registration import By
from gateway.core.sanction_records import SanctionRecord, SanctionState, Waits, Why, act_fields
from gateway.core.takedown_problems import WORDS, Obstacle, TakedownProblem
from gateway.settings import KafkaSettings
from tests.batches import judged
from tests.deploy.asyncapi import DOCUMENT, MESSAGES, ROOT, SCHEMAS, check, check_payload, resolved

GOLDEN = ROOT / "tests/classifiers/golden"
FOREVER_MS = 4_000_000_000_000

QUESTION = Question(
    "3.1-7", "m1", "t1", ("text",), ("早上好",), ("image/png",), FOREVER_MS, f"00-{'a' * 32}-{'b' * 16}-01"
)
ANSWERS = (
    Opinion("text", "1", (Score("spam", 1, (Span(0, 0, 2),)), Score("hate", 0.0))),
    Unanswered("news", Silence.FAILED),
)
REPLY = Reply("3.1-7", "m1", "t1", ANSWERS)
MESSAGE = Message("t1", "a1", "native", ("早上好",), "c" * 64)
LICENCE = Licence(
    "lic-1",
    "canary-holder",
    "jti",
    NewsKind.ORIGINATE,
    1,
    1_800_000_000_000,
    ("a1",),
    "No. 7",
    "Example Certifiers",
    "eu",
    ("news.example",),
    (Evidence("trust_txt", "news.example", "e" * 64, (("contact", "canary"),)),),
)
CASE = Case(
    Facts(1, None),
    ANSWERS,
    Decision(
        Outcome.HOLD,
        "content_suspected",
        (
            Reason("content_suspected", Outcome.HOLD, "It looks like spam.", "text", "spam", 0.7, (Span(0, 0, 2),)),
            Reason("unknown_account", Outcome.HOLD, "Nobody knows it.", "registry"),
        ),
        "d" * 64,
    ),
)


class Broker:
    """Stands for an aiokafka producer, and keeps each record with its topic, key, headers and partition."""

    def __init__(self, **_: Any) -> None:
        self.records: list[tuple[str, Record, bytes | None]] = []
        self.sent = asyncio.Event()
        self.client = SimpleNamespace(
            cluster=SimpleNamespace(available_partitions_for_topic=lambda _: None), force_metadata_update=self.start
        )

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to disconnect from."""

    async def partitions_for(self, _topic: str) -> set[int]:
        return set(range(16))

    async def send(
        self, topic: str, value: bytes, partition: int | None = None, headers: Any = ()
    ) -> asyncio.Future[None]:
        return self._keep(topic, None, value, partition, headers)

    async def send_and_wait(self, topic: str, value: bytes, headers: Any) -> None:
        self._keep(topic, None, value, None, headers)
        self.sent.set()

    def create_batch(self) -> _Batch:
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, partition: int) -> asyncio.Future[None]:
        for fields in batch.fields:
            done = self._keep(topic, fields["key"], fields["value"], partition, fields["headers"])
        return done

    def _keep(
        self, topic: str, key: bytes | None, value: bytes, partition: int | None, headers: Any
    ) -> asyncio.Future[None]:
        self.records.append((topic, Record(topic, partition or 0, 0, value, dict(headers)), key))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class _Batch:
    def __init__(self) -> None:
        self.fields: list[dict[str, Any]] = []

    def append(self, **fields: Any) -> object:
        self.fields.append(fields)
        return fields


def check_record(channel: str, name: str, topic: str, record: Record) -> None:
    """The record is one of this message on this channel: address, headers and payload."""
    assert f"#/components/messages/{name}" in [m["$ref"] for m in DOCUMENT["channels"][channel]["messages"].values()]
    assert topic == DOCUMENT["channels"][channel]["address"]
    check(name, "headers", {header: value.decode("ascii") for header, value in record.headers.items()})
    if MESSAGES[name]["payload"]:
        check_payload(name, record.value or b"")


async def asked(*questions: Question) -> Record:
    broker = Broker()

    def lost(questions: Sequence[Question], silence: Silence) -> None:
        pytest.fail(f"{silence}: {questions}")

    asker = Asker(DirectProducer(broker), "moderation.questions", 3, lost, in_flight=1)
    for question in questions:
        asker.ask(question)
    await asker.close()
    [(_, record, _)] = broker.records
    return record


async def answered(record: Record, answer: Any) -> list[tuple[str, Record, bytes | None]]:
    broker = Broker()
    await Outbox(broker, WorkerSettings()).send(record, judged(record, answer, 0, 2))
    return broker.records


async def test_questions_as_the_gateway_sends_them() -> None:
    record = await asked(QUESTION, Question("3.1-8", "m2", "t1", (), (), (), FOREVER_MS))
    check_record("questions", "questions", record.topic, record)
    assert set(record.headers) == set(MESSAGES["questions"]["headers"]["properties"])
    without_trace = await asked(Question("3.1-8", "m2", "t1", (), (), (), FOREVER_MS))
    check_record("questions", "questions", without_trace.topic, without_trace)


async def test_questions_with_pictures_as_the_gateway_sends_them() -> None:
    broker = Broker()
    asker = Asker(DirectProducer(broker), "moderation.media-questions", 3, lambda *_: None, in_flight=4, together=1)
    pictures = (Picture("image/png", b"\x89PNG"), Picture("image/jpeg", b""))
    for number in range(3):
        asker.ask(Question(f"3.1-{number}", "m", "t", (), (), (), FOREVER_MS, None, "0a" * 8, pictures))
    assert asker.picture_bytes == 12
    await asker.close()
    assert asker.picture_bytes == 0
    assert len(broker.records) == 3
    for topic, record, _ in broker.records:
        check_record("media-questions", "questions", topic, record)


async def test_opinions_as_a_worker_sends_them() -> None:
    [(topic, record, _)] = await answered(await asked(QUESTION), lambda _: REPLY)
    check_record("opinions", "opinions", topic, record)
    assert set(record.headers) == set(MESSAGES["opinions"]["headers"]["properties"])
    assert record.partition == 3


@pytest.mark.parametrize("media", [False, True])
async def test_a_dead_letter_for_want_of_an_asker_has_no_pictures(media: bool) -> None:
    sent = await asked(QUESTION)
    record = replace(sent, headers={**sent.headers, "reply-to": b"99"}, media=media)
    [(topic, letter, _)] = await answered(record, lambda _: REPLY)
    check_record("dead-letters", "dead-record", topic, letter)
    assert letter.value == (b"" if media else record.value)


async def test_versions_as_a_worker_announces_them(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, stop = Broker(), asyncio.Event()
    monkeypatch.setattr(kafka, "AIOKafkaProducer", lambda **_: broker)
    looks = iter([{"text": "1"}, {"text": "1"}, *[{"text": "2", "早": "上"}] * 2])

    def looked_at() -> dict[str, str]:
        found = next(looks, None)
        if found is None:
            stop.set()
        return found or {"text": "2", "早": "上"}

    await Announcer(WorkerSettings(), looked_at, Outage()).run(stop)
    told = []
    for topic, record, _ in broker.records:
        check_record("opinions", "versions", topic, record)
        assert decode_replies(record.value or b"") == []
        told.append((record.partition, decode_versions(record.headers["versions"])))
    # A look that finds nothing new says nothing; the end is said too.
    news: list[dict[str, str]] = [{"text": "1"}, {"text": "2", "早": "上"}, {}]
    assert told == [(partition, said) for said in news for partition in range(16)]
    assert len({record.headers["worker"] for _, record, _ in broker.records}) == 1


async def test_a_question_that_a_classifier_fails_on() -> None:
    [opinion, letter] = await answered(await asked(QUESTION), lambda _: 1 / 0)
    check_record("opinions", "opinions", *opinion[:2])
    check_record("dead-letters", "dead-question", *letter[:2])
    with pytest.raises(ValidationError):
        check_record("dead-letters", "dead-record", *letter[:2])


async def test_sketches_as_a_worker_tells_them() -> None:
    campaign, broker = CampaignClassifier(CampaignSettings(entries=100)), Broker()
    exchange = Exchange(WorkerSettings(), campaign, Health(), Outage())
    for number, author in enumerate(("a1", "")):
        texts = ("some words that nobody else has said today",)
        campaign.judge(Question("3.1-7", f"m{number}", "t1", ("campaign",), texts, (), FOREVER_MS, author=author))
    sending = asyncio.create_task(exchange._send(broker))
    await broker.sent.wait()
    sending.cancel()
    [(topic, record, _)] = broker.records
    check_record("sketches", "sketches", topic, record)
    assert len(sketch.decode(record.value or b"")) == 2


@pytest.mark.parametrize("headers", [{}, {"v": b"2"}], ids=["no headers", "another version"])
async def test_a_record_that_a_worker_cannot_read(headers: dict[str, bytes]) -> None:
    record = Record("moderation.questions", 0, 5, b"\xff not JSON", headers)
    [(topic, letter, _)] = await answered(record, lambda _: REPLY)
    check_record("dead-letters", "dead-record", topic, letter)
    with pytest.raises(ValidationError):
        check_record("dead-letters", "dead-question", topic, letter)


def audit_rows() -> Iterator[tuple[str, AuditRow]]:
    """Rows as they are announced, with the name of their message."""
    case_json = encode_case(CASE)
    body = audit.decision_body("m1", MESSAGE, MessageState.HELD, "d1", CASE, case_json, encode_message(MESSAGE))
    yield "decision", audit.link(audit.GENESIS, 3, 1, 1_700_000_000_001, audit.DECISION, "m1", body)
    plain = Transition("m1", MessageState.HELD, MessageState.QUEUED, "review", "late opinions", 1)
    decided = Transition("m1", MessageState.HELD, MessageState.QUEUED, "review", "", 1, "d2", CASE)
    upstream = UpstreamAnswer(201, b"{}", "application/json")
    forwarded = Transition(
        "m1", MessageState.FORWARDING, MessageState.PUBLISHED, "gateway", "forwarded", 1, upstream=upstream
    )
    for transition in (plain, decided, forwarded):
        body = audit.transition_body(
            transition, "t1", "a1", "native", "c" * 64, case_json if transition.case is not None else None
        )
        yield "transition", audit.link(audit.GENESIS, 3, 2, 1_700_000_000_000, audit.TRANSITION, "m1", body)
    for act in ("WarnLicence", "EndLicence"):
        body = audit.act_body(By("gateway"), 0, "t1", act, **licence_fields(LICENCE))
        yield "licence", audit.link(audit.GENESIS, -1, 2, 1_700_000_000_000, audit.LICENCE, "", body)
    asked: dict[str, Any] = {"report_id": "r1", "automatic": False}
    failed = {"attempts": 3, **problem_fields(TakedownProblem(Obstacle.APP_ANSWERED, {"status": "404"}))}
    for act, more in (("TakedownFailed", failed), ("TakeDown", asked), ("TakenDown", {"attempts": 1})):
        about = {"account_id": "a1", "message_id": "m1", "content_hash": "c" * 64, "category": "fraud"}
        body = audit.act_body(By("gateway"), 0, "t1", act, **about, source="report", **more)
        yield "takedown", audit.link(audit.GENESIS, -1, 2, 1_700_000_000_000, audit.TAKEDOWN, "", body)
    decided_on: dict[str, Any] = {"outcome": "reversed", "restored": "queued"}
    for act, more in (("DecideAppeal", decided_on), ("MakeAppeal", {})):
        named = {"account_id": "a1", "appeal_id": "p1", "statement_id": "s1", "message_id": "m1", "sanction_id": None}
        body = audit.act_body(By("author"), 0, "t1", act, **named, **more)
        yield "appeal", audit.link(audit.GENESIS, -1, 2, 1_700_000_000_000, audit.APPEAL, "", body)
    proposed = SanctionRecord(
        "s1",
        "t1",
        "a1",
        Degree.CLOSE,
        SanctionState.PROPOSED,
        1,
        Why.PERSON,
        waits=Waits.PEOPLE,
        policy_version="a" * 64,
    )
    imposed = replace_fields(
        proposed, degree=Degree.SUSPEND, also=(Degree.SUSPEND_RENEWAL,), days=3, starts_ms=1, ends_ms=2, category="spam"
    )
    for act, record, meaning in (
        ("ProposeSanction", proposed, Suspension.UPDATES),
        ("ImposeSanction", imposed, Suspension.UPDATES),
        ("LiftSanction", imposed, Suspension.RENEWAL),
    ):
        body = audit.act_body(By("Ann", "ticket 1"), 7, "t1", act, **act_fields(record, meaning, Why.APPEAL))
        yield "sanction", audit.link(audit.GENESIS, -1, 3, 1_700_000_000_000, audit.SANCTION, "", body)


async def test_events_as_the_gateway_announces_them(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    monkeypatch.setattr(events, "AIOKafkaProducer", lambda **_: broker)
    rows = list(audit_rows())
    await events.KafkaEvents(KafkaSettings(bootstrap_servers="kafka:9092")).announce([row for _, row in rows])
    assert len(broker.records) == len(rows)
    for (name, _), (topic, record, key) in zip(rows, broker.records, strict=True):
        check_record("decisions", name, topic, record)
        assert key == {"licence": b"t1/lic-1", "appeal": b"t1/p1", "sanction": b"t1/a1"}.get(name, b"m1")
        assert record.headers["content-type"].decode() == MESSAGES[name]["contentType"]
        with pytest.raises(ValidationError):
            check_payload("transition" if name != "transition" else "decision", record.value or b"")


def test_events_name_nothing_that_was_said() -> None:
    for _, row in audit_rows():
        assert "早上好" not in events.cloud_event(row).decode()
        assert "looks like" not in events.cloud_event(row).decode()
        assert "canary" not in events.cloud_event(row).decode()


def test_golden_records() -> None:
    check_payload("questions", (GOLDEN / "questions.json").read_bytes())
    check_payload("opinions", (GOLDEN / "replies.json").read_bytes())


_text = st.text(max_size=20)
_texts = st.lists(_text, max_size=3).map(tuple)
_spans = st.lists(st.builds(Span, *[st.integers(0, 999)] * 3), max_size=2).map(tuple)
_scores = st.builds(Score, st.sampled_from(sorted(CATEGORIES)), st.floats(0, 1) | st.sampled_from([0, 1]), _spans)
_answers = st.builds(Opinion, _text, _text, st.lists(_scores, max_size=3).map(tuple), st.booleans()) | st.builds(
    Unanswered, _text, st.sampled_from(Silence)
)
_questions = st.builds(Question, _text, _text, _text, _texts, _texts, _texts, st.integers(0, LAST_MS))
_replies = st.builds(Reply, _text, _text, _text, st.lists(_answers, max_size=3).map(tuple))


@given(st.lists(_questions, max_size=3), st.lists(_replies, max_size=3))
def test_whatever_the_contract_encodes(questions: list[Question], replies: list[Reply]) -> None:
    check_payload("questions", encode_questions(questions))
    check_payload("opinions", encode_replies(replies))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each field of each object in a value is."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*path, key)
        yield from paths(part, (*path, key))


RIGHT = {
    "questions": encode_questions([QUESTION]),
    "opinions": encode_replies([REPLY]),
    "sketches": sketch.encode([sketch.Sketch("0" * 16, "1" * 16, "2" * 16, 1, 9, bytes(sketch.PLACES))]),
    "decision": events.cloud_event(next(row for name, row in audit_rows() if name == "decision")),
    "transition": events.cloud_event(next(row for name, row in audit_rows() if b'"decision"' in row.body.encode())),
    "licence": events.cloud_event(next(row for name, row in audit_rows() if name == "licence")),
    "takedown": events.cloud_event(next(row for name, row in audit_rows() if name == "takedown")),
    "appeal": events.cloud_event(next(row for name, row in audit_rows() if name == "appeal")),
}
OPTIONAL = {
    "traceparent",
    "spans",
    "decision",
    "upstream_status",
    "licence_no",
    "issuer",
    "jurisdiction",
    "domains",
    "message_hash",
}
OPTIONAL |= {"report_id", "automatic", "attempts", "problem_code", "problem_values", "status", "outcome", "restored"}
WRONG = [
    (name, ".".join(map(str, path)), path, wrong)
    for name, value in RIGHT.items()
    for path in paths(orjson.loads(value))
    for wrong in ("missing", "mistyped", "misspelt")
    if wrong != "missing" or path[-1] not in OPTIONAL
]


@pytest.mark.parametrize(("name", "path", "wrong"), [pytest.param(n, p, w, id=f"{n}:{i}:{w}") for n, i, p, w in WRONG])
def test_a_record_with_one_thing_wrong_is_refused(name: str, path: tuple[Any, ...], wrong: str) -> None:
    record = orjson.loads(RIGHT[name])
    check(name, "payload", record)
    at = record
    for key in path[:-1]:
        at = at[key]
    match wrong:
        case "missing":
            del at[path[-1]]
        case "mistyped":
            at[path[-1]] = {"not": "this"}
        case "misspelt":
            at[f"{path[-1]}_"] = at[path[-1]]
    with pytest.raises(ValidationError):
        check(name, "payload", record)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("opinions", (0, "answers", 0, "scores", 0, "category"), "politics"),
        ("opinions", (0, "answers", 0, "scores", 0, "value"), 1.5),
        ("opinions", (0, "answers", 0, "scores", 0, "spans", 0), [0, 1]),
        ("opinions", (0, "answers", 1, "silence"), "shy"),
        ("questions", (0, "deadline_ms"), -1),
        ("decision", ("specversion",), "0.3"),
        ("decision", ("time",), "yesterday"),
        ("decision", ("data", "outcome"), "perhaps"),
        ("decision", ("data", "state"), "lost"),
        ("decision", ("data", "content_hash"), "c" * 63),
    ],
)
def test_a_value_outside_its_bounds_is_refused(name: str, path: tuple[Any, ...], value: Any) -> None:
    record = orjson.loads(RIGHT[name])
    at = record
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(ValidationError):
        check(name, "payload", record)


def test_topics_are_those_of_the_code() -> None:
    settings, worker = KafkaSettings(), WorkerSettings()
    channels = DOCUMENT["channels"]
    assert {name: channel["address"] for name, channel in channels.items()} == {
        name: settings.topic_prefix + name for name in TOPICS
    }
    assert channels["questions"]["address"] == worker.questions_topic
    assert channels["media-questions"]["address"] == worker.media_topic
    assert channels["opinions"]["address"] == worker.opinions_topic
    assert channels["sketches"]["address"] == worker.sketches_topic
    assert channels["dead-letters"]["address"] == worker.dead_letters_topic
    for name, channel in channels.items():
        binding = channel["bindings"]["kafka"]
        assert binding["partitions"] == settings.partitions
        assert {key: str(value) for key, value in binding["topicConfiguration"].items()} == TOPICS[name]
    group = DOCUMENT["operations"]["answer"]["bindings"]["kafka"]["groupId"]["enum"]
    assert group == [worker.group_id]
    group = DOCUMENT["operations"]["answer-about-pictures"]["bindings"]["kafka"]["groupId"]["enum"]
    assert group == [worker.media_group_id]


def test_enumerations_are_those_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Category"]["enum"]) == CATEGORIES
    assert schemas["Silence"]["enum"] == [silence.value for silence in Silence]
    assert schemas["Outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert schemas["State"]["enum"] == [state.value for state in MessageState]
    assert schemas["Version"]["const"] == str(VERSION)
    assert schemas["CloudEvent"]["properties"]["source"]["const"] == events.SOURCE
    assert schemas["DecisionEvent"]["allOf"][1]["properties"]["type"]["const"] == f"moderation.{audit.DECISION}"
    assert schemas["Licence"]["properties"]["scheme"]["enum"] == list(SCHEMES)
    assert schemas["Licence"]["properties"]["kind"]["enum"] == [kind.value for kind in NewsKind]
    assert schemas["LicenceEvent"]["allOf"][1]["properties"]["type"]["const"] == f"moderation.{audit.LICENCE}"
    assert schemas["Degree"]["enum"] == [degree.value for degree in Degree]
    takedown = schemas["Takedown"]["properties"]
    assert takedown["problem_code"]["enum"] == [code.value for code in Obstacle]
    assert set(takedown["problem_values"]["properties"]) == set(re.findall(r"{(\w+)}", " ".join(WORDS.values())))
    assert schemas["Sanction"]["properties"]["why"]["enum"] == [why.value for why in Why]
    assert schemas["Sanction"]["properties"]["waits"]["enum"] == [*[waits.value for waits in Waits], None]
    assert schemas["SanctionEvent"]["allOf"][1]["properties"]["type"]["const"] == f"moderation.{audit.SANCTION}"
    assert schemas["TransitionEvent"]["allOf"][1]["properties"]["type"]["const"] == f"moderation.{audit.TRANSITION}"


def test_the_schemas_are_schemas() -> None:
    for validator in SCHEMAS.values():
        Draft7Validator.check_schema(validator.schema)


def test_every_reference_resolves_and_everything_is_used() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    resolved(DOCUMENT)
    used = set(re.findall(r"\"#/components/(\w+/[\w-]+)\"", (ROOT / "deploy/asyncapi.yaml").read_text()))
    assert used == {f"{kind}/{name}" for kind, parts in DOCUMENT["components"].items() for name in parts}
    asked_on = {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()}
    replied_on = {o["reply"]["channel"]["$ref"] for o in DOCUMENT["operations"].values() if "reply" in o}
    assert asked_on | replied_on == {f"#/channels/{name}" for name in DOCUMENT["channels"]}
