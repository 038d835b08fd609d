"""A registry as the configuration describes it. Nothing is asked yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

import httpcore

from bridge.config.environment import proxy_for
from bridge.config.keys import registry_url
from bridge.config.sections import RegistryOAuth, SchemaRegistry
from bridge.errors import InvalidError, Misuse
from bridge.registry.apis import apicurio, confluent, glue
from bridge.registry.folder import FolderOfSchemas
from bridge.registry.lookups import RegistryLookups
from bridge.registry.outcomes import LookupResult, RegistryFailure
from bridge.registry.source import RegistrySource
from bridge.registry.transport.addresses import RegistryAddress
from bridge.registry.transport.http import Dial, Line
from bridge.registry.transport.logins import NoLogin, RegistryLogin, SecretFile, basic_login, bearer_login
from bridge.registry.transport.oauth import OAuthLogin
from bridge.registry.transport.tls import NO_TLS, TlsFiles

_APIS: Final = {"confluent": confluent, "apicurio": apicurio, "glue": glue}


def build_lookups(
    section: SchemaRegistry,
    environ: Mapping[str, str],
    *,
    warn: Callable[[str], None] = lambda _sentence: None,
    clock: Callable[[], float] = time.monotonic,
) -> RegistryLookups:
    """The look-ups of a bridge. `warn` is told sentences about `schema_registry.cache_dir`.

    Raises `Misuse` for addresses and certificates that cannot be used.
    """
    source = build_source(section, environ, clock=clock)
    folder = build_folder(section, source.urls, warn)
    return RegistryLookups(source, unknown_after=section.unknown_id_after, folder=folder, clock=clock)


def build_folder(section: SchemaRegistry, urls: Sequence[str], warn: Callable[[str], None]) -> FolderOfSchemas | None:
    """Where the configuration has schemas kept, if anywhere."""
    return None if section.cache_dir is None else FolderOfSchemas(section.cache_dir, section.type, urls, warn)


def build_source(
    section: SchemaRegistry, environ: Mapping[str, str], *, clock: Callable[[], float] = time.monotonic
) -> RegistrySource:
    """The registry itself. Raises as `build_lookups`."""
    addresses = [_address(text, f"urls[{number}]") for number, text in enumerate(section.urls)]
    dial = _dial(section, environ)
    login = _login(section, addresses, dial, clock)
    api = _APIS[section.type]
    return RegistrySource(addresses, login, dial, kind=section.type, fetch=api.fetch, newest=api.newest, clock=clock)


def _address(text: str, key: str) -> RegistryAddress:
    try:
        return RegistryAddress.parse(text)
    except InvalidError as error:
        raise Misuse(f"schema_registry.{key}: {error}") from None


def _dial(section: SchemaRegistry, environ: Mapping[str, str]) -> Dial:
    files = TlsFiles(section.tls.ca_file, section.tls.certificate_file, section.tls.key_file)
    try:
        files.check()
    except InvalidError as error:
        raise Misuse(str(error)) from None

    def dial(address: RegistryAddress) -> Line:
        tls = files.context() if address.base.startswith("https:") else NO_TLS
        return Line(address, tls=tls, proxy=_proxy(address, files, environ), timeout=section.timeout)

    return dial


def _proxy(address: RegistryAddress, files: TlsFiles, environ: Mapping[str, str]) -> httpcore.Proxy | None:
    given = proxy_for(address.base, environ)
    if given is None:
        return None
    try:
        url = urlsplit(given)
        if url.scheme in {"http", "https"} and url.hostname:
            host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
            port = url.port or (443 if url.scheme == "https" else 80)
            auth = (unquote(url.username), unquote(url.password or "")) if url.username else None
            tls = files.context() if url.scheme == "https" else None
            return httpcore.Proxy(f"{url.scheme}://{host}:{port}", auth, ssl_context=tls)
    except ValueError:
        pass
    # A message with the URL would repeat the password.
    sentence = "the proxy set in the environment must be an address such as http://proxy.example:3128"
    raise RegistryFailure(LookupResult.CONNECTION, sentence)


def _login(
    section: SchemaRegistry, addresses: Sequence[RegistryAddress], dial: Dial, clock: Callable[[], float]
) -> RegistryLogin:
    if section.type == "glue":
        return _aws(addresses[0])
    if section.basic_auth is not None:
        return basic_login(section.basic_auth.username, section.basic_auth.password_file)
    if section.bearer_token_file is not None:
        return bearer_login(section.bearer_token_file)
    if section.oauth is not None:
        return _oauth(section.oauth, dial, clock)
    return NoLogin()


def _aws(address: RegistryAddress) -> RegistryLogin:
    from bridge.aws.credentials import AwsCredentials  # noqa: PLC0415 - few use it, and all would pay for it
    from bridge.registry.transport.aws import AwsLogin  # noqa: PLC0415 - see above

    try:
        region = registry_url.region_of(address.base, address.region)
    except InvalidError as error:
        raise Misuse(f"schema_registry.urls[0]: {error}") from None
    return AwsLogin(region, AwsCredentials(region).keys)


def _oauth(section: RegistryOAuth, dial: Dial, clock: Callable[[], float]) -> OAuthLogin:
    more = {
        "target-sr-cluster": section.logical_cluster,
        "Confluent-Identity-Pool-Id": section.identity_pool,
    }
    return OAuthLogin(
        _address(section.token_endpoint, "oauth.token_endpoint"),
        section.client_id,
        SecretFile(section.client_secret_file, "oauth.client_secret_file"),
        scope=section.scope,
        more={name: value for name, value in more.items() if value},
        dial=dial,
        clock=clock,
    )
