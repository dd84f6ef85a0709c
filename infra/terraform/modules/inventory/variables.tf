variable "project" {
  type        = string
  description = "The id of the project, which the way through IAP needs."
}

variable "environment" {
  type        = string
  description = "The environment, by which the instances are grouped."
}

variable "instances" {
  type = map(object({
    zone       = string
    private_ip = string
    public_ip  = string
  }))
  description = "The instances by name."
}
