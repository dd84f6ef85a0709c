# In a file of its own: Packer before 1.7, such as Debian's, has these plugins within it and does not know this block.
packer {
  required_version = ">= 1.7.0"

  required_plugins {
    googlecompute = {
      source  = "github.com/hashicorp/googlecompute"
      version = ">= 1.1.6"
    }
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = ">= 1.1.1"
    }
  }
}
