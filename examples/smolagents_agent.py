"""Let a smolagents agent think with whichever model fits, within a budget that is part of the model's name.

pip install "smolagents[openai]"
make run                             # in another terminal
python examples/smolagents_agent.py
"""

import os

from smolagents import OpenAIModel, ToolCallingAgent, tool

URL = os.environ.get("SMART_SPAWN_URL", "http://127.0.0.1:3000")
KEY = os.environ.get("SMART_SPAWN_API_KEY", "none")


@tool
def open_issues() -> str:
    """Return the titles of the open issues."""
    return "Streams end too early; Retries are not counted"


def main() -> None:
    """Ask something that takes a tool."""
    model = OpenAIModel(model_id="smart-spawn/auto:low", api_base=f"{URL}/v1", api_key=KEY)
    agent = ToolCallingAgent(tools=[open_issues], model=model, max_steps=4, verbosity_level=0)
    print(agent.run("Which issues are open?"))


if __name__ == "__main__":
    main()
