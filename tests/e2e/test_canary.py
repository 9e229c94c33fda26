"""Values planted in the register through every way in: after all that the gateway does, they are nowhere else."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy.engine import make_url

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway import logs
from gateway.adapters.key_file import new_keys, read
from gateway.adapters.keys import audit_key
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import open_store
from gateway.adapters.sql.personal import SqlPersonal
from gateway.core.registration import By
from tests.canary import CANARIES, CLAIM, ORGANISATION, REPORTER, appearances, needles
from tests.e2e.support import TEXTS, body_of, counter, health, once, publish, records, topic, until
from tests.e2e.upstream import Server

BY = ("--actor", "ops", "--reason", "ticket 7")
WANTED = needles([*CANARIES.values(), *ORGANISATION.values(), *REPORTER.values(), CLAIM])


class Collector(Server):
    """Takes whatever is exported, and keeps the bytes."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "200 OK")
        self.address = f"http://127.0.0.1:{port}/v1/traces"
        self.bodies: list[bytes] = []

    async def take(self, headers: dict[str, str], body: bytes) -> None:
        """Keep a body, as it was before it was compressed."""
        self.bodies.append(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)


class Places:
    """Everything that came out of the gateway, by where."""

    def __init__(self) -> None:
        self.found: list[tuple[str, bytes]] = []

    def add(self, place: str, data: bytes | str) -> None:
        """Remember what came out."""
        self.found.append((place, data.encode() if isinstance(data, str) else data))

    def leaks(self) -> list[str]:
        """Where a value stands."""
        return [leak for place, data in self.found for leak in appearances(place, data, WANTED)]


async def command(stack: Stack, places: Places, *words: str, given: str = "", told: bool = False) -> str:
    """Give a command; all that it says is looked at, unless it is ``told`` to say it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", *words),
        env=stack.environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(given.encode())
    if not told:
        places.add(f"output of {' '.join(words)}", out)
    places.add(f"errors of {' '.join(words)}", err)
    return (out + err).decode()


async def plant(stack: Stack, places: Places, keys: Path) -> None:
    """Plant the values: by command, and as a provider's claims."""
    person = {name: value for name, value in CANARIES.items() if name != "claims"}
    for registrant_id, fields in (("demo-person", person), ("demo-publisher", ORGANISATION)):
        said = await command(stack, places, "registrants", "keep", "demo", registrant_id, *BY, given=json.dumps(fields))
        assert "kept" in said
    async with open_store(stack.database_url, audit_key=audit_key(keys)) as (store, _):
        personal = SqlPersonal(store.database, PersonalKeys(FileMasterKey(keys)))
        await personal.put_claims("demo", "demo-person", CANARIES["claims"], By("provider", "webhook"), 1)


async def keepers(stack: Stack, places: Places, keys: Path) -> None:
    """What the register's keepers do, well and badly."""
    told = await command(stack, places, "registrants", "reveal", "demo", "demo-person", *BY, told=True)
    assert json.loads(told) == CANARIES
    name = CANARIES["legal_name"]
    find = ("registrants", "find", "demo")
    assert await command(stack, places, *find, "legal_name", *BY, given=name.upper()) == "demo-person\n"
    bad = ("--actor", name, "--reason", f"{name} asks")
    planted = {"legal_name": name, "birthdate": name, "email": CANARIES["id_number"], name: name}
    refused: tuple[tuple[tuple[str, ...], str], ...] = (
        ((*find, "phone", *BY), CANARIES["address"]),
        (("registrants", "keep", "demo", "demo-person", *BY), json.dumps(planted)),
        (("registrants", "keep", "demo", "demo-person", *BY), name),
        (("registrants", "erase", "demo", "demo-person", *BY), ""),
    )
    for words, given in refused:
        assert "Error" in await command(stack, places, *words, given=given)
    # A reason that names the person, as no argument may.
    async with open_store(stack.database_url, audit_key=audit_key(keys)) as (store, _):
        personal = SqlPersonal(store.database, PersonalKeys(FileMasterKey(keys)))
        for by in (By(bad[1], "x"), By("ops", bad[3])):
            assert not isinstance(await personal.reveal("demo", "demo-person", None, by, 1), dict)
            assert not isinstance(await personal.find("demo", "legal_name", name, by, 1), list)
    await command(stack, places, "keys", "add", str(keys))
    assert "keys wrapped anew" in await command(stack, places, "registrants", "rewrap")
    put = ("registrants", "put", "demo", "demo-person", "--verification", "verified", "--actor", "ops")
    await command(stack, places, *put, "--framework", "cn_real_name", "--level", "verified")
    shown: tuple[tuple[str, ...], ...] = (
        ("registrants", "show", "demo", "demo-person"),
        ("accounts", "list", "demo"),
        ("keys", "drop", str(keys), next(iter(read(keys).seal)), "--actor", "ops"),
        ("holds", "list"),
        ("audit", "verify"),
    )
    for words in shown:
        await command(stack, places, *words)


