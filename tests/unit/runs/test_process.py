"""A process on this machine is known to be gone as soon as it is; one elsewhere never is."""

import subprocess
import sys
from dataclasses import replace

import pytest

from smart_spawn.runs.process import is_gone, this_executor


def test_two_executors_never_share_an_id() -> None:
    """Every executor gets an id of its own, also within one process."""
    assert this_executor("1").id != this_executor("1").id
    assert this_executor("1", executor_id="mine").id == "mine"


def test_a_living_process_is_not_gone() -> None:
    """We are here."""
    assert not is_gone(this_executor("1"))


def test_a_process_that_ended_is_gone_also_when_its_number_is_used_again() -> None:
    """The start of a process tells it from another with the same number."""
    me = this_executor("1")
    if not me.machine:
        pytest.skip("this system does not tell when a process began: there nobody is ever known to be gone")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    assert is_gone(replace(me, pid=ended.pid))
    assert is_gone(replace(me, process_started="1"))


def test_nothing_is_known_of_other_machines() -> None:
    """A number means nothing elsewhere: only silence tells there."""
    me = this_executor("1")
    assert not is_gone(replace(me, machine="another", pid=1, process_started="1"))
    assert not is_gone(replace(me, machine="", pid=1, process_started="1"))
