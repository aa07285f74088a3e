"""An FTP server on a folder, that stops where it is told to.

Usage: server.py USER PASSWORD FOLDER CERTIFICATE KEY KIND, of plain, tls, old (which knows no MLST and MLSD).

It says `listening PORT`, and `did COMMAND PATH` for each command that it answers. It is told on its
standard input: `hold COMMAND` lets it stop before it answers that command, `hold receiving` and `hold
sending` in the middle of a file that it gets or gives, and say `held`, until `go`.
"""

import os
import sys
import threading

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

user, password, folder, certificate, key, kind = sys.argv[1:7]

held = set()
go_on = threading.Event()


saying = threading.Lock()


def say(*words):
    # Two threads speak: a line of one may not begin in the middle of the other's.
    with saying:
        print(*words, flush=True)


def stop(what):
    if what in held:
        held.discard(what)
        go_on.clear()
        say("held", what)
        go_on.wait()


class Receiving:
    def handle_read(self):
        if self.get_transmitted_bytes() > 0:
            stop("receiving")
        super().handle_read()


class Sending:
    # Only what it writes itself can be stopped in the middle.
    def use_sendfile(self):
        return False

    def initiate_send(self):
        if self.get_transmitted_bytes() > 0:
            stop("sending")
        super().initiate_send()


class Answering:
    def pre_process_command(self, line, cmd, arg):
        self.asked = (cmd, arg)
        super().pre_process_command(line, cmd, arg)

    def respond(self, resp, *more, **named):
        cmd, arg = getattr(self, "asked", ("", ""))
        if cmd not in ("", "USER", "PASS"):
            say("did", cmd, arg)
        if resp[:1] == "2":
            stop(cmd)
        super().respond(resp, *more, **named)


class PlainData(Receiving, Sending, DTPHandler):
    # The name under which the loop calls it.
    handle_read_event = Receiving.handle_read


class Plain(Answering, FTPHandler):
    dtp_handler = PlainData


class TlsData(Receiving, Sending, TLS_DTPHandler):
    pass


class Tls(Answering, TLS_FTPHandler):
    dtp_handler = TlsData
    certfile = certificate
    keyfile = key
    tls_control_required = True
    tls_data_required = True


handler = Tls if kind == "tls" else Plain
if kind == "old":
    handler.proto_cmds = {
        name: how for name, how in handler.proto_cmds.items() if name not in ("MLST", "MLSD")
    }
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, folder, perm="elradfmwMT")
handler.authorizer = authorizer
handler.banner = "Files of the tests"
# A moment is the same for all that look at a folder.
handler.use_gmt_times = True


def listen():
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "hold":
            held.add(rest)
        elif word == "go":
            go_on.set()
        say("heard", word)
    # Whoever started it is gone.
    os._exit(0)


threading.Thread(target=listen, daemon=True).start()
server = FTPServer(("127.0.0.1", 0), handler)
say("listening", server.socket.getsockname()[1])
server.serve_forever(handle_exit=False)