async def publishing(stack: Stack, places: Places) -> None:
    """What clients do, well and badly, and what is told about it."""
    for outcome, texts in TEXTS.items():
        for text in texts:
            answer = await publish(stack, text, Idempotency_Key=f"{outcome}-{len(text)}")
            places.add(f"answer to {outcome}", f"{answer.headers} {answer.body}")
            if message_id := answer.body.get("message_id"):
                places.add("message", str((await once(stack, "GET", f"/v1/messages/{message_id}")).body))
    for account in ("demo-unverified", "demo-closed", "demo-news", "nobody"):
        answer = await publish(stack, TEXTS["allow"][0], account)
        places.add(f"answer to {account}", f"{answer.headers} {answer.body}")
    for method, path, body in (
        ("POST", "/v1/messages", b"{"),
        ("POST", "/v1/messages", body_of("x") + b"x"),
        ("POST", "/v1/messages", b'{"account_id": "demo-person"}'),
        ("POST", "/v1/decisions", body_of(TEXTS["allow"][0])),
        ("GET", "/v1/messages/none", b""),
        ("GET", "/nowhere", b""),
        ("GET", "/openapi.json", b""),
        ("GET", "/metrics", b""),
    ):
        answer = await once(stack, method, path, body)
        places.add(f"answer to {method} {path}", f"{answer.headers} {answer.body}")
    places.add("health", str(await health(stack)))
    assert await counter(stack, "gateway_decisions_total") >= 6


async def reporting(stack: Stack, places: Places) -> None:
    """What somebody reports, well and badly, and what is done about it."""
    published = await publish(stack, "Nothing to see here.")
    report = {"category": "fraud", "message_ids": [published.body["message_id"]], "bona_fide": True, **REPORTER}
    answer = await once(stack, "POST", "/v1/reports", json.dumps(report).encode())
    assert answer.status == 201
    places.add("receipt", f"{answer.headers} {answer.body}")
    for bad in ({**report, "category": REPORTER["email"]}, {**report, REPORTER["name"]: 1}, {**report, "urls": [7]}):
        refused = await once(stack, "POST", "/v1/reports", json.dumps(bad).encode())
        assert refused.status in (400, 422)
        places.add("refused report", f"{refused.headers} {refused.body}")
    [report_id] = [line.split()[0] for line in (await command(stack, places, "reports", "list", "demo")).splitlines()]
    shown = await command(stack, places, "reports", "show", "demo", report_id, told=True)
    assert REPORTER["explanation"] in shown
    assert REPORTER["email"] not in shown
    told = await command(stack, places, "reports", "reveal", "demo", report_id, *BY, told=True)
    assert REPORTER["email"] in told
    quoting = ("--actor", "ops", "--reason", f"{REPORTER['name']} asks")
    decide = ("reports", "decide", "demo", report_id, "--actioned")
    assert "name no reporter" in await command(stack, places, *decide, *quoting)
    assert "  actioned  " in await command(stack, places, *decide, *BY)
    status = await once(stack, "GET", f"/report/{answer.body['receipt_id']}?token={answer.body['token']}")
    assert status.status == 200
    places.add("status", f"{status.headers} {status.body}")
    places.add("metrics", str((await once(stack, "GET", "/metrics")).body))


async def kafka(stack: Stack, places: Places) -> int:
    """Every record of every topic of the stack; returns how many topics had some."""
    await records(stack, "decisions", lambda found: len(found) >= 6)
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        mine = {name for name in await consumer.topics() if name.startswith(topic(stack, ""))}
        consumer.subscribe(mine)
        await until(consumer.assignment, 20, "an assignment of all topics")
        ends = await consumer.end_offsets(consumer.assignment())
        full = set()
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for partition, batch in (await consumer.getmany(timeout_ms=200)).items():
                full.add(partition.topic)
                for record in batch:
                    data = b"\n".join([record.key or b"", record.value or b"", str(record.headers).encode()])
                    places.add(f"topic {partition.topic}", data)
    return len(full)


