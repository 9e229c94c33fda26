"""What can go wrong when a local Kafka or PostgreSQL is wanted."""


class Missing(RuntimeError):
    """No way to run the service was found; the message is one sentence saying what to install or set."""


class StartFailed(RuntimeError):
    """The service did not come up; the message has its last log lines, or what the tool preparing it said."""


class ExternalService(RuntimeError):
    """Asked to start, stop or kill a service that an environment variable names and somebody else runs."""
