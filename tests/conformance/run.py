#!/usr/bin/env python3
"""make conformance: what we send to UPS and what ups-sandbox answers, judged by prism.

First every operation goes through the real ups-gateway to prism, which invents answers: only the
requests are judged. Then the calls of a small demo go through the gateway and prism to ups-sandbox:
both directions are judged. The last line is "N passed, N failed".
"""

import base64
import json
import os
import queue
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.local import certificates, sandboxes  # noqa: E402
from deploy.local.layout import BINARIES, StackError, write_private  # noqa: E402
from deploy.local.psupsctl import write_context  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402

import cases  # noqa: E402
from allowances import EXEMPT  # noqa: E402
from verdicts import Report  # noqa: E402

HERE = Path(__file__).resolve().parent
START_SECONDS, CALL_SECONDS = 120, 60


def openapi_folder() -> Path:
    """UPS_OPENAPI_DIR: a clone of UPS's repository, or a folder with its files in published/."""
    named = ROOT / (os.environ.get("UPS_OPENAPI_DIR") or "../shared/ups-openapi")
    for folder in (named / "published", named):
        if (folder / "Shipping.yaml").exists():
            return folder
    raise StackError(f"UPS's OpenAPI files are not in {named}; clone "
                     "https://github.com/UPS-API/api-documentation and name it by UPS_OPENAPI_DIR")


class Judge:
    """judge.mjs: the two doors that look like UPS, and what it thought of each call."""

    def __init__(self, folder: Path, sandbox: str):
        self.child = subprocess.Popen(
            ["node", HERE / "judge.mjs", folder, certificates.certificate("sandbox"),
             certificates.key("sandbox"), sandbox],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.ports = {}
        while not self.ports:
            line = self.next(START_SECONDS)
            if line is None:
                raise StackError("prism did not start")
            if "patch" in line:
                if not line["changed"]:
                    print(f"note: {line['file']} has no longer the bug of row {line['patch']}")
                continue
            self.ports = line

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, seconds: float):
        """The next line; None if none comes, or it ended."""
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return None

    def judged(self) -> list[dict]:
        """What was judged since the last time, all that was answered before this was asked."""
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        seen = []
        while (line := self.next(CALL_SECONDS)) is not None and "asked" not in line:
            seen.append(line)
        if line is None:
            raise StackError("prism ended")
        return seen

    def stop(self):
        self.child.stdin.close()
        self.child.wait()


class Gateway:
    """The real ups-gateway over a database of its own, called as its callers call it."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.address = f"localhost:{stack.ports['ups-gateway']}"
        service = stack.services["ups-gateway"]
        # Doubts are not asked about here: each call is to be that of its case.
        service.start(stack.variables("ups-gateway") | {"PSUPS_RESOLVER_FIRST_WAIT": "1h"})
        service.wait()
        write_context(stack.context, stack.ports)

    def add_account(self, account: str, port: int):
        folder = self.stack.home / "customers"
        folder.mkdir(exist_ok=True)
        settings = {
            "account_id": account, "environment": "PRODUCTION",
            "base_url": f"https://localhost:{port}",
            "ca_bundle_file": str(certificates.AUTHORITY), "client_id": sandboxes.CLIENT_ID,
            "shipper_number": sandboxes.SHIPPER_NUMBER, "shipper": cases.ORIGIN_IN_FULL,
        }
        (folder / f"{account}.json").write_text(json.dumps(settings))
        secret = write_private(folder / f"{account}.secret", self.stack.secrets["ups"])
        self.stack.psupsctl.run("account", "create", "--file", folder / f"{account}.json",
                                "--secret-file", secret)

    def call(self, case: cases.Case) -> dict:
        """grpc_call's line for it."""
        done = subprocess.run(
            [BINARIES / "grpc_call", "--address", self.address, "--ca", certificates.AUTHORITY,
             "--cert", certificates.certificate(case.caller), "--key",
             certificates.key(case.caller), "--deadline", str(CALL_SECONDS), case.method],
            input=json.dumps(case.request) + "\n", capture_output=True, text=True, check=False)
        if done.returncode:
            return {"code": f"grpc_call ended with {done.returncode}", "message": done.stderr.strip()}
        return json.loads(done.stdout)


def is_of(line: dict, operation: str) -> bool:
    return bool(re.search(cases.OPERATIONS[operation], f"{line['method']} {line['url']}"))


def run_mock(gateway: Gateway, judge: Judge, report: Report):
    """Each operation to prism, which invents the answers: what comes of them means nothing."""
    numbers = [cases.NUMBER, cases.OTHER_NUMBER, cases.THIRD_NUMBER]
    calls = [*cases.validate("accounts/mock"), *cases.quotes("accounts/mock"),
             *(cases.create("accounts/mock", name) for name in cases.SHIPMENTS),
             *cases.about("accounts/mock", cases.NUMBER, numbers, "CONFORMANCE0000")]
    tokens = []
    for case in calls:
        reply = gateway.call(case)
        lines = judge.judged()
        tokens += [line for line in lines if is_of(line, "token")]
        problems = [p for line in lines for p in report.violations(line, "request")]
        if not any(is_of(line, case.operation) for line in lines):
            problems.append(f"it did not reach UPS: {reply['code']} {reply['message']}")
        report.say(f"request   {case.operation}: {case.name}", problems)
    report.say("request   token: client credentials", [] if tokens else ["none was asked for"])


