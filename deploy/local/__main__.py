"""make up, make down: python3 -m deploy.local up|down|status|forget."""

import argparse
import json
import shutil
import subprocess
import sys
from datetime import date

from deploy.local.layout import FIXED_PORTS, ROOT, RUN, StackError
from deploy.local.stack import Stack

# Enough to look around in: some ship, some wait for a person, some have nothing to ship.
ORDERS = 24
SCANS = {"interval_ms": 5000, "script": ["OR", "DP", "OT", "FS"]}


def up(stack: Stack) -> None:
    running = stack.running()
    if running:
        print(f"already up: {', '.join(running)}; make down stops it")
        return
    print("starting PostgreSQL, the sandboxes and the five services …", flush=True)
    stack.start()
    enter_orders(stack)
    shutil.copyfile(stack.context, RUN / "context.json")
    print(f"up, with {ORDERS} orders. Try: build/bin/psupsctl order list\n"
          f"logs: {stack.home}/logs\n"
          f"UPS sandbox's admin API: http://127.0.0.1:{FIXED_PORTS['ups-sandbox.admin']}   "
          f"PeopleSoft's: http://127.0.0.1:{FIXED_PORTS['c1.admin']} (c1), "
          f"http://127.0.0.1:{FIXED_PORTS['c2.admin']} (c2)")


def enter_orders(stack: Stack) -> None:
    """Connects both sites and has a few orders entered in each, as the demo has."""
    files = stack.home / "orders"
    subprocess.run([sys.executable, ROOT / "tests/harness/generator.py", "--orders", str(ORDERS),
                    "--out", files], check=True)

    def read(name: str):
        return json.loads((files / name).read_text())

    stack.ups.admin.post("/admin/addresses", read("addresses.json"))
    stack.connect(date.fromisoformat(read("expected.json")["go_live"]))
    for name, site in stack.sites.items():
        site.admin.post("/admin/orders", read(f"peoplesoft-{name}.json"))


def down(stack: Stack) -> None:
    names = stack.running()
    stack.stop()
    print(f"stopped: {', '.join(names)}" if names else "nothing runs")


def status(stack: Stack) -> None:
    names = stack.running()
    print(f"runs: {', '.join(names)}" if names else "nothing runs")


def forget(stack: Stack) -> None:
    for name in {stack.name} | {path.parent.name for path in RUN.glob("*/secrets")}:
        Stack(name).remove()


def main() -> int:
    commands = {"up": up, "down": down, "status": status, "forget": forget}
    parser = argparse.ArgumentParser(prog="deploy.local", description=__doc__)
    parser.add_argument("command", choices=commands)
    command = parser.parse_args().command
    stack = Stack("local", fixed_ports=True, auto_scans=SCANS)
    try:
        commands[command](stack)
    except (StackError, KeyboardInterrupt) as problem:
        print(f"make {command}: {problem or 'interrupted'}", file=sys.stderr)
        if command == "up":
            stack.stop()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
