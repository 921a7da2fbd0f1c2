"""What the Python client programs share: called as `PROGRAM COMMAND ARGS_JSON`, they answer with JSON lines.

The words are described in ../README.md; the same ones are spoken in JavaScript, Go and Java.
"""

import base64
import json
import os
import signal
import sys


def b64(data):
    return None if data is None else base64.b64encode(data).decode()


def unb64(text):
    return None if text is None else base64.b64decode(text)


def emit(**value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def read_records(path):
    """The records to send, with keys, values and header values as bytes or None."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            record["key"] = unb64(record["key"])
            record["value"] = unb64(record["value"])
            record["headers"] = [(name, unb64(value)) for name, value in record["headers"]]
            yield record


class Lacking(Exception):
    """Raised by an operation of `admin` that its client has only in part."""


def run_steps(steps, operations):
    """Runs each step of `admin`; a broker's error is an answer, not a failure of the program."""
    for step in steps:
        op = step.pop("op")
        operation = operations.get(op)
        if operation is None:
            emit(op=op, lacks="this client has no such call")
            continue
        try:
            emit(op=op, result=operation(**step))
        except Lacking as lack:
            emit(op=op, lacks=str(lack))
        except Exception as error:  # whatever the client throws is what it made of the broker's answer
            emit(op=op, error=f"{type(error).__name__} {error}")


def main(**commands):
    name, args = sys.argv[1], json.loads(sys.argv[2])
    commands[name](**args)


class Terminated:
    """Becomes true at the first SIGTERM: a group member's cue to leave in good order."""

    def __init__(self):
        self._set = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, *_):
        self._set = True

    def __bool__(self):
        return self._set


def end():
    """Leaves at once, without waiting for background threads of a client that was already closed."""
    sys.stdout.flush()
    os._exit(0)
