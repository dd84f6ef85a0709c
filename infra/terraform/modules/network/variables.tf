variable "name" {
  type        = string
  description = "What the network and all that belongs to it is called."

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "A name has up to 40 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  type        = string
  description = "The region of the subnetwork, such as europe-west1."

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region looks like europe-west1."
  }
}

variable "cidr" {
  type        = string
  description = "The private addresses of the instances. Not those of the Compose networks, 10.0.1.0/24 and 10.0.2.0/24."
  default     = "10.132.0.0/20"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && !startswith(var.cidr, "10.0.")
    error_message = "An IPv4 network such as 10.132.0.0/20, outside of 10.0.0.0/16."
  }
}

variable "site_port" {
  type        = number
  description = "Where people reach the site: 9292 for Upthread itself, 443 for a TLS proxy (which opens 80 as well, for redirects)."

  validation {
    condition     = contains([443, 9292], var.site_port)
    error_message = "The site answers on 443 or on 9292."
  }
}

variable "site_sources" {
  type        = list(string)
  description = "Who may reach the site."
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.site_sources) > 0 && alltrue([for source in var.site_sources : can(cidrhost(source, 0))])
    error_message = "At least one network such as 203.0.113.0/24."
  }
}

variable "swarm" {
  type        = bool
  description = "Whether the instances may speak to each other as nodes of a Docker swarm."
  default     = false
}
