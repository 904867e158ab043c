"""How the pages look and read, in a real browser: narrow and wide, by day and by night, with large text.

    python3 tests/browser/looks.py PATH-OF-GATELODGE [FOLDER-FOR-SCREENSHOTS]

With axe.min.js in target/test-npm/node_modules/axe-core, which tests/run puts there, axe's rules are tried on each page too.
"""
import base64, email, email.policy, hashlib, hmac, pathlib, re, socket, struct, subprocess, sys, tempfile, time
from urllib.parse import parse_qs, unquote, urlsplit

from selenium.webdriver.common.by import By

from journey import PASSWORD, Person, browser

AXE = pathlib.Path(__file__).parents[2] / "target/test-npm/node_modules/axe-core/axe.min.js"
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 32"><path fill="#7a1fa2" d="M0 0h120v32h-120z"/></svg>"""
# 1,280 CSS pixels at 400 %, a telephone, a desktop.
WIDTHS = [320, 390, 1280]
MEASURE = """
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const clipped = [...document.querySelectorAll("button, .button, summary, .links a, nav a")].filter((one) => {
    const box = one.getBoundingClientRect();
    if (box.width == 0) return false;
    return one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display != "inline" || box.right > innerWidth + 1 || box.left < -1;
}).map((one) => one.outerHTML);
const small = [...document.querySelectorAll("button, .button, summary, input:not(.hidden):not([type=hidden]), .links a, nav a, footer a, main > p > a")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && Math.min(box.width, box.height) < 24;
}).map((one) => one.outerHTML);
const elsewhere = performance.getEntriesByType("resource").map((one) => one.name).filter((name) => !name.startsWith(location.origin + "/"));
const dead = [...document.querySelectorAll("[aria-describedby]")].flatMap((one) => one.getAttribute("aria-describedby").split(" ")).filter((id) => !document.getElementById(id));
return {wide, clipped, small, elsewhere, dead};
"""
MOVED = """
const [done] = arguments;
new PerformanceObserver((list) => done(list.getEntries().reduce((sum, one) => sum + (one.hadRecentInput ? 0 : one.value), 0)))
    .observe({type: "layout-shift", buffered: true});
setTimeout(() => done(0), 60);
"""


class Reader(Person):
    """Somebody who looks at each page in every way."""

    def __init__(self, driver, site, pictures):
        super().__init__(driver, site, pictures)
        self.faults, self.seen = [], 0
        driver.execute_cdp_cmd("Page.enable", {})

    def looks(self, name):
        moved = self.driver.execute_async_script(MOVED)
        if moved:
            self.faults.append(f"{name}: things move while it loads: {moved}")
        for width in WIDTHS:
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            for scheme in ["light", "dark"]:
                features = [{"name": "prefers-color-scheme", "value": scheme}]
                self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
                state = f"{name} {width} {scheme}"
                self.judges(state)
                if width != 320 and self.pictures:
                    shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": width == 390})
                    pathlib.Path(self.pictures, f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "forced-colors", "value": "active"}]})
        edges = self.driver.execute_script("return [...document.querySelectorAll('button:not(.plain), .button')].map((one) => getComputedStyle(one).borderTopWidth)")
        if "0px" in edges:
            self.faults.append(f"{name}: a button has no edge where colours are forced")
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.driver.execute_script("document.documentElement.style.fontSize = '200%'")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False})
        self.measures(f"{name} with large text")
        if self.pictures:
            self.driver.save_screenshot(f"{self.pictures}/{name}-large.png")
        self.driver.execute_script("document.documentElement.style.fontSize = ''")
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        for entry in self.driver.get_log("browser"):
            # Refused pages have such a status on purpose.
            if "Failed to load resource: the server responded with a status of 4" not in entry["message"]:
                self.faults.append(f"{name}: the log says {entry['message']}")

    def measures(self, state):
        self.seen += 1
        found = self.driver.execute_script(MEASURE)
        self.faults += [f"{state}: {what}: {value}" for what, value in found.items() if value not in (0, [])]

    def judges(self, state):
        self.measures(state)
        self.obeys(state)

    def obeys(self, state, more=("best-practice",)):
        if not AXE.exists():
            return
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", *more]
        found = self.driver.execute_async_script(
            "const [tags, done] = arguments; axe.run({runOnly: tags}).then((found) => done(found.violations), (error) => done([{id: String(error), nodes: []}]));", tags)
        for rule in found:
            self.faults.append(f"{state}: axe: {rule['id']}: {[node['html'] for node in rule['nodes']]}")


