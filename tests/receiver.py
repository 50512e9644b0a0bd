#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web hook's other end, for tests: counts what comes and fails on command.

usage: receiver.py [--then ANSWER] [--journal FILE] [--bodies FILE]
                   [--certificate FILE] [--match TEXT=ANSWER,...]...
                   [--ends yes] PORTFILE [ANSWER]...

It listens on a free port of 127.0.0.1, whose number it writes to PORTFILE
when it is ready, and goes on until SIGTERM.  The n-th request gets the n-th
ANSWER, every further one that of --then (200).  One whose body holds the TEXT
of a --match gets the ANSWERs of that instead, as long as there are any.


  CODE            that status, and a few words; 301 and 302 with a Location
  CODE:SECONDS    with Retry-After: SECONDS
  CODE:date:N     with Retry-After as a date N seconds ahead, rounded up
  CODE=TEXT       with TEXT as the content
  slow:SECONDS    200, after a while
  hang            no answer, the connection stays open
  close           no answer, the connection is closed
  reset           no answer, the connection is reset
  torn            200 and a length, and the connection is closed half-way
  early           100 and 103 first, then 200
  cut             the connection is closed within the header of a 200
  long-header     200 with a header field of 200,000 bytes
  gone-quiet      200 and keep-alive, but the connection is closed behind it
  garbage         no HTTP

--journal gets a line of JSON a request: its number, when it came (seconds),
the connection's number, method, target, headers, length and SHA-256 of the
body, its event_id, and the answer; with --ends another one when it has been
answered.  --bodies gets the body of every request that was answered 2xx, each
ended by LF.  --certificate: a PEM file, key included; then it is HTTPS.
"""

import argparse
import email.utils
import hashlib
import json
import math
import os
import signal
import socket
import ssl
import struct
import sys
import threading
import time


class Receiver:
    def __init__(self, args):
        self.answers = args.answer
        self.then = args.then
        self.journal = args.journal and open(args.journal, "w", 1)
        self.bodies = args.bodies and open(args.bodies, "wb", 0)
        self.lock = threading.Lock()
        self.n = 0
        self.ends = args.ends == "yes"
        self.matches = []
        for match in args.match:
            text, _, answers = match.partition("=")
            self.matches.append((text.encode(), answers.split(",")))

    def take(self, body):
        """The number of this request, and its answer."""
        with self.lock:
            self.n += 1
            for text, answers in self.matches:
                if answers and text in body:
                    return self.n, answers.pop(0)
            if self.n <= len(self.answers):
                return self.n, self.answers[self.n - 1]
            return self.n, self.then

    def note(self, **what):
        if self.journal:
            with self.lock:
                self.journal.write(json.dumps(what) + "\n")

    def keep(self, body):
        if self.bodies:
            with self.lock:
                self.bodies.write(body + b"\n")


def read_request(stream):
    """(method, target, headers, body), or None at the end of the stream."""
    line = stream.readline()
    if not line:
        return None
    method, target, version = line.decode("latin-1").split()
    if version != "HTTP/1.1":
        raise ValueError("version " + version)
    headers = {}
    while True:
        line = stream.readline()
        if not line:
            raise ValueError("end inside a header")
        line = line.rstrip(b"\r\n")
        if not line:
            break
        name, value = line.decode("latin-1").split(":", 1)
        name = name.lower()
        if name in headers:
            raise ValueError("repeated header " + name)
        headers[name] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = stream.read(length)
    if len(body) != length:
        raise ValueError("end inside a body")
    return method, target, headers, body


def event_id(body):
    """The event's, where the body is one."""
    try:
        return json.loads(body)["event_id"]
    except (ValueError, KeyError, TypeError):
        return None


def answer(conn, receiver, what, body, method):
    """Give one answer; whether the connection goes on."""
    if what == "hang":
        time.sleep(3600)
    if what == "close":
        return False
    if what == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        return False
    if what == "garbage":
        conn.sendall(b"\x00\x1b[31mno HTTP at all\r\n\r\n")
        return False
    if what == "torn":
        receiver.keep(body)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False
    if what == "cut":
        conn.sendall(b"HTTP/1.1 200 OK\r\nConte")
        return False
    if what == "long-header":
        conn.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200000 +
                     b"\r\nContent-Length: 0\r\n\r\n")
        return True
    if what == "gone-quiet":
        receiver.keep(body)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return False
    if what == "early":
        receiver.keep(body)
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"
                     b"HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n"
                     b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True
    if what.startswith("slow:"):
        time.sleep(float(what[5:]))
        what = "200"

    content = None
    if "=" in what:
        what, content = what.split("=", 1)
        content = content.encode("utf-8").decode("unicode_escape")
        content = content.encode("latin-1")
    what, _, wait = what.partition(":")
    code = int(what)
    head = "HTTP/1.1 %d Status\r\n" % code
    if wait.startswith("date:"):
        stamp = math.ceil(time.time() + float(wait[5:]))
        head += "Retry-After: %s\r\n" % email.utils.formatdate(
            stamp, usegmt=True)
    elif wait:
        head += "retry-after:%s\r\n" % wait
    if 300 <= code < 400:
        head += "Location: /elsewhere\r\n"
    if content is None:
        content = b"ok" if 200 <= code < 300 else \
            b"the receiver says %d" % code
    if method == "HEAD":
        head += "Content-Length: %d\r\n" % len(content)
        content = b""
    elif code == 204:
        content = b""
    else:
        head += "Content-Length: %d\r\n" % len(content)
    if 200 <= code < 300:
        receiver.keep(body)
    conn.sendall(head.encode("ascii") + b"\r\n" + content)
    return True


def serve(conn, number, receiver, context):
    try:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            conn = context.wrap_socket(conn, server_side=True)
        stream = conn.makefile("rb", 65536)
        go_on = True
        while go_on:
            request = read_request(stream)
            if request is None:
                break
            came = time.monotonic()
            method, target, headers, body = request
            n, what = receiver.take(body)
            receiver.note(n=n, time=came, connection=number, method=method,
                          target=target, headers=headers, length=len(body),
                          sha256=hashlib.sha256(body).hexdigest(),
                          event=event_id(body), answer=what)
            go_on = answer(conn, receiver, what, body, method)
            if receiver.ends:
                receiver.note(done=n, time=time.monotonic())
        stream.close()
    except (OSError, ValueError) as error:
        receiver.note(connection=number, error=str(error))
    finally:
        conn.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--then", default="200")
    parser.add_argument("--journal")
    parser.add_argument("--bodies")
    parser.add_argument("--certificate")
    parser.add_argument("--ends")
    parser.add_argument("--match", action="append", default=[])
    parser.add_argument("portfile")
    parser.add_argument("answer", nargs="*")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    context = None
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate)
    receiver = Receiver(args)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    with open(args.portfile + ".new", "w") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(args.portfile + ".new", args.portfile)
    number = 0
    while True:
        conn, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(conn, number, receiver, context),
                         daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
