# The same hosts, groups and variables that the dynamic inventory finds (infra/ansible/inventory/gcp.yaml).
output "yaml" {
  description = "An Ansible inventory of the instances."
  value = yamlencode({
    upthread = {
      hosts = {
        for name, instance in var.instances : name => {
          private_ip  = instance.private_ip
          public_ip   = instance.public_ip
          gcp_zone    = instance.zone
          gcp_project = var.project
        }
      }
    }
    "env_${var.environment}" = { hosts = { for name, _ in var.instances : name => {} } }
  })
}
