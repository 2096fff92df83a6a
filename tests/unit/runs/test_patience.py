"""Breakers leave a failing model alone and let one call probe it; retries are earned."""

from smart_spawn.errors import BadRequest, Overloaded, ProviderError, RateLimited
from smart_spawn.runs.patience import FAILURES_TO_OPEN, FIRST_PAUSE_S, Breakers, RetryBudget

MODEL = ("provider", "vendor/model")


def broken(breakers: Breakers, error: ProviderError | None = None, *, at: float = 0.0) -> None:
    for _ in range(FAILURES_TO_OPEN):
        breakers.failed(*MODEL, error or Overloaded("busy"), at)


def test_a_model_that_keeps_failing_is_left_alone() -> None:
    """After some failures in a row nobody is let through, and the refusal says for how long."""
    breakers = Breakers()
    for _ in range(FAILURES_TO_OPEN - 1):
        breakers.failed(*MODEL, Overloaded("busy"), 0)
        assert breakers.refusal(*MODEL, 0) is None
    breakers.failed(*MODEL, Overloaded("busy"), 0)
    refusal = breakers.refusal(*MODEL, 5)
    assert refusal is not None
    assert refusal.retry_after_s == FIRST_PAUSE_S - 5
    assert breakers.refusal("provider", "vendor/other", 5) is None
    assert breakers.refusal("elsewhere", "vendor/model", 5) is None


def test_one_call_probes_and_its_answer_opens_the_way() -> None:
    """After the pause a single call is let through; the others wait for what comes of it."""
    breakers = Breakers()
    broken(breakers)
    assert breakers.refusal(*MODEL, FIRST_PAUSE_S) is None
    assert breakers.refusal(*MODEL, FIRST_PAUSE_S) is not None
    breakers.answered(*MODEL)
    assert breakers.refusal(*MODEL, FIRST_PAUSE_S) is None


def test_a_probe_that_fails_doubles_the_pause() -> None:
    """The longer a model is down, the less often it is asked, up to a limit."""
    breakers, now = Breakers(), 0.0
    broken(breakers)
    for pause in (15, 30, 60, 120, 240, 300, 300):
        assert breakers.refusal(*MODEL, now + pause - 1) is not None
        now += pause
        assert breakers.refusal(*MODEL, now) is None
        breakers.failed(*MODEL, Overloaded("busy"), now)


def test_a_probe_that_is_broken_off_lets_the_next_one_try() -> None:
    """A cancelled probe leaves the model neither well nor closed for ever."""
    breakers = Breakers()
    broken(breakers)
    assert breakers.refusal(*MODEL, 20) is None
    breakers.gave_up(*MODEL)
    assert breakers.refusal(*MODEL, 20) is None


def test_a_bad_request_says_nothing_against_the_provider() -> None:
    """Failures that are about the request do not count, and show that somebody answers."""
    breakers = Breakers()
    broken(breakers, BadRequest("too long"))
    assert breakers.refusal(*MODEL, 0) is None


def test_a_provider_that_asks_for_time_gets_it() -> None:
    """The pause is at least as long as `Retry-After`, within bounds."""
    breakers = Breakers()
    broken(breakers, RateLimited("slow down", retry_after_s=100))
    assert breakers.refusal(*MODEL, 99) is not None
    assert breakers.refusal(*MODEL, 100) is None


def test_retries_are_a_tenth_of_the_calls() -> None:
    """Of 1,000 calls that all fail, a tenth is tried again, besides what was there at the start."""
    budget = RetryBudget()
    retried = 0
    for _ in range(1000):
        budget.called("provider")
        retried += budget.take("provider")
    assert 100 <= retried <= 110
    assert budget.take("another")
