"""What is learned from outcomes: plain values in, beliefs out. No clock, no disk, no network."""

from smart_spawn.feedback.beliefs import Beliefs, Standing
from smart_spawn.feedback.outcome import Kind, Outcome
from smart_spawn.feedback.tally import Tally, learn

__all__ = ["Beliefs", "Kind", "Outcome", "Standing", "Tally", "learn"]
