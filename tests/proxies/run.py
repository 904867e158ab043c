"""Real proxies with the files of config/proxies, before a real appliance and a small application.

    python3 tests/proxies/run.py PATH-OF-GATELODGE [PROXY...]

Each line says which proxy did what; what fails is told at the end. With `--no-browser` nothing is clicked.
"""
import os, pathlib, subprocess, sys, tempfile, time, traceback

import fronts, mistakes, questions, scene
# In this order.
import everyday, attacks, endings
from appliance import Appliance
from echo import Application

NAMES = ["auth.example.org", "wiki.example.org", "open.example.org", "auth.example.net", "wiki.example.net"]


def certificate(folder):
    certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
    names = ",".join(f"DNS:{name}" for name in NAMES)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=example.org",
                    "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Report:
    def __init__(self):
        self.passed, self.failures = 0, []

    def tries(self, name, words, attempt):
        begun = time.monotonic()
        try:
            attempt()
            self.passed += 1
            outcome = "ok"
        except Exception:
            self.failures.append(f"{name}: {words}\n{traceback.format_exc()}")
            outcome = "FAILED"
        print(f"{name}: {words}: {outcome} ({time.monotonic() - begun:.1f} s)", flush=True)
        return outcome == "ok"


def try_front(kind, place, application, appliance, report, with_browser):
    print(f"{kind.name}: {fronts.version_of(kind)}", flush=True)
    front = kind(place)
    try:
        if not report.tries(front.name, "it starts with the file as it is", front.serves):
            return
        if kind is not fronts.NginxOfTwoDomains:
            at = scene.Scene(front, application, appliance)
            for words, function in scene.CHECKS:
                application.forgets()
                report.tries(front.name, words, lambda: function(at))
        if with_browser:
            import browsing

            for words, function in browsing.of(kind):
                application.forgets()
                report.tries(front.name, words, lambda: function(front, application))
    finally:
        front.stops()
        if any(failure.startswith(f"{front.name}:") for failure in report.failures):
            print(f"{front.name} said:\n{front.said()}")


def try_questions(place, folder):
    listener = questions.Listener()
    pathlib.Path(folder, "questions").mkdir()
    front = fronts.Traefik(fronts.Place(f"{folder}/questions", listener.port, place.application, place.certificate, place.key))
    try:
        front.serves()
        questions.are_as_written(front, listener)
    finally:
        front.stops()


def main(program, *wanted):
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin{os.pathsep}{pathlib.Path(sys.executable).parent}"
    with_browser = "--no-browser" not in wanted
    wanted = [name for name in wanted if not name.startswith("--")]
    kinds = [*fronts.ALL, *([fronts.NginxOfTwoDomains] if with_browser else [])]
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)  # some proxies read their files as nobody
        application = Application()
        program = pathlib.Path(program).absolute()
        appliance = Appliance(program, folder, fronts.free_port())
        try:
            place = fronts.Place(folder, appliance.port, application.port, *certificate(folder))
            for kind in kinds:
                if not wanted or kind.name in wanted:
                    try_front(kind, place, application, appliance, report, with_browser)
            if not wanted or "questions" in wanted:
                report.tries("traefik", "it asks what tests/it/traefik has written down", lambda: try_questions(place, folder))
            if not wanted or "mistakes" in wanted:
                for number, mistake in enumerate(mistakes.ALL):
                    application.forgets()
                    attempt = lambda: mistake.made(program, place, pathlib.Path(folder, f"mistake-{number}"), application)
                    report.tries("mistakes", mistake.words, attempt)
        finally:
            appliance.stops()
    print("\n".join(report.failures))
    print(f"{report.passed} passed, {len(report.failures)} failed")
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main(*sys.argv[1:])
