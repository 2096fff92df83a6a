"""Settings lead to the provider that serves a model, or to the setting that is missing."""

from __future__ import annotations

import pytest

from smart_spawn.errors import NoProvider, SettingsError
from smart_spawn.providers.fake_server import FakeServer
from smart_spawn.providers.registry import Providers
from smart_spawn.runs.ports import Message, ModelCall
from smart_spawn.settings import ProviderSettings, load_settings

LOCAL = ProviderSettings(
    base_url="http://127.0.0.1:9/v1", models=("qwen/*", "meta-llama/llama-4"), timeout_s=7
)
WIDE = ProviderSettings(base_url="http://127.0.0.1:9/v1", max_retries=3)


def call(model_id: str) -> ModelCall:
    return ModelCall(model_id=model_id, messages=(Message(role="user", content="hi"),))


@pytest.mark.parametrize(
    ("model_id", "provider"),
    [
        ("qwen/qwen3-coder", "local"),
        ("meta-llama/llama-4", "local"),
        ("meta-llama/llama-4:free", "wide"),
        ("openai/gpt-5", "wide"),
    ],
)
def test_the_first_provider_whose_patterns_match_serves_a_model(model_id: str, provider: str) -> None:
    """Order and patterns of the settings decide; no patterns means every id."""
    serving = Providers({"local": LOCAL, "wide": WIDE}, environ={}).serving(model_id)
    assert serving is not None
    assert serving.provider == provider


def test_patience_comes_from_the_settings() -> None:
    """Time-out and retries of a provider are those that its owner set."""
    providers = Providers({"local": LOCAL, "wide": WIDE}, environ={})
    local, wide = providers.require("qwen/qwen3"), providers.require("x/y")
    assert (local.timeout_s, local.max_retries) == (7, 1)
    assert (wide.timeout_s, wide.max_retries) == (120, 3)


async def test_without_any_provider_the_missing_setting_is_named() -> None:
    """Routing can choose the model; the error says what to set so that it can be called."""
    providers = Providers.of(load_settings(environ={}), environ={})
    assert providers.names == ()
    with pytest.raises(NoProvider) as caught:
        await providers.complete(call("vendor/model"))
    assert caught.value.code == "NO_PROVIDER"
    assert "OPENROUTER_API_KEY" in caught.value.hint
    assert "providers.<name>.base_url" in caught.value.hint


async def test_a_model_that_nobody_serves_is_named_with_the_way_out() -> None:
    """When providers are there but none matches, the hint names the list to extend."""
    with pytest.raises(NoProvider) as caught:
        await Providers({"local": LOCAL}, environ={}).complete(call("openai/gpt-5"))
    assert "`openai/*`" in caught.value.hint
    assert "providers.local.models" in caught.value.hint


def test_openrouter_is_there_once_its_key_is() -> None:
    """The usual variable is enough."""
    environ = {"OPENROUTER_API_KEY": "sk-or-test"}
    providers = Providers.of(load_settings(environ=environ), environ=environ)
    assert providers.names == ("openrouter",)


@pytest.mark.parametrize("base_url", ["https://user:secret@host/v1", "https://secret@host/v1"])
def test_an_address_with_a_password_in_it_is_refused_at_the_start(base_url: str) -> None:
    """Addresses are shown in logs and by `doctor`; the message names the setting and not the password."""
    with pytest.raises(SettingsError) as caught:
        Providers({"mine": ProviderSettings(base_url=base_url)}, environ={})
    assert "providers.mine.base_url" in caught.value.message
    assert "api_key_env" in caught.value.hint
    assert "secret" not in str(caught.value)


async def test_each_model_is_asked_at_its_own_provider() -> None:
    """Two servers, one `ChatClient`: the id decides who hears the prompt."""
    async with FakeServer(default="from a") as a, FakeServer(default="from b") as b:
        providers = Providers(
            {
                "a": ProviderSettings(base_url=a.base_url, models=("a/*",)),
                "b": ProviderSettings(base_url=b.base_url, models=("b/*",), model_names={"b/one": "one"}),
            },
            environ={},
        )
        answers = [await providers.complete(call("a/one")), await providers.complete(call("b/one"))]
        await providers.close()
    assert [(answer.text, answer.provider) for answer in answers] == [("from a", "a"), ("from b", "b")]
    assert [len(a.received), len(b.received)] == [1, 1]
    assert b.received[0].body["model"] == "one"


async def test_a_key_can_stay_in_its_own_variable() -> None:
    """`api_key_env` names the variable, and its value is what is sent."""
    async with FakeServer() as server:
        row = ProviderSettings(base_url=server.base_url, api_key_env="MY_KEY")
        providers = Providers({"mine": row}, environ={"MY_KEY": "from-the-variable"})
        await providers.complete(call("a/one"))
        await providers.close()
    assert server.received[0].headers["authorization"] == "Bearer from-the-variable"
