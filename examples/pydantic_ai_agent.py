"""Let a pydantic-ai agent run on whichever model fits: it needs tools, so only models that can call them are chosen.

pip install "pydantic-ai-slim[openai]"
make run                             # in another terminal
python examples/pydantic_ai_agent.py
"""

import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

URL = os.environ.get("SMART_SPAWN_URL", "http://127.0.0.1:3000")
KEY = os.environ.get("SMART_SPAWN_API_KEY", "none")

model = OpenAIChatModel("smart-spawn/auto:low", provider=OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY))
agent = Agent(model, instructions="Answer questions about the build with the tools you have.")


@agent.tool_plain
def failing_tests() -> list[str]:
    """Return the names of the tests that failed in the last build."""
    return ["test_a_cut_stream_goes_on", "test_memory_is_bounded"]


def main() -> None:
    """Ask something that takes a tool."""
    result = agent.run_sync("Which tests failed in the last build?")
    print(result.output)
    print(f"{result.usage.requests} requests, {result.usage.tool_calls} tool calls")


if __name__ == "__main__":
    main()
