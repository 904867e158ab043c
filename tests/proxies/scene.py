"""The scene of the checks: a proxy, the application behind it, the appliance, and people."""
import re, urllib.parse

from appliance import ALICE, PORTAL
from client import Visitor

IDENTITY = list(ALICE)
# In the order in which they are imported.
CHECKS = []


def check(words):
    def note(function):
        CHECKS.append((words, function))
        return function

    return note


def leads_to_login(answer, url):
    asked = urllib.parse.urlsplit(answer.value("location") or "")
    assert f"{asked.scheme}://{asked.netloc}{asked.path}" == f"{PORTAL}/login", answer
    assert urllib.parse.parse_qs(asked.query) == {"return_to": [url]}, answer


def identity(arrival):
    """Every header that an application may take for one of ours."""
    plain = [(re.sub("[^a-z0-9]", "-", name.lower()), value) for name, value in arrival.headers]
    return [(name, value) for name, value in plain if name in IDENTITY]


def is_identity_of(arrival, who):
    """Each header once; what is empty may be left out."""
    assert sorted(pair for pair in identity(arrival) if pair[1]) == sorted(who.items()), arrival.headers


class Scene:
    """A proxy, the application, the appliance, and the people before them."""

    def __init__(self, front, application, appliance):
        self.front, self.application, self.appliance = front, application, appliance
        self.stranger, self.alice, self.bob = Visitor(front), Visitor(front), Visitor(front)

    def reached(self):
        return self.application.arrivals

    def only(self):
        assert len(self.reached()) == 1, [arrival.target for arrival in self.reached()]
        return self.reached()[0]

    def nobody_came(self):
        assert not self.reached(), [(arrival.method, arrival.target) for arrival in self.reached()]
