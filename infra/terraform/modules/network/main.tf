locals {
  site_tag = "${var.name}-site"
}

resource "google_compute_network" "this" {
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.cidr
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "site" {
  name          = "${var.name}-site"
  description   = "People reach the site."
  network       = google_compute_network.this.id
  source_ranges = var.site_sources
  target_tags   = [local.site_tag]

  allow {
    protocol = "tcp"
    ports    = var.site_port == 443 ? ["80", "443"] : [tostring(var.site_port)]
  }
}

resource "google_compute_firewall" "ssh" {
  name        = "${var.name}-ssh-by-iap"
  description = "SSH through Identity-Aware Proxy only, which asks Google who is there."
  network     = google_compute_network.this.id
  # The addresses from which IAP forwards TCP; they are Google's, and fixed.
  source_ranges = ["35.235.240.0/20"]
  target_tags   = [local.site_tag]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "swarm" {
  count = var.swarm ? 1 : 0

  name        = "${var.name}-swarm"
  description = "Nodes of a swarm: its managers, its gossip, and its overlay networks, encrypted ones too."
  network     = google_compute_network.this.id
  source_tags = [local.site_tag]
  target_tags = [local.site_tag]

  allow {
    protocol = "tcp"
    ports    = ["2377", "7946"]
  }

  allow {
    protocol = "udp"
    ports    = ["4789", "7946"]
  }

  allow {
    protocol = "esp"
  }
}
