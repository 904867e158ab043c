"""How it ends: people log out, and the appliance stops."""
from appliance import PORTAL, WIKI
from scene import check, leads_to_login


@check("logging out shuts the door at the next request")
def logout(at):
    assert at.bob.ask(f"{WIKI}/").status == 200
    kept = dict(at.bob.cookies)
    at.bob.logs_out(PORTAL)
    at.bob.cookies = kept
    at.application.forgets()
    answer = at.bob.ask(f"{WIKI}/")
    assert answer.status == 302, answer
    leads_to_login(answer, f"{WIKI}/")
    at.nobody_came()
    assert at.alice.ask(f"{WIKI}/").status == 200, "others stay"


@check("stopped means closed, and started again is still logged in")
def stopped(at):
    at.appliance.stops()
    try:
        for visitor, path in [(at.alice, "/"), (at.stranger, "/"), (at.stranger, "/public"), (at.alice, "/private")]:
            answer = visitor.ask(WIKI + path)
            assert answer.status >= 500, answer
        at.nobody_came()
    finally:
        at.appliance.starts()
    assert at.application.arrivals == []
    for _ in range(3):
        assert at.alice.ask(f"{WIKI}/").status == 200
