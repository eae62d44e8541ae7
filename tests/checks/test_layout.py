"""The folder is the architecture: what may lie where."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    "CMakeLists.txt", "CMakePresets.json", "Makefile", "README.md", "CONTRIBUTING.md", "LICENSE",
    "package.json", "package-lock.json", "protos", "services", "common", "deploy", "helm", "tests",
    "docs", "examples",
}
SERVICES = ("ps-ingest", "shipment-builder", "ups-gateway", "tracking-sync", "audit-ledger")
# Words of the business: common/ is for what any five services could share.
NOUNS = r"shipment|purchase|parcel|tracking|peoplesoft|requisition|carrier|invoice|\bups\b"
# What a service's rules and handlers do not know of. (HTTP's types they may; the link stops more.)
FORBIDDEN_IN_CORE = r'#include [<"](pqxx|common/postgres|curl)'


def tracked(*patterns):
    said = subprocess.run(["git", "-C", ROOT, "ls-files", *patterns], capture_output=True,
                          text=True, check=True).stdout
    return [ROOT / line for line in said.splitlines() if (ROOT / line).exists()]


class LayoutTest(unittest.TestCase):
    def test_nothing_at_the_top_but_the_agreed_names(self):
        names = {path.relative_to(ROOT).parts[0] for path in tracked()}
        strangers = {name for name in names - TOP if not name.startswith(".")}
        self.assertEqual(strangers, set())

    def test_every_service_has_the_same_rooms(self):
        for name in SERVICES:
            for part in ("CMakeLists.txt", "main.cc", "README.md", "migrations"):
                self.assertTrue((ROOT / "services" / name / part).exists(), f"{name}/{part}")

    def test_common_knows_nothing_of_the_business(self):
        for path in tracked("common"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                code = line.split("//")[0].lower().replace("psups", "")
                self.assertNotRegex(code, NOUNS, f"{path.relative_to(ROOT)}:{number}")

    def test_rules_and_handlers_know_no_sql(self):
        for name in SERVICES:
            folder = ROOT / "services" / name
            core = re.search(r"CORE(.*?)(MAIN|LINK|\))", (folder / "CMakeLists.txt").read_text(),
                             re.DOTALL)
            for source in re.findall(r"\S+\.cc", core.group(1) if core else ""):
                for path in (folder / source, (folder / source).with_suffix(".h")):
                    if path.exists():
                        self.assertNotRegex(path.read_text(), FORBIDDEN_IN_CORE, str(path))

    def test_every_cpp_test_is_googletest(self):
        for path in tracked("tests/*_test.cc"):
            self.assertRegex(path.read_text(), r"\bTEST(_F|_P)?\(|TYPED_TEST", str(path))

    def test_every_header_has_pragma_once(self):
        for path in tracked("*.h"):
            self.assertIn("#pragma once", path.read_text(), str(path))

    def test_nobody_but_the_sandboxes_includes_the_sandboxes(self):
        for path in tracked("services/*", "common/*"):
            self.assertNotIn('#include "tests/', path.read_text(errors="replace"), str(path))

    def test_a_service_includes_no_other_service(self):
        for path in tracked("services/*.h", "services/*.cc"):
            own = path.relative_to(ROOT).parts[1]
            if own not in SERVICES:
                continue
            for other in re.findall(r'#include "services/([^/]+)/', path.read_text()):
                self.assertEqual(other, own, str(path))

    def test_the_sandboxes_share_nothing_with_the_services_but_http_and_the_clock(self):
        for path in tracked("tests/sandbox/*.h", "tests/sandbox/*.cc"):
            for include in re.findall(r'#include "((?:common|services|psups)/[^"]+)"',
                                      path.read_text()):
                if not path.name.endswith("_test.cc"):
                    self.assertRegex(include, r"^common/(clock\.h|http_|status_macros|testing/)", str(path))


if __name__ == "__main__":
    unittest.main()
