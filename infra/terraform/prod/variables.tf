variable "project" {
  type        = string
  description = "The id of the project."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 small letters, digits and hyphens."
  }
}

variable "region" {
  type        = string
  description = "Where the site stands."
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region looks like europe-west1."
  }
}

variable "zones" {
  type        = list(string)
  description = "The region's zones to use, by their last letters."
  default     = ["b", "c", "d"]

  validation {
    condition     = length(var.zones) > 0 && alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "Letters such as b."
  }
}

variable "instances" {
  type        = number
  description = "How many instances there are."
  default     = 1
}

variable "machine_type" {
  type        = string
  description = "The kind of machine."
  default     = "e2-standard-2"
}

variable "image" {
  type        = string
  description = "The image as project/family: Packer's (my-project/upthread-docker), or a stock one that has cloud-init."
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
}

variable "site_port" {
  type        = number
  description = "Where people reach the site: 9292 for Upthread itself, 443 for a TLS proxy."
  default     = 443
}

variable "swarm" {
  type        = bool
  description = "Whether the instances are nodes of one Docker swarm."
  default     = false
}

variable "operators" {
  type        = list(string)
  description = "Who may log in by SSH and become root: user:ann@example.org, group:… or serviceAccount:…"
}
