# An image family with Docker and Compose in it, for the instances that Terraform makes:
# packer init . && packer build -var project_id=my-project .

variable "project_id" {
  type        = string
  description = "The id of the project that the image is made and kept in."
}

variable "zone" {
  type        = string
  description = "Where the machine stands that the image is made on."
  default     = "europe-west1-b"
}

variable "network" {
  type        = string
  description = "The network of that machine. SSH from IAP's addresses must be let in."
  default     = "default"
}

variable "source_image_family" {
  type        = string
  description = "What the image is made of: an image with cloud-init and OS Login."
  default     = "ubuntu-2404-lts-amd64"
}

locals {
  built = formatdate("YYYYMMDD-hhmmss", timestamp())
}

source "googlecompute" "docker" {
  project_id              = var.project_id
  zone                    = var.zone
  network                 = var.network
  source_image_family     = var.source_image_family
  source_image_project_id = ["ubuntu-os-cloud"]
  machine_type            = "e2-standard-2"
  disk_type               = "pd-balanced"
  disk_size               = 20

  image_name        = "upthread-docker-${local.built}"
  image_family      = "upthread-docker"
  image_description = "Ubuntu with Docker Engine and Compose"
  image_labels = {
    app = "upthread"
  }

  # No key of ours and no open port: whoever builds logs in as themselves, through Identity-Aware Proxy.
  # The name has to be given, and OS Login's takes its place.
  ssh_username = "packer"
  use_os_login = true
  use_iap      = true

  enable_secure_boot          = true
  enable_vtpm                 = true
  enable_integrity_monitoring = true

  # The machine needs no rights in the project.
  disable_default_service_account = true
}

build {
  sources = ["source.googlecompute.docker"]

  # Cloud-init must have left apt alone before anything is installed.
  provisioner "shell" {
    inline = ["cloud-init status --wait"]
    # 2 is done, with something to note.
    valid_exit_codes = [0, 2]
  }

  # The same role that installs Docker on a machine that runs already.
  provisioner "ansible" {
    playbook_file = "${path.root}/../ansible/docker.yaml"
    groups        = ["upthread"]
    extra_arguments = [
      "--extra-vars", jsonencode({ docker_users = [] }),
    ]
    ansible_env_vars = [
      "ANSIBLE_CONFIG=${path.root}/../ansible/ansible.cfg",
    ]
  }

  # What must not be the same on every instance that is made of the image.
  provisioner "shell" {
    execute_command = "sudo sh -e {{ .Path }}"
    inline = [
      "cloud-init clean --logs --machine-id",
      "rm -f /etc/ssh/ssh_host_*",
      "apt-get clean",
    ]
  }

  post-processor "manifest" {
    output     = "${path.root}/manifest.json"
    strip_path = true
  }
}
