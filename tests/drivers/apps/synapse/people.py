"""Somebody with an account on the homeserver, and what they ask of it."""

import urllib.parse

from server import NAME, ask

CLIENT = "/_matrix/client/v3"


class Refused(Exception):
    """An answer other than 200."""


def call(method, path, body=None, token=None, **more):
    """A request that must be granted."""
    status, told = ask(method, path, body, token, **more)
    if status != 200:
        raise Refused(f"{method} {path} {status} {told}")
    return told


def quoted(text):
    return urllib.parse.quote(text, safe="")


class Person:
    """Somebody with an account on the homeserver."""

    def __init__(self, name, token):
        self.name, self.token, self.id = name, token, f"@{name}:{NAME}"
        self.sent = 0

    def get(self, path):
        return call("GET", CLIENT + path, token=self.token)

    def put(self, path, body):
        return call("PUT", CLIENT + path, body, self.token)

    def post(self, path, body=None):
        return call("POST", CLIENT + path, body or {}, self.token)

    def send(self, room, content, kind="m.room.message"):
        self.sent += 1
        path = f"/rooms/{quoted(room)}/send/{kind}/{self.name}{self.sent}"
        return self.put(path, content)["event_id"]

    def say(self, room, words):
        return self.send(room, {"msgtype": "m.text", "body": words})

    def read(self, room, limit=100):
        """The room's last messages, latest first, in pages."""
        words, start = [], ""
        while len(words) < limit:
            page = self.get(f"/rooms/{quoted(room)}/messages?dir=b&limit=7{start}")
            words += [event["content"].get("body") for event in page["chunk"] if event["type"] == "m.room.message"]
            if "end" not in page:
                break
            start = f"&from={quoted(page['end'])}"
        return words


def refusal(method, path, body=None, token=None):
    status, told = ask(method, path, body, token)
    return f"{status} {told.get('errcode')}"
