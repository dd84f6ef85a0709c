locals {
  # By name, not by position: one more instance changes none of the others.
  instances = {
    for index in range(var.number) : format("%s-%d", var.name, index + 1) => var.zones[index % length(var.zones)]
  }
  region = regex("^(.*)-[a-z]$", var.zones[0])[0]
  labels = {
    app = "upthread"
    env = var.environment
  }
}

# The instances' own account: it may write logs and metrics, and nothing else.
resource "google_service_account" "instance" {
  account_id   = var.name
  display_name = "Upthread's instances, ${var.environment}"
}

resource "google_project_iam_member" "instance" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])

  project = var.project
  role    = each.key
  member  = google_service_account.instance.member
}

# Reserved, so that a name in the DNS stays right when an instance is made anew.
resource "google_compute_address" "site" {
  for_each = local.instances

  name   = each.key
  region = local.region
}

# Outlives its instance: it is a resource of its own, holds the site, and is attached again to what comes next.
resource "google_compute_disk" "data" {
  for_each = local.instances

  name   = "${each.key}-data"
  type   = "pd-balanced"
  zone   = each.value
  size   = var.data_disk_gb
  labels = local.labels
}

resource "google_compute_resource_policy" "nightly" {
  name   = "${var.name}-nightly"
  region = local.region

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = "03:00"
      }
    }
    retention_policy {
      max_retention_days    = var.snapshot_days
      on_source_disk_delete = "KEEP_AUTO_SNAPSHOTS"
    }
    snapshot_properties {
      labels = local.labels
    }
  }
}

resource "google_compute_disk_resource_policy_attachment" "nightly" {
  for_each = google_compute_disk.data

  name = google_compute_resource_policy.nightly.name
  disk = each.value.name
  zone = each.value.zone
}

resource "google_compute_instance" "site" {
  for_each = local.instances

  name                      = each.key
  zone                      = each.value
  machine_type              = var.machine_type
  tags                      = var.tags
  labels                    = local.labels
  deletion_protection       = var.deletion_protection
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image  = var.image
      size   = var.boot_disk_gb
      type   = "pd-balanced"
      labels = local.labels
    }
  }

  attached_disk {
    source      = google_compute_disk.data[each.key].id
    device_name = "data"
  }

  network_interface {
    subnetwork = var.subnetwork

    access_config {
      nat_ip = google_compute_address.site[each.key].address
    }
  }

  service_account {
    email = google_service_account.instance.email
    # What the account may do is said by its roles alone.
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    user-data              = file("${path.module}/cloud-init.yaml")
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
    serial-port-enable     = "FALSE"
  }
}

# What an operator needs: a way through IAP, root on the machine, and the right to act on a machine that has an account.
resource "google_project_iam_member" "tunnel" {
  for_each = toset(var.operators)

  project = var.project
  role    = "roles/iap.tunnelResourceAccessor"
  member  = each.key

  condition {
    title      = "SSH only"
    expression = "destination.port == 22"
  }
}

resource "google_project_iam_member" "login" {
  for_each = toset(var.operators)

  project = var.project
  role    = "roles/compute.osAdminLogin"
  member  = each.key
}

resource "google_service_account_iam_member" "operator" {
  for_each = toset(var.operators)

  service_account_id = google_service_account.instance.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.key
}
