"""What systemd does for a service with sockets, and nothing more: opens them, hands them over, listens to what it is told.

    manager.py HTTPS_PORT HTTP_PORT NOTIFY_SOCKET WATCHDOG_SECONDS COMMAND...

Reads `start`, `stop`, `kill` or `hup` from standard input, and writes `notify STATE` and `exited CODE` between the service's own
lines. The sockets stay open from one start to the next.
"""

import os
import signal
import socket
import sys
import threading

https_port, http_port, notify_path, watchdog, *command = sys.argv[1:]


def say(line):
    os.write(1, (line + "\n").encode())


def listen(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", int(port)))
    sock.listen(1024)
    return sock


sockets = [listen(https_port), listen(http_port)]
notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notified.bind(notify_path)


def hear():
    while True:
        for line in notified.recv(4096).decode().splitlines():
            say("notify " + line)


threading.Thread(target=hear, daemon=True).start()


def start():
    child = os.fork()
    if child:
        return child
    # First out of the way, then to where the protocol wants them.
    copies = [os.dup2(sock.fileno(), 100 + number) for number, sock in enumerate(sockets)]
    for number, copy in enumerate(copies):
        os.dup2(copy, 3 + number)
        os.close(copy)
    os.environ.update(
        LISTEN_FDS=str(len(sockets)),
        LISTEN_FDNAMES="https:http",
        LISTEN_PID=str(os.getpid()),
        NOTIFY_SOCKET=notify_path,
        WATCHDOG_USEC=str(int(watchdog) * 1_000_000),
        WATCHDOG_PID=str(os.getpid()),
    )
    os.execvp(command[0], command)


SIGNALS = {"stop": signal.SIGTERM, "kill": signal.SIGKILL, "hup": signal.SIGHUP}
child = None
for word in map(str.strip, sys.stdin):
    if word == "start":
        child = start()
        continue
    os.kill(child, SIGNALS[word])
    if word != "hup":
        _, status = os.waitpid(child, 0)
        say(f"exited {os.waitstatus_to_exitcode(status)}")
        child = None
if child:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
