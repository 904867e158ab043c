"""Front ends on other origins, in a real browser: what it lets their scripts do is for it to say, not for us.

    python3 tests/browser/front_end.py PATH-OF-GATELODGE
"""
import http.server, pathlib, socket, subprocess, sys, tempfile, threading

from journey import PASSWORD, browser

CALL = """
const [url, method, options, body, done] = arguments;
options.method = method;
if (body !== null) {
    options.headers = Object.assign({"content-type": "application/json"}, options.headers);
    options.body = JSON.stringify(body);
}
fetch(url, options).then(
    async (answer) => done({status: answer.status, json: answer.status == 204 ? null : await answer.json()}),
    (error) => done({status: 0, json: String(error)}),
);
"""


class Page(http.server.BaseHTTPRequestHandler):
    """A front end without anything on it: its scripts come from the test."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>front end</title>")

    def log_message(self, *_):
        pass


def front_end():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main(program):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    near, far, stranger = front_end(), front_end(), front_end()
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "gatelodge.toml")
        config.write_text(f"""
[site]
url = "http://localhost:{port}"
[listen]
http = ["127.0.0.1:{port}"]
control = "{folder}/control.sock"
[tls]
mode = "off"
[store]
path = "{folder}/gatelodge.redb"
[mail]
from = "auth@localhost"
transport = "file"
directory = "{folder}/mail"
[spa]
origins = ["http://localhost:{near}", "http://127.0.0.1:{far}"]
""")
        server = subprocess.Popen([program, "serve", "--config", str(config)], stdout=subprocess.PIPE, text=True)
        driver = None
        try:
            assert any("serving" in line for line in server.stdout), "the server ended"
            add = [program, "user", "add", "alice@example.org", "--confirmed", "--password-stdin", "--config", str(config)]
            subprocess.run(add, input=f"{PASSWORD}\n", text=True, check=True, stdout=subprocess.DEVNULL)
            driver = browser(folder, scripts=True)
            api = f"http://localhost:{port}/api/v1"

            def call(method, path, body=None, **options):
                answer = driver.execute_async_script(CALL, api + path, method, options, body)
                return answer["status"], answer["json"]

            log_in = {"identity": "alice@example.org", "password": PASSWORD}
            driver.get(f"http://localhost:{near}/")
            of_same_site(call, log_in)
            driver.get(f"http://127.0.0.1:{far}/")
            of_another_site(call, log_in)
            driver.get(f"http://localhost:{stranger}/")
            status, _ = call("GET", "/session", credentials="include")
            assert status == 0, "a script that is not listed reads nothing"
            status, _ = call("DELETE", "/account/sessions", credentials="include")
            assert status == 0, "and changes nothing"
        finally:
            if driver:
                driver.quit()
            server.terminate()
            server.wait()
    print("1 passed, 0 failed")


def of_same_site(call, log_in):
    assert call("POST", "/login", log_in, credentials="include")[0] == 200
    status, who = call("GET", "/session", credentials="include")
    assert (status, who["user"]["email"]) == (200, "alice@example.org"), who
    assert call("GET", "/session", credentials="omit")[0] == 401
    assert call("DELETE", "/account/sessions", credentials="include")[0] == 204, "asked for beforehand, and sent"
    assert call("GET", "/session", credentials="include")[0] == 200


def of_another_site(call, log_in):
    status, _ = call("GET", "/session", credentials="include")
    assert status == 0, "the cookie is not for this site's scripts"
    status, came = call("POST", "/login", {**log_in, "refresh": True}, credentials="omit")
    assert status == 200, came
    first = came["session"]
    bearer = {"authorization": f"Bearer {first['token']}"}
    status, who = call("GET", "/session", credentials="omit", headers=bearer)
    assert (status, who["user"]["email"]) == (200, "alice@example.org"), who
    assert call("DELETE", "/account/sessions", credentials="omit", headers=bearer)[0] == 204
    status, came = call("POST", "/session/refresh", {"refresh_token": first["refresh_token"]}, credentials="omit")
    assert status == 200 and came["session"]["token"] != first["token"], came
    assert call("GET", "/session", credentials="omit", headers=bearer)[0] == 401, "the token before is worth nothing"


if __name__ == "__main__":
    main(*sys.argv[1:])
