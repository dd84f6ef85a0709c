output "instances" {
  description = "The instances by name: zone, private and public address."
  value = {
    for name, instance in google_compute_instance.site : name => {
      zone       = instance.zone
      private_ip = instance.network_interface[0].network_ip
      public_ip  = google_compute_address.site[name].address
    }
  }
}

output "service_account" {
  description = "The address of the instances' own account."
  value       = google_service_account.instance.email
}
