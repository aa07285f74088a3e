"""An SMTP server that puts what it takes into a Maildir, and answers when it is told to.

Usage: smtp.py USER PASSWORD MAILDIR CERTIFICATE KEY WRAPPING, of plain, later, always.

It says `listening PORT`, and `mail MESSAGE-ID` once a mail is in the folder. It is told on its standard
input: `hold` lets it answer no mail that it took until `go`; `refuse CODE TEXT` lets it refuse the next
mail so.
"""

import asyncio
import email
import logging
import mailbox
import os
import pwd
import ssl
import sys
import threading
import warnings

# That a password goes over the wire is what some tests want.
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

from aiosmtpd.smtp import SMTP, AuthResult

user, password, folder, certificate, key, wrapping = sys.argv[1:7]

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)

# Whoever serves the folder over IMAP is not root.
if os.getuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)

box = mailbox.Maildir(folder, create=True)
refusals = []


def say(*words):
    print(*words, flush=True)


class Handler:
    def __init__(self, may_answer):
        self.may_answer = may_answer

    async def handle_DATA(self, server, session, envelope):
        if refusals:
            return refusals.pop(0)
        content = envelope.original_content
        for line in (f"X-Rcpt-To: {to}\r\n" for to in envelope.rcpt_tos):
            content = line.encode() + content
        box.add(content)
        say("mail", email.message_from_bytes(content)["Message-ID"])
        await self.may_answer.wait()
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False)


async def main():
    loop = asyncio.get_running_loop()
    may_answer = asyncio.Event()
    may_answer.set()
    def protocol():
        return SMTP(
            Handler(may_answer),
            hostname="localhost",
            enable_SMTPUTF8=True,
            tls_context=context if wrapping == "later" else None,
            require_starttls=wrapping == "later",
            auth_require_tls=False,
            auth_required=True,
            authenticator=authenticate,
        )

    wrapped = context if wrapping == "always" else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=wrapped)

    def listen():
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "hold":
                loop.call_soon_threadsafe(may_answer.clear)
            elif word == "go":
                loop.call_soon_threadsafe(may_answer.set)
            elif word == "refuse":
                refusals.append(rest)
            loop.call_soon_threadsafe(say, "heard", word)
        # Whoever started it is gone.
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    say("listening", server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
