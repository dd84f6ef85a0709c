"""The Helm chart: valid for Kubernetes, strict about its values, hardened, and calm while pods come and go."""

import json
import os
import re
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import helm_python
import kubernetes_validate
import pytest

from tests.deploy.rendered import CHART, DATABASE_ELSEWHERE, EVERYTHING, ROOT, Document, of_kind, pods, render

VERSIONS = ("1.30", "1.37")
"""The oldest that Chart.yaml allows, and the newest whose schemas are known."""
NOT_OF_KUBERNETES_ITSELF = {"HTTPRoute", "ServiceMonitor"}
SERVICES = ("ui", "post", "comment", "account")
FORMS: dict[str, Document] = {
    "as it comes": {},
    "everything switched on": EVERYTHING,
    "a database elsewhere": DATABASE_ELSEWHERE,
    "no policies": {"networkPolicy": {"mode": "off"}},
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("form", FORMS)
def test_every_document_is_valid(form: str, version: str) -> None:
    """Kubernetes' own schemas accept every document, with no field that they don't know."""
    for document in render(FORMS[form]):
        if document["kind"] not in NOT_OF_KUBERNETES_ITSELF:
            kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelt_field_is_found() -> None:
    """Strict validation refuses a field that Kubernetes does not know, so passing it means something."""
    (deployment, *_) = of_kind(render(), "Deployment")
    deployment["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[1], strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_helm_finds_nothing_to_complain_of(version: str) -> None:
    """``helm lint --strict`` says nothing but that an icon would be nice."""
    for values in FORMS.values():
        report = helm_python.lint(CHART, values, strict=True, kube_version=f"v{version}.0")
        assert report["errors"] == []
        assert [message["error"] for message in report["messages"]] == ["icon is recommended"]


def test_no_two_documents_share_a_name() -> None:
    """Of each kind, every document has its own name."""
    for values in FORMS.values():
        names = [(document["kind"], document["metadata"]["name"]) for document in render(values)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 3},
        {"services": {"ui": {"replicas": 0}}},
        {"services": {"web": {"replicas": 1}}},
        {"networkPolicy": {"mode": "strict"}},
        {"settings": {"UPTHREAD_SECRET": "in the clear"}},
        {"settings": {"PATH": "/opt/bin"}},
        {"image": {"owner": "https://registry.example/x"}},
        {"mongodb": {"external": [{"cidr": "10.8.0.0/24", "port": 27017}]}},
        {"expose": {"ingress": {"enabled": True}}},
        {"expose": {"host": "a.example", "gateway": {"enabled": True}}},
        {"monitoring": {"serviceMonitor": "yes"}},
    ],
    ids=json.dumps,
)
def test_wrong_values_are_refused(values: Document) -> None:
    """A value that can't be, a misspelt one, or a secret in the clear stops Helm with a message."""
    with pytest.raises(helm_python.HelmValuesError):
        render(values)


@pytest.mark.parametrize("form", FORMS)
def test_pods_are_restricted(form: str) -> None:
    """Every pod may enter a namespace whose pod security level is ``restricted``, and its root is read-only."""
    for pod in pods(render(FORMS[form])).values():
        spec = pod["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {next(iter(volume.keys() - {"name"})) for volume in spec.get("volumes", [])} <= {
            "emptyDir",
            "secret",
            "configMap",
        }
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} == container["resources"].keys()


def test_a_failing_database_restarts_nothing() -> None:
    """Startup and liveness of every service ask /livez only; readiness of those with a database asks /readyz."""
    found = pods(render())
    for name in SERVICES:
        (container,) = found[name]["spec"]["containers"]
        paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
        ready = "/livez" if name == "ui" else "/readyz"
        assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": ready}


def test_secrets_are_referred_to_and_never_contained() -> None:
    """Secrets come as files from the Secret that is named, to each pod those it needs; no document contains one."""
    documents = render({**EVERYTHING, "secretName": "mine"})
    assert not of_kind(documents, "Secret")
    given: dict[str, set[str]] = {}
    for component, pod in pods(documents).items():
        for volume in pod["spec"].get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["secretName"] == "mine"
                given[component] = {item["key"] for item in volume["secret"]["items"]}
    urls = {f"{service}_database_url" for service in ("post", "comment", "account")}
    assert given == {
        "ui": {"call_secret", "site_secret"},
        "post": {"call_secret", "post_database_url"},
        "comment": {"call_secret", "comment_database_url"},
        "account": {"call_secret", "account_database_url"},
        "mongodb": {"mongodb_root_password", *urls},
    }


def test_the_secret_is_what_the_script_makes(tmp_path: Path) -> None:
    """A Secret made of the files of deploy/secrets.sh has all keys that pods ask for, and leads to MongoDB."""
    script = shutil.copy(ROOT / "deploy" / "secrets.sh", tmp_path)
    subprocess.run(["sh", script], check=True, env={**os.environ, "MONGODB_HOST": "news-upthread-mongodb"})
    made = {file.name for file in (tmp_path / "secrets").iterdir()}
    url = urlsplit((tmp_path / "secrets" / "post_database_url").read_text("utf-8").strip())
    assert url.hostname == "news-upthread-mongodb"
    asked = {
        item["key"]
        for pod in pods(render()).values()
        for volume in pod["spec"].get("volumes", [])
        if "secret" in volume
        for item in volume["secret"]["items"]
    }
    assert asked <= made


