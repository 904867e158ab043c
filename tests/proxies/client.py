"""An HTTP client that sends exactly what it is told, and a visitor who has cookies."""
import json, re, socket, ssl, urllib.parse

PATIENCE = 60
# Not the address from which the proxies ask: that one is trusted.
OWN_ADDRESS = "127.0.0.2"
PAGE = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("User-Agent", "Mozilla/5.0 (a test)")]
PROGRAM = [("Accept", "application/json"), ("User-Agent", "curl/8")]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def value(self, name):
        return next(iter(self.all(name)), None)

    def shown(self):
        """What the application showed."""
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]}"


class Exchange:
    """A connection to a proxy, over TLS."""

    def __init__(self, port, name, trust):
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE, (OWN_ADDRESS, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = trust.wrap_socket(plain, server_hostname=name)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_head(self, method, target, headers):
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))

    def head(self):
        while True:
            line = self.file.readline().decode("latin-1")
            if not line:
                raise ConnectionError("closed without an answer")
            status, headers = int(line.split(" ")[1]), []
            while field := self.file.readline().decode("latin-1").rstrip("\r\n"):
                name, value = field.split(":", 1)
                headers.append((name, value.strip()))
            if status >= 200 or status == 101:
                return Answer(status, headers, b"")

    def answer(self, method="GET"):
        answer = self.head()
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        if (answer.value("transfer-encoding") or "").lower() == "chunked":
            while size := int(self.file.readline().split(b";")[0], 16):
                answer.body += self.file.read(size)
                self.file.readline()
        elif (length := answer.value("content-length")) is not None:
            answer.body = self.file.read(int(length))
        else:
            answer.body = self.file.read()
        return answer


class Visitor:
    """Somebody with a browser or a program, who reaches every host through one proxy."""

    def __init__(self, front):
        self.front, self.cookies = front, {}

    def exchange(self, host):
        return Exchange(self.front.port, host, self.front.trust)

    def cookie_header(self, host):
        def is_for(domain):
            return host == domain or (domain.startswith(".") and f".{host}".endswith(domain))

        own = [f"{name}={value}" for (domain, name), value in self.cookies.items() if is_for(domain)]
        return [("Cookie", "; ".join(own))] if own else []

    def keep(self, host, answer):
        for cookie in answer.all("set-cookie"):
            first, *attributes = [part.strip() for part in cookie.split(";")]
            name, value = first.split("=", 1)
            attributes = dict(part.lower().partition("=")[::2] for part in attributes)
            domain = f".{attributes['domain'].lstrip('.')}" if attributes.get("domain") else host
            if attributes.get("max-age") == "0" or not value:
                self.cookies.pop((domain, name), None)
            else:
                self.cookies[domain, name] = value

    def ask(self, url, method="GET", headers=PAGE, body=b"", target=None):
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
        target = target or urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        length = [("Content-Length", str(len(body)))] if body or method in ("POST", "PUT", "PATCH") else []
        with self.exchange(host) as exchange:
            exchange.send_head(method, target, [("Host", host), ("Connection", "close"), *self.cookie_header(host), *headers, *length])
            exchange.send(body)
            answer = exchange.answer(method)
        self.keep(host, answer)
        return answer

    def post(self, url, **fields):
        parts = urllib.parse.urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin), ("Sec-Fetch-Site", "same-origin")]
        return self.ask(url, "POST", [*PAGE, *form], urllib.parse.urlencode(fields).encode())

    def logs_in(self, url, identity, password):
        """Goes to a page of an application, is led to the login, logs in, and is led back."""
        led = self.ask(url)
        login = self.posts_login(led.value("location"), identity, password)
        assert login.value("location") == url, login
        return self.ask(url)

    def posts_login(self, url, identity, password):
        """Opens the login page, fills it in, and gives the answer."""
        page = self.ask(url)
        assert page.status == 200, page
        # Of the form to log in; the choice of a language is another.
        form = page.body.decode().split('action="/login"', 1)[1].split("</form>", 1)[0]
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        fields = {name: value.replace("&amp;", "&") for name, value in hidden}
        login = self.post(urllib.parse.urljoin(url, "/login"), **fields, identity=identity, password=password)
        assert login.status == 303, login
        return login

    def logs_out(self, portal):
        answer = self.post(f"{portal}/logout")
        assert answer.status == 303, answer


def trusting(certificate):
    context = ssl.create_default_context(cafile=certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context
