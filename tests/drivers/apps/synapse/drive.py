"""Runs a Synapse homeserver on the database of DATABASE_URL and goes through its main use over HTTP."""

import hashlib
import hmac
import importlib.metadata
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import server
from people import CLIENT, Person, call, quoted, refusal
from server import NAME, SECRET, until

# In what people write, so that whoever looks into the database afterwards sees whose it is.
MARK = f"kept for {os.environ['PGUSER']}"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360f8cfc0f01f00050001ffa37cf2a40000000049454e44ae426082"
)


class World:
    """What the cases share."""

    process = ann = ben = carl = room = None


def start(it):
    server.configure()
    it.process = server.start()
    versions = call("GET", "/_matrix/client/versions")
    yield f"speaks {len(versions['versions']) > 5}"


def register(it):
    for name in ("ann", "ben"):
        body = {"username": name, "password": f"{name}'s", "auth": {"type": "m.login.dummy"}}
        told = call("POST", CLIENT + "/register", body)
        setattr(it, name, Person(name, told["access_token"]))
        yield told["user_id"]
    again = {"username": "ann", "password": "x", "auth": {"type": "m.login.dummy"}}
    yield f"taken: {refusal('POST', CLIENT + '/register', again)}"


def register_by_operator(it):
    nonce = call("GET", "/_synapse/admin/v1/register")["nonce"]
    parts = [nonce, "carl", "carl's", "admin"]
    mac = hmac.new(SECRET.encode(), b"\0".join(part.encode() for part in parts), hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": "carl", "password": "carl's", "admin": True, "mac": mac}
    it.carl = Person("carl", call("POST", "/_synapse/admin/v1/register", body)["access_token"])
    yield it.carl.get("/account/whoami")["user_id"]


def login(it):
    def body(secret):
        return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "ann"}, "password": secret}

    second = call("POST", CLIENT + "/login", body("ann's") | {"device_id": "SECOND"})
    yield f"{second['user_id']} on {second['device_id']}"
    yield f"wrong: {refusal('POST', CLIENT + '/login', body('guess'))}"
    yield f"devices {len(it.ann.get('/devices')['devices'])}"
    call("POST", CLIENT + "/logout", {}, second["access_token"])
    yield f"after: {refusal('GET', CLIENT + '/account/whoami', None, second['access_token'])}"


def profile(it):
    it.ann.put(f"/profile/{quoted(it.ann.id)}/displayname", {"displayname": "Ann of \"public\".the_ünited 🐘"})
    yield it.ben.get(f"/profile/{quoted(it.ann.id)}")["displayname"]
    it.ben.put(f"/profile/{quoted(it.ben.id)}/displayname", {"displayname": MARK})


def rooms(it):
    settings = {
        "preset": "public_chat",
        "visibility": "public",
        "room_alias_name": "public",
        "name": "public.rooms",
        "topic": f"It's about \\ 'everything', {MARK}",
    }
    it.room = it.ann.post("/createRoom", settings)["room_id"]
    it.ben.post(f"/join/{quoted('#public:' + NAME)}")
    it.ann.post(f"/rooms/{quoted(it.room)}/invite", {"user_id": it.carl.id})
    it.carl.post(f"/rooms/{quoted(it.room)}/join")
    members = it.ann.get(f"/rooms/{quoted(it.room)}/joined_members")["joined"]
    yield f"members {sorted(members)}"

    def listed():
        found = it.ben.post("/publicRooms", {"filter": {"generic_search_term": "everything"}})
        return [(room["name"], room["num_joined_members"]) for room in found["chunk"]]

    # Members are counted in the background.
    until(lambda: listed() == [("public.rooms", 3)], "the room in the list of public ones")
    yield f"listed {listed()}"
    taken = {"room_alias_name": "public"}
    yield f"taken: {refusal('POST', CLIENT + '/createRoom', taken, it.ann.token)}"


def messages(it):
    for number in range(20):
        (it.ann, it.ben)[number % 2].say(it.room, f"message {number} of an elephant in public.events")
    words = it.carl.read(it.room)
    yield f"{len(words)} read, from {words[0]!r} to {words[-1]!r}"
    first = it.ann.say(it.room, "frist")
    edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": first}, "m.new_content": {"body": "first", "msgtype": "m.text"}}
    it.ann.send(it.room, {"msgtype": "m.text", "body": "* first"} | edit)
    it.ben.send(it.room, {"m.relates_to": {"rel_type": "m.annotation", "event_id": first, "key": "👍"}}, "m.reaction")
    related = call("GET", f"/_matrix/client/v1/rooms/{quoted(it.room)}/relations/{quoted(first)}", token=it.ben.token)
    yield f"related {sorted(event['type'] for event in related['chunk'])}"
    it.ann.put(f"/rooms/{quoted(it.room)}/redact/{quoted(first)}/gone", {"reason": "a slip"})
    event = it.ben.get(f"/rooms/{quoted(it.room)}/event/{quoted(first)}")
    yield f"redacted {event['content']}"


