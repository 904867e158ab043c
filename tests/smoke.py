"""The main job with a program that was built: register, confirm, log in, forget, reset, log in again.

    smoke.py COMMAND...         for example `smoke.py qemu-aarch64-static -cpu cortex-a53 target/…/gatelodge`

Standard library only; nothing but loopback; everything it makes is removed.
"""

import email
import http.client
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time

PASSWORDS = ["correct horse battery staple", "another horse battery staple"]
ADDRESS = "somebody@example.org"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(what, ask, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ask()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"smoke: {what} did not come")


class Api:
    def __init__(self, port):
        self.port, self.cookies = port, {}

    def __call__(self, method, path, expected, **body):
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=context)
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, "/api/v1" + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        text = answer.read().decode()
        if answer.status != expected:
            raise SystemExit(f"smoke: {method} {path}: {answer.status}, not {expected}: {text}")
        return json.loads(text) if text else None


def token(folder, seen):
    for path in sorted(folder.glob("*.eml")):
        parts = [part for part in email.message_from_bytes(path.read_bytes()).walk() if not part.is_multipart()]
        found = re.search(r"glt_[\w-]+", parts[0].get_payload(decode=True).decode())
        if found and path not in seen:
            seen.add(path)
            return found.group()


with tempfile.TemporaryDirectory() as name:
    folder, port, seen = pathlib.Path(name), free_port(), set()
    config = folder / "gatelodge.toml"
    config.write_text(
        f'[site]\nurl = "https://localhost:{port}"\n[listen]\nhttps = ["127.0.0.1:{port}"]\ncontrol = "{name}/control.sock"\n'
        f'[store]\npath = "{name}/gatelodge.redb"\nballast_mib = 0\n'
        f'[mail]\nfrom = "auth@example.org"\ntransport = "file"\ndirectory = "{name}/mail"\n'
    )
    command = sys.argv[1:]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen([*command, "serve", "--config", str(config)], stdout=log, stderr=log)
    try:

        def serves():
            if server.poll() is not None:
                raise SystemExit("smoke: it ended: " + (folder / "log").read_text())
            return "serving " in (folder / "log").read_text()

        wait_for("the server", serves)
        api = Api(port)
        api("POST", "/register", 202, email=ADDRESS, password=PASSWORDS[0])
        api("POST", "/confirm", 200, token=wait_for("a mail", lambda: token(folder / "mail", seen)))
        api("POST", "/login", 401, identity=ADDRESS, password=PASSWORDS[1])
        api("POST", "/login", 200, identity=ADDRESS, password=PASSWORDS[0])
        assert api("GET", "/session", 200)["user"]["email"] == ADDRESS
        api("POST", "/forgot", 202, email=ADDRESS)
        api("POST", "/reset", 200, token=wait_for("a mail", lambda: token(folder / "mail", seen)), password=PASSWORDS[1])
        api("GET", "/session", 401)
        api("POST", "/login", 200, identity=ADDRESS, password=PASSWORDS[1])
        api("POST", "/logout", 204)
        subprocess.run([*command, "audit", "verify", "--config", str(config)], check=True, stdout=subprocess.DEVNULL)
    finally:
        server.terminate()
        if server.wait(30) != 0:
            print((folder / "log").read_text())
            raise SystemExit(f"smoke: it ended with {server.returncode}")
print("smoke: registered, confirmed, logged in, reset and logged out:", *command)