def run_proxy(gateway: Gateway, judge: Judge, report: Report, admin: sandboxes.Admin):
    """The calls of a demo to the sandbox: all that is said in both directions counts."""
    account = "accounts/proxy"
    admin.post("/admin/addresses", [
        {"input": {"lines": a["lines"], "city": a["city"], "state": a["state"],
                   "postal": a["postal_code"]}, "verdict": verdict}
        for a, verdict in ((cases.HARBOR, "valid"), (cases.HARBOR_IN_FULL, "valid"))])

    def call(case):
        reply = gateway.call(case)
        lines = judge.judged()
        problems = [p for line in lines for p in report.violations(line)]
        if reply["code"] != "OK" or not any(is_of(line, case.operation) for line in lines):
            problems.append(f"it did not reach UPS as that: {reply['code']} {reply['message']}")
        if case.operation == "ship":
            problems += not_done(case, reply, admin)
        report.say(f"both ways {case.operation}: {case.name}", problems)
        return reply.get("reply", {})

    for case in [*cases.validate(account), *cases.quotes(account)]:
        call(case)
    bought = {}
    for name in cases.SHIPMENTS:
        case = cases.create(account, name)
        bought[name] = (case, call(case).get("result", {}))
    case, result = bought["domestic, rich"]
    if not result:
        return  # it was said above
    packages = [package["tracking_number"] for package in result["packages"]]
    for question in cases.about(account, result["ups_shipment_id"], packages,
                                case.request["shipment"]["derived_reference"]):
        call(question)


def not_done(case: cases.Case, reply: dict, admin: sandboxes.Admin) -> list[str]:
    """Whether it was bought, and with all that was asked for."""
    if reply.get("reply", {}).get("state") != "DONE":
        return [f"it was not bought: {json.dumps(reply.get('reply'))[:300]}"]
    request = json.dumps(admin.truth()["shipments"][-1]["request"])
    return [f"UPS was not told: {word}" for word in case.tells if word not in request]


def run_planted(judge: Judge, report: Report, admin: sandboxes.Admin, token: str):
    """Violations of each kind that have to be found: else nothing above means anything."""
    admin.post("/admin/faults", {"add": [{"id": "planted", "route": "ship", "kind": "singleton"}]})
    for door, side, body in (("mock", "request", {"ShipmentRequest": {}}),
                             ("proxy", "request", {"ShipmentRequest": {}}),
                             ("proxy", "response", cases.DIFFERENCES[0][2])):
        post(judge, door, cases.SHIP_PATH, json.dumps(body), bearer(token))
        found = [v for line in judge.judged() for v in line["violations"] if v["side"] == side]
        report.say(f"planted   {door}: a {side} that is wrong is found",
                   [] if found else ["it was not"])


def run_differences(judge: Judge, report: Report, token: str):
    """What UPS takes though its files do not, which the gateway never sends."""
    for name, path, body in cases.DIFFERENCES:
        status, answer = post(judge, "proxy", path, json.dumps(body), bearer(token))
        problems = [p for line in judge.judged() for p in report.violations(line)]
        if status != 200:
            problems.append(f"{status} {answer}")
        report.say(f"both ways {name}", problems)


def post(judge: Judge, door: str, path: str, body: str, headers: dict) -> tuple[int, object]:
    request = urllib.request.Request(f"https://localhost:{judge.ports[door]}{path}",
                                     data=body.encode(), headers=headers)
    context = ssl.create_default_context(cafile=certificates.AUTHORITY)
    try:
        with urllib.request.urlopen(request, context=context, timeout=CALL_SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read(300).decode(errors="replace")


def bearer(token: str) -> dict:
    return {"Authorization": f"Bearer {token}", "transId": "0" * 32,
            "transactionSrc": "conformance", "Content-Type": "application/json"}


def new_token(judge: Judge, secret: str) -> str:
    basic = base64.b64encode(f"{sandboxes.CLIENT_ID}:{secret}".encode()).decode()
    form = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    _, answer = post(judge, "proxy", "/security/v1/oauth/token", "grant_type=client_credentials",
                     form)
    return answer["access_token"]


def main():
    began = time.monotonic()
    report = Report()
    with Stack("conformance") as stack:
        stack.remove()
        folder = openapi_folder()
        print(f"prism reads UPS's files in {folder}; PostgreSQL and ups-gateway start …",
              flush=True)
        stack.prepare()
        plain = {"tls_certificate_file": "", "tls_key_file": ""}
        config = sandboxes.ups_config(stack.ports, stack.secrets) | plain
        del config["webhook"]
        stack.ups.start(config)
        judge = Judge(folder, f"http://127.0.0.1:{stack.ports['ups-sandbox']}")
        try:
            admin = stack.ups.wait()
            gateway = Gateway(stack)
            for account in ("mock", "proxy"):
                gateway.add_account(account, judge.ports[account])
            run_mock(gateway, judge, report)
            run_proxy(gateway, judge, report, admin)
            token = new_token(judge, stack.secrets["ups"])
            run_differences(judge, report, token)
            run_planted(judge, report, admin, token)
        finally:
            judge.stop()
        report.say_allowances()
        if not report.failed:
            stack.remove()  # else its logs are of use
    for name, why in EXEMPT.items():
        print(f"exempt  {name}: {why}")
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    try:
        main()
    except StackError as problem:
        sys.exit(f"conformance: {problem}")