async def dump(stack: Stack, places: Places) -> list[str]:
    """Every table as PostgreSQL copies it out, and what pg_dump makes of it; returns the tables' names."""
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = sorted(row[0] for row in rows)
        for table in tables:
            for form in ("text", "binary"):
                out = io.BytesIO()
                await connection.copy_from_table(table, output=out, format=form)
                places.add(f"table {table} ({form})", out.getvalue())
    finally:
        await connection.close()
    if program := shutil.which("pg_dump"):
        url = make_url(stack.database_url)
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        done = await asyncio.to_thread(subprocess.run, [program, address], capture_output=True, check=False)
        places.add("pg_dump", done.stdout)  # nothing where the program is older than the server
    return tables


async def test_planted_values_are_in_the_register_and_nowhere_else(
    bare_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, places = bare_stack, Places()
    keys = stack.directory / "keys.json"
    new_keys(keys)
    async with Collector(free_port()) as collector:
        for name, value in (
            ("GATEWAY_KEYS_FILE", str(keys)),
            ("GATEWAY_LOG_LEVEL", "debug"),
            ("GATEWAY_TRACE_ENDPOINT", collector.address),
            ("GATEWAY_TRACE_RATIO", "1"),
            ("CLASSIFIERS_OTLP_ENDPOINT", collector.address),
        ):
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(stack.start_load_upstream, log=True)
        running = [await asyncio.to_thread(stack.start_gateway, 1), await asyncio.to_thread(stack.start_worker)]
        with recorded() as own_log:
            await plant(stack, places, keys)
            await publishing(stack, places)
            await keepers(stack, places, keys)
            await publishing(stack, places)
            await reporting(stack, places)
        topics = await kafka(stack, places)
        tables = await dump(stack, places)
        for process in running:
            assert await asyncio.to_thread(stack.end, process) == 0
        assert collector.bodies
        for body in collector.bodies:
            places.add("trace", body)
    places.add("log of this process", own_log.getvalue())
    for file in stack.directory.rglob("*"):
        if file.is_file():
            places.add(file.name, file.read_bytes())

    assert topics >= 3
    assert {"personal", "personal_index", "audit", "audit_subjects", "messages", "reports", "report_receipts"} <= set(
        tables
    )
    assert {"gateway.log", "classifiers.log"} <= {place for place, _ in places.found}
    assert len(places.found) > 50
    assert places.leaks() == []


class _Recorded:
    """All that this process logs, from debug on, in the gateway's own form."""

    def __enter__(self) -> io.BytesIO:
        out = io.BytesIO()
        logs.configure("debug", out)
        logging.getLogger().setLevel(logging.DEBUG)
        return out

    def __exit__(self, *_: object) -> None:
        logs.stop()
        logging.basicConfig(level=logging.WARNING, handlers=[], force=True)


recorded = _Recorded


@pytest.mark.parametrize("value", [CANARIES["legal_name"], ORGANISATION["legal_name"]])
def test_a_value_in_a_log_line_would_be_found(value: str) -> None:
    places = Places()
    with recorded() as out:
        logging.getLogger("gateway.adapters.sql.personal").debug("kept %s", value)
    places.add("log", out.getvalue())

    assert places.leaks() != []


def written(text: str) -> Mapping[str, bytes]:
    """A text as it might stand somewhere."""
    return {
        "as it is": text.encode(),
        "in another case": text.upper().encode(),
        "UTF-16": text.encode("utf-16"),
        "base64": base64.b64encode(b"name=" + text.encode() + b";"),
        "base64 one further": base64.b64encode(b"a name=" + text.encode() + b";"),
        "base64 two further": base64.b64encode(b"my name=" + text.encode() + b";"),
        "hexadecimal": text.encode().hex().upper().encode(),
        "JSON": json.dumps(text).encode(),
        "JSON with escapes only": "".join(f"\\u{ord(c):04X}" for c in text).encode(),
        "percent encoding": quote(text).encode(),
        "without its spaces": text.replace(" ", "").lower().encode(),
    }


@pytest.mark.parametrize("how", list(written("")))
@pytest.mark.parametrize("value", [CANARIES["legal_name"], CANARIES["id_number"], ORGANISATION["legal_name"]])
def test_a_value_is_found_however_it_is_written(value: str, how: str) -> None:
    assert appearances("here", b"x\x00" + written(value)[how] + b"\x00y", WANTED) != []
    assert appearances("here", b"nothing of the kind", WANTED) == []
