"""A mail server for tests, on a free port of 127.0.0.1.

The argument is a JSON object with the settings, see `Settings` in ../src/settings.rs. The first line of the output is
the port. Each further line is a mail that the server has received, as JSON, written before the server accepts the
mail. The server ends when its standard input ends.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import MISSING, SMTP, AuthResult

settings = json.loads(sys.argv[1])
NEVER = asyncio.Event()


def report(value):
    print(json.dumps(value), flush=True)


def parsed(raw):
    """Reads a mail with Python's own parser."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    defects = [str(defect) for part in message.walk() for defect in part.defects]
    defects += [str(defect) for value in message.values() for defect in value.defects]
    return {
        "headers": [[name, str(value)] for name, value in message.items()],
        "recipients": [[a.display_name, a.addr_spec] for a in message["To"].addresses],
        "content_type": message.get_content_type(),
        "parts": [
            {
                "content_type": part.get_content_type(),
                "charset": part.get_content_charset(),
                "content": part.get_content().replace("\r\n", "\n"),
            }
            for part in leaves
        ],
        "defects": defects,
    }


class Handler:
    async def reply(self, command, default):
        """Waits as the settings say, and returns the response to a command."""
        if settings["hangs_at"] == command:
            await NEVER.wait()
        await asyncio.sleep(settings["delay_ms"] / 1000)
        return settings["replies"].get(command, default)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        refusal = await self.reply("EHLO", None)
        return [refusal] if refusal else responses

    async def handle_AUTH(self, server, session, envelope, args):
        refusal = await self.reply("AUTH", None)
        return refusal.replace("{command}", " ".join(args)) if refusal else MISSING

    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = await self.reply("MAIL", "250 OK")
        if reply.startswith("250"):
            envelope.mail_from = address
        return reply

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = await self.reply("RCPT", "250 OK")
        reply = settings["replies"].get(address, reply)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        reply = await self.reply("content", "250 OK")
        if settings["refuse_first"] > 0:
            settings["refuse_first"] -= 1
            return "451 4.3.0 Try again later"
        if not reply.startswith("250"):
            return reply
        # The raw bytes are in lines that end with CRLF.
        raw = envelope.original_content
        report(
            {
                "sender": envelope.mail_from,
                "accepted_recipients": envelope.rcpt_tos,
                "hello_name": session.host_name,
                "encrypted": session.ssl is not None or settings["tls"] == "implicit",
                "user": session.login_data.decode() if session.login_data else None,
                "raw": raw.decode("ascii", "backslashreplace"),
                "parsed": parsed(raw),
            }
        )
        if settings["cut"] == "before the response":
            server.transport.abort()
        return reply


class Server(SMTP):
    async def smtp_DATA(self, argument):
        reply = await self.event_handler.reply("DATA", None)
        if reply:
            await self.push(reply)
        elif settings["cut"] == "in the content":
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.readuntil(b"\r\n")
            self.transport.abort()
        else:
            await super().smtp_DATA(argument)


def authenticate(server, session, envelope, mechanism, data):
    expected = tuple(text.encode() for text in settings["login"])
    accepted = (data.login, data.password) == expected
    return AuthResult(success=accepted, handled=False, auth_data=data)


async def main():
    context = None
    if settings["tls"] != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["certificate"], settings["key"])
    loop = asyncio.get_running_loop()

    def connection():
        return Server(
            Handler(),
            hostname="mail.test.example",
            loop=loop,
            tls_context=context if settings["tls"] == "starttls" else None,
            require_starttls=settings["tls"] == "starttls",
            auth_required=settings["login"] is not None,
            auth_require_tls=settings["tls"] == "starttls",
            auth_exclude_mechanism=settings["excluded_logins"],
            authenticator=authenticate if settings["login"] else None,
        )

    implicit = context if settings["tls"] == "implicit" else None
    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=implicit)
    report(server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
