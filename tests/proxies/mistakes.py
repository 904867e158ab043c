"""What docs/reverse-proxies.md says of the things that go wrong: each mistake is made, and looks as the page has it."""
import pathlib, time

import fronts
from appliance import ALICE, PASSWORD, PORTAL, WIKI, Appliance
from client import Visitor

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "reverse-proxies.md"
ALL = []


class Mistake:
    """Something that is wrong in the proxy's file or in the appliance's, and what one sees then."""

    def __init__(self, words, in_proxy=(), in_appliance=(), kind=fronts.Nginx, file="gatelodge.conf"):
        self.words, self.in_proxy, self.in_appliance = words, in_proxy, in_appliance
        self.kind, self.file = kind, file
        ALL.append(self)

    def __call__(self, looks):
        self.looks = looks
        return looks

    def made(self, program, place, folder, application):
        folder.mkdir()
        appliance = Appliance(program, folder, fronts.free_port(), self.in_appliance)
        mistaken = self

        class Mistaken(self.kind):
            def write(self, name, text):
                for old, new in mistaken.in_proxy if name == mistaken.file else []:
                    assert old in text, old
                    text = text.replace(old, new)
                return super().write(name, text)

        front = Mistaken(fronts.Place(folder, appliance.port, application.port, place.certificate, place.key))
        try:
            front.serves()
            self.looks(Visitor(front), appliance)
            assert not [arrival.target for arrival in application.arrivals if not arrival.target.startswith("/public")]
        finally:
            front.stops()
            appliance.stops()


def logs(appliance, words):
    """The log says it, and so does the page."""
    assert words in " ".join(PAGE.read_text().split()), f"{PAGE.name} does not quote {words!r}"
    deadline = time.monotonic() + 20
    while words not in (said := appliance.said()):
        assert time.monotonic() < deadline and not appliance.ends_within(0.05), said


IN_PORTAL = ("        proxy_pass http://gatelodge;\n", "        auth_request /gatelodge-check;\n        proxy_pass http://gatelodge;\n")
CHECK_IN_PORTAL = ("""    location / {
        auth_request""", """    location = /gatelodge-check {
        internal;
        proxy_pass http://gatelodge/api/authz/auth-request;
        proxy_set_header X-Original-URL $scheme://$host$request_uri;
        proxy_set_header X-Original-Method $request_method;
    }

    location / {
        auth_request""")


@Mistake("the portal is behind itself", in_proxy=[IN_PORTAL, CHECK_IN_PORTAL])
def _(visitor, appliance):
    led = visitor.ask(f"{WIKI}/")
    assert (led.status, visitor.ask(led.value("location")).status) == (302, 403)
    logs(appliance, "no access rule is for the host or the path: auth.example.org")


@Mistake("the portal is behind itself, and a rule is for it", in_proxy=[IN_PORTAL, CHECK_IN_PORTAL],
         in_appliance=[('hosts = ["wiki.example.org", "wiki.example.net"]', 'hosts = ["wiki.example.org", "auth.example.org"]')])
def _(visitor, appliance):
    led = visitor.ask(f"{WIKI}/")
    assert (led.status, visitor.ask(led.value("location")).status) == (302, 403)
    logs(appliance, "the proxy asks about the host where people log in: leave that out of the check")


@Mistake("the cookie's domain does not hold the application", in_appliance=[('cookie = "example.org"', 'cookie = "auth.example.org"')])
def _(visitor, _):
    led = visitor.ask(f"{WIKI}/")
    assert led.status == 302, led
    visitor.posts_login(led.value("location"), ALICE["remote-user"], PASSWORD)
    assert b"alice@example.org" in visitor.ask(f"{PORTAL}/account").body
    assert visitor.ask(f"{WIKI}/").status == 302, "again and again"


@Mistake("a header is missing", in_proxy=[("        proxy_set_header X-Original-URL $scheme://$host$request_uri;\n", "")])
def _(visitor, appliance):
    assert [visitor.ask(WIKI + path).status for path in ["/", "/public"]] == [403, 403]
    logs(appliance, "the proxy does not send x-original-url")


@Mistake("the proxy is not trusted", in_appliance=[('trusted = ["127.0.0.1/32"]', 'trusted = ["10.0.0.0/8"]')])
def _(visitor, appliance):
    assert [visitor.ask(WIKI + path).status for path in ["/", "/public"]] == [403, 403]
    logs(appliance, "it comes from no address in proxy.trusted")


@Mistake("the scheme is wrong", in_proxy=[("X-Original-URL $scheme://", "X-Original-URL http://")])
def _(visitor, appliance):
    assert [visitor.ask(WIKI + path).status for path in ["/", "/public"]] == [403, 403]
    logs(appliance, "the scheme is plain http, and the host is not in a private zone")


@Mistake("TLS is taken off in front, and the appliance was not told", in_appliance=[
    ('mode = "off"', 'mode = "self-signed"'), ("control = ", f'https = ["127.0.0.1:{fronts.free_port()}"]\ncontrol = '),
])
def _(visitor, _):
    assert visitor.ask(f"{WIKI}/").status == 403
    assert visitor.ask(f"{PORTAL}/login").value("location") == f"{PORTAL}/login", "too many redirects"


def is_shut(visitor, _):
    answer = visitor.ask(f"{WIKI}/public")
    assert answer.status in (500, 503), answer


# No mistake of the page's: whatever goes wrong in an action of ours must not open the door.
FAILS = 'error("a mistake")'
Mistake("HAProxy's action fails", [("    local answer = core", f"    {FAILS}\n    local answer = core")], kind=fronts.Haproxy, file="gatelodge.lua")(is_shut)
Mistake("HAProxy's action fails at the end", [('    txn:set_var("txn.gatelodge"', f'    {FAILS}\n    txn:set_var("txn.gatelodge"')],
        kind=fronts.Haproxy, file="gatelodge.lua")(is_shut)
Mistake("Apache's action fails", [("    forget_claims(r)\n", f"    {FAILS}\n")], kind=fronts.Apache, file="gatelodge.lua")(is_shut)
Mistake("Apache's action finds no LuaSocket", [('require("socket.http")', 'require("socket.nowhere")')], kind=fronts.Apache, file="gatelodge.lua")(is_shut)
