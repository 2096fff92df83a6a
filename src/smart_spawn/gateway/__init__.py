"""Chats of any OpenAI-compatible client: read, routed, handed on with fallbacks, and paid."""

from smart_spawn.gateway.core import Gateway
from smart_spawn.gateway.shapes import Answered, Asker, Streamed

__all__ = ["Answered", "Asker", "Gateway", "Streamed"]
