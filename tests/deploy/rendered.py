"""The Helm chart as Helm itself renders it, and what is in it."""

from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"

Document = dict[str, Any]

EVERYTHING: Document = {
    "image": {"owner": "registry.example/news", "pullSecrets": ["registry"]},
    "settings": {"UPTHREAD_TRUSTED_PROXIES": "10.0.0.0/8"},
    "networkPolicy": {"mode": "edges"},
    "expose": {
        "host": "news.example.org",
        "ingress": {"enabled": True, "className": "nginx", "annotations": {"a": "b"}, "tlsSecretName": "news-tls"},
        "gateway": {"enabled": True, "parentRefs": [{"name": "external", "namespace": "gateways"}]},
    },
    "monitoring": {"serviceMonitor": True, "dashboards": True},
    "mongodb": {"storage": {"size": "20Gi", "className": "fast"}},
}
"""Values that switch on whatever can be."""

DATABASE_ELSEWHERE: Document = {
    "mongodb": {"enabled": False, "external": [{"cidr": "10.8.0.0/24", "port": 27017}]},
    "networkPolicy": {"mode": "edges"},
}


def render(values: Document | None = None) -> list[Document]:
    """All documents that ``helm install news`` would send, its tests included.

    Raises:
        helm_python.HelmError: the schema refuses the values, or a template fails.
    """
    with helm_python.Chart.load(CHART) as chart:
        manifests = chart.render(values or {}, name="news", namespace="news")
    texts = [text for path, text in manifests.items() if path.endswith(".yaml")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    """Those of one kind."""
    return [document for document in documents if document["kind"] == kind]


def pods(documents: list[Document]) -> dict[str, Document]:
    """The pods that would run: metadata and spec of each, by its component."""
    workloads = [*of_kind(documents, "Deployment"), *of_kind(documents, "StatefulSet")]
    found = [workload["spec"]["template"] for workload in workloads] + of_kind(documents, "Pod")
    return {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in found}
