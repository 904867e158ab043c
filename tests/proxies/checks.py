"""What must be true through every proxy, asked by HTTP."""
import base64, hashlib, http.client, itertools, json, os, re, subprocess, urllib.parse

from appliance import ALICE, BOB, PASSWORD, PORTAL, WIKI
from client import OWN_ADDRESS, PAGE, PROGRAM, Visitor

IDENTITY = list(ALICE)
UPLOAD = 100 << 20
ALL = []


def check(words):
    def note(function):
        ALL.append((words, function))
        return function

    return note


def login_at(url):
    return f"{PORTAL}/login?return_to={urllib.parse.quote(url, safe='')}"


def leads_to_login(answer, url):
    asked = urllib.parse.urlsplit(answer.value("location") or "")
    assert f"{asked.scheme}://{asked.netloc}{asked.path}" == f"{PORTAL}/login", answer
    assert urllib.parse.parse_qs(asked.query) == {"return_to": [url]}, answer


def identity(arrival):
    """Every header that an application may take for one of ours."""
    plain = [(re.sub("[^a-z0-9]", "-", name.lower()), value) for name, value in arrival.headers]
    return [(name, value) for name, value in plain if name in IDENTITY]


def is_identity_of(arrival, who):
    """Each header once; what is empty may be left out."""
    assert sorted(pair for pair in identity(arrival) if pair[1]) == sorted(who.items()), arrival.headers


class Scene:
    """A proxy, the application, the appliance, and the people before them."""

    def __init__(self, front, application, appliance):
        self.front, self.application, self.appliance = front, application, appliance
        self.stranger, self.alice, self.bob = Visitor(front), Visitor(front), Visitor(front)

    def reached(self):
        return self.application.arrivals

    def only(self):
        assert len(self.reached()) == 1, [arrival.target for arrival in self.reached()]
        return self.reached()[0]

    def nobody_came(self):
        assert not self.reached(), [(arrival.method, arrival.target) for arrival in self.reached()]


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


def claims():
    """Ways to claim to be somebody: in every spelling, also doubled."""
    for name in ["Remote-User", "remote-user", "REMOTE-USER", "rEmOtE-UsEr", "Remote_User", "remote_user", "REMOTE_USER", "Remote-user"]:
        yield [(name, "mallory")]
        yield [(name, "mallory"), (name, "root")]
    yield [("Remote-User", "mallory"), ("Remote_User", "mallory"), ("remote-user", "")]
    for name in ["Remote-Groups", "Remote_Groups", "Remote-Email", "Remote_Email", "Remote-Name", "Remote_Name", "REMOTE_NAME"]:
        yield [(name, "mallory")]
    yield [(f"Remote{dash}{what}", "mallory") for dash in "-_" for what in ["User", "Groups", "Email", "Name"]]


@check("nobody is who they claim to be")
def spoofed(at):
    for headers in claims():
        for visitor, path, who in [(at.alice, "/", ALICE), (at.stranger, "/public", {})]:
            at.application.forgets()
            assert visitor.ask(WIKI + path, headers=[*PAGE, *headers]).status == 200, headers
            is_identity_of(at.only(), who)
            assert not any("mallory" in value for _, value in at.only().headers), at.only().headers
    at.application.forgets()
    # Said to be of one hop only, so that the next one drops them.
    for name in [*IDENTITY, "cookie", "x-forwarded-uri", "x-original-url"]:
        headers = [("Connection", f"close, {name}"), ("Remote-User", "mallory")]
        at.alice.ask(f"{WIKI}/", headers=[*PAGE, *headers])
        at.stranger.ask(f"{WIKI}/private", headers=[*PAGE, *headers])
    for arrival in at.reached():
        assert arrival.target == "/", arrival.target
        assert all(pair in ALICE.items() for pair in identity(arrival) if pair[1]), arrival.headers


