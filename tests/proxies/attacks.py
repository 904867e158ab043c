"""What people try who want to be somebody else, or where they may not."""
import hashlib, itertools, json, os, re, subprocess, urllib.parse

from appliance import ALICE, WIKI
from client import OWN_ADDRESS, PAGE, PROGRAM
from scene import IDENTITY, check, identity, is_identity_of


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