def test_services_find_each_other_and_their_database() -> None:
    """Addresses in a pod's settings are those of Services with this port, and each setting's file is mounted."""
    documents = render()
    ports = {
        service["metadata"]["name"]: service["spec"]["ports"][0]["port"] for service in of_kind(documents, "Service")
    }
    for component in SERVICES:
        env = environment(documents, component)
        for other in ("POST", "COMMENT", "ACCOUNT"):
            assert ports[env[f"{other}_SERVICE_HOST"]] == int(env[f"{other}_SERVICE_PORT"])
        files = {value.removeprefix("/run/secrets/") for variable, value in env.items() if variable.endswith("_FILE")}
        (secrets,) = [
            volume["secret"] for volume in pods(documents)[component]["spec"]["volumes"] if "secret" in volume
        ]
        assert files == {item["path"] for item in secrets["items"]}
        if component != "ui":
            assert env[f"{component.upper()}_DATABASE_HOST"] == "", "the image's own host would contradict the URL"


def test_the_database_is_set_up_by_the_scripts_of_compose() -> None:
    """MongoDB in the cluster makes its users and its replica set by the very scripts of the Compose file."""
    (scripts,) = [found for found in of_kind(render(), "ConfigMap") if found["metadata"]["name"].endswith("-mongodb")]
    there = {file.name: file.read_text("utf-8") for file in (ROOT / "deploy" / "mongodb").glob("*.js")}
    assert scripts["data"] == there


def test_services_select_their_own_pods_only() -> None:
    """Service, budget and spread of a component select its pods and nobody else's."""
    documents = render()
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(documents).items()}
    selectors = [service["spec"]["selector"] for service in of_kind(documents, "Service")]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in of_kind(documents, "PodDisruptionBudget")]
    selectors += [deployment["spec"]["selector"]["matchLabels"] for deployment in of_kind(documents, "Deployment")]
    assert len(selectors) == 5 + 4 + 4
    for selector in selectors:
        selected = [name for name, own in labels.items() if selector.items() <= own.items()]
        assert selected == [selector["app.kubernetes.io/component"]]


def test_what_scales_leaves_the_number_to_the_autoscaler() -> None:
    """A service with room to grow has an autoscaler and no fixed number of replicas; another has the number."""
    documents = render({"services": {"post": {"maxReplicas": 2}}})
    scaled = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in of_kind(documents, "HorizontalPodAutoscaler")}
    assert scaled == {"news-upthread-ui", "news-upthread-comment"}
    for deployment in of_kind(documents, "Deployment"):
        assert ("replicas" in deployment["spec"]) == (deployment["metadata"]["name"] not in scaled)


def test_updates_lose_no_request() -> None:
    """During an update there are never fewer pods than before, and an ending one waits until no one sends to it."""
    for deployment in of_kind(render(), "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        spec = deployment["spec"]["template"]["spec"]
        wait = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert 0 < wait < spec["terminationGracePeriodSeconds"]


def test_the_site_is_exposed_as_asked() -> None:
    """Ingress and HTTPRoute lead the host to ui, with the certificate that is named; by default there is neither."""
    documents = render(EVERYTHING)
    (ingress,) = of_kind(documents, "Ingress")
    (route,) = of_kind(documents, "HTTPRoute")
    assert ingress["spec"]["tls"] == [{"hosts": ["news.example.org"], "secretName": "news-tls"}]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "news-upthread-ui", "port": {"name": "http"}}
    assert route["spec"]["hostnames"] == ["news.example.org"]
    assert route["spec"]["rules"][0]["backendRefs"] == [{"name": "news-upthread-ui", "port": 9292}]
    assert not {"Ingress", "HTTPRoute", "ServiceMonitor"} & {document["kind"] for document in render()}


def test_prometheus_finds_every_service_and_is_let_in() -> None:
    """The ServiceMonitor selects the four Services, and their policies let its namespace read from each."""
    documents = render(EVERYTHING)
    (monitor,) = of_kind(documents, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    http = [
        service["metadata"]["labels"]["app.kubernetes.io/component"]
        for service in of_kind(documents, "Service")
        if wanted.items() <= service["metadata"]["labels"].items() and service["spec"]["ports"][0]["name"] == "http"
    ]
    assert sorted(http) == sorted(SERVICES)
    let_in = [
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for policy in of_kind(documents, "NetworkPolicy")
        if policy["metadata"]["name"].endswith("-monitoring")
    ]
    assert sorted(let_in) == sorted(SERVICES)


def test_dashboards_come_along() -> None:
    """Grafana's sidecar gets a dashboard whose panels ask for figures that the manual tells of."""
    (dashboards,) = [
        found for found in of_kind(render(EVERYTHING), "ConfigMap") if "dashboards" in found["metadata"]["name"]
    ]
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1"
    manual = (ROOT / "docs" / "observability.md").read_text("utf-8")
    (dashboard,) = [json.loads(text) for text in dashboards["data"].values()]
    for panel in dashboard["panels"]:
        (target,) = panel["targets"]
        figures = re.findall(r"(?:outbox|upthread|mongo)_\w+", target["expr"])
        figures += [f"<process>_{name}" for name in re.findall(r"account\)_([a-z_]+?)(?:_bucket)?\"", target["expr"])]
        assert figures or "process_resident" in target["expr"]
        assert all(f"`{figure}`" in manual for figure in figures), figures


def test_helm_test_asks_the_site() -> None:
    """``helm test`` runs a pod that asks ui's health and front page, by the name of ui's Service."""
    documents = render()
    (pod,) = of_kind(documents, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = pod["spec"]["containers"]
    assert container["env"] == [{"name": "SITE", "value": "http://news-upthread-ui:9292"}]
    compile(container["args"][0], "helm test", "exec")


def environment(documents: list[Document], component: str) -> dict[str, Any]:
    """A component's variables, without those that come from a Secret."""
    (container,) = pods(deepcopy(documents))[component]["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}
