"""A person at a terminal: runs a command in one, and answers when it says what is expected.

    terminal.py COMMAND...      reads [[EXPECTED, ANSWER], ...] from standard input

Everything that the terminal showed goes to standard output; ends as the command did.
"""

import json
import os
import pty
import select
import sys

PATIENCE = 60

talk = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
unread = b""


def read():
    ready, _, _ = select.select([terminal], [], [], PATIENCE)
    if not ready:
        sys.exit(f"nothing came for {PATIENCE} s: {unread!r}")
    try:
        return os.read(terminal, 4096)
    except OSError:  # the command has ended
        return b""


for expected, answer in talk:
    while expected.encode() not in unread:
        more = read()
        if not more:
            sys.exit(f"it ended before it said {expected!r}: {unread.decode()}")
        os.write(1, more)
        unread += more
    unread = unread[unread.index(expected.encode()) + len(expected) :]
    os.write(terminal, (answer + "\n").encode())
while more := read():
    os.write(1, more)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
