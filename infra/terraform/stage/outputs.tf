output "instances" {
  description = "The instances by name: zone, private and public address. A name in the DNS leads to a public one."
  value       = module.instances.instances
}

output "service_account" {
  description = "The address of the instances' own account."
  value       = module.instances.service_account
}

output "inventory" {
  description = "An Ansible inventory: terraform output -raw inventory > ../../ansible/inventory/hosts.yaml"
  value       = module.inventory.yaml
}
