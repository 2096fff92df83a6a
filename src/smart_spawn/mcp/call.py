"""One call of a tool: who asks, of which Smart Spawn, and how to tell them how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from smart_spawn.app import SmartSpawn
from smart_spawn.mcp.answers import Answer
from smart_spawn.mcp.arguments import Arguments
from smart_spawn.surface.caller import Caller, Scope

Told = Callable[[float, str], Awaitable[None]]
"""Takes how far it is, 0 to 100 and rising, and a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a tool needs to know beside its arguments."""

    app: SmartSpawn
    caller: Caller
    tell: Told
    """Does nothing where the client did not ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool. Its words are fixed: nothing that comes from outside is ever part of them."""

    name: str
    title: str
    description: str
    takes: type[Arguments]
    gives: type[Answer]
    needs: Scope
    carry_out: Callable[[Call, Arguments], Awaitable[Answer]]
    reads_only: bool = True
    destroys: bool = False
    spends: bool = False
    """Whether it reaches model providers, and costs money."""
