"""NetworkPolicies mean what the Compose file's networks mean."""

from copy import deepcopy

import pytest
import yaml

from tests.deploy.reachability import ANY, WORLD, Edge, of_compose, of_policies
from tests.deploy.rendered import DATABASE_ELSEWHERE, ROOT, Document, render

COMPOSE = ROOT / "deploy" / "compose.yaml"
CALLS = {
    ("ui", "post", 5000),
    ("ui", "comment", 9292),
    ("ui", "account", 9293),
    ("post", "comment", 9292),
    ("post", "account", 9293),
    ("comment", "post", 5000),
    ("comment", "account", 9293),
    ("account", "post", 5000),
    ("account", "comment", 9292),
}
TO_THE_DATABASE = {(service, "mongodb", 27017) for service in ("post", "comment", "account")}
PUBLISHED = {(WORLD, "ui", 9292)}


def compose_edges() -> set[Edge]:
    """Those of the Compose file."""
    return of_compose(yaml.safe_load(COMPOSE.read_text("utf-8")))


def test_policies_equal_the_networks_of_compose() -> None:
    """Who reaches whom in the cluster is exactly who reaches whom among the containers on one host."""
    assert of_policies(render()) == compose_edges()


def test_the_website_reaches_no_database() -> None:
    """In neither mode does ui reach the database, and nobody outside reaches anything but ui."""
    for mode in ("networks", "edges"):
        edges = of_policies(render({"networkPolicy": {"mode": mode}}))
        assert ("ui", "mongodb") not in {(one, other) for one, other, _ in edges}
        assert {edge for edge in edges if edge[0] == WORLD} == PUBLISHED


def test_strict_mode_allows_the_calls_and_nothing_else() -> None:
    """With mode edges, only the calls that the services make go through, each on its own port."""
    assert of_policies(render({"networkPolicy": {"mode": "edges"}})) == CALLS | TO_THE_DATABASE | PUBLISHED


def test_strict_mode_allows_nothing_that_the_networks_forbid() -> None:
    """Whatever the strict mode lets through, the networks let through too."""
    open_ways = {(one, other) for one, other, _ in compose_edges()}
    strict = of_policies(render({"networkPolicy": {"mode": "edges"}}))
    assert {(one, other) for one, other, _ in strict} <= open_ways


def test_a_database_elsewhere_is_reached_by_the_services_only() -> None:
    """With MongoDB outside the cluster, its network is open to the three services on its port alone."""
    documents = render(DATABASE_ELSEWHERE)
    ways = {
        (
            document["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"],
            rule["to"][0]["ipBlock"]["cidr"],
        )
        for document in documents
        if document["metadata"]["name"].endswith("-database")
        for rule in document["spec"]["egress"]
        if rule["ports"] == [{"port": 27017, "protocol": "TCP"}]
    }
    assert ways == {(service, "10.8.0.0/24") for service in ("post", "comment", "account")}
    assert of_policies(documents) == CALLS | PUBLISHED


def test_without_policies_everything_is_open() -> None:
    """With mode off, the computation sees every way open: it does not find walls where there are none."""
    edges = of_policies(render({"networkPolicy": {"mode": "off"}}))
    assert ("ui", "mongodb", ANY) in edges
    assert (WORLD, "mongodb", ANY) in edges


@pytest.mark.parametrize("change", ["ui on back_net", "database on front_net", "post published"])
def test_a_change_of_the_networks_shows(change: str) -> None:
    """A Compose file that is changed no longer equals the policies, so the comparison can fail."""
    file: Document = yaml.safe_load(COMPOSE.read_text("utf-8"))
    changed = deepcopy(file)
    services = changed["services"]
    if change == "ui on back_net":
        services["ui"]["networks"] = ["front_net", "back_net"]
    elif change == "database on front_net":
        services["mongodb"]["networks"] = ["front_net", "back_net"]
    else:
        services["post"]["ports"] = ["5000:5000"]
    assert of_compose(changed) != of_compose(file)
