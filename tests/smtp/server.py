"""A real SMTP server for the tests: aiosmtpd with switches, on loopback.

Prints `ready PORT`, then a line of JSON for each thing that happened.
"""
import argparse, asyncio, base64, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--security", choices=["none", "starttls", "tls"], default="none")
arguments.add_argument("--certificate")
arguments.add_argument("--key")
arguments.add_argument("--user")
arguments.add_argument("--password")
arguments.add_argument("--answers", default="", help="answers to RCPT, one for each, then 250")
options = arguments.parse_args()
answers = [answer for answer in options.answers.split(",") if answer]


def say(**event):
    print(json.dumps(event), flush=True)


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if answers:
            answer = answers.pop(0)
            say(event="refused", to=address, answer=answer)
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(event="mail", to=envelope.rcpt_tos, sender=envelope.mail_from, tls=session.ssl is not None or options.security == "tls",
            authenticated=session.authenticated, content=envelope.content.decode("ascii"))
        return "250 accepted"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login.decode() == options.user and data.password.decode() == options.password
    say(event="login", good=good)
    return AuthResult(success=good, handled=good, message=None if good else "535 5.7.8 Authentication credentials invalid")


async def main():
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
    keywords = dict(enable_SMTPUTF8=False)
    if options.security == "starttls":
        keywords.update(tls_context=context, require_starttls=True)
    if options.user:
        keywords.update(authenticator=authenticate, auth_required=True, auth_require_tls=options.security != "none")
        if options.security == "tls":
            keywords.update(auth_require_tls=False)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), hostname="localhost", **keywords), "127.0.0.1", options.port,
                                      ssl=context if options.security == "tls" else None,
                                      # Who says nothing is left soon, so that nobody has to wait for it.
                                      ssl_handshake_timeout=2 if options.security == "tls" else None)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
