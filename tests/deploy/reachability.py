"""Who can open a connection to whom: computed from a Compose file, and from Kubernetes' NetworkPolicies.

An edge is (from, to, port); port ``ANY`` stands for all of them. ``WORLD`` is everything outside, by a public address.
"""

import ipaddress
from typing import Any

from tests.deploy.rendered import Document, of_kind, pods

WORLD = "world"
ANY = 0
PUBLIC = ("8.8.8.8", "2606:4700:4700::1111")
"""Any address of the world will do, one of each kind."""

Edge = tuple[str, str, int]


def of_compose(file: Document) -> set[Edge]:
    """What Docker's networks allow: members of a network reach each other, and the world unless it is internal."""
    networks = {name: set(service.get("networks") or ["default"]) for name, service in file["services"].items()}
    internal = {name for name, facts in (file.get("networks") or {}).items() if (facts or {}).get("internal")}
    edges: set[Edge] = set()
    for one, its_networks in networks.items():
        edges |= {(one, other, ANY) for other in networks if other != one and its_networks & networks[other]}
        if its_networks - internal:
            edges.add((one, WORLD, ANY))
        for published in file["services"][one].get("ports", []):
            target = published["target"] if isinstance(published, dict) else str(published).split("/")[0].split(":")[-1]
            edges.add((WORLD, one, int(target)))
    return edges


def of_policies(documents: list[Document]) -> set[Edge]:
    """What NetworkPolicies allow: a way is open where the policies of both its ends let it through."""
    policies = of_kind(documents, "NetworkPolicy")
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(documents).items() if name != "test"}
    edges: set[Edge] = set()
    for receiver in labels:
        edges |= {(WORLD, receiver, port) for port in _ports(policies, "Ingress", labels, receiver, WORLD)}
    for sender in labels:
        edges |= {(sender, WORLD, port) for port in _ports(policies, "Egress", labels, sender, WORLD)}
        for receiver in labels.keys() - {sender}:
            out = _ports(policies, "Egress", labels, sender, receiver)
            into = _ports(policies, "Ingress", labels, receiver, sender)
            both = (out if ANY in into else set()) | (into if ANY in out else set()) | (out & into)
            edges |= {(sender, receiver, port) for port in ({ANY} if ANY in both else both)}
    return edges


def _ports(
    policies: list[Document], direction: str, labels: dict[str, dict[str, str]], subject: str, peer: str
) -> set[int]:
    """The ports on which these policies let one pod speak with a peer; ANY if nothing restricts it."""
    on_it = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], labels[subject])
    ]
    if not on_it:
        return {ANY}
    side, peers = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
    ports: set[int] = set()
    for rule in (rule for spec in on_it for rule in spec.get(peers) or []):
        if side not in rule or any(_is_peer(entry, labels.get(peer)) for entry in rule[side]):
            ports |= {port["port"] for port in rule["ports"]} if "ports" in rule else {ANY}
    return {ANY} if ANY in ports else ports


def _is_peer(entry: Document, labels: dict[str, str] | None) -> bool:
    """Whether an entry of ``from`` or ``to`` means a pod of the same namespace with these labels; None is the world."""
    if "ipBlock" in entry:
        return labels is None and any(_in_block(entry["ipBlock"], address) for address in PUBLIC)
    if "namespaceSelector" in entry:
        return labels is not None and not entry["namespaceSelector"]  # the site's own namespace has no label we rely on
    return labels is not None and _selects(entry["podSelector"], labels)


def _in_block(block: dict[str, Any], address: str) -> bool:
    inside = ipaddress.ip_address(address)
    return inside in ipaddress.ip_network(block["cidr"]) and not any(
        inside in ipaddress.ip_network(excepted) for excepted in block.get("except", [])
    )


def _selects(selector: Document, labels: dict[str, str]) -> bool:
    named = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    expressions = selector.get("matchExpressions") or []
    return named and all(_holds(expression, labels) for expression in expressions)


def _holds(expression: Document, labels: dict[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(expression["operator"])