def config(folder, port):
    pathlib.Path(folder, "static").mkdir()
    pathlib.Path(folder, "logo.svg").write_text(LOGO)
    pathlib.Path(folder, "static/style.css").write_text("h1 { letter-spacing: .01em; }\n")
    path = pathlib.Path(folder, "gatelodge.toml")
    path.write_text(f"""
[site]
name = "Hill Street"
url = "http://localhost:{port}"
accent = "#7a1fa2"
logo = "logo.svg"
static = "static"
contact = "mailto:people@example.org"
imprint = "https://example.org/imprint"
privacy = "/privacy"
[listen]
http = ["127.0.0.1:{port}"]
control = "control.sock"
[tls]
mode = "off"
[store]
path = "gatelodge.redb"
[mail]
from = "Hill Street <auth@localhost>"
transport = "file"
directory = "mail"
[registration]
mode = "approval"
""")
    return path


def main(program, pictures=None):
    if pictures:
        pathlib.Path(pictures).mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        path = config(folder, port)
        server = subprocess.Popen([program, "serve", "--config", str(path)], stdout=subprocess.PIPE, text=True)
        driver = None
        try:
            assert any("serving" in line for line in server.stdout), "the server ended"

            def runs(*command, typed=None):
                subprocess.run([program, *command, "--config", str(path)], input=typed, text=True, check=True, stdout=subprocess.DEVNULL)

            driver = browser(folder, scripts=True)
            driver.set_window_size(1280, 900)
            reader = Reader(driver, f"http://localhost:{port}", pictures)
            strangers(reader)
            members(reader, runs, pathlib.Path(folder, "mail"))
            mails(reader, pathlib.Path(folder, "mail"), folder)
            in_german(reader)
        finally:
            if driver:
                driver.quit()
            server.terminate()
            server.wait()
    for fault in reader.faults:
        print(fault)
    assert not reader.faults, f"{len(reader.faults)} faults in {reader.seen} views"
    print(f"1 passed, 0 failed ({reader.seen} views{'' if AXE.exists() else ', without axe'})")


def strangers(reader):
    for name, address in [("login", "/login"), ("register", "/register"), ("forgot", "/forgot"), ("forgot-sent", "/forgot/sent"),
                          ("resend", "/confirm/resend"), ("username-recover", "/username/recover"), ("nothing", "/nothing"), ("logout", "/logout"),
                          ("invitation-dead", "/invite/glt_nonsense"), ("setup-dead", "/setup/nonsense"),
                          ("confirmation-dead", "/confirm/glt_nonsense"), ("reset-dead", "/reset/glt_nonsense"), ("registered", "/register/sent")]:
        reader.opens(address)
        reader.looks(name)
    reader.opens("/register")
    reader.fills(email="alice@example.org", password="too short")
    reader.presses("Create account")
    reader.sees("Something is not right yet")
    assert reader.driver.title.startswith("Error: "), reader.driver.title
    assert reader.driver.switch_to.active_element.get_attribute("id") == "password"
    reader.looks("register-wrong")
    reader.opens("/login")
    reader.fills(identity="alice@example.org", password=PASSWORD)
    reader.presses("Log in")
    reader.looks("login-wrong")


