"""What goes wrong at UPS and at PeopleSoft while orders are worked on: rules for the sandboxes."""

from random import Random

TOO_MANY = '{"response":{"errors":[{"code":"10429","message":"Too Many Requests"}]}}'
# Peer → route → (kind, share of the requests that meet it, what else the rule says). None needs a
# person or lies for good: a refused password, UPS finding no label that it has, a twin.
UPS = {
    "ship": [
        ("done_then_close", 0.04, {}),
        ("done_then_reset", 0.04, {}),
        ("done_then_status", 0.03, {"status": 503}),
        ("done_then_truncate", 0.03, {}),
        ("drop", 0.02, {"field": "ShippingLabel"}),
        ("withhold", 0.02, {}),
        ("html", 0.02, {"status": 502}),
        ("status", 0.03, {"status": 503}),
        ("status", 0.03, {"status": 429, "body": TOO_MANY}),
        ("close_before", 0.03, {"reused": True}),
        ("reset_before", 0.03, {}),
        ("slow", 0.08, {"delay_ms": 2500}),
    ],
    "void": [
        ("done_then_reset", 0.1, {}),
        ("done_then_close", 0.1, {}),
        ("done_then_status", 0.1, {"status": 503}),
        ("status", 0.1, {"status": 503}),
        ("polluted", 0.1, {}),
        ("singular_key", 0.1, {}),
        ("slow", 0.1, {"delay_ms": 1500}),
    ],
    "xav": [
        ("status", 0.03, {"status": 503}),
        ("status", 0.03, {"status": 429, "body": TOO_MANY}),
        ("html", 0.02, {"status": 200}),
        ("reset_before", 0.03, {}),
        ("done_then_truncate", 0.03, {}),
        ("done_then_close", 0.03, {}),
        ("slow", 0.05, {"delay_ms": 800}),
    ],
    "recovery": [
        ("status", 0.1, {"status": 503}),
        ("html", 0.05, {"status": 200}),
        ("done_then_truncate", 0.05, {}),
        ("reset_before", 0.05, {}),
    ],
    "track": [
        ("status", 0.02, {"status": 503}),
        ("html", 0.02, {"status": 200}),
        ("done_then_truncate", 0.02, {}),
        ("done_then_reset", 0.02, {}),
        ("no_gmt", 0.02, {}),
        ("short_gmt", 0.02, {}),
    ],
    "subscribe": [
        ("status", 0.05, {"status": 503}),
        ("done_then_reset", 0.05, {}),
        ("done_then_truncate", 0.05, {}),
    ],
    "webhook": [
        ("lost", 0.05, {}),
        ("duplicate", 0.05, {}),
        ("bad_credential", 0.03, {}),
        ("slow", 0.05, {"delay_ms": 3000}),
    ],
}
SITE = {
    "query": [
        ("bare_500", 0.02, {}),
        ("ib_error_200", 0.02, {}),
        ("status_503", 0.02, {}),
        ("html_login", 0.02, {}),
        ("redirect_302", 0.02, {}),
        ("contact_158_10721", 0.01, {}),
        ("permission_158_536", 0.01, {}),
        ("reset_before", 0.02, {}),
        ("reset_mid_body", 0.02, {}),
        ("truncate", 0.02, {}),
        ("withhold", 0.01, {}),
        ("wrong_numrows", 0.02, {}),
        ("duplicate_rows", 0.02, {}),
        ("slow", 0.04, {"delay_ms": 700}),
    ],
    "writeback": [
        ("bare_500", 0.03, {}),
        ("ib_error_200", 0.02, {}),
        ("status_503", 0.03, {}),
        ("html_login", 0.02, {}),
        ("reset_before", 0.03, {}),
        ("done_then_reset", 0.04, {}),
        ("done_then_close", 0.04, {}),
        ("truncate", 0.03, {}),
        ("reset_mid_body", 0.03, {}),
        ("slow", 0.05, {"delay_ms": 700}),
    ],
}
# A peer that is away altogether, for a while.
AWAY = {
    "ups": [{"kind": "status", "status": 503}, {"kind": "reset_before"}, {"kind": "close_before"}],
    "site": [{"kind": "status_503"}, {"kind": "reset_before"}, {"kind": "html_login"}],
}


def rules(peer: str, random: Random) -> list[dict]:
    """The rules of one sandbox."""
    return [{"id": f"{route}-{number}-{kind}", "route": route, "kind": kind, "probability": share,
             "seed": random.getrandbits(32)} | more
            for route, kinds in (UPS if peer == "ups" else SITE).items()
            for number, (kind, share, more) in enumerate(kinds)]


class Weather:
    """Makes the sandboxes fail by the seed, until it ends. `admins`: their admin APIs by peer."""

    def __init__(self, admins: dict, random: Random):
        self.admins = admins
        self.random = random

    def begin(self) -> None:
        for peer in self.admins:
            self._change(peer, rules(peer, self.random))

    def away(self, peer: str) -> None:
        """The peer answers nobody, whatever is asked, until it is `back`."""
        how = self.random.choice(AWAY["ups" if peer == "ups" else "site"])
        self._change(peer, [{"id": "away", "route": "*"} | how])

    def back(self, peer: str) -> None:
        self._change(peer, rules(peer, self.random))

    def end(self) -> None:
        for peer in self.admins:
            self._change(peer, [])

    def _change(self, peer: str, to: list[dict]) -> None:
        """`to` instead of what there is."""
        ids = [rule["id"] for rule in self.admins[peer].get("/admin/faults")["faults"]]
        self.admins[peer].post("/admin/faults", {"remove": ids, "add": to})
