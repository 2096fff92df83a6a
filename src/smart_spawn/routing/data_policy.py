"""Who may see the prompt: the request's data policy and the owner's, over what hosts publish about themselves.

A model may be served by several companies. It stays a candidate while one of them satisfies the policy, and a call is
then limited to those. What is unknown does not satisfy a policy: a promise that nobody made cannot be relied upon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np

from smart_spawn.catalog.snapshot import Bools, Catalog
from smart_spawn.model import Listing
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import DataPolicy

EUROPEAN_UNION = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""What the region `EU` stands for (member states, ISO 3166-1)."""
OWN_API: Mapping[str, str] = {
    "x-ai": "xai",
    "mistralai": "mistral",
    "qwen": "alibaba",
    "google": "google-ai-studio",
    "meta": "meta",
    "amazon": "amazon-bedrock",
}
"""Vendors whose own service has another name, for models that the list of hosts does not hold yet."""


class Host(msgspec.Struct, frozen=True):
    """A company that runs models, and what it publishes about prompts. `None` is unknown."""

    region: str | None = None
    """Headquarters, ISO 3166-1 alpha-2."""
    trains: bool | None = None
    retains: bool | None = None


class Hosts(msgspec.Struct, frozen=True):
    """The list of hosts as of a day (routing/hosts.json, made by scripts/derive_hosts.py)."""

    as_of: str
    source: str
    hosts: dict[str, Host]
    models: dict[str, list[str]]

    def of(self, listing: Listing) -> Mapping[str, Host]:
        """Return who serves a model; its vendor's own service where the list does not know it."""
        slugs = self.models.get(listing.id) or self.models.get(listing.plain_id)
        if slugs is None:
            slugs = [OWN_API.get(listing.provider, listing.provider)]
        return {slug: self.hosts.get(slug, Host()) for slug in slugs}


@cache
def published_hosts() -> Hosts:
    """Read the list that ships with the package."""
    body = files(__package__).joinpath("hosts.json").read_bytes()
    return msgspec.json.decode(body, type=Hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Where a prompt may go for one model."""

    hosts: tuple[str, ...]
    """Hosts that satisfy the policy; empty when none does."""
    limited: bool
    """Whether a call must be limited to them."""


def restricts(wanted: DataPolicy, policy: RoutingPolicy) -> bool:
    """Tell whether anything at all is asked of the hosts."""
    return bool(
        not (wanted.allow_training and policy.allow_training)
        or wanted.zero_retention
        or wanted.regions
        or wanted.providers.allow
        or wanted.providers.deny
        or policy.deny_providers
    )


def policy_mask(wanted: DataPolicy, policy: RoutingPolicy, catalog: Catalog) -> Bools:
    """Tell which models the data policy admits; worth asking where it `restricts` anything."""
    return np.array(
        [bool(admitted(listing, wanted, policy).hosts) for listing in catalog.listings], dtype=bool
    )


def admitted(listing: Listing, wanted: DataPolicy, policy: RoutingPolicy) -> Admitted:
    """Return the hosts that may serve this model under the policy."""
    serving = _serving(listing, policy)
    limited = restricts(wanted, policy)
    denied = {name.casefold() for name in (*wanted.providers.deny, *policy.deny_providers)}
    allowed = {name.casefold() for name in wanted.providers.allow}
    if listing.provider in denied:
        return Admitted(hosts=(), limited=limited)
    return Admitted(
        hosts=tuple(
            slug
            for slug, host in serving.items()
            if slug not in denied
            and (not allowed or slug in allowed or listing.provider in allowed)
            and _satisfies(host, wanted, policy)
        ),
        limited=limited,
    )


def _serving(listing: Listing, policy: RoutingPolicy) -> Mapping[str, Host]:
    """Return who would serve a model: as its owner declared, else the configured provider, else published hosts."""
    if listing.declared is not None:
        said = listing.declared
        return {
            listing.served_by or listing.provider: Host(
                region=said.region, trains=said.trains_on_prompts, retains=said.retains_prompts
            )
        }
    own = next((host for host in policy.own_hosts if host.serves(listing.id)), None)
    if own is not None and not own.relays:
        return {own.name: Host(region=own.region, trains=own.trains, retains=own.retains)}
    return published_hosts().of(listing)


def _satisfies(host: Host, wanted: DataPolicy, policy: RoutingPolicy) -> bool:
    if not (wanted.allow_training and policy.allow_training) and host.trains is not False:
        return False
    if wanted.zero_retention and host.retains is not False:
        return False
    return not wanted.regions or (host.region or "").upper() in _countries(wanted.regions)


def _countries(regions: Iterable[str]) -> set[str]:
    named = {region.upper() for region in regions}
    return named | EUROPEAN_UNION if "EU" in named else named
