"""A proxy in front of PostgreSQL that can kill a service before or after one of its commits.

It speaks no SQL: it forwards the wire protocol over Unix sockets, remembers which statements a
session prepared and ran since BEGIN, and when a COMMIT comes whose transaction ran a statement that
an armed rule names (or the Sync that commits a statement without BEGIN), it acts:
  before  the COMMIT is not forwarded: the transaction is lost;
  after   the COMMIT is forwarded and done, its answer never comes back.
In both cases `on_hit(rule)` is called first (it kills the service), then the session is cut.
A transaction that ran a statement with the rule's `but_not` is let through.
"""
import asyncio
import os
import struct
import threading


class Rule:
    """Fires at the commit of a transaction that ran a statement containing `text`."""

    def __init__(self, text, when, on_hit, but_not=None):
        assert when in ("before", "after")
        self.text, self.when, self.on_hit, self.but_not = text, when, on_hit, but_not
        self.hit = threading.Event()

    def fits(self, statements):
        return (any(self.text in statement for statement in statements)
                and not (self.but_not and any(self.but_not in s for s in statements)))


class PgProxy:
    """Listens in `folder` as .s.PGSQL.<port> and forwards to the server's socket of that name."""

    def __init__(self, folder, server_socket, port):
        self.path = os.path.join(folder, f".s.PGSQL.{port}")
        self.server_socket = server_socket
        self.rules = []
        self.lock = threading.Lock()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.ready.wait()

    def arm(self, text, when, on_hit, but_not=None):
        rule = Rule(text, when, on_hit, but_not)
        with self.lock:
            self.rules.append(rule)
        return rule

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        os.unlink(self.path)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.loop.run_until_complete(asyncio.start_unix_server(self._session, self.path))
        os.chmod(self.path, 0o777)
        self.ready.set()
        self.loop.run_forever()
        sessions = asyncio.all_tasks(self.loop)
        for session in sessions:
            session.cancel()
        self.loop.run_until_complete(asyncio.gather(*sessions, return_exceptions=True))
        self.loop.close()

    def _take_rule(self, statements):
        with self.lock:
            for rule in self.rules:
                if rule.fits(statements):
                    self.rules.remove(rule)
                    return rule
        return None

    async def _session(self, client_in, client_out):
        try:
            server_in, server_out = await asyncio.open_unix_connection(self.server_socket)
        except OSError:
            client_out.close()
            return
        swallow = asyncio.Event()
        back = asyncio.ensure_future(self._pump_back(server_in, client_out, swallow))
        try:
            await self._pump_forward(client_in, server_out, swallow, back)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass  # its end, or ours
        finally:
            back.cancel()
            for writer in (client_out, server_out):
                writer.close()

    async def _pump_forward(self, client_in, server_out, swallow, back):
        length = struct.unpack("!I", await client_in.readexactly(4))[0]  # the startup packet
        server_out.write(struct.pack("!I", length) + await client_in.readexactly(length - 4))
        prepared, ran, begun = {}, [], False
        while True:
            kind = await client_in.readexactly(1)
            head = await client_in.readexactly(4)
            body = await client_in.readexactly(struct.unpack("!I", head)[0] - 4)
            commits = kind == b"S" and not begun
            if kind == b"P":  # Parse: name, text
                name, text = body.split(b"\0", 2)[:2]
                prepared[name] = text.decode()
            elif kind == b"B":  # Bind: portal, name
                ran.append(prepared.get(body.split(b"\0", 2)[1], ""))
            elif kind == b"Q":
                text = body.rstrip(b"\0").decode().strip().upper()
                commits = text.startswith("COMMIT")
                if text.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
                    begun = text.startswith("BEGIN")
                if text.startswith(("BEGIN", "ROLLBACK")):
                    ran.clear()
            if commits:
                rule = self._take_rule(ran)
                ran.clear()
                if rule is not None:
                    if rule.when == "after":
                        swallow.set()
                        server_out.write(kind + head + body)
                        await server_out.drain()
                        await back  # ends when the answer is there
                    await self.loop.run_in_executor(None, rule.on_hit, rule)
                    rule.hit.set()
                    return
            server_out.write(kind + head + body)
            await server_out.drain()

    @staticmethod
    async def _pump_back(server_in, client_out, swallow):
        last = b""
        while True:
            data = await server_in.read(65536)
            if not data:
                client_out.close()
                return
            last = (last + data)[-6:]
            if not swallow.is_set():
                client_out.write(data)
                await client_out.drain()
            elif last.startswith(b"Z\0\0\0\5"):  # ReadyForQuery: what was to be done is done
                return
