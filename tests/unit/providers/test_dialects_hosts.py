"""What a provider that passes prompts on is told about where they may go."""

from smart_spawn.providers.dialects import COMMON, dialect_of
from smart_spawn.runs.ports import Message, ModelCall

CALL = ModelCall(
    model_id="acme/one",
    messages=(Message(role="user", content="hello"),),
    only_hosts=("nebius",),
    deny_training=True,
    zero_retention=True,
)


def test_the_data_policy_travels_with_the_call() -> None:
    """OpenRouter is told the hosts, and not to use hosts that train or keep."""
    body = dialect_of("openrouter", "https://openrouter.ai/api/v1").body(CALL, "acme/one")
    assert body["provider"] == {"only": ["nebius"], "data_collection": "deny", "zdr": True}


def test_other_servers_are_not_sent_what_they_do_not_know() -> None:
    """A server that runs the model itself gets a plain request."""
    assert "provider" not in COMMON.body(CALL, "acme/one")
