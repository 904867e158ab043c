"""What people and programs do through every proxy."""
import base64, hashlib, http.client, os

from appliance import ALICE, BOB, PASSWORD, WIKI
from client import PAGE, PROGRAM
from scene import check, is_identity_of, leads_to_login

UPLOAD = 100 << 20


@check("a page is led to the login, and from there back to where it was")
def page(at):
    for path in ["/", "/notes?q=a%20b&c=d", "/deep/er%2Cpath;v=1/?return_to=https://evil.example/"]:
        answer = at.stranger.ask(WIKI + path)
        assert answer.status == 302, answer
        leads_to_login(answer, WIKI + path)
    answer = at.stranger.ask(f"{WIKI}/form", "POST", body=b"a=b")
    assert answer.status == 303, answer
    at.nobody_came()


@check("a program is told 401")
def program(at):
    for headers in [PROGRAM, [*PAGE, ("X-Requested-With", "XMLHttpRequest")]]:
        answer = at.stranger.ask(f"{WIKI}/api", headers=headers)
        assert answer.status == 401 and not answer.value("www-authenticate"), answer
    answer = at.stranger.ask(f"{WIKI}/dav/", "PROPFIND", headers=PROGRAM)
    assert answer.status == 401 and answer.value("www-authenticate").startswith("Basic "), answer
    at.nobody_came()


@check("a wrong password of a program is told 401, whatever else came along")
def wrong_password(at):
    basic = base64.b64encode(b"alice:glk_nobody's").decode()
    for headers in [PAGE, PROGRAM]:
        answer = at.alice.ask(f"{WIKI}/dav/", headers=[*headers, ("Authorization", f"Basic {basic}")])
        assert answer.status == 401 and answer.value("www-authenticate").startswith("Basic "), answer
    at.nobody_came()


@check("a login at the portal leads back to the application")
def login(at):
    answer = at.alice.logs_in(f"{WIKI}/notes?q=a&b=%2F", "alice", PASSWORD)
    assert answer.status == 200, answer
    arrival = at.only()
    assert (arrival.method, arrival.target) == ("GET", "/notes?q=a&b=%2F"), arrival.target
    assert at.bob.logs_in(f"{WIKI}/", "bob@example.org", PASSWORD).status == 200


@check("a program is let in by an application password, at its hosts alone")
def app_password(at):
    for host, status in [("wiki.example.org", 200), ("other.example.org", 403)]:
        made = at.appliance.run("app-password", "add", "alice", "--name", "notes", "--host", host)
        at.application.forgets()
        basic = base64.b64encode(f"alice:{made['password']}".encode()).decode()
        answer = at.stranger.ask(f"{WIKI}/dav/", "PROPFIND", [*PROGRAM, ("Authorization", f"Basic {basic}"), ("Depth", "1")])
        assert answer.status == status, answer
        if status == 200:
            assert at.only().method == "PROPFIND"
            is_identity_of(at.only(), ALICE)
    at.nobody_came()


@check("the application is told who it is")
def identities(at):
    for visitor, who in [(at.alice, ALICE), (at.bob, BOB)]:
        at.application.forgets()
        assert visitor.ask(f"{WIKI}/").status == 200
        is_identity_of(at.only(), who)
    at.application.forgets()
    assert at.stranger.ask(f"{WIKI}/public").status == 200
    is_identity_of(at.only(), {})
    assert at.only().value("host") == "wiki.example.org"


@check("every method passes, and none without a login")
def methods(at):
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"]:
        assert at.stranger.ask(f"{WIKI}/thing", method).status in (302, 303), method
        at.nobody_came()
        assert at.alice.ask(f"{WIKI}/thing?a", method).status == 200, method
        assert (at.only().method, at.only().target) == (method, "/thing?a")
        at.application.forgets()


@check("bodies arrive as they were sent")
def bodies(at):
    body = os.urandom(1 << 20)
    for method in ["POST", "PUT"]:
        shown = at.alice.ask(f"{WIKI}/form", method, body=body).shown()
        assert (shown["method"], shown["length"], shown["sha256"]) == (method, len(body), hashlib.sha256(body).hexdigest()), shown
    with at.alice.exchange("wiki.example.org") as exchange:
        exchange.send_head("POST", "/form", [("Host", "wiki.example.org"), *at.alice.cookie_header("wiki.example.org"), *PAGE, ("Transfer-Encoding", "chunked")])
        for start in range(0, len(body), 50_000):
            piece = body[start : start + 50_000]
            exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        exchange.send(b"0\r\n\r\n")
        shown = exchange.answer().shown()
    assert (shown["length"], shown["sha256"]) == (len(body), hashlib.sha256(body).hexdigest()), shown


