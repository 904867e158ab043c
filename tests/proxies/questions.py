"""What Traefik asks, beside what tests/it/traefik has written down of it: the server's own tests send that, byte by byte."""
import pathlib, socketserver, threading

from client import OWN_ADDRESS, Exchange

WRITTEN = pathlib.Path(__file__).parents[1] / "it" / "traefik"
# The others are those of older versions, or with other settings, or what the file takes away.
PRESENT = ["attacker-of-the-path", "form", "form-with-cookie", "page", "page-for-anyone", "page-with-cookie", "program", "program-with-basic",
           "program-without-agent", "websocket", "websocket-with-cookie"]


class Question(socketserver.StreamRequestHandler):
    """Notes each question, and answers no."""

    def handle(self):
        while line := self.rfile.readline():
            question = line
            while line.strip():
                line = self.rfile.readline()
                question += line
            self.server.questions.append(question.decode())
            self.wfile.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Question)
        self.port, self.questions = self.server_address[1], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


def asks(front, written):
    """Sends what a visitor sends whose question is this."""
    fields = [tuple(line.split(": ", 1)) for line in written.split("\r\n")[1:] if line]
    said = dict(fields)
    own = [(name, value) for name, value in fields if name != "Host" and not name.startswith("X-Forwarded-")]
    if "Sec-Websocket-Key" in said:
        own += [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    if ("Accept-Encoding", "gzip") in own:  # Traefik's own, where the visitor has none
        own.remove(("Accept-Encoding", "gzip"))
    with Exchange(front.port, "wiki.example.org", front.trust) as exchange:
        exchange.send_head(said["X-Forwarded-Method"], said["X-Forwarded-Uri"], [("Host", "wiki.example.org"), *own])
        assert exchange.head().status == 401


def are_as_written(front, listener):
    for name in PRESENT:
        written = (WRITTEN / name).read_text().replace("\n", "\r\n")
        asks(front, written)
        asked = listener.questions[-1].replace(f"127.0.0.1:{listener.port}", "127.0.0.1:8080").replace(OWN_ADDRESS, "203.0.113.7")
        assert asked == written, f"{name}\n{asked}"
