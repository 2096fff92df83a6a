"""Two servers on the loopback: a model provider that follows a script, and a door before our service that listens."""

from __future__ import annotations

import http.client
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HIDDEN = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>"
"""OpenClaw appends a message that begins so after the user's words."""
DIRECTIVES = ("CALL_TOOL:", "THEN:")


class Server(ABC):
    """A server in a thread, on a free port, that keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self, b"")

            def do_POST(self) -> None:
                owner.answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port: int = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""

    def close(self) -> None:
        """Stop listening: from now on connections are refused."""
        self._http.shutdown()
        self._http.server_close()


def send(request: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
    """Send a whole answer."""
    request.send_response(status)
    request.send_header("content-type", kind)
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


class Door(Server):
    """Passes requests on to our service, and can be slow about it."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.delay_s = 0.0
        super().__init__()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Pass one request on."""
        path = urlsplit(request.path).path
        seen = {"path": path, "body": json.loads(body) if body else None, "at": time.monotonic()}
        self.seen.append(seen)
        time.sleep(self.delay_s)
        behind = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=120)
        try:
            kind = request.headers.get("content-type", "application/json")
            behind.request(request.command, request.path, body or None, {"content-type": kind})
            answer = behind.getresponse()
            seen["status"] = answer.status
            send(request, answer.status, answer.headers.get("content-type", ""), answer.read())
        except ConnectionError:
            request.close_connection = True  # the service has ended, or who asked is gone
        finally:
            behind.close()


class Models(Server):
    """An OpenAI-compatible provider: does what `CALL_TOOL:name:{...}` in the user's words says."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        super().__init__()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer a completion, streamed where that is asked for."""
        if request.command == "GET":
            send(request, 200, "application/json", b'{"object": "list", "data": []}')
            return
        asked = json.loads(body)
        text = json.dumps(asked["messages"])
        self.seen.append({"model": asked["model"], "text": text, "tools": tool_names(asked)})
        if asked["model"] in self.failing:
            send(request, 503, "application/json", b'{"error": {"message": "no capacity"}}')
            return
        message = reply(asked)
        if asked.get("stream"):
            self._stream(request, asked["model"], message)
        else:
            send(request, 200, "application/json", json.dumps(completion(asked["model"], message)).encode())

    def _stream(self, request: BaseHTTPRequestHandler, model: str, message: Mapping[str, Any]) -> None:
        request.send_response(200)
        request.send_header("content-type", "text/event-stream")
        request.send_header("connection", "close")
        request.end_headers()
        finish = "tool_calls" if "tool_calls" in message else "stop"
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        for part in (
            {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
            {"choices": [], "usage": usage},
        ):
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, **part}
            request.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        request.wfile.write(b"data: [DONE]\n\n")
        request.close_connection = True

    def calls_with(self, mark: str) -> list[str]:
        """Name the models that were asked as sub-agents about a task with this mark."""
        seen = list(self.seen)
        return [one["model"] for one in seen if "[Subagent Task]" in one["text"] and mark in one["text"]]


def tool_names(asked: Mapping[str, Any]) -> set[str]:
    """List the tools that a model was given."""
    return {tool["function"]["name"] for tool in asked.get("tools") or ()}


def completion(model: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole completion."""
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": usage,
    }


def reply(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Make the next call of the script, or say that all is done."""
    messages = asked["messages"]
    at, script = next(_scripts(messages), (0, []))
    results = [plain(one) for one in messages[at:] if one["role"] == "tool"]
    if len(results) >= len(script):
        saw = f"; saw: {results[-1][-2000:]}" if results else ""
        return {"role": "assistant", "content": f"FAKE[{asked['model']}] done{saw}"}
    name, arguments = script[len(results)]
    if name not in tool_names(asked) and "tool_call" in tool_names(asked):
        name, arguments = "tool_call", {"id": name, "args": arguments}
    call = {"name": name, "arguments": json.dumps(arguments).replace("{MODEL}", model_in(results))}
    calls = [{"index": 0, "id": f"call_{len(results)}", "type": "function", "function": call}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _scripts(messages: list[dict[str, Any]]) -> Iterator[tuple[int, list[tuple[str, Any]]]]:
    for at in range(len(messages) - 1, -1, -1):
        text = plain(messages[at])
        if messages[at]["role"] == "user" and DIRECTIVES[0] in text and not text.startswith(HIDDEN):
            yield at, script_of(text)


def script_of(text: str) -> list[tuple[str, Any]]:
    """Read `CALL_TOOL:name:{...} THEN:name:{...}`."""
    calls = []
    rest = text
    for word in DIRECTIVES:
        while word in rest:
            rest = rest.partition(word)[2]
            name, _, tail = rest.partition(":")
            arguments, end = json.JSONDecoder().raw_decode(tail)
            calls.append((name, arguments))
            rest = tail[end:]
    return calls


def plain(message: Mapping[str, Any]) -> str:
    """Return the words of a message."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def model_in(results: list[str]) -> str:
    """Return the first model that the last result names."""
    found = results[-1].replace('\\"', '"').partition('"model":')[2].strip() if results else ""
    return found[1:].partition('"')[0] if found.startswith('"') else ""
