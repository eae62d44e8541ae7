"""The rules that every rendered object keeps, for each set of values."""

import copy
import re
import unittest

from tests.chart.rendered import (ROOT, Rendered, all_sets, chart, for_each, judged, matches,
                                  rendered)

GIVEN_AS_TEXT = {  # settings whose names sound like secrets
    "PSUPS_WEBHOOK_API_KEYS": "client ids, which UPS shows in each request",
    "PSUPS_WEBHOOK_TOKEN_SECONDS": "a time",
}
SOUNDS_SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN")
LOOKS_SECRET = re.compile(r"://[^/@:]*:[^/@]*@|-----BEGIN|whsec_|password="
                          r"|[A-Za-z0-9+]{32}|[A-Za-z0-9+/]{42}=")
LONGEST_CALL = 40  # seconds; PSUPS_SHIP_TIMEOUT's 35 and some
DRAIN = re.compile(r"kDrain = absl::Seconds\((\d+)\)")


class ChartTest(unittest.TestCase):
    # ---- what Kubernetes wants ----

    def test_kubernetes_knows_every_object_and_field(self):
        self.assertEqual(judged([one for _, objects in all_sets() for one in objects.objects]), [])

    def test_the_judges_see_an_unknown_field_a_wrong_type_a_missing_field_and_an_unknown_kind(self):
        broken = [copy.deepcopy(rendered("production").of("Deployment")[0]) for _ in range(4)]
        broken[0]["spec"]["template"]["spec"]["runAsNonRoot"] = True
        broken[1]["spec"]["replicas"] = "2"
        del broken[2]["spec"]["selector"]
        broken[3]["kind"] = "Deploiment"
        for number, one in enumerate(broken):
            one["metadata"]["name"] = f"broken-{number}"
        said = judged(broken)
        for number, word in enumerate(("runAsNonRoot", "replicas", "selector", "Deploiment")):
            self.assertTrue(any(f"broken-{number}: " in one and word in one for one in said), said)

    def test_the_same_values_render_the_same_text(self):
        again = chart("-f", ROOT / "tests/chart/values/production.yaml")
        self.assertEqual(again.stdout, rendered("production").text)

    def test_migrations_run_before_anything_else_and_what_they_need_before_them(self):
        for name, objects in all_sets():
            hooks = {(each["kind"], each["metadata"]["name"]): each["metadata"]["annotations"]
                     for each in objects.objects
                     if "helm.sh/hook" in each["metadata"].get("annotations", {})}
            migrate = "psups-migrate"
            with self.subTest(name):
                self.assertEqual(set(hooks), {("Job", migrate), ("ServiceAccount", migrate),
                                              ("NetworkPolicy", migrate)})
                weights = {kind: int(each["helm.sh/hook-weight"])
                           for (kind, _), each in hooks.items()}
                self.assertLess(max(weights["ServiceAccount"], weights["NetworkPolicy"]),
                                weights["Job"])
                for each in hooks.values():
                    self.assertEqual(each["helm.sh/hook"], "pre-install,pre-upgrade")
                    self.assertEqual(each["helm.sh/hook-delete-policy"],
                                     "before-hook-creation,hook-succeeded")

    @for_each("services")
    def test_a_slow_start_or_a_short_silence_restarts_nothing(self, objects, service):
        for name in ("startupProbe", "livenessProbe"):
            probe = service.probes[name]
            self.assertGreaterEqual(probe["periodSeconds"] * probe["failureThreshold"], 60, name)

    def test_names_follow_the_release_and_fit(self):
        values = ROOT / "tests/chart/values/production.yaml"
        for release, begin in (("psups", "psups-"), ("my-psups", "my-psups-"),
                               ("shipping", "shipping-psups-"), ("x" * 53, "x" * 40)):
            done = chart("-f", values, "--set", "sandbox.enabled=true", release=release)
            for one in Rendered(done.stdout).objects:
                self.assertLessEqual(len(one["metadata"]["name"]), 63)
                self.assertTrue(f"{one['metadata']['name']}-".startswith(begin))

    # ---- what a pod may ----

    @for_each("workloads")
    def test_no_container_is_root_or_can_become_it(self, objects, one):
        pod = one.pod["securityContext"]
        self.assertIs(pod["runAsNonRoot"], True)
        self.assertEqual([pod[k] for k in ("runAsUser", "runAsGroup", "fsGroup")], [65532] * 3)
        self.assertEqual(pod["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(one.container["securityContext"], {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}})
        for shared in ("hostNetwork", "hostPID", "hostIPC"):
            self.assertNotIn(shared, one.pod)

    @for_each("workloads")
    def test_nothing_is_writable_but_a_small_tmp_in_memory(self, objects, one):
        volumes = {each["name"]: each for each in one.pod["volumes"]}
        writable = [each["mountPath"] for each in one.container["volumeMounts"]
                    if not each.get("readOnly")]
        self.assertEqual(writable, ["/tmp"])
        self.assertEqual(volumes["tmp"]["emptyDir"], {"medium": "Memory", "sizeLimit": "16Mi"})
        self.assertEqual(volumes.keys(), {m["name"] for m in one.container["volumeMounts"]})

    @for_each("workloads")
    def test_no_pod_has_a_token_for_kubernetes_or_its_service_variables(self, objects, one):
        self.assertIs(one.pod["automountServiceAccountToken"], False)
        self.assertIs(one.pod["enableServiceLinks"], False)
        account, = [each for each in objects.of("ServiceAccount")
                    if each["metadata"]["name"] == one.pod["serviceAccountName"]]
        self.assertIs(account["automountServiceAccountToken"], False)

    @for_each("workloads")
    def test_every_container_says_what_it_needs_and_may_use(self, objects, one):
        self.assertGreaterEqual(one.container["resources"]["requests"].keys(), {"cpu", "memory"})
        self.assertIn("memory", one.container["resources"]["limits"])

    @for_each("workloads")
    def test_each_runs_its_own_program(self, objects, one):
        self.assertEqual(one.container["command"], [f"/psups/bin/{one.service}"])
        self.assertRegex(one.container["image"], rf"(^|/)psups/{one.service}:\S+$")

    @for_each("services")
    def test_a_service_is_given_time_to_end_its_calls_and_drain(self, _, one):
        drain = int(DRAIN.search((ROOT / "common/service_main.cc").read_text())[1])
        self.assertGreater(one.pod["terminationGracePeriodSeconds"], drain + LONGEST_CALL)

    @for_each("services")
    def test_a_service_is_replaced_only_by_one_that_serves(self, objects, one):
        self.assertEqual(one.spec["strategy"]["rollingUpdate"],
                         {"maxSurge": 1, "maxUnavailable": 0})

    # ---- secrets ----

    def test_the_chart_makes_no_secret(self):
        for _, objects in all_sets():
            self.assertEqual(objects.of("Secret"), [])

    @for_each("workloads")
    def test_no_setting_or_argument_is_a_secret(self, objects, one):
        for setting, value in one.env.items():
            self.assertNotRegex(value, LOOKS_SECRET, setting)
            if SOUNDS_SECRET.search(setting) and setting not in GIVEN_AS_TEXT:
                self.assertRegex(setting, r"_FILE$|_PASSWORDS_DIR$")
        for argument in one.container.get("args", []):
            self.assertNotRegex(argument, LOOKS_SECRET)
        self.assertNotIn("envFrom", one.container)

    @for_each("workloads")
    def test_every_file_of_a_setting_is_a_key_of_a_mounted_secret(self, objects, one):
        for setting, path in one.env.items():
            if setting.endswith("_FILE"):
                self.assertIn(path, one.secret_files(), setting)

    @for_each("workloads")
    def test_every_mounted_file_is_one_that_a_setting_or_argument_names(self, objects, one):
        named = " ".join([*one.env.values(), *one.container.get("args", [])])
        for path in one.secret_files():
            in_config = one.service.endswith("-sandbox") and path.startswith("/etc/psups/tls/")
            in_folder = one.service == "migrate" and path.startswith("/etc/psups/database/")
            self.assertTrue(path in named or in_config or in_folder, path)

    @for_each("workloads")
    def test_a_secret_is_readable_by_its_pods_group_alone(self, objects, one):
        for volume in one.pod["volumes"]:
            if "secret" in volume:
                self.assertEqual(volume["secret"]["defaultMode"], 0o440)
                self.assertNotIn("optional", volume["secret"])

    @for_each("services")
    def test_a_service_sees_its_own_database_password_alone(self, objects, one):
        keys = {key for path, (_, key) in one.secret_files().items()
                if path.startswith("/etc/psups/database/")}
        self.assertEqual(keys, {one.service})

    # ---- settings ----

    @for_each("workloads")
    def test_every_setting_is_one_that_the_program_knows(self, objects, one):
        folders = ("deploy",) if one.kind == "Job" else (f"services/{one.service}", "common")
        code = "\n".join(path.read_text() for folder in folders
                         for path in sorted((ROOT / folder).rglob("*"))
                         if path.is_file() and path.suffix in (".cc", ".py", ".sh", ""))
        for setting in one.env:
            self.assertRegex(code, rf"\b{setting}\b")

    @for_each("services")
    def test_each_listener_is_a_port_of_its_container_and_the_other_way_round(self, objects, one):
        listeners = {setting: int(value.rsplit(":", 1)[1]) for setting, value in one.env.items()
                     if setting.endswith("_LISTEN")}
        self.assertEqual(listeners, {f"PSUPS_{name.upper()}_LISTEN": port
                                     for name, port in one.ports.items()})

    @for_each("services")
    def test_every_peers_address_is_a_headless_service_and_its_port(self, objects, one):
        for setting, address in one.env.items():
            if not setting.endswith("_ADDR"):
                continue
            name, port = address.split(":")
            service, = [each for each in objects.of("Service")
                        if each["metadata"]["name"] == name]
            self.assertEqual(service["spec"]["clusterIP"], "None")
            self.assertIn(int(port), [each["port"] for each in service["spec"]["ports"]])
            target, = objects.selected({"matchLabels": service["spec"]["selector"]})
            self.assertEqual(setting,
                             f"PSUPS_{target.service.replace('-', '_').upper()}_ADDR")
            self.assertTrue(objects.allows(one, target, int(port)))

    # ---- probes ----

    @for_each("services")
    def test_a_service_is_asked_at_its_health_port(self, objects, one):
        health = int(one.env["PSUPS_HEALTH_LISTEN"].rsplit(":", 1)[1])
        self.assertEqual(one.ports["health"], health)
        self.assertEqual(one.probes["readinessProbe"]["grpc"], {"port": health})
        for name in ("startupProbe", "livenessProbe"):
            self.assertEqual(one.probes[name]["grpc"], {"port": health, "service": "live"})

    @for_each("workloads")
    def test_every_probe_asks_a_port_that_the_container_has(self, objects, one):
        self.assertEqual(bool(one.probes), one.kind == "Deployment")
        for probe in one.probes.values():
            asked = (probe.get("grpc") or probe["tcpSocket"])["port"]
            self.assertIn(asked, {*one.ports, *one.ports.values()})

    # ---- selectors ----

    def test_every_service_leads_to_ports_of_the_one_that_it_selects(self):
        for _, objects in all_sets():
            for service in objects.of("Service"):
                target, = objects.selected({"matchLabels": service["spec"]["selector"]})
                for port in service["spec"]["ports"]:
                    self.assertEqual(target.ports[port["targetPort"]], port["port"])

    @for_each("workloads")
    def test_every_selector_finds_what_it_is_for(self, objects, one):
        own = one.spec.get("selector", {"matchLabels": one.labels})
        self.assertEqual([each.name for each in objects.selected(own)], [one.name])
        for spread in one.pod.get("topologySpreadConstraints", []):
            self.assertEqual(spread["labelSelector"], own)

    @for_each("services")
    def test_every_service_with_replicas_and_no_other_has_a_disruption_budget(self, objects, one):
        budgets = [each["spec"] for each in objects.of("PodDisruptionBudget")
                   if matches(each["spec"]["selector"], one.labels)]
        self.assertEqual(budgets, [] if one.spec["replicas"] == 1 else [
            {"maxUnavailable": 1, "selector": one.spec["selector"]}])


if __name__ == "__main__":
    unittest.main()