@check("nobody chooses what is asked about")
def metadata(at):
    wrong = [("Uri", "/public"), ("Host", "open.example.org"), ("Proto", "http"), ("Method", "OPTIONS"), ("Port", "80"), ("Prefix", "/public")]
    spellings = [f"X{dash}Forwarded{dash}" for dash in "-_"] + ["x-forwarded-", "X-FORWARDED-"]
    headers = [[(prefix + name, value)] for prefix in spellings for name, value in wrong]
    headers += [[("X-Forwarded-Uri", "/public"), ("X-Forwarded-Uri", "/public")], [(f"X-Forwarded-{name}", value) for name, value in wrong]]
    headers += [[(name, "https://wiki.example.org/public")] for name in ["X-Original-URL", "X_Original_URL", "X-Original-Uri", "X-Rewrite-URL"]]
    headers += [[("X-Original-Method", "OPTIONS")], [("Forwarded", "host=open.example.org")], [("X-HTTP-Method-Override", "OPTIONS")]]
    for more in headers:
        for visitor in [at.stranger, at.alice]:
            answer = visitor.ask(f"{WIKI}/private", headers=[*PAGE, *more])
            assert answer.status in (400, 403), (more, answer)
    at.nobody_came()


@check("the host that is asked about is the one that is reached")
def hosts(at):
    for target, named in [
        ("https://wiki.example.org/x", ["open.example.org"]), ("https://open.example.org/x", ["wiki.example.org"]),
        ("/x", ["open.example.org"]), ("/x", ["open.example.org", "wiki.example.org"]), ("/x", ["wiki.example.org", "open.example.org"]),
        ("/x", ["wiki.example.org@open.example.org"]), ("/x", ["open.example.org, wiki.example.org"]), ("/x", ["wiki.example.org.evil.example"]),
        ("//open.example.org/x", ["wiki.example.org"]), ("http://open.example.org@wiki.example.org/x", ["open.example.org"]), ("/x", []),
    ]:
        with at.stranger.exchange("wiki.example.org") as exchange:
            exchange.send_head("GET", target, [*(("Host", name) for name in named), *PAGE, ("Connection", "close")])
            try:
                answer = exchange.answer()
                assert answer.status != 200 or b'"target"' not in answer.body, (target, named, answer)
            except ConnectionError:
                pass
    at.nobody_came()


@check("the client's address is the last hop's")
def addresses(at):
    for more in [[], [("X-Forwarded-For", "10.1.2.3")], [("X-Forwarded-For", "10.1.2.3, 10.9.9.9")], [("X-Real-IP", "10.1.2.3")], [("X_Forwarded_For", "10.1.2.3")]]:
        assert at.stranger.ask(f"{WIKI}/far", headers=[*PAGE, *more]).status == 403, more
        at.nobody_came()
        assert at.stranger.ask(f"{WIKI}/near", headers=[*PAGE, *more]).status == 200, more
        hops = [hop.strip() for name, value in at.only().headers if name.lower() == "x-forwarded-for" for hop in value.split(",")]
        assert hops[-1] == "127.0.0.2", hops
        at.application.forgets()


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
    leads_to_login(answer, WIKI + path)
    at.nobody_came()
    assert at.alice.ask(WIKI + path).status == 200
    assert at.only().target == path
    at.application.forgets()
    try:
        assert at.alice.ask(f"{WIKI}/{'c' * 20_000}").status >= 400
    except ConnectionError:
        pass
    at.nobody_came()


def readings(target):
    """Where servers may find themselves that read a path in their own way."""
    path = re.split("[?#]", target)[0]
    for decoded, backslashes, parameters, slashes in itertools.product(range(3), [False, True], [False, True], [False, True]):
        read = path
        for _ in range(decoded):
            read = urllib.parse.unquote(read)
        read = read.replace("\\", "/") if backslashes else read
        read = re.sub(";[^/]*", "", read) if parameters else read
        read = re.sub("/+", "/", read) if slashes else read
        kept = []
        for part in read.split("/"):
            if part == ".." and kept:
                kept.pop()
            elif part not in ("", ".", ".."):
                kept.append(part)
        yield "/" + "/".join(kept)


ODD = """//private /%70rivate /./private /.//private /x/../private /public/../private /public/%2e%2e/private /public/.%2e/private /public/%2E./private
/public%2f..%2fprivate /public/..%2fprivate /public/..;/private /public/..;a=b/private /public;/../private /public/;/../private /public//../private
/public/\\..\\private /public\\..\\private /public/..\\private /private/ /private; /private;a /private/.. /private%2f /private%00 /%2fprivate /%2e/private
/public/..%5cprivate /public/%5c..%5cprivate /public/%252e%252e/private /public/..%252fprivate /%2570rivate /public/..%00/private /public/../%70rivate
/public/x/../../private /public/%c0%ae%c0%ae/private /public#/../private /public%23/../private /public?/../../private /private?public /private?/public
/public/.../private /public/%2e%2e;/private /public/..%3b/private /public/..//private /public///..///private /public/%09../private /public%20/../private
//wiki.example.org/private ///private /public/..%2f..%2fprivate /public/.%00./private /%2f%2fprivate /public/..%ef%bc%8fprivate""".split()


