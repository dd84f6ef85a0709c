variable "name" {
  type        = string
  description = "What the instances are called, followed by their number."

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{4,22}[a-z0-9])$", var.name))
    error_message = "A name has 6 to 24 small letters, digits and hyphens, and begins with a letter: a service account is named so too."
  }
}

variable "project" {
  type        = string
  description = "The id of the project, in which the service account gets its roles."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 small letters, digits and hyphens."
  }
}

variable "environment" {
  type        = string
  description = "The label env of everything made here; the inventory groups by it."

  validation {
    condition     = contains(["stage", "prod"], var.environment)
    error_message = "The environment is stage or prod."
  }
}

variable "number" {
  type        = number
  description = "How many instances there are."

  validation {
    condition     = var.number >= 1 && var.number <= 50 && floor(var.number) == var.number
    error_message = "From 1 to 50 instances."
  }
}

variable "zones" {
  type        = list(string)
  description = "Where they stand, in turn. An instance's disk can't follow it to another zone, so add zones at the end only."

  validation {
    condition     = length(var.zones) > 0 && alltrue([for zone in var.zones : can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", zone))])
    error_message = "At least one zone such as europe-west1-b."
  }

  validation {
    condition     = length(distinct([for zone in var.zones : trimsuffix(zone, substr(zone, -2, 2))])) == 1
    error_message = "All zones are of one region, that of the subnetwork."
  }
}

variable "machine_type" {
  type        = string
  description = "The kind of machine, of a family that has balanced disks and amd64 processors."

  validation {
    condition     = can(regex("^(e2|n2|n2d|t2d)-", var.machine_type))
    error_message = "A machine type of the families e2, n2, n2d or t2d, such as e2-small."
  }
}

variable "image" {
  type        = string
  description = "The image as project/family: Packer's (my-project/upthread-docker), or a stock one that has cloud-init."
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"

  validation {
    condition     = can(regex("^[a-z][a-z0-9.:-]+/[a-z][a-z0-9-]+$", var.image))
    error_message = "An image is project/family."
  }
}

variable "boot_disk_gb" {
  type        = number
  description = "Size of the boot disk, in GB."
  default     = 20

  validation {
    condition     = var.boot_disk_gb >= 10
    error_message = "At least 10 GB."
  }
}

variable "data_disk_gb" {
  type        = number
  description = "Size of the data disk, in GB. It can grow later, never shrink."

  validation {
    condition     = var.data_disk_gb >= 10
    error_message = "At least 10 GB."
  }
}

variable "snapshot_days" {
  type        = number
  description = "For how many days the nightly snapshots of the data disks are kept."
  default     = 14

  validation {
    condition     = var.snapshot_days >= 1
    error_message = "At least one day."
  }
}

variable "subnetwork" {
  type        = string
  description = "The subnetwork they are on."
}

variable "tags" {
  type        = list(string)
  description = "Network tags, by which the firewall knows them."
}

variable "operators" {
  type        = list(string)
  description = "Who may log in by SSH and become root: user:ann@example.org, group:… or serviceAccount:…"
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", member))])
    error_message = "Operators are user:…, group:… or serviceAccount:… with an address."
  }
}

variable "deletion_protection" {
  type        = bool
  description = "Whether instances refuse to be deleted until this is false."
}
