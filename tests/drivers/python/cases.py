"""What the programs of this folder share: cases that run in order and tell what they saw."""

import hashlib
import os
import sys
import traceback

URL = os.environ["DATABASE_URL"]

_cases = []


def case(function):
    """A case by its function's name; what it returns or yields is printed, a line each."""
    _cases.append(function)
    return function


def sqlstate(error):
    """The SQLSTATE in an exception of whichever library, or in what it was raised from."""
    while error is not None:
        for name in ("sqlstate", "pgcode"):
            code = getattr(error, name, None)
            if code:
                return code
        error = getattr(error, "orig", None) or error.__cause__
    return "-----"


def attempt(function, *arguments):
    """The SQLSTATE that a call ends with; `done` when it does not fail."""
    try:
        function(*arguments)
    except Exception as error:
        return sqlstate(error)
    return "done"


def tell(name, seen):
    text = seen if isinstance(seen, str) else repr(seen)
    for line in text.splitlines() or [""]:
        print(f"{name}: {line}")


def failed(name, error):
    traceback.print_exception(error, file=sys.stderr)
    text = " ".join(str(error).split())
    print(f"{name}: ERROR {sqlstate(error)} {type(error).__name__}: {text}")


def digest(values):
    """How many values there are, and a hash of them, for what is too much to print."""
    count, sum_ = 0, hashlib.sha256()
    for value in values:
        count += 1
        sum_.update(value if isinstance(value, bytes) else repr(value).encode())
    return f"{count} {sum_.hexdigest()[:16]}"


def lines_of(seen):
    return ["done"] if seen is None else [seen] if isinstance(seen, str) else seen


def run(client, connect):
    """Prints the client and runs every case with one connection; a case that fails gives the next a new one."""
    print(f"client: {client}")
    conn = connect()
    for function in _cases:
        try:
            for line in lines_of(function(conn)):
                tell(function.__name__, line)
        except Exception as error:
            failed(function.__name__, error)
            conn.close()
            conn = connect()
        sys.stdout.flush()
    conn.close()


async def run_async(client, connect):
    """The same for cases that are coroutines and return all their lines."""
    print(f"client: {client}")
    conn = await connect()
    for function in _cases:
        try:
            for line in lines_of(await function(conn)):
                tell(function.__name__, line)
        except Exception as error:
            failed(function.__name__, error)
            await conn.close()
            conn = await connect()
        sys.stdout.flush()
    await conn.close()
