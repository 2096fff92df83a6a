"""OpenAI's Responses API, spoken to any model: requests, answers and streams, translated."""

from smart_spawn.gateway.responses.answering import ResponseStream, response_of
from smart_spawn.gateway.responses.asking import AskedResponse, read_response_request

__all__ = ["AskedResponse", "ResponseStream", "read_response_request", "response_of"]