def members(reader, runs, post):
    someone_waits(reader, post)
    address = "alice.of.the.long.and.winding.road@mail.department.example.org"
    runs("user", "add", address, "--confirmed", "--group", "admins", "--password-stdin", typed=f"{PASSWORD}\n")
    reader.opens("/login")
    reader.fills(identity=address, password=PASSWORD)
    reader.presses("Log in")
    reader.is_at("/account")
    for name in ["", "/password", "/username", "/email", "/sessions", "/second-factor", "/app-passwords", "/tokens", "/delete", "/verify"]:
        reader.opens(f"/account{name}")
        reader.looks(f"account{name.replace('/', '-')}")
    for name, path in [("nothing-as-member", "/nothing"), ("approvals", "/admin/approvals")]:
        reader.opens(path)
        for summary in reader.driver.find_elements(By.TAG_NAME, "summary"):
            summary.click()
        reader.looks(name)
    reader.opens("/account/second-factor")
    reader.presses("Add an authenticator app")
    reader.looks("totp")
    uri = reader.driver.find_element(By.CSS_SELECTOR, "a[href^='otpauth:']").get_attribute("href")
    reader.fills(code=totp(parse_qs(urlsplit(uri).query)["secret"][0]))
    reader.presses("Switch it on")
    reader.sees("Your recovery codes", "Print")
    reader.looks("recovery-codes")
    saved = reader.driver.find_element(By.CSS_SELECTOR, "a[download]").get_attribute("href")
    codes = [code.text for code in reader.driver.find_elements(By.CSS_SELECTOR, ".codes code")]
    assert len(codes) == 10 and all(code in unquote(saved) for code in codes), saved
    reader.opens("/account/second-factor")
    for summary in reader.driver.find_elements(By.TAG_NAME, "summary"):
        summary.click()
    reader.looks("second-factor-on")


def someone_waits(reader, post):
    reader.opens("/register")
    reader.fills(email="grandmother.of.alice.with.a.long.name@mail.department.example.org", name="Grandmother", password=PASSWORD)
    reader.driver.find_element(By.CSS_SELECTOR, "[data-show=password]").click()
    assert reader.driver.find_element(By.NAME, "password").get_attribute("type") == "text", "the password is shown"
    reader.presses("Create account")
    reader.opens(urlsplit(link_in(post)).path)
    reader.looks("confirm")
    reader.presses("Confirm")
    reader.looks("waiting")


def parts(path):
    """The text and the HTML of a mail."""
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return [mail.get_body([kind]).get_content() for kind in ["plain", "html"]]


def link_in(post):
    for _ in range(300):
        for path in post.glob("*.eml"):
            if found := re.search(r"http://\S+/confirm/glt_\S+", parts(path)[0]):
                return found.group(0)
        time.sleep(.1)
    raise AssertionError("no mail with a link came")


def mails(reader, post, folder):
    """Each mail that came, as programs show it: no wider than their window, whatever is in it."""
    reader.opens("/forgot")
    reader.fills(email="alice.of.the.long.and.winding.road@mail.department.example.org")
    reader.presses("Send me a link")
    for _ in range(300):
        paths = sorted(post.glob("*.eml"))
        if any("/reset/glt_" in parts(path)[0] for path in paths):
            break
        time.sleep(.1)
    assert len(paths) >= 3, paths
    for number, path in enumerate(paths):
        page = pathlib.Path(folder, f"{number}.html")
        page.write_text(parts(path)[1])
        reader.driver.get(page.as_uri())
        for width in [360, 800]:
            reader.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True})
            for scheme in ["light", "dark"]:
                reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
                reader.seen += 1
                wide = reader.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
                state = f"mail {reader.driver.title!r} {width} {scheme}"
                if wide > 0:
                    reader.faults.append(f"{state}: wide: {wide}")
                # Headings and landmarks are those of the program that shows it.
                reader.obeys(state, more=())
                if reader.pictures:
                    reader.driver.save_screenshot(f"{reader.pictures}/mail-{number}-{width}-{scheme}.png")


def in_german(reader):
    """The same pages with the long words of German."""
    reader.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    reader.opens("/account")
    reader.driver.find_element(By.CSS_SELECTOR, "#language option[value=de]").click()
    reader.presses("Change")
    reader.sees("Dein Konto")
    for name in ["", "/password", "/second-factor", "/app-passwords", "/tokens", "/delete", "/verify"]:
        reader.opens(f"/account{name}")
        reader.looks(f"german-account{name.replace('/', '-')}")
    for name in ["/nothing", "/register", "/setup/nonsense"]:
        reader.opens(name)
        reader.looks(f"german{name.replace('/', '-')}")


def totp(secret):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 10**6:06}"


if __name__ == "__main__":
    main(*sys.argv[1:])
