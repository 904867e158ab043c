"""The whole way through the demo in a real browser, with JavaScript switched off.

    python3 tests/browser/journey.py PATH-OF-GATELODGE [FOLDER-FOR-SCREENSHOTS]
"""
import pathlib, re, socket, subprocess, sys, tempfile

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PASSWORD, OTHER = "correct horse battery staple", "seven geese over the moor"


def browser(folder, scripts=False, more=()):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--window-size=390,800", f"--user-data-dir={folder}/profile", *more]:
        options.add_argument(argument)
    options.accept_insecure_certs = True
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


class Person:
    """Somebody in front of the screen."""

    def __init__(self, driver, site, pictures):
        self.driver, self.site, self.pictures = driver, site, pictures

    def opens(self, address):
        self.driver.get(address if address.startswith("https:") else self.site + address)

    def fills(self, **fields):
        for name, text in fields.items():
            field = self.driver.find_element(By.NAME, name)
            field.clear()
            field.send_keys(text)

    def clicks(self, by, what):
        """Clicks, and waits until the page is another."""
        left = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.find_element(by, what).click()

        def is_left(_):
            try:
                left.is_enabled()
            except WebDriverException:  # the driver has several words for an element of a page that is gone
                return True

        WebDriverWait(self.driver, 30).until(is_left)

    def presses(self, words):
        self.clicks(By.XPATH, f"//button[normalize-space()='{words}']")

    def follows(self, words):
        self.clicks(By.PARTIAL_LINK_TEXT, words)

    def sees(self, *words):
        text = self.driver.find_element(By.TAG_NAME, "body").text
        for word in words:
            assert word in text, f"{word!r} is not on {self.driver.current_url}:\n{text}"
        if self.pictures:
            name = re.sub(r"\W+", "-", words[0].lower()).strip("-")
            self.driver.save_screenshot(f"{self.pictures}/{name}.png")

    def is_at(self, path):
        assert self.driver.current_url.removeprefix(self.site).startswith(path), self.driver.current_url


def main(program, pictures=None):
    if pictures:
        pathlib.Path(pictures).mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([program, "demo", "--port", str(port), "--dir", f"{folder}/demo"], stdout=subprocess.PIPE, text=True)
        driver = None
        try:
            def said(pattern):
                for line in server.stdout:
                    if found := re.search(pattern, line):
                        return found.group(0)
                raise AssertionError(f"the server ended before it said {pattern}")

            site = said(r"https://localhost:\d+")
            driver = browser(folder)
            journey(Person(driver, site, pictures), said)
        finally:
            if driver:
                driver.quit()
            server.terminate()
            server.wait()
    print("1 passed, 0 failed")


def journey(alice, said):
    alice.opens("/")
    alice.is_at("/login")
    alice.follows("Create an account")
    alice.fills(email="alice@example.org", username="alice", password="too short")
    alice.presses("Create account")
    alice.sees("Something is not right yet", "at least 15 characters")
    assert alice.driver.find_element(By.NAME, "email").get_attribute("value") == "alice@example.org"
    assert alice.driver.find_element(By.NAME, "password").get_attribute("value") == ""
    alice.fills(password=PASSWORD)
    alice.presses("Create account")
    alice.sees("Thank you", "an email is on its way")

    link = said(r"https://\S+/confirm/glt_\S+")
    alice.opens(link)
    alice.sees("Confirm your address", "Press the button")
    alice.presses("Confirm")
    alice.sees("Your address is confirmed.")
    alice.opens(link)
    alice.sees("This has already been done.")

    alice.opens("/account/sessions")
    alice.is_at("/login?return_to=")
    alice.fills(identity="alice@example.org", password=OTHER)
    alice.presses("Log in")
    alice.sees("The name or the password is wrong")
    alice.fills(password=PASSWORD)
    alice.presses("Log in")
    alice.is_at("/account/sessions")
    alice.sees("Where you are logged in", "this one")
    cookie = alice.driver.get_cookie("__Host-gatelodge")
    assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Lax", cookie

    alice.opens("/account")
    alice.sees("Your account", "alice@example.org")
    alice.follows("Change password")
    alice.fills(current_password="not the present one", new_password=OTHER)
    alice.presses("Change password")
    alice.sees("Enter your current password again")
    alice.fills(current_password=PASSWORD, new_password=OTHER)
    alice.presses("Change password")
    alice.sees("Your password was changed")
    alice.presses("Log out")
    alice.sees("You are logged out.")
    alice.opens("/account")
    alice.is_at("/login")

    alice.follows("Forgot your password?")
    alice.fills(email="alice@example.org")
    alice.presses("Send me a link")
    alice.sees("Check your email")
    alice.opens(said(r"https://\S+/reset/glt_\S+"))
    alice.sees("Choose a new password")
    alice.fills(password=PASSWORD)
    alice.presses("Set the password")
    alice.sees("Log in", "Your password was changed")
    alice.fills(identity="alice", password=PASSWORD)
    alice.presses("Log in")
    alice.sees("Member since")


if __name__ == "__main__":
    main(*sys.argv[1:])
