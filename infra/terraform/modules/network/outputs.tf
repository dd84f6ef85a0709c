output "subnetwork" {
  description = "The subnetwork for the instances."
  value       = google_compute_subnetwork.this.id
}

output "site_tag" {
  description = "The tag of instances that serve the site; the firewall goes by it."
  value       = local.site_tag
}
