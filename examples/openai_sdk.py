"""Use Smart Spawn from the OpenAI SDK: change the base URL and the model, and leave the rest of the program alone.

make run                             # in another terminal
python examples/openai_sdk.py
"""

import os

from openai import OpenAI

URL = os.environ.get("SMART_SPAWN_URL", "http://127.0.0.1:3000")
KEY = os.environ.get("SMART_SPAWN_API_KEY", "none")  # a service without keys takes any


def main() -> None:
    """Ask once with the headers that say what was chosen, and once as a stream."""
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
    ask = {"role": "user", "content": "Explain what this regular expression matches: ^(a+)+$"}

    answer = client.chat.completions.with_raw_response.create(model="smart-spawn/auto:low", messages=[ask])
    print(answer.parse().choices[0].message.content)
    print(f"by {answer.headers['x-smart-spawn-model']}, sure to {answer.headers['x-smart-spawn-confidence']}")

    for chunk in client.chat.completions.create(model="smart-spawn/auto", messages=[ask], stream=True):
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="")
    print()


if __name__ == "__main__":
    main()
