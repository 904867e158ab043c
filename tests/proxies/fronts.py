"""Each proxy with exactly the file that people are given: addresses, ports, host names and paths are replaced, nothing else."""
import itertools, os, pathlib, shutil, signal, socket, subprocess, time

from client import Exchange, trusting

SHIPPED = pathlib.Path(__file__).parents[2] / "config" / "proxies"
LOWEST_PORT, PORTS = 12_000, 20_000  # below those that the kernel gives to outgoing connections
GIVEN = itertools.count(os.getpid() * 97)


def free_port():
    """A port that is free. Each is given once."""
    for number in GIVEN:
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", LOWEST_PORT + number % PORTS))
                return trial.getsockname()[1]
            except OSError:
                continue


def filled_in(name, replacements):
    """A shipped file with some words replaced; putting them back gives the shipped file again, so nothing else differs."""
    shipped = (SHIPPED / name).read_text()
    own = shipped
    for old, new in replacements:
        assert old in own, f"{name} does not say {old!r}"
        own = own.replace(old, new)
    back = own
    for old, new in reversed(replacements):
        back = back.replace(new, old)
    assert back == shipped, f"{name} differs in more than was replaced"
    return own


class Place:
    """Where a proxy runs, and what it stands between."""

    def __init__(self, folder, appliance, application, certificate, key):
        self.folder, self.appliance, self.application = pathlib.Path(folder), appliance, application
        self.certificate, self.key = certificate, key

    def backends(self):
        return [("127.0.0.1:8080", f"127.0.0.1:{self.appliance}"), ("127.0.0.1:3000", f"127.0.0.1:{self.application}")]


class Front:
    """A running proxy."""

    has_http2 = True

    def __init__(self, place):
        self.folder = place.folder / self.name
        self.folder.mkdir()
        self.port, self.plain_port = free_port(), free_port()
        self.certificate, self.trust = place.certificate, trusting(place.certificate)
        self.log = open(self.folder / "log", "w+")
        command, environment = self.prepare(place)
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env={**os.environ, **environment}, cwd=self.folder)

    def serves(self, seconds=30):
        """Waits until it does: some listen before they have read everything."""
        deadline = time.monotonic() + seconds
        while not self.knows_the_portal():
            assert not self.ends_within(0.05), f"{self.name} ended:\n{self.said()}"
            assert time.monotonic() < deadline, f"{self.name} does not serve:\n{self.said()}"

    def knows_the_portal(self):
        try:
            with Exchange(self.port, "auth.example.org", self.trust) as exchange:
                exchange.send_head("GET", "/login", [("Host", "auth.example.org"), ("Connection", "close")])
                return exchange.head().status != 404
        except OSError:
            return False

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def said(self):
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in self.folder.glob("*log"))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def stops(self):
        self.process.send_signal(signal.SIGTERM)
        if not self.ends_within(20):
            self.process.kill()
            self.process.wait()


class Nginx(Front):
    name, version, hosts = "nginx", ["nginx", "-v"], []

    def prepare(self, place):
        site = self.write("gatelodge.conf", filled_in("nginx.conf", [
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "), ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("/etc/ssl/certs/example.org.pem", place.certificate), ("/etc/ssl/private/example.org.key", place.key), *place.backends(), *self.hosts,
        ]))
        folders = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        main = self.write("nginx.conf", f"daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log; events {{}}"
                                        f"http {{ access_log off; {folders} include {site}; }}")
        return ["nginx", "-c", main, "-e", f"{self.folder}/error.log"], {}


class NginxOfTwoDomains(Nginx):
    """The same, for two root domains."""

    name = "nginx-two"
    hosts = [("server_name auth.example.org;", "server_name auth.example.org auth.example.net;"),
             ("server_name wiki.example.org;", "server_name wiki.example.org wiki.example.net;")]


