"""`make load`: the locust profiles, headless, against a cluster of its own; fails on errors or lost messages.

A message is lost when it was answered 200 and the chat app does not list it, and it was published twice when the
chat app lists it more than once.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import orjson

from deploy.local.cluster import cluster
from deploy.local.stack import Stack

PROFILES = ("steady", "burst", "mixed", "retries")
MAX_ERROR_RATIO = 0.001


def run_profile(stack: Stack, profile: str, seconds: int, users: int) -> bool:
    """Run one profile and print its result; whether it passed."""
    before = _published(stack)
    with tempfile.TemporaryDirectory() as directory:
        prefix = Path(directory) / "result"
        command = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless", "--only-summary"]
        command += ["--host", stack.url, "--csv", str(prefix), "--loglevel", "ERROR"]
        environment = {
            **os.environ,
            "LOAD_PROFILE": profile,
            "LOAD_SECONDS": str(seconds),
            "LOAD_USERS": str(users),
            "LOAD_TARGET": "",  # what is counted here is what the demo's tenant published
        }
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        with Path(f"{prefix}_stats.csv").open() as file:
            rows = {row["Name"]: row for row in csv.DictReader(file)}
    total = rows["Aggregated"]
    requests, failures = int(total["Request Count"]), int(total["Failure Count"])
    allowed = rows.get("expect 200", {"Request Count": "0", "Failure Count": "0"})
    expected = int(allowed["Request Count"]) - int(allowed["Failure Count"])
    if profile == "retries":
        expected //= 3  # each message is sent three times under one key
    new = _published(stack)[len(before) :]
    texts = [row["body"]["text"] for row in new]
    lost, twice = max(0, expected - len(texts)), len(texts) - len(set(texts))
    passed = requests > 0 and failures <= requests * MAX_ERROR_RATIO and lost == 0 and twice == 0
    print(  # noqa: T201
        f"{profile:8} {requests:6} requests, {float(total['Requests/s']):7.1f}/s, p50 {total['50%']} ms, "
        f"p99 {total['99%']} ms, {failures} failures, {lost} lost, {twice} published twice: "
        f"{'passed' if passed else 'FAILED'}",
        flush=True,
    )
    return passed


def _published(stack: Stack) -> list[dict[str, dict[str, str]]]:
    with urllib.request.urlopen(f"{stack.upstream_url}/published") as response:  # noqa: S310 - our own
        rows: list[dict[str, dict[str, str]]] = orjson.loads(response.read())
        return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profiles", nargs="*", default=list(PROFILES), help=f"of {', '.join(PROFILES)}")
    parser.add_argument("--seconds", type=int, default=30, help="for each profile")
    parser.add_argument("--users", type=int, default=20, help="bots, five requests a second each")
    options = parser.parse_args()
    with cluster(gateways=2, workers=2) as stack:
        results = [run_profile(stack, profile, options.seconds, options.users) for profile in options.profiles]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
