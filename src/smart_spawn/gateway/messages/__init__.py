"""Anthropic's Messages API, spoken to any model: requests, answers, streams and errors, translated."""

from smart_spawn.gateway.messages.answering import MessageStream, message_of
from smart_spawn.gateway.messages.asking import AskedMessage, read_message_request
from smart_spawn.gateway.messages.failing import message_error

__all__ = ["AskedMessage", "MessageStream", "message_error", "message_of", "read_message_request"]
