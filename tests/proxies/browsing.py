"""What must be true through every proxy, in a real browser."""
import json, pathlib, sys, tempfile

from selenium.webdriver.common.by import By

import fronts
from appliance import ALICE, OTHER_WIKI, PASSWORD, PORTAL, WIKI
from scene import is_identity_of

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "browser"))
from journey import Person, browser


class Reader(Person):
    """Somebody who reads what the application shows."""

    def reads(self, url):
        assert self.driver.current_url == url, self.driver.current_url
        return json.loads(self.driver.find_element(By.TAG_NAME, "body").text)

    def logs_in(self):
        self.is_at("/login?return_to=")
        self.fills(identity="alice", password=PASSWORD)
        self.presses("Log in")


def with_browser(story):
    """Gives a browser to a story, in which all hosts are behind the proxy."""

    def played(front, application):
        with tempfile.TemporaryDirectory() as folder:
            driver = browser(folder, more=[f"--host-resolver-rules=MAP *:443 127.0.0.1:{front.port}"])
            try:
                story(Reader(driver, PORTAL, None), application)
            finally:
                driver.quit()

    return played


@with_browser
def there_and_back(alice, application):
    page = f"{WIKI}/notes?q=a%20b&c=%2F"
    alice.opens(page)
    alice.logs_in()
    assert alice.reads(page)["target"] == "/notes?q=a%20b&c=%2F"
    is_identity_of(next(arrival for arrival in application.arrivals if arrival.target.startswith("/notes")), ALICE)
    alice.opens(f"{PORTAL}/account")
    alice.presses("Log out")
    application.forgets()
    alice.opens(page)
    alice.is_at("/login?return_to=")
    assert not application.arrivals, "the door is shut"


@with_browser
def two_domains(alice, application):
    alice.opens(f"{WIKI}/first")
    alice.logs_in()
    alice.reads(f"{WIKI}/first")
    alice.opens(f"{OTHER_WIKI}/second?a=b")
    assert alice.reads(f"{OTHER_WIKI}/second?a=b")["target"] == "/second?a=b", "handed over without another login"
    is_identity_of(next(arrival for arrival in application.arrivals if arrival.target.startswith("/second")), ALICE)
    alice.opens(f"{PORTAL}/account")
    alice.presses("Log out")
    for url in [f"{OTHER_WIKI}/second", f"{WIKI}/first"]:
        application.forgets()
        alice.opens(url)
        alice.is_at("/login?return_to=")
        assert not application.arrivals, "the door is shut on both domains"
    # The other way round: the first page is one of the second domain.
    alice.opens(f"{OTHER_WIKI}/third")
    alice.logs_in()
    alice.reads(f"{OTHER_WIKI}/third")
    alice.opens(f"{WIKI}/fourth")
    alice.reads(f"{WIKI}/fourth")


def of(kind):
    if kind is fronts.NginxOfTwoDomains:
        return [("in a browser, two root domains share one login, and one logout", two_domains)]
    return [("in a browser, a login leads to the application, and a logout to the login", there_and_back)]
