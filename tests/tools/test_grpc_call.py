"""grpc_call against a real service."""

import json
import shutil
import signal
import subprocess
import time
import unittest

from deploy.local import certificates
from deploy.local.layout import BINARIES
from deploy.local.stack import Stack

GET_ENTRY = "psups.audit.v1.AuditService/GetEntry"
LIST_ENTRIES = "psups.audit.v1.AuditService/ListEntries"


class GrpcCallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("test-grpc-call")
        cls.addClassCleanup(cls.stack.remove)
        cls.stack.prepare()
        cls.ledger = cls.stack.services["audit-ledger"]
        cls.ledger.start(cls.stack.variables("audit-ledger"))
        cls.ledger.wait()

    def start(self, *arguments):
        command = [BINARIES / "grpc_call", "--address",
                   f"localhost:{self.stack.ports['audit-ledger']}",
                   "--ca", certificates.AUTHORITY, "--cert", certificates.certificate("viewer"),
                   "--key", certificates.key("viewer"), *arguments]
        self.assertTrue(shutil.which(command[0]))
        child = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def test_a_reply_is_printed_before_the_next_request_is_there(self):
        child = self.start(LIST_ENTRIES)
        for n in range(2):
            child.stdin.write('{"page_size": 1}\n')
            child.stdin.flush()
            reply = json.loads(child.stdout.readline())
            self.assertEqual((reply["n"], reply["code"], reply["message"], reply["reply"]),
                             (n, "OK", "", {}))
            self.assertGreater(reply["seconds"], 0)
        self.assertEqual(child.communicate(), ("", ""))
        self.assertEqual(child.returncode, 0)

    def test_an_error_of_the_service_is_a_reply(self):
        out, _ = self.start(GET_ENTRY).communicate('{"index": "7"}\n')
        reply = json.loads(out)
        self.assertEqual(reply["code"], "NOT_FOUND")
        self.assertNotEqual(reply["message"], "")
        self.assertNotIn("reply", reply)

    def test_many_calls_are_in_flight_at_once(self):
        self.ledger.process.signal(signal.SIGSTOP)
        self.addCleanup(self.ledger.process.signal, signal.SIGCONT)
        began = time.monotonic()
        child = self.start("--in-flight", "3", "--deadline", "2", GET_ENTRY)
        out, _ = child.communicate("{}\n" * 3)
        self.assertLess(time.monotonic() - began, 4)
        replies = [json.loads(line) for line in out.splitlines()]
        self.assertEqual({reply["n"] for reply in replies}, {0, 1, 2})
        self.assertEqual({reply["code"] for reply in replies}, {"DEADLINE_EXCEEDED"})

    def test_what_is_no_request_ends_it_with_its_line(self):
        child = self.start(LIST_ENTRIES)
        out, errors = child.communicate('{}\n{"page": 1}\n{}\n')
        self.assertEqual(child.returncode, 1)
        self.assertEqual(len(out.splitlines()), 1)
        self.assertRegex(errors, r"^grpc_call: line 1: .*page")

    def test_a_method_that_is_not_ours_is_named(self):
        child = self.start("psups.audit.v1.AuditService/Forget")
        _, errors = child.communicate("")
        self.assertEqual(child.returncode, 1)
        self.assertIn("psups.audit.v1.AuditService.Forget", errors)
