"""Who may reach whom: by the NetworkPolicies, the Ingress and the ServiceMonitor as rendered."""

import json
import unittest

import yaml

from deploy.local.layout import CALLS
from tests.chart.rendered import (NAMESPACE, RELEASE, ROOT, all_sets, default_values, for_each,
                                  is_pod_here, matches, rendered)

LEAVE = {"ps-ingest": "peoplesoft", "ups-gateway": "ups"}


class NetworkTest(unittest.TestCase):
    @for_each("workloads")
    def test_every_pod_is_denied_all_that_is_not_allowed(self, objects, one):
        policies = objects.policies(one)
        self.assertTrue(any("ingress" not in spec and "egress" not in spec
                            for spec in policies))
        for spec in policies:
            self.assertEqual(spec["policyTypes"], ["Ingress", "Egress"])

    @for_each("workloads")
    def test_every_port_is_in_a_policy_but_the_kubelets(self, objects, one):
        opened = {port["port"] for rule in objects.rules(one, "ingress")
                  for port in rule["ports"]}
        self.assertEqual(opened, {port for name, port in one.ports.items() if name != "health"})

    @for_each("workloads")
    def test_no_rule_lets_everybody_in(self, objects, one):
        for rule in objects.rules(one, "ingress"):
            self.assertTrue(rule["from"])
            self.assertTrue(rule["ports"])
            self.assertNotIn({}, rule["from"])

    @for_each("workloads")
    def test_no_rule_is_about_a_port_that_its_target_does_not_have(self, objects, one):
        for rule in objects.rules(one, "egress"):
            for target in objects.workloads:
                if any(is_pod_here(peer, target) for peer in rule.get("to", [])):
                    for port in rule["ports"]:
                        self.assertIn(port["port"], target.ports.values())

    @for_each("workloads")
    def test_every_pod_that_a_rule_means_is_there(self, objects, one):
        for way, peers in (("ingress", "from"), ("egress", "to")):
            for rule in objects.rules(one, way):
                for peer in rule.get(peers, []):
                    selector = peer.get("podSelector", {})
                    if "app.kubernetes.io/instance" in selector.get("matchLabels", {}):
                        self.assertEqual(len(objects.selected(selector)), 1)

    def test_services_reach_those_that_they_call_and_no_other_port(self):
        for name, objects in all_sets():
            wanted = {(caller, peer, "grpc") for caller, peers in CALLS.items() for peer in peers}
            if name == "sandbox":
                wanted |= {("ps-ingest", "peoplesoft-sandbox", "api"),
                           ("ups-gateway", "ups-sandbox", "api"),
                           ("ups-sandbox", "tracking-sync", "webhook")}
            found = {(caller.service, target.service, port) for caller in objects.workloads
                     for target in objects.workloads for port, number in target.ports.items()
                     if objects.allows(caller, target, number)}
            self.assertEqual(found, wanted)

    @for_each("workloads")
    def test_only_ps_ingest_and_ups_gateway_may_leave_and_not_with_sandboxes(self, objects, one):
        database = objects.values["database"].get("port", 5432)
        leaving = [rule for rule in objects.rules(one, "egress")
                   if [port["port"] for port in rule["ports"]] != [database]
                   and ("to" not in rule or any("ipBlock" in peer for peer in rule["to"]))]
        if objects.name == "sandbox" or one.service not in LEAVE:
            self.assertEqual(leaving, [])
            return
        values = objects.values.get(LEAVE[one.service], {})
        values = default_values()[LEAVE[one.service]] | values
        self.assertEqual(leaving, [{
            "to": values["egress"],
            "ports": [{"protocol": "TCP", "port": port} for port in values["ports"]]}])

    def test_ups_is_never_a_private_address(self):
        gateway = rendered("minimal").workload("ups-gateway")
        blocks = [peer["ipBlock"] for rule in rendered("minimal").rules(gateway, "egress")
                  for peer in rule.get("to", []) if "ipBlock" in peer]
        for private in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"):
            self.assertIn(private, blocks[0]["except"])

    @for_each("workloads")
    def test_who_has_a_database_url_may_go_there_and_all_may_ask_for_names(self, objects, one):
        ports = [sorted(port["port"] for port in rule["ports"])
                 for rule in objects.rules(one, "egress")]
        self.assertIn([53, 53], ports)
        has_url = any(setting.endswith("DATABASE_URL") for setting in one.env)
        self.assertEqual([objects.values["database"].get("port", 5432)] in ports, has_url)

    # ---- from outside ----

    def test_the_ingress_leads_to_the_two_paths_of_tracking_syncs_webhook_alone(self):
        objects = rendered("production")
        ingress, = objects.of("Ingress")
        rule, = ingress["spec"]["rules"]
        self.assertEqual([(path["path"], path["pathType"]) for path in rule["http"]["paths"]],
                         [("/track-alert", "Exact"), ("/oauth/token", "Exact")])
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            service, = [each for each in objects.of("Service")
                        if each["metadata"]["name"] == backend["name"]]
            self.assertEqual([port["name"] for port in service["spec"]["ports"]],
                             [backend["port"]["name"]])
            target, = objects.selected({"matchLabels": service["spec"]["selector"]})
            self.assertEqual(target.service, "tracking-sync")
        self.assertEqual(ingress["metadata"]["annotations"],
                         {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"})
        self.assertEqual(ingress["spec"]["tls"][0]["hosts"], [rule["host"]])

    def test_without_a_wish_there_is_no_ingress(self):
        self.assertEqual(rendered("minimal").of("Ingress") + rendered("sandbox").of("Ingress"), [])

    @for_each("workloads")
    def test_outsiders_reach_the_ports_that_are_for_them(self, objects, one):
        values = default_values() | objects.values
        for rule in objects.rules(one, "ingress"):
            names = {port for port, number in one.ports.items()
                     if number in [each["port"] for each in rule["ports"]]}
            for outsiders, theirs in ((values["clients"], {"grpc", "api", "admin"}),
                                      (default_values()["monitoring"]["from"], {"metrics"}),
                                      (default_values()["ingress"]["from"], {"webhook"})):
                if any(peer in rule["from"] for peer in outsiders):
                    self.assertLessEqual(names, theirs)

    # ---- monitoring ----

    def test_prometheus_finds_each_services_metrics_and_its_name(self):
        objects = rendered("production")
        monitor, = objects.of("ServiceMonitor")
        endpoint, = monitor["spec"]["endpoints"]
        self.assertEqual(monitor["spec"]["namespaceSelector"]["matchNames"], [NAMESPACE])
        relabel, = endpoint["relabelings"]
        label = "app.kubernetes.io/component"
        self.assertEqual(relabel["sourceLabels"], ["__meta_kubernetes_service_label_"
                                                   + label.replace(".", "_").replace("/", "_")])
        self.assertEqual(relabel["targetLabel"], "service")
        found = [each["metadata"]["labels"] for each in objects.of("Service")
                 if matches(monitor["spec"]["selector"], each["metadata"]["labels"])
                 and endpoint["port"] in [port["name"] for port in each["spec"]["ports"]]]
        self.assertEqual(sorted(labels[label] for labels in found), sorted(CALLS))
        self.assertEqual({labels[monitor["spec"]["jobLabel"]] for labels in found}, {RELEASE})

    def test_the_alerts_are_those_of_deploy_with_the_runbooks_of_the_values(self):
        rule, = rendered("production").of("PrometheusRule")
        text = (ROOT / "deploy/prometheus/alerts.yaml").read_text()
        wanted = yaml.safe_load(text.replace("https://docs.example.com/psups/runbooks",
                                             "https://wiki.example.com/psups"))
        self.assertEqual(rule["spec"], wanted)
        for each in (alert for group in wanted["groups"] for alert in group["rules"]):
            if "alert" in each:
                self.assertTrue(each["annotations"]["runbook_url"].startswith(
                    "https://wiki.example.com/psups/"), each["alert"])

    def test_the_dashboards_are_those_of_deploy(self):
        found = {name: json.loads(text) for each in rendered("production").of("ConfigMap")
                 for name, text in each["data"].items()}
        wanted = {path.name: json.loads(path.read_text())
                  for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")}
        self.assertEqual(found, wanted)


if __name__ == "__main__":
    unittest.main()
