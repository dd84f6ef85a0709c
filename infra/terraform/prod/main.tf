locals {
  name = "upthread-prod"
}

module "network" {
  source = "../modules/network"

  name      = local.name
  region    = var.region
  site_port = var.site_port
  swarm     = var.swarm
}

module "instances" {
  source = "../modules/instances"

  name                = local.name
  project             = var.project
  environment         = "prod"
  number              = var.instances
  zones               = [for letter in var.zones : "${var.region}-${letter}"]
  machine_type        = var.machine_type
  image               = var.image
  data_disk_gb        = 50
  subnetwork          = module.network.subnetwork
  tags                = [module.network.site_tag]
  operators           = var.operators
  deletion_protection = true
}

module "inventory" {
  source = "../modules/inventory"

  project     = var.project
  environment = "prod"
  instances   = module.instances.instances
}
