"""ups-sandbox under libfaketime: tokens end, limits and shipments age by the moved clock."""

import base64
import json
import os
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.layout import BINARIES
from tests.e2e.moved_time import MovedTime

CONFIG = {"clients": [{"client_id": "app", "client_secret": "s3cret", "accounts": ["F3R1N0"],
                       "token_seconds": 3599, "token_limit_per_day": 2}]}


class MovedTimeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        home = Path(folder.name)
        self.clock = MovedTime(home)
        (home / "config.json").write_text(json.dumps(CONFIG))
        child = subprocess.Popen(
            [BINARIES / "ups-sandbox", "--config", home / "config.json", "--ready-file",
             home / "ready"],
            env=os.environ | self.clock.environment)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        deadline = time.monotonic() + 60
        while not (home / "ready").exists():
            self.assertIsNone(child.poll(), "it ended at once")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.ready = json.loads((home / "ready").read_text())

    def call(self, path, headers, body=None):
        """The answer's status and body."""
        request = urllib.request.Request(f"http://{self.ready['api']}{path}", data=body,
                                         headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def token(self):
        basic = base64.b64encode(b"app:s3cret").decode()
        return self.call("/security/v1/oauth/token",
                         {"Authorization": f"Basic {basic}",
                          "Content-Type": "application/x-www-form-urlencoded"},
                         b"grant_type=client_credentials")

    def track(self, bearer):
        status, body = self.call("/api/track/v1/details/1ZF3R1N00300000000",
                                 {"Authorization": f"Bearer {bearer}", "transId": "t",
                                  "transactionSrc": "test"})
        return status if status == 200 else body["response"]["errors"][0]["code"]

    def test_tokens_and_their_limit_follow_the_moved_clock(self):
        _, first = self.token()
        self.assertEqual(self.track(first["access_token"]), 200)
        self.clock.step(3599)
        self.assertEqual(self.track(first["access_token"]), "251004")
        self.assertEqual(self.token()[0], 200)
        self.assertEqual(self.token()[0], 429)
        self.clock.step(48 * 3600)
        self.assertEqual(self.token()[0], 200)
        with urllib.request.urlopen(f"http://{self.ready['admin']}/admin/truth") as answer:
            requests = json.load(answer)["token_requests"]
        self.assertEqual([request["granted"] for request in requests], [True, True, False, True])
        self.assertGreater(requests[3]["time"][:10], requests[0]["time"][:10])
