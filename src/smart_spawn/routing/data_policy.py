"""Who may see the prompt: the request's data policy and the owner's, over what vendors declare."""

from __future__ import annotations

import numpy as np

from smart_spawn.catalog.snapshot import Bools, Catalog
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import DataPolicy


def policy_mask(wanted: DataPolicy, policy: RoutingPolicy, catalog: Catalog) -> Bools:
    """Tell which models the data policy admits."""
    denied = {*wanted.providers.deny, *policy.deny_providers}
    allowed = set(wanted.providers.allow)
    passes = np.ones(len(catalog), dtype=bool)
    if not denied and not allowed:
        return passes
    for at, listing in enumerate(catalog.listings):
        vendor = listing.provider
        passes[at] = vendor not in denied and (not allowed or vendor in allowed)
    return passes
