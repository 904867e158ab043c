"""The appliance behind the proxies, with the rules of which the checks know."""
import json, pathlib, signal, subprocess

PORTAL, WIKI = "https://auth.example.org", "https://wiki.example.org"
OTHER_PORTAL, OTHER_WIKI = "https://auth.example.net", "https://wiki.example.net"
PASSWORD = "correct horse battery staple"
ALICE = {"remote-user": "alice", "remote-groups": "readers", "remote-email": "alice@example.org", "remote-name": "Alice Liddell"}
BOB = {"remote-user": "bob", "remote-groups": "staff", "remote-email": "bob@example.org", "remote-name": "Bob"}

RULES = """
[access]
domains = [
    { cookie = "example.org", url = "https://auth.example.org" },
    { cookie = "example.net", url = "https://auth.example.net" },
]

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/public"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/private"]
allow = "nobody"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/staff"]
allow = "logged-in"
groups = ["staff"]

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/far"]
networks = ["10.0.0.0/8"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/near"]
networks = ["127.0.0.2/32"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/far", "/near"]
allow = "nobody"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/dav"]
allow = "logged-in"
basic = true

[[access.rules]]
hosts = ["wiki.example.org", "wiki.example.net"]
allow = "logged-in"

[[access.rules]]
hosts = ["open.example.org"]
allow = "anyone"
"""


class Appliance:
    """The server, which can be stopped and started again where it was."""

    def __init__(self, program, folder, port, changes=()):
        self.program, self.port = program, port
        self.log = open(f"{folder}/appliance.log", "a+")
        self.config = pathlib.Path(folder, "gatelodge.toml")
        text = self.settings(folder)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.config.write_text(text)
        self.starts()
        for who in [ALICE, BOB]:
            self.run("user", "add", who["remote-email"], "--username", who["remote-user"], "--name", who["remote-name"],
                     "--group", who["remote-groups"], "--confirmed", "--password-stdin", stdin=f"{PASSWORD}\n")

    def settings(self, folder):
        return f"""
[site]
url = "{PORTAL}"
[listen]
http = ["127.0.0.1:{self.port}"]
control = "{folder}/control.sock"
[tls]
mode = "off"
[store]
path = "{folder}/gatelodge.redb"
[password]
memory_kib = 8192
iterations = 1
[mail]
from = "auth@example.org"
transport = "file"
directory = "{folder}/mail"
[proxy]
trusted = ["127.0.0.1/32"]
{RULES}"""

    def run(self, *arguments, stdin=""):
        command = [self.program, *arguments, "--config", str(self.config), "--json"]
        return json.loads(subprocess.run(command, input=stdin, text=True, check=True, stdout=subprocess.PIPE).stdout)

    def starts(self):
        self.process = subprocess.Popen([self.program, "serve", "--config", str(self.config)], stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            self.log.write(line)
            if "serving" in line:
                break
        else:
            raise AssertionError("the server ended")
        # Whoever does not read its log would have it wait.
        subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=self.log)

    def said(self):
        return pathlib.Path(self.log.name).read_text()

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def stops(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