def nul(it):
    """Postgres cannot store a NUL in text; the homeserver knows."""
    it.ann.say(it.room, "with a NUL \0 within")
    yield repr(it.ben.read(it.room, 1)[0])


def sync(it):
    first = it.ben.get("/sync?timeout=0")
    joined = first["rooms"]["join"][it.room]
    yield f"rooms {len(first['rooms']['join'])}, limited {joined['timeline']['limited']}"
    it.ann.say(it.room, "while ben waits")
    second = it.ben.get(f"/sync?timeout=10000&since={quoted(first['next_batch'])}")
    events = second["rooms"]["join"][it.room]["timeline"]["events"]
    yield f"new {[event['content'].get('body') for event in events]}"
    it.ben.post(f"/rooms/{quoted(it.room)}/receipt/m.read/{quoted(events[-1]['event_id'])}")
    third = it.ben.get(f"/sync?timeout=0&since={quoted(second['next_batch'])}")
    told = third["rooms"]["join"][it.room]
    yield f"unread {told.get('unread_notifications', {}).get('notification_count', 0)}"


def search(it):
    body = {"search_categories": {"room_events": {"search_term": "elephants", "order_by": "recent"}}}
    found = it.ben.post("/search", body)["search_categories"]["room_events"]
    yield f"{found['count']} of {sorted(found['highlights'])}"
    body["search_categories"]["room_events"] |= {"search_term": "\"message 7 of\" -public", "order_by": "rank"}
    found = it.ben.post("/search", body)["search_categories"]["room_events"]
    yield f"a phrase {found['count']} of {sorted(found['highlights'])}"


def directory(it):
    """The directory of users is filled in the background."""
    def found():
        return [user["user_id"] for user in it.ben.post("/user_directory/search", {"search_term": "ann"})["results"]]

    until(found, "ann in the directory")
    yield found()


def account_data(it):
    it.ann.put(f"/user/{quoted(it.ann.id)}/account_data/test.owner", {"owner": MARK})
    it.ann.put(f"/user/{quoted(it.ann.id)}/account_data/test.settings", {"schema": "public", "list": [1, None, "ü"]})
    it.ann.put(f"/user/{quoted(it.ann.id)}/rooms/{quoted(it.room)}/tags/m.favourite", {"order": 0.25})
    yield it.ann.get(f"/user/{quoted(it.ann.id)}/account_data/test.settings")
    yield it.ann.get(f"/user/{quoted(it.ann.id)}/rooms/{quoted(it.room)}/tags")
    it.ann.put("/pushrules/global/override/public", {"conditions": [], "actions": ["notify"]})
    yield [rule["rule_id"] for rule in it.ann.get("/pushrules/")["global"]["override"] if not rule["default"]]


def media(it):
    uploaded = call("POST", "/_matrix/media/v3/upload?filename=dot.png", PICTURE, it.ann.token, kind="image/png")
    path = uploaded["content_uri"].removeprefix("mxc://")
    back = call("GET", f"/_matrix/client/v1/media/download/{path}", token=it.ben.token)
    yield f"{len(back)} bytes, the same: {back == PICTURE}"
    listed = call("GET", f"/_synapse/admin/v1/users/{quoted(it.ann.id)}/media", token=it.carl.token)
    yield [(file["media_type"], file["media_length"], file["upload_name"]) for file in listed["media"]]


def keys(it):
    device = it.ann.get("/account/whoami")["device_id"]
    own = {"user_id": it.ann.id, "device_id": device, "algorithms": ["m.olm.v1"], "signatures": {}}
    own["keys"] = {f"ed25519:{device}": "akey"}
    once = {f"signed_curve25519:{n}": {"key": f"key {n}", "signatures": {}} for n in range(30)}
    yield it.ann.post("/keys/upload", {"device_keys": own, "one_time_keys": once})
    claims = [it.ben.post("/keys/claim", {"one_time_keys": {it.ann.id: {device: "signed_curve25519"}}}) for _ in range(3)]
    taken = {name for claim in claims for name in claim["one_time_keys"][it.ann.id][device]}
    yield f"claimed {len(taken)} different"
    it.ben.put("/sendToDevice/m.test/1", {"messages": {it.ann.id: {device: {"hello": "public"}}}})
    events = it.ann.get("/sync?timeout=5000")["to_device"]["events"]
    yield [(event["sender"], event["content"]) for event in events]


