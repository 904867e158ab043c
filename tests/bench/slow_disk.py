"""Runs a program on a disk that is slower than this one: every fdatasync takes longer, and no other call is touched.

    slow_disk.py MICROSECONDS PROGRAM [ARGUMENT...]

The kernel holds a thread of the program at this one call until we let it go (seccomp_unotify(2), Linux 5.9 and newer), so the program
may be linked as it likes. strace is no instrument for this: version 6.1, told to look at this call alone, was seen to stop most threads
at every call of theirs, which took half of the registrations away. The program keeps this process's id.
Standard library only.
"""

import collections
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import sys
import time

# Numbers of the system calls, by architecture.
SECCOMP, FDATASYNC = {"x86_64": (317, 75), "aarch64": (277, 83), "armv7l": (383, 148)}[os.uname().machine]
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8
SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ALLOW = 0x7FC00000, 0x7FFF0000
SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND = 0xC0502100, 0xC0182101
SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1
BPF_LOAD_WORD, BPF_JUMP_IF_EQUAL, BPF_RETURN = 0x20, 0x15, 0x06
SIZE_OF_NOTIFICATION = 80


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def listen():
    """Has the kernel tell of each fdatasync of this process from now on, and returns where it does."""
    steps = [
        (BPF_LOAD_WORD, 0, 0, 0),  # the number of the call
        (BPF_JUMP_IF_EQUAL, 0, 1, FDATASYNC),
        (BPF_RETURN, 0, 0, SECCOMP_RET_USER_NOTIF),
        (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    listener = libc.syscall(SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise SystemExit(f"slow_disk: {os.strerror(ctypes.get_errno())}: this kernel cannot hold a call for us")
    return listener


def ioctl(listener, request, data):
    """False when whoever called was ended meanwhile."""
    try:
        fcntl.ioctl(listener, request, data)
        return True
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False


def hold_up(listener, seconds):
    """Lets each call go on after so long, until nobody is left who could call."""
    ready = select.poll()
    ready.register(listener, select.POLLIN)
    held = collections.deque()
    while True:
        left = max(held[0][0] - time.monotonic(), 0) if held else None
        select.select([listener], [], [], left)
        events = sum(events for _, events in ready.poll(0))
        if events & select.POLLIN:
            notification = bytearray(SIZE_OF_NOTIFICATION)
            if ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notification):
                held.append((time.monotonic() + seconds, struct.unpack_from("Q", notification)[0]))
        elif events:
            return
        while held and held[0][0] <= time.monotonic():
            answer = struct.pack("QqiI", held.popleft()[1], 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE)
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, bytearray(answer))


def main():
    if len(sys.argv) < 3 or not sys.argv[1].isdigit():
        raise SystemExit(__doc__)
    seconds, command = int(sys.argv[1]) / 1e6, sys.argv[2:]
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _, (listener,), _, _ = socket.recv_fds(theirs, 1, 1)
        # Whoever reads what the program writes sees its end.
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        hold_up(listener, seconds)
        os._exit(0)
    theirs.close()
    listener = listen()
    socket.send_fds(ours, [b"."], [listener])
    ours.close()
    os.close(listener)
    os.execvp(command[0], command)


main()