@check("100 MB are passed on while they arrive")
def upload(at):
    piece = os.urandom(1 << 20)
    digest = hashlib.sha256()
    with at.alice.exchange("wiki.example.org") as exchange:
        exchange.send_head("PUT", "/big", [("Host", "wiki.example.org"), *at.alice.cookie_header("wiki.example.org"), *PAGE, ("Content-Length", str(UPLOAD))])
        for number in range(UPLOAD // len(piece)):
            exchange.send(piece)
            digest.update(piece)
            if number == 3:
                assert at.application.wait_for(lambda arrivals: arrivals), "nothing has arrived when 4 MB are sent"
        shown = exchange.answer().shown()
    assert (shown["length"], shown["sha256"]) == (UPLOAD, digest.hexdigest()), shown


@check("an upload without a login is refused before it is read")
def refused_upload(at):
    for more, status in [(PAGE, 303), (PROGRAM, 401)]:
        with at.stranger.exchange("wiki.example.org") as exchange:
            exchange.send_head("POST", "/big", [("Host", "wiki.example.org"), *more, ("Content-Length", str(UPLOAD))])
            answer = exchange.head()
            assert answer.status == status, answer
    at.nobody_came()


@check("a WebSocket opens, and none without a login")
def websockets(at):
    def opened(visitor, path):
        key = base64.b64encode(os.urandom(16)).decode()
        headers = [("Host", "wiki.example.org"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                   ("Sec-WebSocket-Key", key), ("Origin", WIKI), *visitor.cookie_header("wiki.example.org")]
        exchange = visitor.exchange("wiki.example.org")
        exchange.send_head("GET", path, headers)
        return exchange, exchange.head()

    exchange, answer = opened(at.stranger, "/live")
    assert answer.status in (302, 401, 403), answer
    exchange.__exit__()
    at.nobody_came()
    exchange, answer = opened(at.alice, "/live")
    assert answer.status == 101, answer
    is_identity_of(at.only(), ALICE)
    for message in [b"hello", b"again"]:
        mask = os.urandom(4)
        exchange.send(bytes([0x81, 0x80 | len(message)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(message)))
        assert exchange.file.read(2 + len(message)) == bytes([0x81, len(message)]) + message
    exchange.__exit__()


@check("a long URL passes, and a longer one is refused")
def long_urls(at):
    path = f"/long/{'a' * 3000}?q={'b' * 2000}"
    answer = at.stranger.ask(WIKI + path)
    assert answer.status == 302, answer
    # The way back has to fit the head of an answer: beyond that it leads to the first page.
    leads_to_login(answer, f"{WIKI}/")
    short = f"/long/{'a' * 1000}"
    leads_to_login(at.stranger.ask(WIKI + short), WIKI + short)
    at.nobody_came()
    assert at.alice.ask(WIKI + path).status == 200
    assert at.only().target == path
    at.application.forgets()
    try:
        assert at.alice.ask(f"{WIKI}/{'c' * 20_000}").status >= 400
    except ConnectionError:
        pass
    at.nobody_came()


@check("a rule with groups lets in who is in them")
def groups(at):
    for path in ["/staff", "/staff/rota?week=2"]:
        assert at.alice.ask(WIKI + path).status == 403
        at.nobody_came()
        assert at.bob.ask(WIKI + path).status == 200
        at.application.forgets()


@check("what is the application's own stays so")
def own(at):
    answer = at.alice.ask(f"{WIKI}/", headers=[*PAGE, ("Authorization", "Bearer of-the-application"), ("X-Own", "1"), ("X-Own", "2")])
    assert answer.status == 200, answer
    assert at.only().value("authorization") == "Bearer of-the-application"
    assert answer.all("set-cookie") == ["application=its-own; Path=/"], answer
    answer = at.stranger.ask(f"{WIKI}/public/own-401", headers=PAGE)
    assert answer.status == 401 and b"own-401" in answer.body, answer


@check("plain HTTP leads to HTTPS")
def plain(at):
    connection = http.client.HTTPConnection("127.0.0.1", at.front.plain_port, timeout=30)
    connection.request("GET", "/notes?q=a%20b", headers={"Host": "wiki.example.org"})
    answer = connection.getresponse()
    location = (answer.getheader("location") or "").replace(f":{at.front.port}/", "/")
    assert (answer.status // 100, location) == (3, f"{WIKI}/notes?q=a%20b"), (answer.status, location)
    connection.close()
    at.nobody_came()
