"""A small application that shows what reached it: it answers with the request as JSON, and echoes what comes by WebSocket."""
import base64, hashlib, json, socketserver, threading

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Arrival:
    """A request that reached the application."""

    def __init__(self, method, target, headers):
        self.method, self.target, self.headers = method, target, headers
        self.received, self.digest = 0, hashlib.sha256()

    def take(self, data):
        self.received += len(data)
        self.digest.update(data)

    def value(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)

    def shown(self):
        return {"method": self.method, "target": self.target, "headers": self.headers, "length": self.received, "sha256": self.digest.hexdigest()}


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.answer():
                pass
        except (ConnectionError, ValueError):
            pass

    def answer(self):
        line = self.rfile.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            return False
        method, target, version = line.split(" ", 2)
        headers = []
        while field := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
            name, value = field.split(":", 1)
            headers.append((name, value.strip()))
        arrival = Arrival(method, target, headers)
        self.server.note(arrival)
        if (arrival.value("upgrade") or "").lower() == "websocket":
            self.echo_messages(arrival)
            return False
        if (arrival.value("expect") or "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        for data in self.body(arrival):
            arrival.take(data)
        keeps = version == "HTTP/1.1" and (arrival.value("connection") or "").lower() != "close"
        self.reply(arrival, keeps)
        return keeps

    def body(self, arrival):
        if (arrival.value("transfer-encoding") or "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield from self.pieces(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            yield from self.pieces(int(arrival.value("content-length") or 0))

    def pieces(self, size):
        while size:
            data = self.rfile.read1(min(size, 1 << 16))
            if not data:
                raise ConnectionError("the body is cut off")
            size -= len(data)
            yield data

    def reply(self, arrival, keeps):
        body = b"" if arrival.method == "HEAD" else json.dumps(arrival.shown()).encode()
        head = [
            "HTTP/1.1 401 Unauthorized" if arrival.target.startswith("/public/own-401") else "HTTP/1.1 200 OK",
            "Content-Type: application/json",
            f"Content-Length: {len(json.dumps(arrival.shown()))}",
            "Set-Cookie: application=its-own; Path=/",
            f"Connection: {'keep-alive' if keeps else 'close'}",
        ]
        self.wfile.write("\r\n".join([*head, "", ""]).encode() + body)

    def echo_messages(self, arrival):
        key = hashlib.sha1(arrival.value("sec-websocket-key").encode() + WEBSOCKET).digest()
        accept = base64.b64encode(key).decode()
        self.wfile.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        while head := self.rfile.read(2):
            size = head[1] & 0x7F  # short messages alone
            mask, data = self.rfile.read(4), self.rfile.read(size)
            plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
            self.wfile.write(bytes([head[0], size]) + plain)
            if head[0] & 0x0F == 8:
                return


class Application(socketserver.ThreadingTCPServer):
    """The application, and what has reached it."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Connection)
        self.port = self.server_address[1]
        self.arrivals, self.changed = [], threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def note(self, arrival):
        with self.changed:
            self.arrivals.append(arrival)
            self.changed.notify_all()

    def forgets(self):
        with self.changed:
            self.arrivals = []

    def wait_for(self, is_true, seconds=10):
        """Waits until something is true of what has arrived."""
        with self.changed:
            return self.changed.wait_for(lambda: is_true(self.arrivals), seconds)

    def handle_error(self, *_):
        pass
