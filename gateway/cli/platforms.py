"""Commands on route maps: list them, check one, try a request on one."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from gateway.core.shown import counted
from gateway.core.yaml_lines import unreadable
from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous, BadRequest, Call, Match, Platform
from gateway.platforms.routemap import RouteMapError, load
from gateway.platforms.shipped import load_shipped, shipped, text_of


@click.group()
def platforms() -> None:
    """Route maps: what the gateway knows of a chat app's publish API."""


@platforms.command("list")
def platforms_list() -> None:
    """List the route maps that come with the gateway."""
    for name in shipped():
        routes = load_shipped(name).routes
        published = sum(route.kind == "publish" for route in routes)
        click.echo(
            f"{name:12} {counted(published, 'kind')} of publish request, {counted(len(routes) - published, 'other')}"
        )


@platforms.command("show")
@click.argument("name")
def platforms_show(name: str) -> None:
    """Print the route map NAME, to start one's own from it."""
    try:
        click.echo(text_of(name), nl=False)
    except KeyError as error:
        raise click.ClickException(f"no platform {name}; there are {', '.join(shipped())}") from error


@platforms.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def platforms_check(files: tuple[Path, ...]) -> None:
    """Check route maps: each problem with its line and field, and what a map leaves to its default. Status 2 if there
    is a problem."""
    good = True
    for file in files:
        try:
            platform = load(_read(file))
        except RouteMapError as error:
            good = False
            for problem in error.problems:
                click.echo(f"{file}: {problem}")
        else:
            click.echo(f"{file}: valid, platform {platform.name}, {counted(len(platform.routes), 'route')}")
            _show_default(platform)
    sys.exit(0 if good else 2)


def _show_default(platform: Platform) -> None:
    """Say what becomes of requests that the map does not list, and name those whose path it knows."""
    does = {"judge": "judged by every string and file in them", "hold": "held", "refuse": "refused"}
    click.echo(f"  requests that are listed nowhere are {does[platform.default]}; of the paths that it names, these:")
    for path, methods in mapping.unlisted_methods(platform).items():
        click.echo(f"    {','.join(methods)} {path}")


@platforms.command("try")
@click.argument("name")
@click.argument("method")
@click.argument("url")
@click.option("--header", "headers", multiple=True, help="A header, as 'name: value'; may be repeated.")
@click.option("--body", default="", help="The body; @FILE reads it from a file.")
def platforms_try(name: str, method: str, url: str, headers: tuple[str, ...], body: str) -> None:
    """Show what is read in a request. NAME is a shipped route map or the path of one, URL a path or a whole address.

    Nothing is sent. Of the credential only its kind and length are shown. Status 1 if the request would be refused.
    """
    platform = _platform(name)
    call = _call(method, url, headers, body)
    try:
        match = mapping.recognise(platform, call.method, call.raw_path, call.query, call.headers)
        match = mapping.choose(platform, match, call)
        if match.passes:
            click.echo("route: listed in passes; it goes on unjudged")
            return
        click.echo(f"route: {match.route.id} ({match.route.kind})")
        for variable, value in match.variables.items():
            secret = any(one.kind == "path" and one.name == variable for one in _credentials(platform, match))
            click.echo(f"  {variable}: {'...' if secret else value}")
        _show_credential(platform, match, call)
        if match.route.kind == "publish":
            _show_message(platform, match, call)
    except Ambiguous as error:
        click.echo(f"refused: {error}")
        sys.exit(1)
    except BadRequest as error:
        for field, message in error.problems:
            click.echo(f"malformed: {field}: {message}")
        sys.exit(1)


def _credentials(platform: Platform, match: Match) -> list[mapping.Selector]:
    alternatives = match.route.account or platform.account
    return [selector for joined in alternatives for selector in joined if selector.kind != "const"]


def _show_credential(platform: Platform, match: Match, call: Call) -> None:
    credential = mapping.credential(platform, call, match)
    sources = ", ".join(dict.fromkeys(selector.source for selector in _credentials(platform, match)))
    if credential is None:
        click.echo(f"credential: none found in {sources}; the account is unknown")
    else:
        click.echo(f"credential: found, {counted(len(credential), 'character')} (looked for in {sources})")


def _show_message(platform: Platform, match: Match, call: Call) -> None:
    references = mapping.references(platform, match, call)
    message = mapping.read(platform, match, call, tenant_id="try", account_id="try")
    for text in message.texts:
        click.echo(f"text: {text!r}")
    for media in message.media:
        click.echo(f"media: {media.content_type} {media.url or 'sha256 ' + str(media.sha256)}")
    for reference in references:
        click.echo(f"reference: {reference!r}")
    for doubt in message.doubts:
        click.echo(f"doubt: {doubt}")
    click.echo(f"target: {message.target or 'none'}")
    click.echo(f"idempotency: {mapping.idempotency(platform, match, call) or 'none'}")
    click.echo(f"content hash: {message.content_hash}")


def _platform(name: str) -> Platform:
    try:
        return load_shipped(name) if name in shipped() else load(_read(Path(name)))
    except RouteMapError as error:
        raise click.ClickException("\n".join(f"{name}: {problem}" for problem in error.problems)) from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RouteMapError([unreadable(error)]) from error


def _call(method: str, url: str, headers: tuple[str, ...], body: str) -> Call:
    if url.startswith(("http://", "https://")):
        parts = urlsplit(url)
        path, query = parts.path or "/", parts.query
    else:
        path, _, query = url.partition("?")
    fields: list[tuple[bytes, bytes]] = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise click.BadParameter(f"{header!r}: write 'name: value'", param_hint="--header")
        fields.append((name.strip().lower().encode(), value.strip().encode()))
    try:
        data = Path(body[1:]).read_bytes() if body.startswith("@") else body.encode()
    except OSError as error:
        raise click.ClickException(f"{body[1:]} cannot be read: {error}") from error
    return Call(method, path.encode(), query.encode(), tuple(fields), data)