def crowd(it):
    """Ten at once, so that the homeserver's own pool is used up."""
    def talk(number):
        return [(it.ann, it.ben, it.carl)[number % 3].put(
            f"/rooms/{quoted(it.room)}/send/m.room.message/crowd{number}x{n}", {"msgtype": "m.text", "body": f"crowd {number}"}
        ) for n in range(5)]

    with ThreadPoolExecutor(10) as pool:
        sent = [told["event_id"] for all_of_it in pool.map(talk, range(10)) for told in all_of_it]
    words = [word for word in it.ben.read(it.room, 60) if word and word.startswith("crowd")]
    yield f"{len(set(sent))} sent, {len(words)} read"


def state(it):
    path = f"/rooms/{quoted(it.room)}/state"
    for topic in ("second", MARK, "third"):
        it.ann.put(f"{path}/m.room.topic", {"topic": topic})
    yield it.ben.get(f"{path}/m.room.topic")
    yield f"ben may not: {refusal('PUT', CLIENT + path + '/m.room.name', {'name': 'mine'}, it.ben.token)}"
    it.ann.post(f"/rooms/{quoted(it.room)}/ban", {"user_id": it.ben.id, "reason": "testing"})
    yield f"banned: {refusal('POST', CLIENT + '/rooms/' + quoted(it.room) + '/join', {}, it.ben.token)}"
    it.ann.post(f"/rooms/{quoted(it.room)}/unban", {"user_id": it.ben.id})
    it.ben.post(f"/rooms/{quoted(it.room)}/join")
    yield sorted({event["type"] for event in it.ann.get(path)})


def operator(it):
    token = it.carl.token
    users = call("GET", "/_synapse/admin/v2/users?order_by=name&dir=f", token=token)
    yield [(user["name"], user["admin"], user["displayname"].replace(MARK, "marked")) for user in users["users"]]
    seen = {"name": "public.rooms", "canonical_alias": f"#public:{NAME}", "joined_members": 3, "public": True, "topic": "third"}

    def noted():
        room = call("GET", f"/_synapse/admin/v1/rooms/{quoted(it.room)}", token=token)
        return {name: room[name] for name in seen}

    # Rooms are described in the background.
    until(lambda: noted() == seen, "the room's description")
    yield noted()
    yield f"not for ann: {refusal('GET', '/_synapse/admin/v2/users', None, it.ann.token)}"


def jobs(it):
    """Background updates of the schema end, and a purge is done in the background."""
    status = "/_synapse/admin/v1/background_updates/status"
    until(lambda: not call("GET", status, token=it.carl.token)["current_updates"], "the end of background updates")
    last = it.ann.say(it.room, "after the purge")
    purge = call("POST", f"/_synapse/admin/v1/purge_history/{quoted(it.room)}/{quoted(last)}",
                 {"delete_local_events": True}, it.carl.token)["purge_id"]
    path = f"/_synapse/admin/v1/purge_history_status/{purge}"
    until(lambda: call("GET", path, token=it.carl.token)["status"] not in ("active", "scheduled"), "the end of a purge")
    yield f"purge {call('GET', path, token=it.carl.token)['status']}, left {it.ben.read(it.room)}"


def restart(it):
    yield f"ended with {server.stop(it.process)}"
    it.process = server.start()
    yield it.ann.get("/account/whoami")["user_id"]
    it.ben.say(it.room, f"after the restart, {MARK}")
    yield [words.replace(MARK, "marked") for words in it.ann.read(it.room)]
    yield it.ann.get(f"/user/{quoted(it.ann.id)}/account_data/test.settings")


def leave(it):
    it.ben.post(f"/rooms/{quoted(it.room)}/leave")
    it.ben.post(f"/rooms/{quoted(it.room)}/forget")
    body = {"auth": {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "ben"}, "password": "ben's"}}
    it.ben.post("/account/deactivate", body | {"erase": True})
    yield f"ben afterwards: {refusal('GET', CLIENT + '/account/whoami', None, it.ben.token)}"
    yield [user["name"] for user in call("GET", "/_synapse/admin/v2/users?deactivated=false", token=it.carl.token)["users"]]


def complaints(it):
    server.stop(it.process)
    it.process = None
    yield f"{len(server.complaints())} errors in the log"
    for line in server.complaints():
        print(line, file=sys.stderr)


CASES = [
    start, register, register_by_operator, login, profile, rooms, messages, nul, sync, search, directory, account_data,
    media, keys, crowd, state, operator, jobs, restart, leave, complaints,
]


def main():
    print(f"client: Synapse {importlib.metadata.version('matrix-synapse')}")
    it = World()
    try:
        for case in CASES:
            begun = time.monotonic()
            try:
                for seen in case(it):
                    print(f"{case.__name__}: {seen}", flush=True)
            except Exception as error:
                traceback.print_exc()
                print(f"{case.__name__}: ERROR {error}".replace("\n", " "), flush=True)
                if it.process is None:
                    sys.exit(1)
            print(f"{case.__name__} took {time.monotonic() - begun:.1f} s", file=sys.stderr)
    finally:
        if it.process is not None and it.process.poll() is None:
            server.stop(it.process)


main()
