"""Read a task: what it asks for, the words that decided, its language, size and difficulty."""

from smart_spawn.classify.ask import newest_ask
from smart_spawn.classify.profile import TaskProfile, classify

__all__ = ["TaskProfile", "classify", "newest_ask"]