@check("no odd path gets past a rule")
def odd_paths(at):
    answered = 0
    for target in [*ODD, "*", "private", "wiki.example.org:443", "/public /private", "/public\t/private"]:
        for visitor in [at.stranger, at.alice]:
            for method in ["GET", "POST"]:
                try:
                    visitor.ask(WIKI, method, target=target)
                    answered += 1
                except (ConnectionError, ValueError, IndexError):
                    pass
        for arrival in at.reached():
            seen = set(readings(arrival.target))
            assert not any(path == "/private" or path.startswith("/private/") for path in seen), (target, arrival.target)
            if not any(identity(arrival)) or not dict(identity(arrival)).get("remote-user"):
                assert all(path.startswith("/public") for path in seen), (target, arrival.target)
        at.application.forgets()
    assert answered > 3 * len(ODD), answered


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


def by_curl(at, visitor, path, headers, body=None):
    """The status, and what the application showed."""
    words = ["curl", "--silent", "--show-error", "--http2", "--interface", OWN_ADDRESS, "--cacert", at.front.certificate, "--max-time", "60",
             "--connect-to", f"wiki.example.org:443:127.0.0.1:{at.front.port}", "--write-out", "\\n%{http_version} %{http_code}", WIKI + path]
    for name, value in [*headers, *visitor.cookie_header("wiki.example.org")]:
        words += ["--header", f"{name}: {value}"]
    output = subprocess.run([*words, *(["--data-binary", "@-"] if body else [])], input=body, capture_output=True, check=True).stdout
    shown, said = output.rsplit(b"\n", 1)
    version, status = said.decode().split(" ")
    assert version == ("2" if at.front.has_http2 else "1.1"), said
    return int(status), shown


@check("curl, which speaks HTTP/2 where it can, is answered alike")
def curl(at):
    for path, headers, status in [("/", PAGE, 302), ("/", PROGRAM, 401), ("/private", PAGE, 403), ("/public/../private", PAGE, 403)]:
        assert by_curl(at, at.stranger, path, headers)[0] == status, path
    at.nobody_came()
    for headers in claims():
        at.application.forgets()
        assert by_curl(at, at.alice, "/", [*PAGE, *headers])[0] == 200, headers
        is_identity_of(at.only(), ALICE)
    at.application.forgets()
    body = os.urandom(1 << 20)
    status, shown = by_curl(at, at.alice, "/form", PAGE, body)
    assert (status, json.loads(shown)["sha256"]) == (200, hashlib.sha256(body).hexdigest())


@check("plain HTTP leads to HTTPS")
def plain(at):
    connection = http.client.HTTPConnection("127.0.0.1", at.front.plain_port, timeout=30)
    connection.request("GET", "/notes?q=a%20b", headers={"Host": "wiki.example.org"})
    answer = connection.getresponse()
    location = (answer.getheader("location") or "").replace(f":{at.front.port}/", "/")
    assert (answer.status // 100, location) == (3, f"{WIKI}/notes?q=a%20b"), (answer.status, location)
    connection.close()
    at.nobody_came()


@check("logging out shuts the door at the next request")
def logout(at):
    assert at.bob.ask(f"{WIKI}/").status == 200
    kept = dict(at.bob.cookies)
    at.bob.logs_out(PORTAL)
    at.bob.cookies = kept
    at.application.forgets()
    answer = at.bob.ask(f"{WIKI}/")
    assert answer.status == 302, answer
    leads_to_login(answer, f"{WIKI}/")
    at.nobody_came()
    assert at.alice.ask(f"{WIKI}/").status == 200, "others stay"


@check("stopped means closed, and started again is still logged in")
def stopped(at):
    at.appliance.stops()
    try:
        for visitor, path in [(at.alice, "/"), (at.stranger, "/"), (at.stranger, "/public"), (at.alice, "/private")]:
            answer = visitor.ask(WIKI + path)
            assert answer.status >= 500, answer
        at.nobody_came()
    finally:
        at.appliance.starts()
    assert at.application.arrivals == []
    for _ in range(3):
        assert at.alice.ask(f"{WIKI}/").status == 200
