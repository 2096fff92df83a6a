"""Put Smart Spawn into a LangChain chain: each call of the chain is routed by what it asks.

pip install langchain-openai
make run                             # in another terminal
python examples/langchain_chain.py
"""

import os

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

URL = os.environ.get("SMART_SPAWN_URL", "http://127.0.0.1:3000")
KEY = os.environ.get("SMART_SPAWN_API_KEY", "none")


def main() -> None:
    """Translate two texts at once, then stream a third."""
    prompt = ChatPromptTemplate.from_messages([("system", "Translate into {language}."), ("user", "{text}")])
    chain = (
        prompt
        | ChatOpenAI(model="smart-spawn/auto:low", base_url=f"{URL}/v1", api_key=KEY)
        | StrOutputParser()
    )
    print(chain.batch([{"language": "French", "text": "rain"}, {"language": "German", "text": "wind"}]))
    for part in chain.stream({"language": "Spanish", "text": "snow"}):
        print(part, end="")
    print()


if __name__ == "__main__":
    main()
