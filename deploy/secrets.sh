#!/bin/sh
# Makes the secrets that compose.yaml hands to containers, each a file in deploy/secrets. Those that are there stay.
set -eu
cd "$(dirname "$0")"

# The folder is its owner's alone. The files in it can be read by all, because containers are not run by its owner.
mkdir -p -m 700 secrets

random() {
    od -An -tx1 -N32 /dev/urandom | tr -d ' \n'
}

keep() {
    [ -s "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"
    chmod 644 "secrets/$1"
}

keep site_secret "$(random)"
keep call_secret "$(random)"
keep mongodb_root_password "$(random)"
keep grafana_password "$(random)"
for service in post comment account; do
    # Its name on back_net, and its database, as in the original's documents. In Kubernetes it has another name.
    keep "${service}_database_url" \
        "mongodb://$service:$(random)@${MONGODB_HOST:-${service}_db}:27017/${service}s?directConnection=true"
done
