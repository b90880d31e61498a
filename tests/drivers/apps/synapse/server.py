"""A Synapse homeserver of one's own: how it is configured, started, asked and stopped."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

NAME = "stuff.test"
SECRET = "a secret for registrations"
PATIENCE = 90.0


class ByPath(http.client.HTTPConnection):
    """HTTP over a socket in the working folder, which no other homeserver can be listening on."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect("hs.sock")


def ask(method, path, body=None, token=None, kind="application/json"):
    """One request; returns the status and what was answered."""
    connection = ByPath("localhost")
    headers = {"Content-Type": kind, "X-Forwarded-For": "127.0.0.1"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    if (answer.headers.get_content_type() or "") == "application/json":
        told = json.loads(told)
    return answer.status, told


def configure():
    """Writes the configuration for the database that DATABASE_URL names."""
    url = urllib.parse.urlparse(os.environ["DATABASE_URL"])
    freely = {"per_second": 10_000, "burst_count": 10_000}
    here = os.getcwd()
    settings = {
        "server_name": NAME,
        "pid_file": f"{here}/hs.pid",
        "listeners": [{"path": f"{here}/hs.sock", "type": "http", "x_forwarded": True, "resources": [{"names": ["client"]}]}],
        "database": {
            "name": "psycopg2",
            # The database's collation is the store owner's business; what is compared does not hang on it.
            "allow_unsafe_locale": True,
            "args": {
                "user": urllib.parse.unquote(url.username),
                "password": urllib.parse.unquote(url.password),
                "host": url.hostname,
                "port": url.port,
                "dbname": url.path[1:],
                "cp_min": 5,
                "cp_max": 10,
            },
        },
        "log_config": f"{here}/log.yaml",
        "media_store_path": f"{here}/media",
        "signing_key_path": f"{here}/signing.key",
        "registration_shared_secret": SECRET,
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "bcrypt_rounds": 4,
        "macaroon_secret_key": "macaroons",
        "form_secret": "forms",
        "report_stats": False,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "user_directory": {"search_all_users": True},
        "room_list_publication_rules": [{"action": "allow"}],
        "background_updates": {"sleep_enabled": False},
        "rc_message": freely,
        "rc_registration": freely,
        "rc_joins": {"local": freely, "remote": freely},
        "rc_room_creation": freely,
        "rc_login": {"address": freely, "account": freely, "failed_attempts": freely},
        "rc_invites": {"per_room": freely, "per_user": freely, "per_issuer": freely},
    }
    logging = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "formatter": "plain", "filename": "hs.log"}},
        "root": {"level": "INFO", "handlers": ["file"]},
    }
    for name, content in (("homeserver.yaml", settings), ("log.yaml", logging)):
        with open(name, "w", encoding="utf-8") as file:
            json.dump(content, file)
    if not os.path.exists("signing.key"):
        with open("signing.key", "w", encoding="utf-8") as file:
            file.write("ed25519 a_test 8Vn4cIXYXL4l0SPBfNb8oQOGBbWlFTZF4T4l4mKZp1k\n")


def start():
    """Starts the homeserver and returns when it answers."""
    command = [sys.executable, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
    with open("hs.out", "ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    until(lambda: process.poll() is not None or answers(), "the homeserver's first answer")
    if process.poll() is not None:
        raise RuntimeError(f"the homeserver ended with {process.returncode}: {last_words()}")
    return process


def answers():
    """Whether the homeserver answers yet."""
    try:
        return ask("GET", "/health")[0] == 200
    except OSError:
        return False


def stop(process):
    """Ends it as an operator does, and returns its status."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "killed"


# What a background update says of itself when the room that it looks at changes meanwhile.
ONCE_MORE = "so we can just try again"


def complaints():
    """Lines of its log that say that something went wrong, and is not tried once more at once."""
    with open("hs.log", encoding="utf-8") as log:
        wrong = [line.strip() for line in log if " ERROR " in line or " CRITICAL " in line]
    return [line for line in wrong if ONCE_MORE not in line]


def last_words():
    """The end of what it wrote, for people."""
    words = []
    for name in ("hs.out", "hs.log"):
        if os.path.exists(name):
            with open(name, encoding="utf-8") as file:
                words.append(file.read()[-3000:])
    return "\n".join(words)


def until(condition, what):
    """Waits for something that happens by itself."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come; {last_words()}")
        time.sleep(0.1)