class Caddy(Front):
    name, version = "caddy", ["caddy", "version"]

    def prepare(self, place):
        config = self.write("Caddyfile", filled_in("Caddyfile", [
            ("https_port 443", f"https_port {self.port}\n\tdefault_bind 127.0.0.1"), ("http_port 80", f"http_port {self.plain_port}"),
            ("/etc/ssl/certs/example.org.pem", place.certificate), ("/etc/ssl/private/example.org.key", place.key), *place.backends(),
        ]))
        environment = {"CADDY_ADMIN": f"unix/{self.folder}/admin.sock", "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        return ["caddy", "run", "--adapter", "caddyfile", "--config", config], environment


class Traefik(Front):
    name, version = "traefik", ["traefik", "version"]

    def prepare(self, place):
        dynamic = self.write("gatelodge.yaml", filled_in("traefik-dynamic.yaml", [
            ("/etc/traefik/example.org.pem", place.certificate), ("/etc/traefik/example.org.key", place.key), *place.backends(),
        ]))
        static = self.write("traefik.yaml", filled_in("traefik.yaml", [
            ('":443"', f'"127.0.0.1:{self.port}"'), ('":80"', f'"127.0.0.1:{self.plain_port}"'),
            ("filename: /etc/traefik/gatelodge.yaml", f"filename: {dynamic}"),
        ]))
        return ["traefik", f"--configFile={static}"], {}


class Haproxy(Front):
    name, version = "haproxy", ["haproxy", "-v"]

    def prepare(self, place):
        action = self.write("gatelodge.lua", filled_in("haproxy.lua", []))
        both = self.write("both.pem", pathlib.Path(place.certificate).read_text() + pathlib.Path(place.key).read_text())
        config = self.write("haproxy.cfg", filled_in("haproxy.cfg", [
            ("bind :443 ", f"bind 127.0.0.1:{self.port} "), ("bind :80\n", f"bind 127.0.0.1:{self.plain_port}\n"),
            ("lua-load /etc/haproxy/gatelodge.lua", f"lua-load {action}"), ("/etc/haproxy/example.org.pem", both), *place.backends(),
        ]))
        return ["haproxy", "-db", "-f", config], {}


class Envoy(Front):
    name, version = "envoy", ["envoy", "--version"]

    def prepare(self, place):
        config = self.write("envoy.yaml", filled_in("envoy.yaml", [
            ('"0.0.0.0", port_value: 443', f'"127.0.0.1", port_value: {self.port}'),
            ('"0.0.0.0", port_value: 80 ', f'"127.0.0.1", port_value: {self.plain_port} '),
            ("127.0.0.1, port_value: 8080", f"127.0.0.1, port_value: {place.appliance}"),
            ("127.0.0.1, port_value: 3000", f"127.0.0.1, port_value: {place.application}"),
            ("/etc/envoy/example.org.pem", place.certificate), ("/etc/envoy/example.org.key", place.key),
        ]))
        return ["envoy", "-c", config, "--concurrency", "2", "--disable-hot-restart", "--log-level", "warn"], {}


class Apache(Front):
    name, version, has_http2 = "apache", ["apache2", "-v"], False
    # What Debian enables, and what the file asks for.
    modules = "mpm_event alias authz_core authz_host dir env filter reqtimeout setenvif status ssl headers proxy proxy_http lua"

    def prepare(self, place):
        action = self.write("gatelodge.lua", filled_in("apache.lua", [("127.0.0.1:8080", f"127.0.0.1:{place.appliance}")]))
        site = self.write("gatelodge.conf", filled_in("apache.conf", [
            ("<VirtualHost *:443>", f"<VirtualHost 127.0.0.1:{self.port}>"), ("<VirtualHost *:80>", f"<VirtualHost 127.0.0.1:{self.plain_port}>"),
            ("LuaHookAccessChecker /etc/apache2/gatelodge.lua", f"LuaHookAccessChecker {action}"),
            ("/etc/ssl/certs/example.org.pem", place.certificate), ("/etc/ssl/private/example.org.key", place.key),
            ("http://127.0.0.1:8080/", f"http://127.0.0.1:{place.appliance}/"), ("http://127.0.0.1:3000/", f"http://127.0.0.1:{place.application}/"),
        ]))
        loaded = "".join(f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n" for module in self.modules.split())
        main = self.write("apache2.conf", f"{loaded}ServerRoot {self.folder}\nPidFile {self.folder}/pid\nErrorLog {self.folder}/error.log\n"
                                          f"DefaultRuntimeDir {self.folder}\nServerName localhost\nUser nobody\nGroup nogroup\n"
                                          f"Listen 127.0.0.1:{self.port}\nListen 127.0.0.1:{self.plain_port}\nInclude {site}\n")
        self.folder.chmod(0o755)
        return ["apache2", "-DFOREGROUND", "-f", main], {}


ALL = [Nginx, Caddy, Traefik, Haproxy, Envoy, Apache]


def version_of(kind):
    assert shutil.which(kind.version[0]), f"{kind.version[0]} is not installed; tests/run does that"
    output = subprocess.run(kind.version, capture_output=True, text=True)
    return (output.stdout + output.stderr).strip().splitlines()[0]
