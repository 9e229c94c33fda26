"""A Kafka broker from Maven's artefacts, run by a Java runtime as a child of this process."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path

from deploy.local.errors import Missing, StartFailed
from deploy.local.kafka_settings import POM, settings
from deploy.local.processes import free_port, run, spawn, tail, terminate

_CACHE = POM.parents[2] / ".cache" / "kafka"
_OLDEST_JAVA = 17
# The serial collector needs no threads of its own: on a small machine they would compete with the test.
_BROKER_JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
# A short-lived tool: the optimising compiler would never pay back.
_TOOL_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def find_java() -> str | None:
    """Path of a Java 17 or newer (JAVA_HOME first, then PATH), None if there is none."""
    home = os.environ.get("JAVA_HOME")
    for java in (shutil.which("java", path=f"{home}/bin") if home else None, shutil.which("java")):
        if java is None:
            continue
        found = re.search(r'version "(\d+)', run([java, "-version"]).stdout)
        if found and int(found[1]) >= _OLDEST_JAVA:
            return java
    return None


def find_classpath() -> str | None:
    """The broker's class path, resolved by Maven once per content of the pom; None without Maven.

    Raises StartFailed with Maven's output if it cannot resolve the pom.
    """
    cached = _CACHE / f"{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}.classpath"
    if cached.exists():
        classpath = cached.read_text()
        # The cache outlives a cleaned Maven repository.
        if all(Path(jar).exists() for jar in classpath.split(os.pathsep)):
            return classpath
    maven = shutil.which("mvn")
    if maven is None:
        return None
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        fresh = Path(scratch) / "classpath"
        command = [maven, "-q", "-B", "-f", str(POM), "dependency:build-classpath"]
        command += ["-Dmdep.includeScope=runtime", f"-Dmdep.outputFile={fresh}"]
        done = run(command)
        if done.returncode != 0:
            raise StartFailed(f"Maven could not resolve {POM}:\n{done.stdout[-2000:]}")
        fresh.replace(cached)  # whole or not at all, whoever else is resolving at the same time
    return cached.read_text()


class JavaBroker:
    """One broker process with its directory; start() after stop() or kill() keeps the port and the data."""

    def __init__(self, directory: Path | None, port: int | None) -> None:
        """`directory` None: a temporary one, removed by remove(). Raises Missing without Java or Maven."""
        java = find_java()
        classpath = find_classpath() if java else None
        if java is None or classpath is None:
            raise Missing(
                "Kafka cannot be started: set KAFKA_BOOTSTRAP_SERVERS to a running broker, "
                f"or install Docker, or Java {_OLDEST_JAVA} or newer together with Maven."
            )
        self._java, self._classpath = java, classpath
        self._temporary = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="kafka-", ignore_cleanup_errors=True)
            directory = Path(self._temporary.name)
        self._directory = directory.resolve()
        self._port, self._controller_port = port or free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process, formatting its storage first if that is new; does not wait until it is ready."""
        data, properties = self._directory / "data", self._directory / "server.properties"
        self._directory.mkdir(parents=True, exist_ok=True)
        lines = settings(self._port, self._controller_port) | {"log.dirs": str(data)}
        properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        if not (data / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            tool = self._command(_TOOL_JVM, "kafka.tools.StorageTool")
            # Joined by "=": an id may begin with a hyphen and would be read as an option.
            tool += ["format", f"--cluster-id={cluster}", "--config", str(properties)]
            done = run(tool)
            if done.returncode != 0:
                raise StartFailed(f"Kafka's storage could not be formatted:\n{done.stdout[-2000:]}")
        command = [*self._command(_BROKER_JVM, "kafka.Kafka"), str(properties)]
        self._process = spawn(command, output=self._directory / "broker.out")

    def stop(self) -> None:
        if self._process is not None:
            terminate(self._process, (signal.SIGTERM, 20))

    def kill(self) -> None:
        if self._process is not None:
            terminate(self._process)

    def remove(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def last_lines(self) -> str:
        return tail(self._directory / "broker.out") + "\n" + tail(self._directory / "broker.log")

    def _command(self, jvm: tuple[str, ...], main: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={POM.with_name('log4j2.properties')}"
        file = f"-Dkafka.log.file={self._directory / 'broker.log'}"
        return [self._java, *jvm, logging, file, "-cp", self._classpath, main]
